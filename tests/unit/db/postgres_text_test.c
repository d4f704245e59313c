/* ? into $n, and states into errors: what needs no server. */
#include "db/postgres.h"
#include "tests/bytes.h"

static void expect(const char *sql, size_t count, const char *wanted)
{
	char *translated = NULL;

	assert_int_equal(postgres_translate(sql, count, &translated, NULL), TOBI_OK);
	assert_string_equal(translated, wanted);
	free(translated);
}

static void test_postgres_translate__values__are_numbered(void **state)
{
	(void)state;
	expect("SELECT 1", 0, "SELECT 1");
	expect("a = ? AND b = ?", 2, "a = $1 AND b = $2");
	expect("?,?,?,?,?,?,?,?,?,?,?", 11, "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11");
}

static void test_postgres_translate__quoted__is_left(void **state)
{
	(void)state;
	expect("'?' ? \"?\"", 1, "'?' $1 \"?\"");
	expect("'it''s ?' ?", 1, "'it''s ?' $1");
	expect("/* ? */ ? -- ?\n ?", 2, "/* ? */ $1 -- ?\n $2");
	/* What does not end is all of the rest: the server says what is wrong with it. */
	expect("? '?", 1, "$1 '?");
	expect("? /* ?", 1, "$1 /* ?");
	expect("? -- ?", 1, "$1 -- ?");
}

static void test_postgres_translate__other_count__argument(void **state)
{
	char *translated = NULL;

	(void)state;
	assert_int_equal(postgres_translate("a = ?", 0, &translated, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(postgres_translate("a = '?'", 1, &translated, NULL),
			 TOBI_E_ARGUMENT);
	assert_null(translated);
}

static void test_postgres_code__states__are_told_apart(void **state)
{
	static const struct {
		const char *state;
		enum tobi_err err;
	} cases[] = {
	    {"23505", TOBI_E_EXISTS},	 {"23503", TOBI_E_ARGUMENT},
	    {"40001", TOBI_E_TIMEOUT},	 {"40P01", TOBI_E_TIMEOUT},
	    {"55P03", TOBI_E_TIMEOUT},	 {"57014", TOBI_E_TIMEOUT},
	    {"57P01", TOBI_E_SYSTEM},	 {"28P01", TOBI_E_DENIED},
	    {"42501", TOBI_E_DENIED},	 {"42P01", TOBI_E_ARGUMENT},
	    {"3D000", TOBI_E_NOT_FOUND}, {"53100", TOBI_E_SYSTEM},
	    {"XX001", TOBI_E_MALFORMED}, {"54000", TOBI_E_LIMIT},
	    {"99999", TOBI_E_SYSTEM},	 {"", TOBI_E_SYSTEM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(postgres_code(cases[i].state), cases[i].err);
	assert_int_equal(postgres_code(NULL), TOBI_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_postgres_translate__values__are_numbered),
	    cmocka_unit_test(test_postgres_translate__quoted__is_left),
	    cmocka_unit_test(test_postgres_translate__other_count__argument),
	    cmocka_unit_test(test_postgres_code__states__are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
