#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "tests/bytes.h"

static enum tobi_err parse(struct tobi_bytes text, struct tobi_fault *fault)
{
	struct block block = block_new(text);
	json_t *json = NULL;
	enum tobi_err err = json_parse(block_view(block), 1000, "thing", &json, fault);

	assert_true((json != NULL) == (err == TOBI_OK));
	json_decref(json);
	block_done(block);
	return err;
}

static void refused(const char *text, enum tobi_err err)
{
	struct tobi_fault fault = {0};

	assert_int_equal(parse(text_bytes(text), &fault), err);
	assert_string_equal(fault.object, "thing");
	assert_true(fault.message[0]);
}

static void test_json_parse__plain__read(void **state)
{
	(void)state;
	assert_int_equal(
	    parse(text_bytes(" {\"a\": [1, -2.5, true, null, \"\\u00e9\"]} "), NULL),
	    TOBI_OK);
	assert_int_equal(parse(text_bytes("[]"), NULL), TOBI_OK);
}

static void test_json_parse__not_json__malformed(void **state)
{
	static const char *const bad[] = {"",
					  "{",
					  "[1,]",
					  "{\"a\":1,}",
					  "[1] x",
					  "[1][2]",
					  "[NaN]",
					  "[Infinity]",
					  "[01]",
					  "['a']",
					  "[\"a\nb\"]",
					  "// c\n[]",
					  "[\"\\x41\"]",
					  "[\"\xff\"]",
					  "[\"\xed\xa0\x80\"]",
					  "[\"\\ud800\"]",
					  "[\"\\u0000\"]",
					  "[1e999]",
					  "[99999999999999999999]",
					  "1",
					  "\"a\"",
					  "]"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], TOBI_E_MALFORMED);
	assert_int_equal(parse(BYTES('[', ']', 0), NULL), TOBI_E_MALFORMED);
	assert_int_equal(parse((struct tobi_bytes){0}, NULL), TOBI_E_MALFORMED);
}

static void test_json_parse__malformed__has_the_offset(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(parse(text_bytes("[1, 2, x]"), &fault), TOBI_E_MALFORMED);
	assert_true(fault.has_offset);
	assert_int_equal(fault.offset, 8);
}

static void test_json_parse__duplicate_member__malformed(void **state)
{
	(void)state;
	refused("{\"a\":1,\"a\":1}", TOBI_E_MALFORMED);
	refused("{\"a\":1,\"\\u0061\":2}", TOBI_E_MALFORMED);
	refused("[{\"b\":{\"a\":1,\"a\":2}}]", TOBI_E_MALFORMED);
}

static void test_json_parse__depth__limit(void **state)
{
	char text[2 * LIMIT_JSON_DEPTH + 3];

	(void)state;
	for (size_t depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = 0;
		if (depth > LIMIT_JSON_DEPTH)
			refused(text, TOBI_E_LIMIT);
		else
			assert_int_equal(parse(text_bytes(text), NULL), TOBI_OK);
	}
	/* Brackets in texts are not levels; a quote that is escaped ends no text. */
	assert_int_equal(
	    parse(text_bytes("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]"),
		  NULL),
	    TOBI_OK);
	assert_int_equal(
	    parse(text_bytes("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]"),
		  NULL),
	    TOBI_OK);
	refused("[\"\\\\\",[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", TOBI_E_LIMIT);
}

static void test_json_parse__ceiling__exact_fits_one_more_does_not(void **state)
{
	json_t *json = NULL;

	(void)state;
	assert_int_equal(json_parse(text_bytes("[1]"), 3, "thing", &json, NULL), TOBI_OK);
	json_decref(json);
	json = NULL;
	assert_int_equal(json_parse(text_bytes("[1]"), 2, "thing", &json, NULL),
			 TOBI_E_LIMIT);
	assert_null(json);
}

