/* Reading documents: all that they may say, and what is refused. */
#include "corim/corim.h"

#include "base/limits.h"
#include "codec/cbor.h"
#include "tests/bytes.h"
#include "tests/corim_scene.h"

#define ENVIRONMENT "m1 0 m2 1 \"V\" 2 \"M\""
#define REFERENCE "m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 1 3"
#define SHA256 "h000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"

static enum tobi_err read_words(const char *words, struct tobi_fault *fault)
{
	const struct corim_frame frame = {.triples = words};
	struct writer bytes = wr_init(LIMIT_CORIM);
	struct corim *corim = NULL;
	struct block block;
	enum tobi_err err;

	corim_frame(&bytes, &frame, NULL, NULL);
	block = block_new(wr_view(&bytes));
	err = corim_read(block_view(block), "test", &corim, fault);
	corim_free(corim);
	block_done(block);
	wr_done(&bytes);
	return err;
}

static void test_corim_read__every_part__is_there(void **state)
{
	static const struct corim_frame frame = {
	    .triples =
		"m5 0 a1 a2 m3 0 m5 0 t111 h2b0601 1 \"V\" 2 \"M\" 3 4 4 5 "
		"1 t550 h01000102030405 2 t37 h000102030405060708090a0b0c0d0e0f "
		"a2 m3 0 7 1 m8 0 m2 0 \"1.2\" 1 16384 1 t553 9 2 a2 a2 1 " SHA256
		" a2 \"sha-384\" h000102030405060708090a0b0c0d0e0f0001020304050607"
		"08090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f "
		"3 m2 1 T 3 F 4 t563 a2 h0f00 hff00 11 \"name\" "
		"14 m2 0 a1 a2 1 " SHA256 " \"r\" a1 a2 1 " SHA256
		" 15 t564 a2 N 5 2 a1 t557 a2 1 " SHA256
		" m1 1 m4 -73 t60010 a2 2 4 -82 h01 -83 t60020 a2 6 a1 a2 1 " SHA256
		" -89 t60020 a2 6 a2 \"x\" \"y\" "
		"1 a1 a2 " ENVIRONMENT " a1 m1 1 m1 11 \"n\" "
		"3 a1 a3 " ENVIRONMENT " a1 t560 h0102 m1 0 \"k\" "
		"8 a1 a2 a2 " ENVIRONMENT " a0 a1 a2 a1 m1 1 m1 1 1 a1 m1 1 m1 1 2 "
		"10 a1 a2 a1 a2 " ENVIRONMENT " a1 m1 1 m1 1 1 a1 a2 " ENVIRONMENT
		" a1 m1 1 m1 11 \"n\"",
	    .profile = "t111 h2b0601",
	    .validity = "m2 0 t1 100 1 t1 200"};
	struct corim *corim = corim_frame_read(&frame, NULL, NULL);
	const struct corim_module *module = &corim->modules[0];
	const struct corim_triple *reference = &module->references.items[0];
	const struct corim_measurement *first = &reference->measurements.items[0];
	const struct corim_values *values = &first->values;
	const struct corim_values *second = &reference->measurements.items[1].values;

	(void)state;
	assert_int_equal(corim->module_count, 1);
	assert_int_equal(corim->profile.kind, CORIM_ID_OID);
	assert_true(corim->validity.has_start && corim->validity.start == 100);
	assert_true(corim->validity.has_end && corim->validity.end == 200);
	assert_int_equal(reference->environment.class_id.kind, CORIM_ID_OID);
	assert_true(reference->environment.has_layer &&
		    reference->environment.layer == 4);
	assert_true(reference->environment.has_index &&
		    reference->environment.index == 5);
	assert_int_equal(reference->environment.instance.kind, CORIM_ID_UEID);
	assert_int_equal(reference->environment.group.kind, CORIM_ID_UUID);
	assert_int_equal(first->mkey.number, 7);
	assert_int_equal(first->authorities.count, 1);
	assert_true(bytes_equal_text(values->version, "1.2") && values->scheme == 16384);
	assert_true(values->svn_kind == CORIM_SVN_LEAST && values->svn == 9);
	assert_int_equal(values->digests.items[0].algorithm, TEE_SHA256);
	assert_int_equal(values->digests.items[1].algorithm, TEE_SHA384);
	assert_int_equal(values->flags_given, 1 << TEE_FLAG_SECURE | 1 << TEE_FLAG_DEBUG);
	assert_int_equal(values->flags, 1 << TEE_FLAG_SECURE);
	assert_int_equal(values->mask.size, 2);
	assert_int_equal(values->register_count, 2);
	assert_true(!values->registers[0].is_text && values->registers[1].is_text);
	assert_true(values->has_range && !values->has_least && values->most == 5);
	assert_int_equal(second->extension_count, 4);
	assert_int_equal(second->extensions[0].op, CORIM_AT_LEAST);
	assert_int_equal(second->extensions[2].form, CORIM_FORM_DIGESTS);
	assert_int_equal(second->extensions[3].text_count, 2);
	assert_int_equal(module->endorsed.count, 1);
	assert_int_equal(module->attest_key_count, 1);
	assert_int_equal(module->series[0].step_count, 1);
	assert_int_equal(module->conditional_count, 1);
	assert_int_equal(corim->triple_count, 8);
	corim_free(corim);
}

