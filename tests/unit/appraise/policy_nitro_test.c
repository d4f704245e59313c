#include <stdio.h>

#include "appraise/policy_nitro.h"
#include "tests/bytes.h"
#include "tests/nitro_scene.h"

#define ELEVENS                                                                          \
	"1111111111111111111111111111111111111111111111111111111111111111"               \
	"11111111111111111111111111111111"
#define ZEROS                                                                            \
	"0000000000000000000000000000000000000000000000000000000000000000"               \
	"00000000000000000000000000000000"

/* AWS Nitro Enclaves user guide, "Where to get an enclave's measurements": PCR3. */
static const char role[] = "arn:aws:iam::123456789012:role/Webserver";
static const char role_pcr[] = "78fce75db17cd4e0a3fb8dad3ad128ca5e77edbb2b2c7f75329dccd99"
			       "aa5f6ef4fc1f1a452e315b9e98f9e312e6921e6";

static void set_pcr(struct test_nitro *nitro, unsigned index, const char *hex)
{
	assert_true(hex_read(hex, nitro->pcrs[index], 48));
}

static struct tobi_result *appraise(enum nitro_kind kind, const char *more,
				    void (*change)(struct test_nitro *))
{
	struct test_nitro nitro;
	struct tobi_result *result;

	test_nitro_make(&nitro, kind);
	nitro.more = more;
	if (change)
		change(&nitro);
	result = test_nitro_appraise(&nitro);
	test_nitro_done(&nitro);
	return result;
}

static void accepts(enum nitro_kind kind, const char *more,
		    void (*change)(struct test_nitro *))
{
	struct tobi_result *result = appraise(kind, more, change);

	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s: %s", more, tobi_result_reason(result));
	tobi_result_free(result);
}

/* This code, and no other. */
static void FAILS(const char *code, enum nitro_kind kind, const char *more,
		  void (*change)(struct test_nitro *))
{
	struct tobi_result *result = appraise(kind, more, change);
	bool found = false;

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);
		bool is_it = strcmp(line->code, code) == 0;

		if (line->outcome == TOBI_FAILED && !is_it)
			fail_msg("%s failed too", line->code);
		found |= is_it && line->outcome == TOBI_FAILED;
	}
	if (!found)
		fail_msg("%s: %s did not fail", more, code);
	tobi_result_free(result);
}

static void has_the_role(struct test_nitro *nitro)
{
	set_pcr(nitro, 3, role_pcr);
}
static void is_on_the_instance(struct test_nitro *nitro)
{
	uint8_t extended[48 + 6] = {0};

	bytes_copy(extended + 48, 6, "i-0123", 6);
	assert_int_equal(
	    hash_sha384((struct tobi_bytes){extended, sizeof(extended)}, nitro->pcrs[4]),
	    0);
}
static void has_a_key(struct test_nitro *nitro)
{
	nitro->public_key = text_bytes("key");
}
static void has_user_data(struct test_nitro *nitro)
{
	nitro->user_data = text_bytes("key");
}
static void has_empty_user_data(struct test_nitro *nitro)
{
	nitro->user_data = (struct tobi_bytes){(const uint8_t *)"", 0};
}
static void lacks_pcr_9(struct test_nitro *nitro)
{
	nitro->pcr_mask &= ~(1u << 9);
}

/* A kind that brings no quote of a TPM cannot satisfy a policy that asks for one. */
static void test_policy_nitro__tpm_is_asked_for__refuses(void **state)
{
	struct tobi_result *result = appraise(NITRO_ENCLAVE, "tpm: {}\n", NULL);
	bool owed = false;

	(void)state;
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		owed |= strcmp(line->code, "TPM-QUOTE-SIGNATURE") == 0 &&
			line->outcome == TOBI_NOT_RUN;
	}
	assert_true(owed);
	tobi_result_free(result);
}

