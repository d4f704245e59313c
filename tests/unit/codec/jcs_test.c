#include "codec/jcs.h"

#include <openssl/sha.h>

#include "base/limits.h"
#include "codec/json.h"
#include "tests/bytes.h"

static enum tobi_err canonical(const char *text, struct writer *out)
{
	json_t *json = NULL;
	enum tobi_err err;

	assert_int_equal(json_parse(text_bytes(text), LIMIT_JSON, "test", &json, NULL),
			 0);
	err = jcs_write(json, out, NULL);
	json_decref(json);
	return err;
}

static void becomes(const char *text, const char *expected)
{
	struct writer out = wr_init(LIMIT_JSON);

	assert_int_equal(canonical(text, &out), 0);
	assert_bytes_equal(wr_view(&out), text_bytes(expected));
	wr_done(&out);
}

static void fails(const char *text, enum tobi_err expected)
{
	struct writer out = wr_init(LIMIT_JSON);

	assert_int_equal(canonical(text, &out), expected);
	wr_done(&out);
}

static void test_jcs_write__known_answer__its_hash(void **state)
{
	static const char hash[] = "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0"
				   "f3f525cd22c4597480a186427c8"
				   "13ca941da78870c3";
	struct block expected = block_unhex(hash);
	struct writer out = wr_init(256);
	uint8_t found[48];

	(void)state;
	assert_int_equal(canonical("{\"b\":1,\"a\":\"test\",\"c\":{\"d\":\"e\"}}", &out),
			 0);
	assert_bytes_equal(wr_view(&out),
			   text_bytes("{\"a\":\"test\",\"b\":1,\"c\":{\"d\":\"e\"}}"));
	SHA384(out.ptr, out.size, found);
	assert_bytes_equal(((struct tobi_bytes){found, 48}), block_view(expected));
	block_done(expected);
	wr_done(&out);
}

/* RFC 8785 section 3.2.3. */
static void test_jcs_write__names__in_the_order_of_utf16(void **state)
{
	(void)state;
	becomes("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,"
		"\"\\u0080\":6,\"\\u00f6\":7}",
		"{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\u00f6\":7,\"\u20ac\":1,"
		"\"\U0001f600\":5,\"\ufb33\":3}");
	becomes("{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}");
	becomes("{\"x\\ue000\":1,\"x\\ud800\\udc00\":2,\"x\\ud7ff\":3}",
		"{\"x\xed\x9f\xbf\":3,\"x\U00010000\":2,\"x\ue000\":1}");
}

static void test_jcs_write__texts__escaped_in_one_way(void **state)
{
	(void)state;
	becomes("[\"\\u0008\\t\\n\\u000c\\r\\\"\\\\\\/\\u0001\\u001F\\u007f\\u20ac\"]",
		"[\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001\\u001f\x7f\u20ac\"]");
}

static void test_jcs_write__values__without_blanks(void **state)
{
	(void)state;
	becomes(" [ 1 , -0 , null , true , false , { } , [ ] , \"\" ] ",
		"[1,0,null,true,false,{},[],\"\"]");
	becomes("{\"b\":[{\"z\":1,\"a\":[2,{}]},3],\"a\":{\"y\":{},\"x\":[]}}",
		"{\"a\":{\"x\":[],\"y\":{}},\"b\":[{\"a\":[2,{}],\"z\":1},3]}");
}

static void test_jcs_write__integers__safe_ones_only(void **state)
{
	(void)state;
	becomes("[9007199254740991,-9007199254740991]",
		"[9007199254740991,-9007199254740991]");
	fails("[9007199254740992]", TOBI_E_UNSUPPORTED);
	fails("[-9007199254740992]", TOBI_E_UNSUPPORTED);
	fails("[9223372036854775807]", TOBI_E_UNSUPPORTED);
}

static void test_jcs_write__fractions__unsupported(void **state)
{
	static const char *const numbers[] = {"[1.5]", "[1.0]", "[1e2]", "[-0.0]",
					      "{\"a\":{\"b\":[0.1]}}"};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		fails(numbers[i], TOBI_E_UNSUPPORTED);
}

static void test_jcs_write__zero_character__unsupported(void **state)
{
	json_t *json = json_stringn("a\0b", 3);
	struct writer out = wr_init(64);

	(void)state;
	assert_non_null(json);
	assert_int_equal(jcs_write(json, &out, NULL), TOBI_E_UNSUPPORTED);
	json_decref(json);
	wr_done(&out);
}

static void test_jcs_write__depth__limit_and_over(void **state)
{
	json_t *json = json_array();
	struct writer out = wr_init(256);

	(void)state;
	for (int i = 1; i < LIMIT_JSON_DEPTH; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, json);
		json = outer;
	}
	assert_int_equal(jcs_write(json, &out, NULL), 0);
	assert_int_equal(out.size, 2 * LIMIT_JSON_DEPTH);
	json = json_pack("[o]", json);
	assert_int_equal(jcs_write(json, &out, NULL), TOBI_E_LIMIT);
	json_decref(json);
	wr_done(&out);
}

static void test_jcs_write__no_room__limit(void **state)
{
	struct writer out = wr_init(3);

	(void)state;
	assert_int_equal(canonical("[1,2]", &out), TOBI_E_LIMIT);
	assert_int_equal(jcs_write(NULL, &out, NULL), TOBI_E_ARGUMENT);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_jcs_write__known_answer__its_hash),
	    cmocka_unit_test(test_jcs_write__names__in_the_order_of_utf16),
	    cmocka_unit_test(test_jcs_write__texts__escaped_in_one_way),
	    cmocka_unit_test(test_jcs_write__values__without_blanks),
	    cmocka_unit_test(test_jcs_write__integers__safe_ones_only),
	    cmocka_unit_test(test_jcs_write__fractions__unsupported),
	    cmocka_unit_test(test_jcs_write__zero_character__unsupported),
	    cmocka_unit_test(test_jcs_write__depth__limit_and_over),
	    cmocka_unit_test(test_jcs_write__no_room__limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
