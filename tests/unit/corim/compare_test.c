/* Comparing one measurement, and one environment: every kind of value, met and not. */
#include "corim/match.h"

#include "tests/bytes.h"
#include "tests/corim_scene.h"

#define ENVIRONMENT "m1 0 m2 1 \"V\" 2 \"M\""
#define DIGEST "h000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define OTHER "hff0102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define LONGER                                                                           \
	"hff0102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"              \
	"000102030405060708090a0b0c0d0e0f"

static const uint8_t digest[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
				   0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t raw[2] = {0x0f, 0xf0};
static const struct tee_register registers[] = {
    {NULL, 0, {{TEE_SHA256, {digest, 32}}}, 1},
    {"r", 0, {{TEE_SHA256, {digest, 32}}}, 1}};
static const struct tee_value values[] = {
    {-73, TEE_VALUE_NUMBER, 4, {0}},
    {-82, TEE_VALUE_BYTES, 0, {raw, 2}},
    {-83, TEE_VALUE_DIGEST, TEE_SHA256, {digest, 32}},
    {-88, TEE_VALUE_TEXT, 0, {(const uint8_t *)"UpToDate", 8}}};

static struct tee_measurement evidence(void)
{
	return (struct tee_measurement){.mkey = TEE_MKEY_NUMBER,
					.number = 7,
					.digests = {{TEE_SHA256, {digest, 32}}},
					.digest_count = 1,
					.has_svn = true,
					.svn = 4,
					.raw = {raw, 2},
					.name = "name",
					.version = "1.2",
					.signer = {raw, 2},
					.flags_known =
					    1U << TEE_FLAG_DEBUG | 1U << TEE_FLAG_SECURE,
					.flags = 1U << TEE_FLAG_SECURE,
					.registers = registers,
					.register_count = 2,
					.values = values,
					.value_count = 4};
}

/* Whether the map of values, in words, is met; what differs is said when it is not. */
static bool holds(const char *words)
{
	struct writer triples = wr_init(4096);
	struct corim_frame frame = {0};
	struct tee_measurement have = evidence();
	struct corim_difference difference = {0};
	struct arena arena = arena_init(1 << 20);
	struct corim *corim;
	bool met;

	wr_printf(&triples, "m1 0 a1 a2 %s a1 m2 0 7 1 %s", ENVIRONMENT, words);
	wr_u8(&triples, 0);
	frame.triples = (const char *)triples.ptr;
	corim = corim_frame_read(&frame, NULL, NULL);
	met = corim_measurement_holds(
	    &corim->modules[0].references.items[0].measurements.items[0], &have, &arena,
	    &difference);
	assert_int_equal(difference.closeness != 0, !met);
	if (!met)
		assert_true(strncmp(difference.expected, "mkey 7: ", 8) == 0);
	corim_free(corim);
	arena_done(&arena);
	wr_done(&triples);
	return met;
}

static void test_corim_compare__each_value__is_met_or_not(void **state)
{
	static const struct {
		const char *words;
		bool met;
	} cases[] = {
	    {"m1 0 m1 0 \"1.2\"", true},
	    {"m1 0 m1 0 \"1.3\"", false},
	    {"m1 1 4", true},
	    {"m1 1 3", false},
	    {"m1 1 t552 4", true},
	    {"m1 1 t552 5", false},
	    {"m1 1 t553 4", true},
	    {"m1 1 t553 3", true},
	    {"m1 1 t553 5", false},
	    {"m1 2 a1 a2 1 " DIGEST, true},
	    {"m1 2 a1 a2 \"sha-256\" " DIGEST, true},
	    {"m1 2 a1 a2 1 " OTHER, false},
	    /* None in common; one in common and equal. */
	    {"m1 2 a1 a2 7 " LONGER, false},
	    {"m1 2 a2 a2 7 " LONGER " a2 1 " DIGEST, true},
	    {"m1 2 a2 a2 7 " LONGER " a2 1 " OTHER, false},
	    /* A size that is not the algorithm's is another algorithm. */
	    {"m1 2 a1 a2 8 " DIGEST, false},
	    {"m1 3 m1 1 T", true},
	    {"m1 3 m1 1 F", false},
	    {"m1 3 m2 1 T 3 F", true},
	    {"m1 3 m2 1 T 3 T", false},
	    {"m1 3 m1 0 F", false}, /* the evidence does not say */
	    {"m1 4 t560 h0ff0", true},
	    {"m1 4 t560 h0ff1", false},
	    {"m1 4 t560 h0f", false},
	    {"m1 4 t563 a2 h0fff h0ff0", true},
	    {"m1 4 t563 a2 h00ff hf000", true},
	    {"m1 4 t563 a2 h00ff h0100", false},
	    {"m2 4 t560 h0fff 5 h0ff0", true},
	    {"m2 4 t560 h0fff 5 h0fff", false},
	    {"m1 6 h000102030405", false},
	    {"m1 7 h7f000001", false},
	    {"m1 8 \"1\"", false},
	    {"m1 9 h01000102030405", false},
	    {"m1 10 h000102030405060708090a0b0c0d0e0f", false},
	    {"m1 11 \"name\"", true},
	    {"m1 11 \"other\"", false},
	    {"m1 13 a1 t560 h0ff0", true},
	    {"m1 13 a1 t560 h0ff1", false},
	    {"m1 13 a1 t557 a2 1 " DIGEST, false},
	    {"m1 14 m1 0 a1 a2 1 " DIGEST, true},
	    {"m1 14 m2 0 a1 a2 1 " DIGEST " \"r\" a1 a2 1 " DIGEST, true},
	    {"m1 14 m1 0 a1 a2 1 " OTHER, false},
	    {"m1 14 m1 1 a1 a2 1 " DIGEST, false},
	    {"m1 14 m1 \"s\" a1 a2 1 " DIGEST, false},
	    {"m1 15 4", false},
	    {"m1 16 4", false}, /* of a later draft */
	    {"m1 -73 4", true},
	    {"m1 -73 3", false},
	    {"m1 -73 t60010 a2 2 4", true},
	    {"m1 -73 t60010 a2 2 5", false},
	    {"m1 -73 t60010 a2 1 3", true},
	    {"m1 -73 t60010 a2 1 4", false},
	    {"m1 -73 t60010 a2 3 5", true},
	    {"m1 -73 t60010 a2 3 4", false},
	    {"m1 -73 t60010 a2 4 4", true},
	    {"m1 -73 t60010 a2 4 3", false},
	    {"m1 -73 t60010 a2 0 4", true},
	    {"m1 -73 t60010 a2 7 5", false}, /* an operator that is not known */
	    {"m1 -73 h04", false},
	    {"m1 -82 h0ff0", true},
	    {"m1 -82 h0ff1", false},
	    {"m1 -82 t560 h0ff0", true},
	    {"m1 -83 t60020 a2 6 a2 a2 7 " LONGER " a2 1 " DIGEST, true},
	    {"m1 -83 t60020 a2 6 a1 a2 1 " OTHER, false},
	    {"m1 -83 t60020 a2 7 a1 a2 1 " OTHER, false}, /* not a member: not known */
	    {"m1 -88 t60020 a2 6 a2 \"x\" \"UpToDate\"", true},
	    {"m1 -88 t60020 a2 6 a1 \"x\"", false},
	    {"m1 -88 \"UpToDate\"", true},
	    {"m1 -99 1", false},
	    /* All that is given must be met. */
	    {"m3 1 4 2 a1 a2 1 " DIGEST " 11 \"name\"", true},
	    {"m3 1 4 2 a1 a2 1 " DIGEST " 11 \"other\"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (holds(cases[i].words) != cases[i].met)
			fail_msg("%s: %s", cases[i].words,
				 cases[i].met ? "not met" : "met");
	}
}

static bool place_holds(const char *words)
{
	static const uint8_t id[] = {0x2b, 6}, chip[] = {1, 0, 1, 2, 3, 4, 5};
	const struct tee_environment have = {.class_kind = TEE_CLASS_OID,
					     .class_id = {id, 2},
					     .model = "M",
					     .instance = {chip, 7}};
	struct writer triples = wr_init(4096);
	struct corim_frame frame = {0};
	struct corim *corim;
	bool met;

	wr_printf(&triples, "m1 0 a1 a2 %s a1 m1 1 m1 1 3", words);
	wr_u8(&triples, 0);
	frame.triples = (const char *)triples.ptr;
	corim = corim_frame_read(&frame, NULL, NULL);
	met = corim_environment_holds(&corim->modules[0].references.items[0].environment,
				      &have);
	corim_free(corim);
	wr_done(&triples);
	return met;
}

static void test_corim_compare__an_environment__every_member_is_met(void **state)
{
	static const struct {
		const char *words;
		bool met;
	} cases[] = {
	    {"m1 0 m1 0 t111 h2b06", true},
	    {"m1 0 m1 0 t111 h06022b06", true}, /* with DER's tag and length */
	    {"m1 0 m1 0 t111 h2b07", false},
	    {"m1 0 m1 0 t560 h2b06", false}, /* of another kind */
	    {"m1 0 m2 0 t111 h2b06 2 \"M\"", true},
	    {"m1 0 m2 0 t111 h2b06 2 \"N\"", false},
	    /* The evidence knows no vendor: the class id names it; alone it does not. */
	    {"m1 0 m2 0 t111 h2b06 1 \"V\"", true},
	    {"m1 0 m1 1 \"V\"", false},
	    {"m1 0 m1 2 \"M\"", true},
	    {"m1 0 m2 0 t111 h2b06 3 0", false},
	    {"m1 0 m2 0 t111 h2b06 4 0", false},
	    {"m1 1 t550 h01000102030405", true},
	    {"m1 1 t560 h01000102030405", true},
	    {"m1 1 t550 h01000102030406", false},
	    {"m1 1 t554 \"key\"", false},
	    {"m1 2 t560 h01", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (place_holds(cases[i].words) != cases[i].met)
			fail_msg("%s: %s", cases[i].words,
				 cases[i].met ? "not met" : "met");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_corim_compare__each_value__is_met_or_not),
	    cmocka_unit_test(test_corim_compare__an_environment__every_member_is_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