static void test_corim_read__every_truncation__fails(void **state)
{
	const struct corim_frame frame = {.triples = REFERENCE};
	struct writer bytes = wr_init(LIMIT_CORIM);

	(void)state;
	corim_frame(&bytes, &frame, NULL, NULL);
	for (size_t size = 0; size < bytes.size; size++) {
		struct block block = block_new((struct tobi_bytes){bytes.ptr, size});
		struct corim *corim = NULL;

		assert_int_not_equal(corim_read(block_view(block), "test", &corim, NULL),
				     0);
		assert_null(corim);
		block_done(block);
	}
	wr_done(&bytes);
}

static void test_corim_read__a_trailing_byte__fails(void **state)
{
	const struct corim_frame frame = {.triples = REFERENCE};
	struct writer bytes = wr_init(LIMIT_CORIM);
	struct corim *corim = NULL;

	(void)state;
	corim_frame(&bytes, &frame, NULL, NULL);
	wr_u8(&bytes, 0);
	assert_int_equal(corim_read(wr_view(&bytes), "test", &corim, NULL),
			 TOBI_E_TRAILING);
	wr_done(&bytes);
}

/* In the string of a module, which is read by a decoder of its own. */
static void test_corim_read__a_trailing_byte_in_a_module__fails(void **state)
{
	struct writer module = wr_init(4096), bytes = wr_init(4096);
	struct tobi_bytes inner;
	struct tobi_fault fault = {0};
	struct corim *corim = NULL;

	(void)state;
	corim_diag(&module, "m2 1 m1 0 \"module\" 4 " REFERENCE " 0");
	inner = wr_view(&module);
	corim_diag(&bytes, "t501 m2 0 \"d\" 1 a1 t506 %", &inner);
	assert_int_equal(corim_read(wr_view(&bytes), "test", &corim, &fault),
			 TOBI_E_TRAILING);
	assert_string_equal(fault.field, "CoMID");
	assert_int_equal(fault.offset, bytes.size - 1);
	wr_done(&module);
	wr_done(&bytes);
}

