/* The shape of each registered claim; who signed a token, and the whole appraisal, are in
 * tests/unit/tee/eat_test.c. */
#include "token/eat.h"

#include "base/writer.h"
#include "tests/bytes.h"

static struct arena arena;

static int enter(void **state)
{
	(void)state;
	arena = arena_init(4 << 20);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static enum tobi_err read_in(const char *text, bool is_json, struct arena *to,
			     struct eat *eat, struct tobi_fault *fault)
{
	json_t *tree = json_loads(text, JSON_DECODE_ANY, NULL);
	enum tobi_err err;

	if (!tree)
		fail_msg("no JSON: %s", text);
	err = eat_read(tree, is_json, to, eat, fault);
	json_decref(tree);
	return err;
}

static enum tobi_err read_text(const char *text, struct eat *eat,
			       struct tobi_fault *fault)
{
	return read_in(text, true, &arena, eat, fault);
}

static void test_eat_read__all_of_it(void **state)
{
	struct eat eat;

	(void)state;
	assert_int_equal(
	    read_text(
		"{\"eat_profile\": \"p\", \"iss\": \"i\", \"sub\": \"s\", \"iat\": 1, "
		"\"exp\": 3, \"nbf\": 2, \"eat_nonce\": \"bm9uY2Vub25jZQ\", "
		"\"ueid\": \"AQIDBAUGBw\", \"oemid\": 7, \"hwmodel\": \"qg\", "
		"\"hwversion\": [\"2.0\", 1], \"swname\": \"n\", \"swversion\": "
		"[\"3\"], \"dbgstat\": \"disabled-permanently\", \"intuse\": 5, "
		"\"uptime\": 0, \"bootcount\": 9, \"oemboot\": true, "
		"\"sueids\": {}, \"location\": {}, \"bootseed\": \"AA\", "
		"\"dloas\": [], \"manifests\": [], \"measurements\": [], "
		"\"measres\": [], \"submods\": {}, \"else\": 1}",
		&eat, NULL),
	    0);
	assert_string_equal(eat.profile, "p");
	assert_string_equal(eat.issuer, "i");
	assert_string_equal(eat.subject, "s");
	assert_true(eat.issued == 1 && eat.expires == 3 && eat.not_before == 2);
	assert_int_equal(eat.nonce_given, 1);
	assert_int_equal(eat.nonce_count, 2);
	assert_bytes_equal(eat.nonces[0], text_bytes("noncenonce"));
	assert_bytes_equal(eat.nonces[1], text_bytes("bm9uY2Vub25jZQ"));
	assert_bytes_equal(eat.ueid, BYTES(1, 2, 3, 4, 5, 6, 7));
	assert_string_equal(eat.oemid, "7");
	assert_string_equal(eat.hwmodel, "aa");
	assert_string_equal(eat.hwversion, "2.0");
	assert_string_equal(eat.swname, "n");
	assert_string_equal(eat.swversion, "3");
	assert_string_equal(eat_dbgstat_name(eat.dbgstat), "disabled-permanently");
	assert_string_equal(eat_intuse_name(eat.intuse), "pop");
	assert_true(eat.has_uptime && eat.uptime == 0);
	assert_true(eat.has_bootcount && eat.bootcount == 9);
	assert_true(eat.has_oemboot && eat.oemboot);
	assert_int_equal(eat.unknown, 1);
}

static void test_eat_read__nothing_said__nothing_there(void **state)
{
	struct eat eat;

	(void)state;
	assert_int_equal(read_text("{}", &eat, NULL), 0);
	assert_null(eat.profile);
	assert_int_equal(eat.dbgstat, EAT_DEBUG_UNSAID);
	assert_string_equal(eat_dbgstat_name(eat.dbgstat), "not said");
	assert_string_equal(eat_intuse_name(eat.intuse), "not said");
	assert_true(!eat.has_uptime && !eat.has_oemboot && !eat.nonce_count);
}

/* Of each claim one value beyond each bound, and of another type. */
static void test_eat_read__wrong__names_the_claim(void **state)
{
	static const struct {
		const char *claim, *more;
	} wrong[] = {
	    {"eat_profile", "\"\""},
	    {"eat_profile", "1"},
	    {"iss", "1"},
	    {"sub", "[]"},
	    {"iat", "0"},
	    {"iat", "1.5"},
	    {"exp", "9007199254740993"},
	    {"nbf", "\"1\""},
	    {"nonce", "\"AAAAAAAAAAA\""},
	    {"eat_nonce", "\"seven77\""},
	    {"eat_nonce", "1"},
	    {"eat_nonce", "[\"AAAAAAAAAAA\"]"},
	    {"eat_nonce", "[\"AAAAAAAAAAA\", 1]"},
	    {"ueid", "\"AQIDBAUG\""},	  /* 6 bytes */
	    {"ueid", "\"BAIDBAUGBw\""},	  /* of type 4 */
	    {"ueid", "\"AAIDBAUGBw\""},	  /* of type 0 */
	    {"ueid", "\"AQIDBAUGBw==\""}, /* padded */
	    {"oemid", "\"AAAAAA\""},	  /* 4 bytes */
	    {"hwmodel", "\"qg\""},	  /* without oemid */
	    {"hwversion", "[\"1\"]"},	  /* without hwmodel */
	    {"swversion", "[\"1\"]"},	  /* without swname */
	    {"swversion", "[\"1\", 2, 3], \"swname\": \"x\""},
	    {"swversion", "[1], \"swname\": \"x\""},
	    {"swversion", "[], \"swname\": \"x\""},
	    {"swname", "\"\""},
	    {"dbgstat", "5"},
	    {"dbgstat", "-1"},
	    {"dbgstat", "\"Disabled\""},
	    {"intuse", "0"},
	    {"intuse", "6"},
	    {"uptime", "-1"},
	    {"bootcount", "true"},
	    {"oemboot", "1"},
	    {"sueids", "[]"},
	    {"location", "[]"},
	    {"submods", "[]"},
	    {"bootseed", "1"},
	    {"dloas", "{}"},
	    {"manifests", "{}"},
	    {"measurements", "\"\""},
	    {"measres", "{}"},
	};
	struct eat eat;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tobi_fault fault = {0};
		struct writer text = wr_init(1000);
		enum tobi_err err;

		wr_printf(&text, "{\"%s\": %s}", wrong[i].claim, wrong[i].more);
		wr_u8(&text, 0);
		err = read_text((const char *)text.ptr, &eat, &fault);
		if (err != TOBI_E_MALFORMED || strcmp(fault.field, wrong[i].claim) != 0)
			fail_msg("%s: %d, %s", (const char *)text.ptr, err, fault.field);
		wr_done(&text);
	}
	assert_int_equal(read_text("[]", &eat, NULL), TOBI_E_MALFORMED);
}

