/* Which certificates and lists a report of AMD SEV-SNP is judged by, and how long a chain
 * is remembered. */
#include "tee/snp_chain.h"

#include "base/hex.h"
#include "collateral/bundle.h"
#include "tests/check.h"
#include "tests/snp_scene.h"

/* No list: neither check of it has a record, which refuses; unless the policy says so. */
static void test_snp_crl__missing__refuses_unless_allowed(void **state)
{
	struct snp_scene scene;
	struct tobi_result *result;

	(void)state;
	snp_scene_make(&scene);
	scene.without_crl = true;
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_non_null(strstr(tobi_result_reason(result), "SNP-CRL"));
	tobi_result_free(result);
	scene.policy = "snp:\n  crl: not-required\n";
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 1), "NO LIST"));
	tobi_result_free(result);
	/* One that came must be good all the same. */
	scene.without_crl = false;
	scene.crl_key = SNP_OTHER_ARK;
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
	snp_scene_done(&scene);
}

static void test_snp_crl__of_another_product__is_none(void **state)
{
	struct snp_scene scene;
	struct tobi_result *result;

	(void)state;
	snp_scene_make(&scene);
	scene.crl_issuer = "ARK-Genoa";
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_non_null(strstr(tobi_result_reason(result), "SNP-CRL"));
	tobi_result_free(result);
	snp_scene_done(&scene);
}

static enum tobi_verdict verdict_of(struct snp_scene *scene)
{
	struct tobi_result *result = snp_scene_verify(scene);
	enum tobi_verdict verdict = tobi_result_verdict(result);

	tobi_result_free(result);
	return verdict;
}

static void test_snp_crl__past_its_date__counts_in_grace_only(void **state)
{
	struct snp_scene scene;
	struct tobi_result *result;

	(void)state;
	snp_scene_make(&scene);
	scene.crl_to = SNP_NOW - 10;
	scene.more = "collateral:\n  grace: 11\n";
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 1), "PAST ITS DATE: AMD's"));
	tobi_result_free(result);
	scene.more = "collateral:\n  grace: 10\n";
	assert_int_equal(verdict_of(&scene), TOBI_REFUSE);
	scene.crl_to = SNP_NOW + 1; /* in its date: nothing to say */
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_null(tobi_result_allowance(result, 1));
	tobi_result_free(result);
	snp_scene_done(&scene);
}

/* A set with the scene's list, in a bundle of this key's. */
static struct tobi_collateral *bundled_list(const struct snp_scene *scene, EVP_PKEY *key)
{
	struct tobi_collateral *loose = tobi_collateral_new(),
			       *set = tobi_collateral_new();
	struct writer crl = wr_init(4096), bundle = wr_init(LIMIT_BUNDLE);

	snp_scene_crl(scene, &crl);
	assert_int_equal(tobi_collateral_add(loose, wr_view(&crl), "crl", NULL), 0);
	assert_int_equal(bundle_write(loose, key, SNP_NOW, &bundle, NULL), 0);
	assert_int_equal(tobi_collateral_add(set, wr_view(&bundle), "bundle", NULL), 0);
	tobi_collateral_free(loose);
	wr_done(&crl);
	wr_done(&bundle);
	return set;
}

static void name_signer(EVP_PKEY *key, char *ret_lines, size_t size)
{
	char id[2 * SHA384_SIZE + 1];
	uint8_t signer[SHA384_SIZE];

	assert_int_equal(key_spki_sha384(key, signer, NULL), 0);
	hex_write((struct tobi_bytes){signer, sizeof(signer)}, id, sizeof(id));
	snprintf(ret_lines, size, "collateral: {signers: [\"%s\"]}\n", id);
}

/* Of what came with the report the policy that names whose collateral counts takes the
 * certificates only; a list can refuse. */
static void test_snp_crl__beside_the_report__no_stand_in_for_who_is_named(void **state)
{
	struct writer report = wr_init(2048);
	struct tobi_policy *policy;
	struct tobi_collateral *set, *others;
	struct snp_scene scene;
	EVP_PKEY *key, *other;
	char lines[160];

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &other, NULL), 0);
	name_signer(key, lines, sizeof(lines));
	snp_scene_make(&scene);
	assert_int_equal(verdict_of(&scene), TOBI_ACCEPT);
	scene.more = lines;
	assert_int_equal(verdict_of(&scene), TOBI_REFUSE);
	set = bundled_list(&scene, key);
	others = bundled_list(&scene, other);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	for (int i = 0; i < 2; i++) { /* by the memo, too */
		assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
		assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), others));
		assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), set));
	}
	snp_scene_done(&scene);
	memset(scene.files, 0, sizeof(scene.files));
	scene.revoked = scene.ask_serial;
	snp_scene_pieces(&scene);
	for (int i = 0; i < 2; i++)
		assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), set));
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	tobi_collateral_free(others);
	wr_done(&report);
	snp_scene_done(&scene);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* It is as if none had come: also where none is owed. */