static void test_json_member__types__told_apart(void **state)
{
	static const char text[] =
	    "{\"s\":\"x\",\"i\":1,\"r\":1.5,\"t\":true,\"f\":false,"
	    "\"n\":null,\"o\":{},\"a\":[]}";
	static const struct {
		const char *name;
		json_type type;
	} members[] = {{"s", JSON_STRING}, {"i", JSON_INTEGER}, {"r", JSON_REAL},
		       {"t", JSON_TRUE},   {"f", JSON_FALSE},	{"n", JSON_NULL},
		       {"o", JSON_OBJECT}, {"a", JSON_ARRAY}};
	json_t *json = NULL, *member;

	(void)state;
	assert_int_equal(json_parse(text_bytes(text), 1000, "thing", &json, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 8; j++) {
			bool same = i == j || (i >= 3 && i <= 4 && j >= 3 && j <= 4);
			struct tobi_fault fault = {0};

			assert_int_equal(json_member(json, members[i].name,
						     members[j].type, "thing", &member,
						     &fault),
					 same ? TOBI_OK : TOBI_E_MALFORMED);
			if (!same)
				assert_string_equal(fault.field, members[i].name);
		}
	}
	assert_int_equal(json_member(json, "x", JSON_NULL, "thing", &member, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(json_member(json_object_get(json, "a"), "x", JSON_NULL, "thing",
				     &member, NULL),
			 TOBI_E_MALFORMED);
	json_decref(json);
}

static void test_json_write__both_forms__in_the_order_of_insertion(void **state)
{
	struct writer out = wr_init(100), small = wr_init(3);
	json_t *json = json_pack("{s:i,s:[i]}", "b", 1, "a", 2);

	(void)state;
	assert_int_equal(json_write(json, false, &out, NULL), TOBI_OK);
	assert_bytes_equal(wr_view(&out), text_bytes("{\"b\":1,\"a\":[2]}"));
	wr_done(&out);
	assert_int_equal(json_write(json, true, &out, NULL), TOBI_OK);
	assert_int_equal(out.ptr[out.size - 1], '\n');
	assert_int_equal(json_write(json, false, &small, NULL), TOBI_E_LIMIT);
	wr_done(&out);
	wr_done(&small);
	json_decref(json);
}

/* RFC 4648 section 10, without padding, and the two characters of section 5. */
static const struct {
	const char *bytes, *text;
} pairs[] = {{"", ""},
	     {"f", "Zg"},
	     {"fo", "Zm8"},
	     {"foo", "Zm9v"},
	     {"foob", "Zm9vYg"},
	     {"fooba", "Zm9vYmE"},
	     {"foobar", "Zm9vYmFy"},
	     {"\xfb\xff\xbf", "-_-_"}};

static void test_base64url__examples__both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct writer out = wr_init(100);

		base64url_write(&out, text_bytes(pairs[i].bytes));
		assert_bytes_equal(wr_view(&out), text_bytes(pairs[i].text));
		wr_done(&out);
		assert_int_equal(
		    base64url_read(text_bytes(pairs[i].text), "thing", &out, NULL), 0);
		assert_bytes_equal(wr_view(&out), text_bytes(pairs[i].bytes));
		wr_done(&out);
	}
}

static void test_base64url_read__all_characters__only_the_alphabet(void **state)
{
	int accepted = 0;

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		struct writer out = wr_init(100);
		struct tobi_fault fault = {0};
		uint8_t text[4] = {'A', (uint8_t)c, 'A', 'A'};

		if (!base64url_read((struct tobi_bytes){text, 4}, "thing", &out, &fault))
			accepted++;
		else
			assert_int_equal(fault.offset, 1);
		wr_done(&out);
	}
	assert_int_equal(accepted, 64);
}

static void test_base64url_read__padding_length_or_stray_bits__malformed(void **state)
{
	static const char *const bad[] = {"Zg==", "Zm8=",   "Z",    "Zm9vY",
					  "Zh",	  "Zm9",    "Zv",   "Zm+v",
					  "Zm/v", "Zm9v\n", " Zm9", "Z g"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct writer out = wr_init(100);
		struct tobi_fault fault = {0};

		assert_int_equal(
		    base64url_read(text_bytes(bad[i]), "thing", &out, &fault),
		    TOBI_E_MALFORMED);
		assert_string_equal(fault.field, "base64url");
		wr_done(&out);
	}
}

static void test_base64url_read__no_room__limit(void **state)
{
	struct writer out = wr_init(2);

	(void)state;
	assert_int_equal(base64url_read(text_bytes("Zm9v"), "thing", &out, NULL),
			 TOBI_E_LIMIT);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json_parse__plain__read),
	    cmocka_unit_test(test_json_parse__not_json__malformed),
	    cmocka_unit_test(test_json_parse__malformed__has_the_offset),
	    cmocka_unit_test(test_json_parse__duplicate_member__malformed),
	    cmocka_unit_test(test_json_parse__depth__limit),
	    cmocka_unit_test(test_json_parse__ceiling__exact_fits_one_more_does_not),
	    cmocka_unit_test(test_json_member__types__told_apart),
	    cmocka_unit_test(test_json_write__both_forms__in_the_order_of_insertion),
	    cmocka_unit_test(test_base64url__examples__both_ways),
	    cmocka_unit_test(test_base64url_read__all_characters__only_the_alphabet),
	    cmocka_unit_test(
		test_base64url_read__padding_length_or_stray_bits__malformed),
	    cmocka_unit_test(test_base64url_read__no_room__limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