/* A nonce of JSON is a text of 8 to 88; one of CBOR was 8 to 64 bytes. */
static void test_eat_read__nonce__within_its_bounds(void **state)
{
	static const struct {
		size_t size; /* of the text */
		bool json, good;
	} cases[] = {{8, true, true},	{7, true, false},  {88, true, true},
		     {89, true, false}, {11, false, true}, {10, false, false},
		     {86, false, true}, {87, false, false}};
	struct eat eat;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128] = "{\"eat_nonce\": \"";
		size_t at = strlen(text);

		memset(text + at, 'A', cases[i].size);
		snprintf(text + at + cases[i].size, sizeof(text) - at - cases[i].size,
			 "\"}");
		assert_int_equal(read_in(text, cases[i].json, &arena, &eat, NULL),
				 cases[i].good ? TOBI_OK : TOBI_E_MALFORMED);
	}
}

static enum tobi_err with_nonces(size_t count)
{
	json_t *tree = json_pack("{s:[]}", "eat_nonce");
	struct eat eat;
	enum tobi_err err;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(json_object_get(tree, "eat_nonce"),
				      json_string("AAAAAAAAAAA"));
	err = eat_read(tree, true, &arena, &eat, NULL);
	if (!err)
		assert_int_equal(eat.nonce_count, 2 * count);
	json_decref(tree);
	return err;
}

static void test_eat_read__nonces__eight_at_most(void **state)
{
	(void)state;
	assert_int_equal(with_nonces(EAT_NONCES_MAX), 0);
	assert_int_equal(with_nonces(EAT_NONCES_MAX + 1), TOBI_E_MALFORMED);
}

static void test_eat_read__without_memory__says_so(void **state)
{
	struct arena small = arena_init(0);
	struct eat eat;

	(void)state;
	assert_int_equal(read_in("{\"swname\": \"x\"}", true, &small, &eat, NULL),
			 TOBI_E_MEMORY);
	arena_done(&small);
}

static void test_eat_is__by_a_claim_of_its_own(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = {{"{\"eat_nonce\": 1}", true},
		     {"{\"ueid\": 1}", true},
		     {"{\"measres\": 1}", true},
		     {"{\"iss\": \"x\", \"iat\": 1}", false},
		     {"{}", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *tree = json_loads(cases[i].text, 0, NULL);

		assert_int_equal(eat_is(tree), cases[i].is);
		json_decref(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_eat_read__all_of_it),
	    cmocka_unit_test(test_eat_read__nothing_said__nothing_there),
	    cmocka_unit_test(test_eat_read__wrong__names_the_claim),
	    cmocka_unit_test(test_eat_read__nonce__within_its_bounds),
	    cmocka_unit_test(test_eat_read__nonces__eight_at_most),
	    cmocka_unit_test(test_eat_read__without_memory__says_so),
	    cmocka_unit_test(test_eat_is__by_a_claim_of_its_own),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
