/* Whom a policy may trust, by certificates or by bare keys. */
#include "appraise/policy_roots.h"
#include "base/limits.h"
#include "tests/check.h"
#include "tests/evidence.h"

#define H48                                                                              \
	"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"               \
	"000102030405060708090a0b0c0d0e0f"

static struct writer key_pem(enum key_kind kind, bool private)
{
	struct writer pem = wr_init(LIMIT_PEM);
	EVP_PKEY *key = NULL;

	assert_int_equal(key_new(kind, &key, NULL), TOBI_OK);
	assert_int_equal(private ? key_write_private(key, &pem, NULL)
				 : key_write_public(key, &pem, NULL),
			 TOBI_OK);
	EVP_PKEY_free(key);
	return pem;
}

static enum tobi_err parse_with(const char *tier, const char *more,
				const struct writer *pem, struct tobi_policy **ret_policy,
				struct tobi_fault *fault)
{
	struct writer text = wr_init(LIMIT_POLICY);
	enum tobi_err err;

	wr_printf(&text,
		  "version: 1\ntiers: [%s]\nimages: [" H48 "]\n"
		  "identity:\n  mode: any-instance\n"
		  "roots:\n- tier: %s\n%s  anchors: |\n    ",
		  strcmp(tier, "cmw") == 0 ? "snp" : tier, tier, more);
	for (size_t i = 0; i < pem->size; i++) {
		wr_u8(&text, pem->ptr[i]);
		if (pem->ptr[i] == '\n')
			wr_printf(&text, "    ");
	}
	wr_u8(&text, '\n');
	err = tobi_policy_parse((struct tobi_bytes){text.ptr, text.size}, "p.yaml",
				ret_policy, fault);
	wr_done(&text);
	return err;
}

static enum tobi_err parse(const char *tier, const struct writer *pem,
			   struct tobi_policy **ret_policy, struct tobi_fault *fault)
{
	return parse_with(tier, "", pem, ret_policy, fault);
}

static void test_policy_roots__wrapper__required_or_nothing(void **state)
{
	static const struct {
		const char *tier, *more;
		bool good, wanted;
	} cases[] = {{"cmw", "  wrapper: required\n", true, true},
		     {"cmw", "", true, false},
		     {"cmw", "  wrapper: allowed\n", false, false},
		     {"eat", "  wrapper: required\n", false, false}};
	struct writer pem = key_pem(KEY_P256, false);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};
		enum tobi_err err =
		    parse_with(cases[i].tier, cases[i].more, &pem, &policy, &fault);

		assert_int_equal(err, cases[i].good ? TOBI_OK : TOBI_E_MALFORMED);
		if (!err)
			assert_int_equal(policy_wants_wrapper(policy), cases[i].wanted);
		else
			assert_string_equal(fault.field, "roots.wrapper");
		tobi_policy_free(policy);
	}
	wr_done(&pem);
}

static void test_policy_roots__key_for_a_tier_of_keys__is_taken(void **state)
{
	static const char *const tiers[] = {"cca", "psa", "tpm", "eat", "ear"};

	(void)state;
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		struct writer pem = key_pem(i % 2 ? KEY_P256 : KEY_P384, false);
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};
		struct tee_request request;

		if (parse(tiers[i], &pem, &policy, &fault))
			fail_msg("%s: %s: %s", tiers[i], fault.field, fault.message);
		request = policy_request(policy, tiers[i], 1800000000);
		assert_non_null(request.keys);
		assert_int_equal(request.keys->count, 1);
		assert_int_equal(request.pins.count, 0);
		/* Not for another tier. */
		request = policy_request(policy, "snp", 1800000000);
		assert_null(request.keys);
		tobi_policy_free(policy);
		wr_done(&pem);
	}
}

static void test_policy_roots__key_for_a_tier_of_certificates__is_refused(void **state)
{
	static const char *const tiers[] = {"soft", "snp", "nitro", "nvidia-gpu"};

	(void)state;
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		struct writer pem = key_pem(KEY_P256, false);
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};

		assert_int_equal(parse(tiers[i], &pem, &policy, &fault),
				 TOBI_E_MALFORMED);
		assert_string_equal(fault.field, "roots");
		wr_done(&pem);
	}
}

static void test_policy_roots__private_key__is_refused(void **state)
{
	struct writer pem = key_pem(KEY_P256, true);
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(parse("cca", &pem, &policy, &fault), TOBI_E_UNSUPPORTED);
	wr_done(&pem);
}

static void test_policy_roots__neither_key_nor_certificate__is_refused(void **state)
{
	struct writer pem = wr_init(64);
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	wr_printf(&pem, "none\n");
	assert_int_equal(parse("psa", &pem, &policy, &fault), TOBI_E_MALFORMED);
	wr_done(&pem);
}

static void test_policy_roots__unknown_tier__names_those_there_are(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(policy_check_tier("p.yaml", "tiers", "sfot", &fault),
			 TOBI_E_MALFORMED);
	assert_non_null(strstr(fault.message, "there are: sgx tdx "));
	assert_non_null(strstr(fault.message, "nvidia-gpu eat ear"));
	assert_int_equal(policy_check_tier("p.yaml", "tiers", "psa", &fault), TOBI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_roots__wrapper__required_or_nothing),
	    cmocka_unit_test(test_policy_roots__key_for_a_tier_of_keys__is_taken),
	    cmocka_unit_test(
		test_policy_roots__key_for_a_tier_of_certificates__is_refused),
	    cmocka_unit_test(test_policy_roots__private_key__is_refused),
	    cmocka_unit_test(test_policy_roots__neither_key_nor_certificate__is_refused),
	    cmocka_unit_test(test_policy_roots__unknown_tier__names_those_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