static void test_policy_nitro__pcrs(void **state)
{
	(void)state;
	accepts(NITRO_ENCLAVE, "nitro:\n  pcrs: [{index: 1, value: \"" ELEVENS "\"}]\n",
		NULL);
	FAILS("POLICY-NITRO-PCRS", NITRO_ENCLAVE,
	      "nitro:\n  pcrs: [{index: 2, value: \"" ELEVENS "\"}]\n", NULL);
	accepts(NITRO_ENCLAVE, "nitro:\n  pcrs: [{index: 9, value: \"" ZEROS "\"}]\n",
		NULL);
	/* A PCR that is not there is not one of zeros. */
	FAILS("POLICY-NITRO-PCRS", NITRO_ENCLAVE,
	      "nitro:\n  pcrs: [{index: 9, value: \"" ZEROS "\"}]\n", lacks_pcr_9);
	accepts(NITRO_TPM, "nitro-tpm:\n  pcrs: [{index: 23, value: \"" ZEROS "\"}]\n",
		NULL);
	FAILS("POLICY-NITRO-PCRS", NITRO_TPM,
	      "nitro-tpm:\n  pcrs: [{index: 7, value: \"" ZEROS "\"}]\n", NULL);
}

static void test_policy_nitro__role_of_the_user_guide(void **state)
{
	char more[128];

	(void)state;
	snprintf(more, sizeof(more), "nitro:\n  role-arns: [x, \"%s\"]\n", role);
	accepts(NITRO_ENCLAVE, more, has_the_role);
	FAILS("POLICY-NITRO-ROLE", NITRO_ENCLAVE, more, NULL);
	snprintf(more, sizeof(more), "nitro:\n  role-arns: [\"%s2\"]\n", role);
	FAILS("POLICY-NITRO-ROLE", NITRO_ENCLAVE, more, has_the_role);
}

static void test_policy_nitro__instance(void **state)
{
	(void)state;
	accepts(NITRO_ENCLAVE, "nitro:\n  instance-ids: [i-0123]\n", is_on_the_instance);
	FAILS("POLICY-NITRO-INSTANCE", NITRO_ENCLAVE,
	      "nitro:\n  instance-ids: [i-0124]\n", is_on_the_instance);
}

static void test_policy_nitro__module(void **state)
{
	(void)state;
	accepts(NITRO_ENCLAVE, "nitro:\n  module-ids: [x, i-0123-enc4567]\n", NULL);
	FAILS("POLICY-NITRO-MODULE", NITRO_ENCLAVE,
	      "nitro:\n  module-ids: [i-0123-enc4568]\n", NULL);
	accepts(NITRO_TPM, "nitro-tpm:\n  module-ids: [i-0123-tpm0000]\n", NULL);
}

static void test_policy_nitro__public_key_and_user_data(void **state)
{
	(void)state;
	accepts(NITRO_ENCLAVE, "nitro:\n  public-key: 6b6579\n", has_a_key);
	FAILS("POLICY-NITRO-PUBLIC-KEY", NITRO_ENCLAVE, "nitro:\n  public-key: 6b6578\n",
	      has_a_key);
	FAILS("POLICY-NITRO-PUBLIC-KEY", NITRO_ENCLAVE, "nitro:\n  public-key: 6b6579\n",
	      NULL);
	accepts(NITRO_ENCLAVE, "nitro:\n  public-key: none\n", NULL);
	FAILS("POLICY-NITRO-PUBLIC-KEY", NITRO_ENCLAVE, "nitro:\n  public-key: none\n",
	      has_a_key);
	accepts(NITRO_TPM, "nitro-tpm:\n  public-key: 6b6579\n", has_a_key);
	accepts(NITRO_ENCLAVE, "nitro:\n  user-data: 6b6579\n", has_user_data);
	FAILS("POLICY-NITRO-USER-DATA", NITRO_ENCLAVE, "nitro:\n  user-data: 6b6578\n",
	      has_user_data);
	accepts(NITRO_ENCLAVE, "nitro:\n  user-data: none\n", NULL);
	/* What is empty is there. */
	FAILS("POLICY-NITRO-USER-DATA", NITRO_ENCLAVE, "nitro:\n  user-data: none\n",
	      has_empty_user_data);
}

/* The section of one tier says nothing of the other. */
static void other_tier(struct test_nitro *nitro)
{
	nitro->tiers = "nitro, nitro-tpm";
}
static void test_policy_nitro__sections_are_of_their_tiers(void **state)
{
	const char *both = "nitro:\n  module-ids: [x]\nnitro-tpm:\n  module-ids: [y]\n";
	struct tobi_result *result;

	(void)state;
	accepts(NITRO_TPM, "nitro:\n  module-ids: [x]\n", other_tier);
	result = appraise(NITRO_TPM, both, other_tier);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
}

