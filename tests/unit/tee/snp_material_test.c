/* The forms in which certificates come with a report of AMD SEV-SNP. */
#include "tee/snp_material.h"

#include "tests/alone.h"
#include "tests/snp_scene.h"

static void test_snp_extended_report__with_its_table__needs_nothing_else(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(LIMIT_EVIDENCE);
	struct tobi_policy *policy;
	struct tobi_bytes whole, table;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_extended(&scene, &report);
	whole = wr_view(&report);
	policy = snp_scene_policy_new(&scene);
	scene.piece_count = 0;
	assert_true(snp_scene_accepts(&scene, policy, whole, NULL));
	assert_true(snp_scene_accepts(&scene, policy, whole, NULL));
	/* As a piece of its own. */
	table = (struct tobi_bytes){whole.ptr + 1184, whole.size - 1184};
	scene.pieces[scene.piece_count++] = table;
	assert_true(snp_scene_accepts(&scene, policy,
				      (struct tobi_bytes){whole.ptr, 1184}, NULL));
	/* No end of it but the right one. */
	scene.piece_count = 0;
	for (size_t size = 0; size < whole.size; size++)
		assert_false(snp_scene_accepts(
		    &scene, policy, (struct tobi_bytes){whole.ptr, size}, NULL));
	wr_u8(&report, 1);
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	snp_scene_done(&scene);
}

/* In PEM, all in one; and as Azure's hosts hand them out. */
static void test_snp_pieces__in_pem_and_json__are_read(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(2048), pem = wr_init(LIMIT_PEM),
		      json = wr_init(LIMIT_PEM);
	struct tobi_policy *policy;
	size_t leaf_size;

	(void)state;
	snp_scene_make(&scene);
	scene.policy = "snp:\n  crl: not-required\n";
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	assert_int_equal(chain_write_pem(scene.pieces[0], &pem, NULL), 0);
	leaf_size = pem.size;
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(chain_write_pem(scene.pieces[i], &pem, NULL), 0);
	wr_printf(&json, "{\"vcekCert\":\"");
	for (size_t i = 0; i < pem.size; i++) {
		if (i == leaf_size)
			wr_printf(&json, "\",\"tcbm\":\"0\",\"certificateChain\":\"");
		if (pem.ptr[i] == '\n')
			wr_printf(&json, "\\n");
		else
			wr_u8(&json, pem.ptr[i]);
	}
	wr_printf(&json, "\"}");
	scene.piece_count = 1;
	scene.pieces[0] = wr_view(&pem);
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	scene.pieces[0] = wr_view(&json);
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	scene.pieces[0].size--;
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&pem);
	wr_done(&json);
	snp_scene_done(&scene);
}

/* One more than are looked at is the one that revokes: it is not passed over in silence.
 */
static void test_snp_lists__more_than_are_looked_at__refuses(void **state)
{
	struct tobi_bytes pieces[3 + SNP_CRLS_MAX + 1];
	struct tobi_verify_request request = {.time = SNP_NOW, .pieces = pieces};
	struct writer report = wr_init(2048), last = wr_init(LIMIT_CERTIFICATE);
	struct tobi_result *result = NULL;
	struct tobi_policy *policy;
	struct snp_scene scene;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		pieces[i] = scene.pieces[i < 3 ? i : 3];
	request.evidence = wr_view(&report);
	request.nonce = scene.nonce;
	request.piece_count = 3 + SNP_CRLS_MAX;
	assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
	expect_accepted(result);
	scene.revoked = scene.ask_serial;
	snp_scene_crl(&scene, &last);
	pieces[request.piece_count++] = wr_view(&last);
	assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	ALSO_FAILS("SNP-CHAIN", result);
	tobi_result_free(result);
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&last);
	snp_scene_done(&scene);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_extended_report__with_its_table__needs_nothing_else),
	    TEST(test_snp_pieces__in_pem_and_json__are_read),
	    TEST(test_snp_lists__more_than_are_looked_at__refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
