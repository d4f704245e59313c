/* What a policy asks of TDX guests, over whole quotes. */
#include "tests/tdx_run.h"

#include <stdio.h>

#include "appraise/ear_result.h"
#include "base/endian.h"
#include "base/secret.h"
#include "tests/event_log.h"

#define ZEROS "000000000000000000000000000000000000000000000000"
/* 48 bytes that start with a byte. */
#define HASH(digits)                                                                     \
	digits "00000000000000000000000000000000000000000000000000000000"                \
	       "00000000000000000000000000000000000000"

static void test_policy_tdx_attributes__not_named__refused(void **state)
{
	static const struct {
		const char *name;
		unsigned bit;
	} attributes[] = {{"icssd", 16},  {"lass", 27},	      {"migratable", 29},
			  {"pks", 30},	  {"key-locker", 31}, {"tpa", 62},
			  {"perfmon", 63}};
	struct tdx_run *run = *state;
	char lines[128];

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		uint8_t *byte = &run->scene.body[120 + attributes[i].bit / 8];

		*byte ^= (uint8_t)(1u << attributes[i].bit % 8);
		POLICY_FAILS("POLICY-TDX-ATTRIBUTES", run, "");
		POLICY_FAILS("POLICY-TDX-ATTRIBUTES", run,
			     i ? "tdx:\n  attributes: [icssd]\n"
			       : "tdx:\n  attributes: [lass]\n");
		snprintf(lines, sizeof(lines), "tdx:\n  attributes: [%s]\n",
			 attributes[i].name);
		tdx_run_accepted(run, lines);
		*byte ^= (uint8_t)(1u << attributes[i].bit % 8);
	}
}

static void test_policy_tdx_attributes__no_sept_ve_disable__by_name_only(void **state)
{
	struct tdx_run *run = *state;

	run->scene.body[120 + 3] = 0;
	POLICY_FAILS("POLICY-TDX-ATTRIBUTES", run, "");
	POLICY_FAILS("POLICY-TDX-ATTRIBUTES", run,
		     "tdx:\n  attributes: [sept-ve-disable]\n");
	tdx_run_accepted(run, "tdx:\n  attributes: [no-sept-ve-disable]\n");
	tdx_run_bad_policy(run, "tdx:\n  attributes: [debug]\n");
	tdx_run_bad_policy(run, "tdx:\n  attributes: [PKS]\n");
}

static void test_policy_debug__debugged_guest__refused(void **state)
{
	struct tdx_run *run = *state;

	run->scene.body[120] = 1;
	POLICY_FAILS("POLICY-DEBUG", run, "");
}

static void test_policy_tdx_seam__another_module__refused(void **state)
{
	struct tdx_run *run = *state;

	run->scene.body[16] = 0xab;
	tdx_run_accepted(run, "");
	tdx_run_accepted(run, "tdx:\n  mr-seam: [" HASH("cd") ", " HASH("ab") "]\n");
	POLICY_FAILS("POLICY-TDX-SEAM", run, "tdx:\n  mr-seam: [" HASH("cd") "]\n");
	tdx_run_bad_policy(run, "tdx:\n  mr-seam: [ab]\n");
}

static void test_policy_tdx_rtmrs__another_value__refused(void **state)
{
	struct tdx_run *run = *state;
	char lines[256];

	memset(run->scene.body + 328, 0, (size_t)4 * 48);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(lines, sizeof(lines),
			 "tdx:\n  rtmrs:\n  - index: %u\n    value: " ZEROS ZEROS "\n",
			 i);
		tdx_run_accepted(run, lines);
		run->scene.body[328 + 48 * i + 47] = 1;
		POLICY_FAILS("POLICY-TDX-RTMRS", run, lines);
		run->scene.body[328 + 48 * i + 47] = 0;
	}
	tdx_run_bad_policy(run,
			   "tdx:\n  rtmrs:\n  - index: 4\n    value: " ZEROS ZEROS "\n");
	tdx_run_bad_policy(run,
			   "tdx:\n  rtmrs:\n  - index: 00\n    value: " ZEROS ZEROS "\n");
	tdx_run_bad_policy(run, "tdx:\n  rtmrs:\n  - index: 0\n    value: " ZEROS "\n");
	tdx_run_bad_policy(run, "tdx:\n  rtmrs:\n"
				"  - index: 1\n    value: " ZEROS ZEROS "\n"
				"  - index: 1\n    value: " ZEROS ZEROS "\n");
}

/* Accepted while the key is absent or right; left with one that is wrong. */
static const char *other_hash(struct tdx_run *run, size_t offset, const char *key)
{
	static char lines[256];

	run->scene.body[offset] = 0xab;
	tdx_run_accepted(run, "");
	snprintf(lines, sizeof(lines), "tdx:\n  %s: ab\n", key);
	tdx_run_bad_policy(run, lines);
	snprintf(lines, sizeof(lines), "tdx:\n  %s: " HASH("ab") "\n", key);
	tdx_run_accepted(run, lines);
	snprintf(lines, sizeof(lines), "tdx:\n  %s: " HASH("00") "\n", key);
	return lines;
}

static void test_policy_tdx_config__another__refused(void **state)
{
	const char *lines = other_hash(*state, 184, "mr-config-id");

	POLICY_FAILS("POLICY-TDX-CONFIG", *state, lines);
}

static void test_policy_tdx_owner__another__refused(void **state)
{
	const char *lines = other_hash(*state, 232, "mr-owner");

	POLICY_FAILS("POLICY-TDX-OWNER", *state, lines);
}