static void is_refused(enum nitro_kind kind, const char *more, const char *field)
{
	struct test_nitro nitro;
	struct tobi_result *result;
	struct tobi_fault fault = {0};

	test_nitro_make(&nitro, kind);
	nitro.more = more;
	assert_int_equal(test_nitro_try(&nitro, &result, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
	test_nitro_done(&nitro);
}

static void has_the_largest_key(struct test_nitro *nitro)
{
	static uint8_t key[1024];

	memset(key, 0xab, sizeof(key));
	nitro->public_key = (struct tobi_bytes){key, sizeof(key)};
}

/* As large as a document may have it, and a byte more. */
static void test_policy_nitro_take__public_key_too_large__malformed(void **state)
{
	static const char start[] = "nitro:\n  public-key: ";
	char more[sizeof(start) + (size_t)2 * 1025 + 1];

	(void)state;
	for (size_t size = 1024; size <= 1025; size++) {
		struct writer text = wr_init(sizeof(more));

		wr_printf(&text, "%s", start);
		for (size_t i = 0; i < size; i++)
			wr_printf(&text, "ab");
		wr_printf(&text, "\n");
		wr_u8(&text, 0);
		assert_int_equal(wr_err(&text), 0);
		bytes_copy(more, sizeof(more), text.ptr, text.size);
		wr_done(&text);
		if (size == 1024)
			accepts(NITRO_ENCLAVE, more, has_the_largest_key);
		else
			is_refused(NITRO_ENCLAVE, more, "nitro.public-key");
	}
}

static void test_policy_nitro_take__bad_sections__malformed(void **state)
{
	(void)state;
	is_refused(NITRO_TPM, "nitro:\n  module-ids: [x]\n", "nitro");
	is_refused(NITRO_ENCLAVE, "nitro-tpm:\n  module-ids: [x]\n", "nitro-tpm");
	is_refused(NITRO_ENCLAVE, "nitro:\n  pcrs: [{index: 32, value: \"" ZEROS "\"}]\n",
		   "nitro.pcrs.index");
	is_refused(NITRO_ENCLAVE, "nitro:\n  pcrs: [{index: 01, value: \"" ZEROS "\"}]\n",
		   "nitro.pcrs.index");
	is_refused(NITRO_ENCLAVE, "nitro:\n  pcrs: [{index: x, value: \"" ZEROS "\"}]\n",
		   "nitro.pcrs.index");
	is_refused(NITRO_TPM, "nitro-tpm:\n  pcrs: [{index: 24, value: \"" ZEROS "\"}]\n",
		   "nitro-tpm.pcrs.index");
	is_refused(NITRO_ENCLAVE, "nitro:\n  pcrs: [{index: 1, value: \"00\"}]\n",
		   "nitro.pcrs.value");
	is_refused(NITRO_ENCLAVE,
		   "nitro:\n  pcrs: [{index: 1, value: \"" ZEROS "\"}, "
		   "{index: 1, value: \"" ZEROS "\"}]\n",
		   "nitro.pcrs.index");
	is_refused(NITRO_ENCLAVE,
		   "nitro:\n  role-arns: [x]\n  pcrs: [{index: 3, value: \"" ZEROS
		   "\"}]\n",
		   "nitro.role-arns");
	is_refused(NITRO_ENCLAVE,
		   "nitro:\n  instance-ids: [x]\n  pcrs: [{index: 4, value: \"" ZEROS
		   "\"}]\n",
		   "nitro.instance-ids");
	is_refused(NITRO_ENCLAVE, "nitro:\n  public-key: 6b6\n", "nitro.public-key");
	is_refused(NITRO_ENCLAVE, "nitro:\n  user-data: text\n", "nitro.user-data");
	/* A TPM's PCR 3 and 4 are of other things. */
	is_refused(NITRO_TPM, "nitro-tpm:\n  role-arns: [x]\n", "");
	is_refused(NITRO_TPM, "nitro-tpm:\n  instance-ids: [x]\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_nitro__tpm_is_asked_for__refuses),
	    cmocka_unit_test(test_policy_nitro__pcrs),
	    cmocka_unit_test(test_policy_nitro__role_of_the_user_guide),
	    cmocka_unit_test(test_policy_nitro__instance),
	    cmocka_unit_test(test_policy_nitro__module),
	    cmocka_unit_test(test_policy_nitro__public_key_and_user_data),
	    cmocka_unit_test(test_policy_nitro__sections_are_of_their_tiers),
	    cmocka_unit_test(test_policy_nitro_take__public_key_too_large__malformed),
	    cmocka_unit_test(test_policy_nitro_take__bad_sections__malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
