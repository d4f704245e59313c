/* The forms in which certificates come with a report of AMD SEV-SNP. */
#include "tee/snp_material.h"

#include "tests/check.h"
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

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_extended_report__with_its_table__needs_nothing_else),
	    TEST(test_snp_pieces__in_pem_and_json__are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
