/* Names, and what each change checks for itself, whoever calls it. */
#include "broker/resource.h"

#include <stdlib.h>

#include "broker/owners.h"
#include "tests/broker_world.h"

static enum tobi_err read_name(const char *text)
{
	struct resource_name name = {.repository = "untouched"};
	enum tobi_err err = resource_name_read(text, &name, NULL);

	if (err)
		assert_string_equal(name.repository, "untouched");
	return err;
}

static void test_resource_name_read__three_parts__read(void **state)
{
	char text[RESOURCE_NAME_SIZE];
	struct resource_name name = named("Aa9._-/b..c/-");

	(void)state;
	assert_string_equal(name.repository, "Aa9._-");
	assert_string_equal(name.type, "b..c");
	assert_string_equal(name.tag, "-");
	resource_name_write(&name, text);
	assert_string_equal(text, "Aa9._-/b..c/-");
}

static void test_resource_name_read__else__refused(void **state)
{
	static const char *const wrong[] = {
	    "",	       "a",	   "a/b",    "a/b/",   "/a/b",	  "a//b",
	    "a/b/c/",  "a/b/c/d",  "a/b/.c", "../a/b", "a/../b",  "a b/c/d",
	    "a/b/c\n", "a/b/c%20", "a/b/c?", "a/b/c#", "a/b/c\\", "a/b/\xc3\xa9",
	    "a/b/c'",  "a/b/c\"",  "a/b/c;", "a/b/*",  "a/b/~",	  "a:b/c/d"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (read_name(wrong[i]) != TOBI_E_MALFORMED)
			fail_msg("%s", wrong[i]);
	}
}

static void test_resource_name_read__long_parts__to_the_limit(void **state)
{
	char text[3 * (RESOURCE_PART_MAX + 2)], back[RESOURCE_NAME_SIZE];
	struct resource_name name;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[RESOURCE_PART_MAX] = '/';
	text[2 * RESOURCE_PART_MAX + 1] = '/';
	text[3 * RESOURCE_PART_MAX + 2] = 0;
	assert_int_equal(resource_name_read(text, &name, NULL), 0);
	resource_name_write(&name, back);
	assert_string_equal(back, text);
	text[3 * RESOURCE_PART_MAX + 2] = 'a';
	text[3 * RESOURCE_PART_MAX + 3] = 0;
	assert_int_equal(read_name(text), TOBI_E_LIMIT);
	memset(text, 'a', RESOURCE_PART_MAX + 1);
	text[RESOURCE_PART_MAX + 1] = 0;
	assert_int_equal(resource_part_check(text, NULL), TOBI_E_LIMIT);
	text[RESOURCE_PART_MAX] = 0;
	assert_int_equal(resource_part_check(text, NULL), 0);
	assert_int_equal(resource_part_check("a/b", NULL), TOBI_E_MALFORMED);
}

static void test_resource_scope_read__one_to_three(void **state)
{
	static const char *const scopes[] = {"a", "a/b", "a/b/c"};
	struct resource_name name;
	char text[RESOURCE_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(resource_scope_read(scopes[i], &name, NULL), 0);
		resource_name_write(&name, text);
		assert_string_equal(text, scopes[i]);
	}
	assert_int_equal(resource_scope_read("", &name, NULL), TOBI_E_MALFORMED);
	assert_int_equal(resource_scope_read("a/", &name, NULL), TOBI_E_MALFORMED);
	assert_int_equal(resource_scope_read("a/b/c/d", &name, NULL), TOBI_E_MALFORMED);
}

/* ---- whose it is, without the handlers before ---- */

static void test_resource__another_repository__denied_by_each_change(void **state)
{
	static const struct resource_value value = {
	    {(const uint8_t *)"x", 1}, 0, RESOURCE_ANY_RELEASES};
	const struct resource_name name = named("red/key/db"), none = named("no/key/db");
	struct broker *broker = world.broker;
	struct tobi_fault *fault = &world.fault;
	uint64_t version = 0;

	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(
	    resource_put(broker, "bob", &name, &value, NULL, world.now, &version, fault),
	    TOBI_E_DENIED);
	assert_int_equal(
	    resource_put(broker, "bob", &none, &value, NULL, world.now, &version, fault),
	    TOBI_E_DENIED);
	assert_int_equal(
	    resource_rotate(broker, "bob", &name, &value, 0, world.now, &version, fault),
	    TOBI_E_DENIED);
	assert_int_equal(version, 0);
	assert_int_equal(resource_delete(broker, "bob", &name, 0, fault), TOBI_E_DENIED);
	assert_int_equal(resource_delete(broker, "bob", &name, 1, fault), TOBI_E_DENIED);
	assert_int_equal(policy_delete(broker, "bob", "red", fault), TOBI_E_DENIED);
	assert_int_equal(
	    db_world_number("SELECT count(*) FROM resource_version", NO_VALUES), 1);
}