static void test_snp_crl__beside_the_report_and_not_required__warned_of(void **state)
{
	struct tobi_result *result;
	struct snp_scene scene;
	EVP_PKEY *key;
	char lines[160];

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	name_signer(key, lines, sizeof(lines));
	snp_scene_make(&scene);
	scene.more = lines;
	scene.policy = "snp:\n  crl: not-required\n";
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 1), "NO LIST"));
	tobi_result_free(result);
	scene.revoked = scene.ask_serial;
	assert_int_equal(verdict_of(&scene), TOBI_REFUSE);
	scene.revoked = scene.leaf_serial = 77;
	assert_int_equal(verdict_of(&scene), TOBI_REFUSE);
	scene.leaf_serial = 78;
	assert_int_equal(verdict_of(&scene), TOBI_ACCEPT);
	snp_scene_done(&scene);
	EVP_PKEY_free(key);
}

/* The same policy again and again: a memory of a chain must not outlive what it rests on.
 */
static void test_snp_memo__another_time_list_or_leaf__is_looked_at_again(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(2048), other = wr_init(2048);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	scene.crl_from = SNP_NOW - 100; /* later than the certificates */
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	for (int i = 0; i < 3; i++)
		assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	scene.signs = SNP_OTHER_LEAF;
	snp_scene_report(&scene, &other);
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&other), NULL));
	scene.time = scene.crl_to;
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	scene.time = scene.crl_from - 1;
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	scene.time = SNP_NOW;
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	scene.piece_count = 3; /* no list */
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	snp_scene_done(&scene);
	memset(scene.files, 0, sizeof(scene.files));
	scene.revoked = scene.ask_serial;
	snp_scene_pieces(&scene);
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&other);
	snp_scene_done(&scene);
}

/* Nothing is remembered of a chain that did not hold. */
static void test_snp_memo__what_was_refused__is_refused_again(void **state)
{
	static const struct {
		unsigned revoked;
		int64_t leaf_to;
		const char *ask_name;
		enum snp_scene_key crl_key;
	} wrong[] = {
	    {0x10001, SNP_NOW + 1, "SEV-Milan", SNP_ARK},
	    {0, SNP_NOW - 1, "SEV-Milan", SNP_ARK},
	    {0, SNP_NOW + 1, "SEV-Genoa", SNP_ARK},
	    {0, SNP_NOW + 1, "SEV-Milan", SNP_OTHER_ARK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct snp_scene scene;
		struct writer report = wr_init(2048);
		struct tobi_policy *policy;

		snp_scene_make(&scene);
		scene.revoked = wrong[i].revoked;
		scene.leaf_to = wrong[i].leaf_to;
		scene.ask_name = wrong[i].ask_name;
		scene.crl_key = wrong[i].crl_key;
		snp_scene_pieces(&scene);
		snp_scene_report(&scene, &report);
		policy = snp_scene_policy_new(&scene);
		for (int again = 0; again < 3; again++)
			assert_false(
			    snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
		tobi_policy_free(policy);
		wr_done(&report);
		snp_scene_done(&scene);
	}
}

/* The chain of one TCB is not that of another, though the same certificates came. */
static void test_snp_memo__another_tcb__has_its_own_chain(void **state)
{
	struct snp_scene scene, older;
	struct writer report = wr_init(2048), other = wr_init(2048),
		      der = wr_init(LIMIT_CERTIFICATE);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	older = scene;
	older.report[0x180 + 7]--;
	snp_scene_extra(&older, "3.8")->value[3]--;
	older.leaf_key = older.signs = SNP_OTHER_LEAF;
	snp_scene_leaf(&older, &der);
	snp_scene_report(&older, &other);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	scene.pieces[scene.piece_count++] = wr_view(&der);
	policy = snp_scene_policy_new(&scene);
	for (int again = 0; again < 2; again++) {
		assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
		assert_true(snp_scene_accepts(&scene, policy, wr_view(&other), NULL));
	}
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&other);
	wr_done(&der);
	snp_scene_done(&scene);
}

static void put(struct tobi_collateral *set, enum collateral_kind kind, const char *name,
		void (*write)(const struct snp_scene *scene, struct writer *out),
		const struct snp_scene *scene)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct collateral_item item = {.kind = kind, .name = name};

	write(scene, &der);
	item.data = wr_view(&der);
	assert_int_equal(collateral_put(set, &item, NULL), 0);
	wr_done(&der);
}

