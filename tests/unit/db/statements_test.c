/* The cache of prepared statements: who is found, who makes room. */
#include <stdio.h>

#include "db/statements.h"
#include "tests/bytes.h"

static struct statements set;
static int ended;

static void end(void *context, struct statement *statement)
{
	assert_ptr_equal(context, &ended);
	assert_non_null(statement->handle);
	ended++;
}

static int enter(void **state)
{
	(void)state;
	set = (struct statements){.end = end, .context = &ended};
	ended = 0;
	return 0;
}

static int leave(void **state)
{
	(void)state;
	statements_done(&set);
	return 0;
}

/* Prepared, so that it has something to be ended. */
static struct statement *get(const char *text)
{
	struct statement *found = statements_get(&set, text, NULL, 0);

	assert_non_null(found);
	if (!found->handle)
		found->handle = &set;
	return found;
}

static void test_statements_get__same_text__same_statement(void **state)
{
	char copy[] = "SELECT 1";
	struct statement *first = get("SELECT 1");

	(void)state;
	assert_ptr_equal(get(copy), first);
	assert_ptr_not_equal(get("SELECT 2"), first);
	assert_int_equal(ended, 0);
}

static void test_statements_get__other_kinds__other_statement(void **state)
{
	const struct db_value number = db_integer(1), text = db_text("1");
	struct statement *first = statements_get(&set, "?", &number, 1);

	(void)state;
	first->handle = &set;
	assert_ptr_equal(statements_get(&set, "?", &number, 1), first);
	assert_ptr_not_equal(statements_get(&set, "?", &text, 1), first);
	assert_ptr_not_equal(statements_get(&set, "?", NULL, 0), first);
	assert_string_not_equal(statements_get(&set, "?", &text, 1)->name, first->name);
}

static void test_statements_get__full__oldest_is_ended(void **state)
{
	char text[32];
	struct statement *first = get("first");

	(void)state;
	for (int i = 0; i < DB_STATEMENTS - 1; i++) {
		snprintf(text, sizeof(text), "SELECT %d", i);
		get(text);
	}
	assert_int_equal(ended, 0);
	assert_ptr_equal(get("first"), first); /* used again: not the oldest now */
	get("one more");
	assert_int_equal(ended, 1);
	assert_ptr_equal(get("first"), first);
	assert_int_equal(ended, 1);
}

static void test_statements_get__busy__is_left(void **state)
{
	char text[32];
	struct statement *busy = get("busy"), *second;

	(void)state;
	busy->busy = true;
	second = get("busy");
	assert_ptr_not_equal(second, busy);
	for (int i = 0; i < 3 * DB_STATEMENTS; i++) {
		snprintf(text, sizeof(text), "SELECT %d", i);
		assert_ptr_not_equal(get(text), busy);
	}
	assert_string_equal(busy->text, "busy");
	for (int i = 0; i < DB_STATEMENTS; i++)
		set.slots[i].busy = true;
	assert_null(statements_get(&set, "no room", NULL, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_statements_get__same_text__same_statement),
	    TEST(test_statements_get__other_kinds__other_statement),
	    TEST(test_statements_get__full__oldest_is_ended),
	    TEST(test_statements_get__busy__is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