static void test_policy_tdx_owner_config__another__refused(void **state)
{
	const char *lines = other_hash(*state, 280, "mr-owner-config");

	POLICY_FAILS("POLICY-TDX-OWNER-CONFIG", *state, lines);
}

static void test_policy_tdx_service_td__not_named__refused(void **state)
{
	struct tdx_run *run = *state;
	static const char lines[] = "tdx:\n  mr-service-td: [" HASH("ab") "]\n";

	/* A report of TD 1.0 does not say: it is none that was asked for. */
	POLICY_FAILS("POLICY-TDX-SERVICE-TD", run, lines);
	tdx_run_kind(run, 5, DCAP_TD15);
	tdx_run_accepted(run, "");
	POLICY_FAILS("POLICY-TDX-SERVICE-TD", run, lines);
	run->scene.body[600] = 0xab;
	POLICY_FAILS("POLICY-TDX-SERVICE-TD", run, "");
	tdx_run_accepted(run, lines);
	run->scene.body[601] = 1;
	POLICY_FAILS("POLICY-TDX-SERVICE-TD", run, lines);
}

static void test_policy_tdx_event_log__none_came__refused(void **state)
{
	static const char lines[] = "tdx:\n  event-log: required\n";
	static const struct tobi_bytes separator = {(const uint8_t *)"\0\0\0\0", 4};
	struct tdx_run *run = *state;
	struct writer log = wr_init(1 << 16);
	uint8_t digest[48];

	tdx_run_accepted(run, "");
	POLICY_FAILS("POLICY-TDX-EVENT-LOG", run, lines);
	test_log_start(&log, false);
	test_log_event(&log, false, 1, EVENT_SEPARATOR, separator);
	run->pieces[0] = wr_view(&log);
	run->piece_count = 1;
	POLICY_FAILS("TDX-EVENT-LOG", run, lines);
	memset(run->scene.body + 328, 0, (size_t)4 * 48);
	assert_int_equal(hash_sha384(separator, digest), TOBI_OK);
	test_log_extend(run->scene.body + 328, digest);
	tdx_run_accepted(run, lines);
	tdx_run_bad_policy(run, "tdx:\n  event-log: optional\n");
	wr_done(&log);
}

/* Whether the result of an accepted guest says that only its firmware is known, to people
 * and to machines. */
static bool only_firmware(struct tdx_run *run, const char *lines)
{
	struct tobi_result *result = tdx_run_verify(run, lines);
	struct ear_vector vector = ear_result_vector(result);
	const char *said;
	bool warned = false;

	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s", tobi_result_reason(result));
	for (size_t i = 0; (said = tobi_result_allowance(result, i)); i++)
		warned |= strncmp(said, "FIRMWARE ONLY: ", 15) == 0;
	assert_int_equal(vector.values[AR4SI_EXECUTABLES], warned ? 33 : 3);
	tobi_result_free(result);
	return warned;
}

static void test_policy_tdx__nothing_but_mrtd__said_in_the_result(void **state)
{
	struct tdx_run *run = *state;
	struct writer line = wr_init(256);

	assert_true(only_firmware(run, ""));
	/* The firmware's own settings, and what runs later, name no kernel. */
	for (unsigned i = 0; i < 4; i++) {
		line.size = 0;
		memset(run->scene.body + 328 + 48 * i, 0x5a, 48);
		wr_printf(&line, "tdx:\n  rtmrs: [{index: %u, value: ", i);
		for (unsigned k = 0; k < 48; k++)
			wr_printf(&line, "5a");
		wr_printf(&line, "}]\n");
		wr_u8(&line, 0);
		assert_int_equal(wr_err(&line), TOBI_OK);
		assert_int_equal(only_firmware(run, (char *)line.ptr), i == 0 || i == 3);
	}
	wr_done(&line);
	/* An enclave is measured whole. */
	tdx_run_kind(run, 3, DCAP_SGX);
	assert_false(only_firmware(run, ""));
}

static void test_policy_tdx__tier_not_among_them__no_policy(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 3, DCAP_SGX);
	tdx_run_bad_policy(run, "tdx:\n  event-log: required\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tdx_run_setup, tdx_run_teardown)

/* A guest has no product: not even the product 0. */
static void test_policy_product__guest_without_one__refused(void **state)
{
	struct tdx_run *run = *state;

	POLICY_FAILS("POLICY-PRODUCT", run, "product: 0\n");
	POLICY_FAILS("POLICY-PRODUCT", run, "product: 7\n");
	tdx_run_accepted(run, "");
	/* An enclave's is in its quote: 7, or 0. */
	tdx_run_kind(run, 3, DCAP_SGX);
	tdx_run_accepted(run, "product: 7\n");
	POLICY_FAILS("POLICY-PRODUCT", run, "product: 0\n");
	store_le(run->scene.body + 256, 2, 0);
	tdx_run_accepted(run, "product: 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_policy_product__guest_without_one__refused),
	    TEST(test_policy_tdx_attributes__not_named__refused),
	    TEST(test_policy_tdx_attributes__no_sept_ve_disable__by_name_only),
	    TEST(test_policy_debug__debugged_guest__refused),
	    TEST(test_policy_tdx_seam__another_module__refused),
	    TEST(test_policy_tdx_rtmrs__another_value__refused),
	    TEST(test_policy_tdx_config__another__refused),
	    TEST(test_policy_tdx_owner__another__refused),
	    TEST(test_policy_tdx_owner_config__another__refused),
	    TEST(test_policy_tdx_service_td__not_named__refused),
	    TEST(test_policy_tdx_event_log__none_came__refused),
	    TEST(test_policy_tdx__nothing_but_mrtd__said_in_the_result),
	    TEST(test_policy_tdx__tier_not_among_them__no_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
