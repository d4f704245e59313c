/* Maps of claims: what a table asks for, and what it passes over. */
#include "tee/arm_claims.h"
#include "tee/arm_facts.h"
#include "tests/bytes.h"
#include "tests/check.h"

#include "codec/cbor.h"

static const struct arm_row rows[] = {
    {1, ARM_NONCE, ARM_BYTES, true, "nonce", 4, 8, 2},
    {2, ARM_PROFILE, ARM_TEXT, false, "profile", 1, 8, 1},
    {3, ARM_LIFECYCLE, ARM_INT, false, "security lifecycle", 0, 0, 1},
    {4, ARM_COMPONENTS, ARM_LIST, false, "components", 0, 0, 1},
    {0}};

static enum tobi_err read(const char *hex, struct arm_claims *claims)
{
	uint8_t bytes[256];
	size_t size = strlen(hex) / 2;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	assert_true(size <= sizeof(bytes) && hex_read(hex, bytes, size));
	err = arm_claims_read((struct tobi_bytes){bytes, size}, rows, "claims", claims,
			      &fault);
	assert_int_equal(err, fault.code);
	return err;
}

static void expect_wrong(const char *hex, const char *wrong)
{
	struct arm_claims claims;

	assert_int_equal(read(hex, &claims), 0);
	assert_string_equal(claims.wrong, wrong);
}

static void test_arm_claims__types_and_sizes(void **state)
{
	(void)state;
	expect_wrong("a10144aabbccdd", "");
	expect_wrong("a0", "nonce (1) is not there");
	expect_wrong("a1016461626364", "nonce (1) is of another type");
	expect_wrong("a10143aabbcc", "nonce (1) has 3 bytes");
	expect_wrong("a10145aabbccddee", "nonce (1) has 5 bytes");
	expect_wrong("a10149aabbccddeeff112233", "nonce (1) has 9 bytes");
	expect_wrong("a20144aabbccdd0260", "profile (2) has 0 bytes");
	expect_wrong("a20144aabbccdd0241ff", "profile (2) is of another type");
	expect_wrong("a20144aabbccdd0320", "the security lifecycle is out of its range");
	expect_wrong("a20144aabbccdd031a00010000",
		     "the security lifecycle is out of its range");
	expect_wrong("a20144aabbccdd04a0", "components (4) is of another type");
	expect_wrong("a20144aabbccdd048101", "component 1 is no map");
	expect_wrong("a20144aabbccdd0481a10101",
		     "component 1: its type is of another type");
	expect_wrong("a20144aabbccdd0481a0", "component 1: it has no measurement");
}

static void test_arm_claims__other_labels__are_passed_over(void **state)
{
	struct arm_claims claims;

	(void)state;
	assert_int_equal(read("a40144aabbccdd1863f66161a1010261620a", &claims), 0);
	assert_string_equal(claims.wrong, "");
}

static void test_arm_claims__no_map__is_an_error(void **state)
{
	struct arm_claims claims;

	(void)state;
	assert_int_equal(read("80", &claims), TOBI_E_MALFORMED);
	assert_int_equal(read("a2014400000000014400000000", &claims), TOBI_E_MALFORMED);
	assert_int_equal(read("a1014400000000ff", &claims), TOBI_E_TRAILING);
	assert_int_equal(read("bf014400000000ff", &claims), TOBI_E_MALFORMED);
	assert_int_equal(read("a101580400000000", &claims), TOBI_E_MALFORMED);
	assert_int_equal(read("d903e8a1014400000000", &claims), TOBI_E_MALFORMED);
	assert_int_equal(read("a1014400", &claims), TOBI_E_TRUNCATED);
	assert_int_equal(read("a101f97e00", &claims), TOBI_E_MALFORMED);
}

static void test_arm_claims__peek(void **state)
{
	const uint8_t bytes[] = {0xa2, 1, 0x41, 7, 2, 0x61, 'a'};
	const struct tobi_bytes map = {bytes, sizeof(bytes)};

	(void)state;
	assert_int_equal(arm_claims_peek(map, 2, ARM_TEXT).size, 1);
	assert_null(arm_claims_peek(map, 2, ARM_BYTES).ptr);
	assert_null(arm_claims_peek(map, 3, ARM_TEXT).ptr);
	assert_true(arm_claims_have(map, 2, 9));
	assert_false(arm_claims_have(map, 3, 9));
}

static void test_arm_claims__lifecycle(void **state)
{
	(void)state;
	assert_string_equal(arm_lifecycle_name(0x3000), "secured");
	assert_string_equal(arm_lifecycle_name(0x30ff), "secured");
	assert_string_equal(arm_lifecycle_name(0x3100), "reserved");
	assert_string_equal(arm_lifecycle_name(0x7000), "reserved");
	assert_string_equal(arm_lifecycle_name(-1), "reserved");
	assert_string_equal(arm_lifecycle_name(0), "unknown");
	assert_string_equal(arm_lifecycle_name(0x6001), "decommissioned");
	assert_true(arm_lifecycle_is_debug(0x4000));
	assert_true(arm_lifecycle_is_debug(0x50ff));
	assert_false(arm_lifecycle_is_debug(0x3000));
	assert_false(arm_lifecycle_is_debug(0x4100));
	assert_int_equal(arm_lifecycle_find("secured"), ARM_SECURED);
	assert_int_equal(arm_lifecycle_find("locked"), -1);
}

static void test_tee_text__is_printable_and_cut(void **state)
{
	struct arena arena = arena_init(1 << 16);
	const uint8_t text[] = {'a', 0x1b, 0xc3, 0xa4, 'b'};

	(void)state;
	assert_string_equal(
	    tee_text(&arena, (struct tobi_bytes){text, sizeof(text)}, TEE_TEXT_MAX),
	    "a???b");
	arena_done(&arena);
}

static void test_arm_facts__components__are_measurements(void **state)
{
	struct arena arena = arena_init(1 << 20);
	struct arm_claims *claims = arena_alloc(&arena, sizeof(*claims));
	struct tee_claims *out = arena_alloc(&arena, sizeof(*out));
	static const uint8_t hash[48] = {1}, signer[32] = {2};

	(void)state;
	assert_non_null(claims);
	assert_non_null(out);
	claims->component_count = 1;
	claims->components[0] =
	    (struct arm_component){.type = text_bytes("RMM"),
				   .value = {hash, sizeof(hash)},
				   .signer = {signer, sizeof(signer)}};
	arm_measurements(claims, &arena, out);
	arm_facts_components(claims, &arena, out);
	assert_int_equal(out->measurement_count, 1);
	assert_string_equal(out->measurements[0].name, "RMM");
	assert_null(out->measurements[0].version);
	assert_int_equal(out->measurements[0].digests[0].algorithm, TEE_SHA384);
	assert_int_equal(out->fact_count, 1);
	assert_string_equal(out->facts[0].name, "component RMM");
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arm_claims__types_and_sizes),
	    cmocka_unit_test(test_arm_claims__other_labels__are_passed_over),
	    cmocka_unit_test(test_arm_claims__no_map__is_an_error),
	    cmocka_unit_test(test_arm_claims__peek),
	    cmocka_unit_test(test_arm_claims__lifecycle),
	    cmocka_unit_test(test_tee_text__is_printable_and_cut),
	    cmocka_unit_test(test_arm_facts__components__are_measurements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
