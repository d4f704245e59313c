/* Which submodules are wrappers, and what is taken out of one. What is proven by them is
 * in eat_submods_test.c. */
#include "tee/eat_wrapped.h"

#include "base/arena.h"
#include "tests/bytes.h"

static bool is_wrapped(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	bool is;

	assert_non_null(json);
	is = eat_wrapped_is(json);
	json_decref(json);
	return is;
}

static void test_eat_wrapped_is__records_and_collections(void **state)
{
	static const char *const are[] = {
	    "[\"application/eat+jwt\", \"AAAA\"]",
	    "[263, \"AAAA\"]",
	    "[263, \"AAAA\", 4]",
	    "{\"a\": [\"a/b\", \"AAAA\"]}",
	    "{\"a\": [\"a/b\", \"AAAA\"], \"b\": {\"c\": [1, \"AAAA\"]}}",
	    "{\"__cmwc_t\": \"tag:x\", \"swname\": \"y\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(are) / sizeof(are[0]); i++)
		assert_true(is_wrapped(are[i]));
}

/* Claims are not taken for a wrapper, nor other forms of submodules. */
static void test_eat_wrapped_is__claims_and_tokens__are_none(void **state)
{
	static const char *const none[] = {
	    "{}",
	    "{\"swname\": \"x\"}",
	    "{\"swname\": \"x\", \"a\": [\"a/b\", \"AAAA\"]}",
	    "{\"submods\": {}}",
	    "[\"JWT\", \"a.b.c\"]",
	    "[\"DIGEST\", [-16, \"AAAA\"]]",
	    "[\"a/b\"]",
	    "[\"a/b\", 1]",
	    "[-16, \"AAAA\"]",
	    "[263, \"AAAA\", 4, 4]",
	    "\"a/b\"",
	    "1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (is_wrapped(none[i]))
			fail_msg("%s", none[i]);
	}
}

static enum tobi_err open_text(const char *text, struct arena *arena, struct cmw *cmw)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	enum tobi_err err;

	assert_non_null(json);
	err = eat_wrapped_open(json, arena, cmw, NULL);
	json_decref(json);
	return err;
}

static void test_eat_wrapped_open__each_form__has_its_records(void **state)
{
	struct arena arena = arena_init(1 << 20);
	struct cmw cmw;
	bool is_jwt = true;

	(void)state;
	assert_int_equal(open_text("[263, \"AQID\", 4]", &arena, &cmw), 0);
	assert_true(cmw.alone && cmw.count == 1);
	assert_bytes_equal(cmw.records[0].value, BYTES(1, 2, 3));
	assert_string_equal(eat_wrapped_type(&cmw.records[0], &arena),
			    "content format 263");
	assert_true(eat_wrapped_token(&cmw.records[0], &is_jwt) && !is_jwt);
	assert_int_equal(
	    open_text("{\"a\": {\"b\": [\"application/eat+jwt; x=y\", \"AQ\"]}}", &arena,
		      &cmw),
	    0);
	assert_true(!cmw.alone && cmw.count == 1);
	assert_bytes_equal(cmw.records[0].key, text_bytes("a/b"));
	assert_true(eat_wrapped_token(&cmw.records[0], &is_jwt) && is_jwt);
	assert_int_equal(open_text("\"AQ\"", &arena, &cmw), TOBI_E_MALFORMED);
	assert_int_equal(open_text("[\"a/b\", \"=\"]", &arena, &cmw), TOBI_E_MALFORMED);
	arena_done(&arena);
}

static void test_eat_wrapped_token__types_that_only_begin_so__are_none(void **state)
{
	static const char *const types[] = {"application/eat+jwtx", "application/eat",
					    "application/vnd.tobichi.tpm-quote", ""};
	bool is_jwt;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct cmw_record record = {.media_type = text_bytes(types[i]),
						  .content_format = 0};

		assert_false(eat_wrapped_token(&record, &is_jwt));
	}
	assert_true(eat_wrapped_starts(BYTES(0xda, 0x63)));
	assert_false(eat_wrapped_starts(BYTES(0xd2, 0x84)));
	assert_false(eat_wrapped_starts(text_bytes("[1]")));
	assert_false(eat_wrapped_starts((struct tobi_bytes){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_eat_wrapped_is__records_and_collections),
	    cmocka_unit_test(test_eat_wrapped_is__claims_and_tokens__are_none),
	    cmocka_unit_test(test_eat_wrapped_open__each_form__has_its_records),
	    cmocka_unit_test(test_eat_wrapped_token__types_that_only_begin_so__are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