/* Each is refused, and the fault names where. */
static void test_corim_read__what_the_format_does_not_allow__is_named(void **state)
{
	static const struct {
		const char *words, *field;
	} cases[] = {
	    {"m0", "triples"},
	    {"m1 0 a0", "reference value"},
	    {"m1 0 a1 a1 " ENVIRONMENT, "reference value"},
	    {"m1 0 a1 a2 m0 a1 m1 1 m1 1 3", "environment"},
	    {"m1 0 a1 a2 m1 3 1 a1 m1 1 m1 1 3", "environment"},
	    {"m1 0 a1 a2 m1 0 m0 a1 m1 1 m1 1 3", "class"},
	    {"m1 0 a1 a2 m1 0 m1 0 \"x\" a1 m1 1 m1 1 3", "class-id"},
	    {"m1 0 a1 a2 m1 0 m1 0 t37 h00 a1 m1 1 m1 1 3", "class-id"},
	    {"m1 0 a1 a2 m1 0 m1 0 t111 h a1 m1 1 m1 1 3", "class-id"},
	    {"m1 0 a1 a2 m1 1 t550 h01 a1 m1 1 m1 1 3", "instance"},
	    {"m1 0 a1 a2 m1 2 t550 h01000102030405 a1 m1 1 m1 1 3", "group"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a0", "reference value"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 0 1", "mval"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m2 0 -1 1 m1 1 3", "mkey"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m0", "values"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 0 m0", "version"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 1 t551 3", "svn"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 1 -3", "svn"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 2 a0", "digests"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 2 a2 a2 1 " SHA256 " a2 1 " SHA256,
	     "digests"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 2 a2 a2 1 " SHA256
	     " a2 \"sha-256\" " SHA256,
	     "digests"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 3 m0", "flags"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 3 m1 1 1", "flag"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 4 t563 a2 h0102 h01", "mask"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m2 4 t560 h0102 5 h01", "mask"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 14 m0", "registers"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 14 m1 -1 a1 a2 1 " SHA256,
	     "register"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 15 t565 a2 1 2", "range"},
	    {"m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 -73 t60010 a1 2", "expression"},
	    {"m1 3 a1 a1 " ENVIRONMENT, "attest key"},
	    {"m1 3 a1 a2 " ENVIRONMENT " a0", "attest key"},
	    {"m1 8 a1 a2 a1 " ENVIRONMENT " a0", "series"},
	    {"m1 10 a1 a2 a0 a0", "condition"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_fault fault = {0};

		if (!read_words(cases[i].words, &fault) ||
		    strcmp(fault.field, cases[i].field) != 0)
			fail_msg("%s: '%s' instead of '%s'", cases[i].words, fault.field,
				 cases[i].field);
	}
}

/* What is new in a later draft is read past, and can then not be met. */
static void test_corim_read__what_is_not_known__is_marked(void **state)
{
	static const struct corim_frame frame = {
	    .triples = "m2 0 a1 a2 " ENVIRONMENT " a3 m1 1 m1 16 h00 "
		       "m1 1 m1 3 m1 -1 T m1 1 m2 1 3 4 7 12 a1 1"};
	struct corim *corim = corim_frame_read(&frame, NULL, NULL);
	const struct corim_module *module = &corim->modules[0];

	(void)state;
	assert_true(module->has_unknown && module->unknown == 12);
	for (size_t i = 0; i < 3; i++)
		assert_true(
		    module->references.items[0].measurements.items[i].values.has_unknown);
	corim_free(corim);
}

static void test_corim_read__tags_of_other_kinds__are_counted(void **state)
{
	struct writer module = wr_init(4096), bytes = wr_init(4096);
	struct tobi_bytes inner;
	struct corim *corim = NULL;

	(void)state;
	corim_diag(&module, "m2 1 m1 0 \"module\" 4 " REFERENCE);
	inner = wr_view(&module);
	corim_diag(
	    &bytes,
	    "t501 m5 0 t37 h000102030405060708090a0b0c0d0e0f 1 a5 t505 ha0 t506 % "
	    "t508 ha0 t509 ha0 t510 ha0 "
	    "2 a2 m1 0 t32 \"https://a.example/x\" m2 0 a1 t32 \"u:v\" 1 a2 1 " SHA256
	    " 5 a1 m2 0 \"A\" 2 a1 1 3 t32 \"u:v\"",
	    &inner);
	assert_int_equal(corim_read(wr_view(&bytes), "test", &corim, NULL), 0);
	assert_true(corim->coswid_count == 1 && corim->cotl_count == 1);
	assert_true(corim->other_count == 2 && corim->other_tag == 509);
	assert_int_equal(corim->dependent_count, 2);
	assert_int_equal(corim->entities.count, 1);
	corim_free(corim);
	wr_done(&module);
	wr_done(&bytes);
}

static void test_corim_read__a_float_for_a_time__fails(void **state)
{
	struct writer bytes = wr_init(4096);
	struct corim *corim = NULL;

	(void)state;
	corim_diag(&bytes, "t501 m3 0 \"d\" 1 a1 t505 ha0 4 m1 1 t1");
	wr_bytes(&bytes, "\xf9\x3c\x00", 3);
	assert_int_equal(corim_read(wr_view(&bytes), "test", &corim, NULL),
			 TOBI_E_MALFORMED);
	wr_done(&bytes);
}

/* So many triples, of as many measurements each. */
static enum tobi_err read_many(size_t triples, size_t measurements)
{
	struct writer module = wr_init(4 << 20), bytes = wr_init(4 << 20);
	struct tobi_bytes inner;
	struct corim *corim = NULL;
	enum tobi_err err;

	corim_diag(&module, "m2 1 m1 0 \"module\" 4 m1 0");
	cbor_write_array(&module, triples);
	for (size_t i = 0; i < triples; i++) {
		corim_diag(&module, "a2 m1 2 t560 h");
		cbor_write_array(&module, measurements);
		for (size_t j = 0; j < measurements; j++)
			corim_diag(&module, "m1 1 m1 1 3");
	}
	inner = wr_view(&module);
	corim_diag(&bytes, "t501 m2 0 \"d\" 1 a1 t506 %", &inner);
	err = corim_read(wr_view(&bytes), "test", &corim, NULL);
	corim_free(corim);
	wr_done(&module);
	wr_done(&bytes);
	return err;
}

static void test_corim_read__as_many_as_are_allowed__and_one_more(void **state)
{
	(void)state;
	assert_int_equal(read_many(LIMIT_CORIM_TRIPLES, 1), TOBI_OK);
	assert_int_equal(read_many(LIMIT_CORIM_TRIPLES + 1, 1), TOBI_E_LIMIT);
	assert_int_equal(read_many(1, LIMIT_CORIM_MEASUREMENTS), TOBI_OK);
	assert_int_equal(read_many(1, LIMIT_CORIM_MEASUREMENTS + 1), TOBI_E_LIMIT);
}

static void test_corim_read__too_large__is_not_looked_at(void **state)
{
	struct writer bytes = wr_init(LIMIT_CORIM + 1);
	struct corim *corim = NULL;

	(void)state;
	assert_non_null(wr_reserve(&bytes, LIMIT_CORIM + 1));
	assert_int_equal(corim_read(wr_view(&bytes), "test", &corim, NULL), TOBI_E_LIMIT);
	wr_done(&bytes);
}

/* A value that nobody reads, nested more than a document needs. */
static void test_corim_read__too_deep__fails(void **state)
{
	char words[512] = "m1 0 a1 a2 " ENVIRONMENT " a1 m1 1 m1 16";
	struct tobi_fault fault = {0};

	(void)state;
	for (int i = 0; i < 8; i++)
		strcat(words, " a1"); /* NOLINT: of the test's own, and there is room */
	strcat(words, " 0");
	assert_int_equal(read_words(words, &fault), 0);
	words[strlen(words) - 2] = 0;
	for (int i = 0; i < 8; i++)
		strcat(words, " a1"); /* NOLINT */
	strcat(words, " 0");
	assert_int_equal(read_words(words, &fault), TOBI_E_LIMIT);
}

static void test_corim_validity__both_ends__are_in_it(void **state)
{
	const struct corim_validity validity = {true, true, 100, 200};
	const struct corim_validity open = {0};

	(void)state;
	assert_false(corim_validity_has(&validity, 99));
	assert_true(corim_validity_has(&validity, 100));
	assert_true(corim_validity_has(&validity, 200));
	assert_false(corim_validity_has(&validity, 201));
	assert_true(corim_validity_has(&open, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_corim_read__every_part__is_there),
	    cmocka_unit_test(test_corim_read__every_truncation__fails),
	    cmocka_unit_test(test_corim_read__a_trailing_byte__fails),
	    cmocka_unit_test(test_corim_read__a_trailing_byte_in_a_module__fails),
	    cmocka_unit_test(test_corim_read__what_the_format_does_not_allow__is_named),
	    cmocka_unit_test(test_corim_read__what_is_not_known__is_marked),
	    cmocka_unit_test(test_corim_read__tags_of_other_kinds__are_counted),
	    cmocka_unit_test(test_corim_read__a_float_for_a_time__fails),
	    cmocka_unit_test(test_corim_read__as_many_as_are_allowed__and_one_more),
	    cmocka_unit_test(test_corim_read__too_large__is_not_looked_at),
	    cmocka_unit_test(test_corim_read__too_deep__fails),
	    cmocka_unit_test(test_corim_validity__both_ends__are_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