/* A repository changed hands by hand: what is in it is not the new owner's. */
static void test_resource__of_the_owner_before__is_not_touched(void **state)
{
	static const struct resource_value value = {
	    {(const uint8_t *)"x", 1}, 0, RESOURCE_ANY_RELEASES};
	const struct resource_name name = named("red/key/db");
	uint64_t version = 0;

	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	db_world_do("UPDATE owner_repository SET owner = 'bob' WHERE repository = 'red'",
		    NO_VALUES);
	assert_int_equal(resource_rotate(world.broker, "bob", &name, &value, 0, world.now,
					 &version, &world.fault),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(resource_delete(world.broker, "bob", &name, 0, &world.fault),
			 TOBI_E_NOT_FOUND);
}

static void test_resource_put__too_many_of_one_owner__refused(void **state)
{
	char sql[600];

	(void)state;
	snprintf(
	    sql, sizeof(sql),
	    "INSERT INTO resource (repository, type, tag, owner, latest, created) "
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "%d) SELECT 'red', 'many', CAST(i AS TEXT), 'alice', 1, 0 FROM n",
	    LIMIT_BROKER_RESOURCES - 1);
	db_world_do(sql, NO_VALUES);
	assert_int_equal(world_put("red/key/last", "x", 0, -1), 0);
	assert_int_equal(world_put("red/key/more", "x", 0, -1), TOBI_E_LIMIT);
}

/* ---- numbers ---- */

static uint64_t put_again(void)
{
	static const struct resource_value value = {
	    {(const uint8_t *)"x", 1}, 0, RESOURCE_ANY_RELEASES};
	const struct resource_name name = named("red/key/db");
	uint64_t version = 0;

	assert_int_equal(resource_put(world.broker, "alice", &name, &value, NULL,
				      world.now, &version, &world.fault),
			 0);
	return version;
}

static void test_resource_put__what_was_deleted__goes_on_with_its_numbers(void **state)
{
	static const struct resource_value value = {
	    {(const uint8_t *)"y", 1}, 0, RESOURCE_ANY_RELEASES};
	const struct resource_name name = named("red/key/db");
	uint64_t version = 0;

	(void)state;
	assert_int_equal(put_again(), 1);
	assert_int_equal(resource_rotate(world.broker, "alice", &name, &value, 0,
					 world.now, &version, &world.fault),
			 0);
	for (uint64_t next = 3; next < 6; next++) {
		assert_int_equal(
		    resource_delete(world.broker, "alice", &name, 0, &world.fault), 0);
		assert_int_equal(put_again(), next);
	}
	assert_int_equal(world_put("red/key/other", "z", 0, -1), 0);
	assert_int_equal(db_world_number("SELECT max(version) FROM resource_version "
					 "WHERE tag = 'other'",
					 NO_VALUES),
			 1);
}

static void
test_resource_put__of_an_owner_that_went__goes_on_with_its_numbers(void **state)
{
	static const char *const repositories[] = {"red"};
	struct owner_key key;
	char *pem = key_pem(world.alice);
	struct owner_new anew = {"alicia", &key, 1, repositories, 1};
	const struct resource_value value = {
	    {(const uint8_t *)"x", 1}, 0, RESOURCE_ANY_RELEASES};
	const struct resource_name name = named("red/key/db");
	uint64_t version = 0;

	(void)state;
	assert_int_equal(put_again(), 1);
	assert_int_equal(owner_remove(world.broker, "alice", true, &world.fault), 0);
	assert_int_equal(owner_key_read(text_bytes(pem), &key, NULL), 0);
	free(pem);
	assert_int_equal(owner_add(world.broker, &anew, world.now, &world.fault), 0);
	assert_int_equal(resource_put(world.broker, "alicia", &name, &value, NULL,
				      world.now, &version, &world.fault),
			 0);
	assert_int_equal(version, 2);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_resource_name_read__three_parts__read),
	    T_(test_resource_name_read__else__refused),
	    T_(test_resource_name_read__long_parts__to_the_limit),
	    T_(test_resource_scope_read__one_to_three),
	    T_(test_resource__another_repository__denied_by_each_change),
	    T_(test_resource__of_the_owner_before__is_not_touched),
	    T_(test_resource_put__too_many_of_one_owner__refused),
	    T_(test_resource_put__what_was_deleted__goes_on_with_its_numbers),
	    T_(test_resource_put__of_an_owner_that_went__goes_on_with_its_numbers),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