/* As a fleet's verifier has it: everything in the set, of other chips too. */
static void test_snp_collateral__of_a_fleet__has_the_chips_own(void **state)
{
	struct snp_scene scene, other;
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer report = wr_init(2048);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_make(&other);
	other.leaf_key = SNP_OTHER_LEAF;
	snp_scene_extra(&other, "4")->value[0] ^= 1;
	for (int i = 0; i < 40; i++) { /* more than are looked at */
		snp_scene_extra(&other, "4")->value[1] = (uint8_t)i;
		put(set, COLLATERAL_SNP_LEAF, "", snp_scene_leaf, &other);
	}
	put(set, COLLATERAL_SNP_LEAF, "", snp_scene_leaf, &scene);
	put(set, COLLATERAL_SNP_ISSUER, "Milan", snp_scene_ask, &scene);
	put(set, COLLATERAL_SNP_ISSUER, "Milan", snp_scene_ark, &scene);
	other.crl_to = SNP_NOW - 1; /* older lists, that another one follows */
	for (int i = 0; i < 10; i++)
		put(set, COLLATERAL_SNP_CRL, "Milan", snp_scene_crl, &other);
	put(set, COLLATERAL_SNP_CRL, "Milan", snp_scene_crl, &scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), set));
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), set));
	snp_scene_set(&scene, 0x1a0, 1, 0x77);
	wr_done(&report);
	report = wr_init(2048);
	snp_scene_report(&scene, &report);
	assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), set));
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	wr_done(&report);
	snp_scene_done(&scene);
	snp_scene_done(&other);
}

/* Many chips' certificates are none of a VLEK. */
static void test_snp_collateral__of_a_cloud__has_its_vlek(void **state)
{
	struct snp_scene scene, other;
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer report = wr_init(2048);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&other);
	for (int i = 0; i < 120; i++) {
		snp_scene_extra(&other, "4")->value[1] = (uint8_t)i;
		put(set, COLLATERAL_SNP_LEAF, "", snp_scene_leaf, &other);
	}
	snp_scene_make(&scene);
	snp_scene_vlek(&scene);
	put(set, COLLATERAL_SNP_LEAF, "", snp_scene_leaf, &scene);
	put(set, COLLATERAL_SNP_ISSUER, "Milan", snp_scene_ask, &scene);
	put(set, COLLATERAL_SNP_ISSUER, "Milan", snp_scene_ark, &scene);
	put(set, COLLATERAL_SNP_CRL, "Milan", snp_scene_crl, &scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), set));
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	wr_done(&report);
	snp_scene_done(&scene);
	snp_scene_done(&other);
}

/* VLEKs of two clouds fit as well: the one whose key has signed counts. */
static void test_snp_leaf__two_that_fit__is_the_one_that_signed(void **state)
{
	struct snp_scene scene, other;
	struct writer report = wr_init(2048), second = wr_init(2048),
		      der = wr_init(LIMIT_CERTIFICATE);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_vlek(&scene);
	snp_scene_make(&other);
	snp_scene_vlek(&other);
	other.leaf_key = SNP_OTHER_LEAF;
	snp_scene_leaf(&other, &der);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	scene.pieces[scene.piece_count++] = wr_view(&der);
	other.signs = SNP_OTHER_LEAF;
	snp_scene_report(&other, &second);
	for (int again = 0; again < 2; again++) {
		assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
		assert_true(snp_scene_accepts(&scene, policy, wr_view(&second), NULL));
	}
	scene.pieces[scene.piece_count - 1] = scene.pieces[0];
	scene.pieces[0] = wr_view(&der);
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&der);
	wr_done(&second);
	snp_scene_done(&scene);
	snp_scene_done(&other);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_crl__missing__refuses_unless_allowed),
	    TEST(test_snp_crl__of_another_product__is_none),
	    TEST(test_snp_crl__past_its_date__counts_in_grace_only),
	    TEST(test_snp_crl__beside_the_report__no_stand_in_for_who_is_named),
	    TEST(test_snp_crl__beside_the_report_and_not_required__warned_of),
	    TEST(test_snp_memo__another_time_list_or_leaf__is_looked_at_again),
	    TEST(test_snp_memo__what_was_refused__is_refused_again),
	    TEST(test_snp_memo__another_tcb__has_its_own_chain),
	    TEST(test_snp_collateral__of_a_cloud__has_its_vlek),
	    TEST(test_snp_collateral__of_a_fleet__has_the_chips_own),
	    TEST(test_snp_leaf__two_that_fit__is_the_one_that_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
