#include "broker/profile.h"

#include "tests/broker_world.h"

#define GOOD                                                                             \
	"{\"names\":[\"web.example\",\"*.in.example\",\"192.0.2.7\"],"                   \
	"\"wildcards\":true,\"lifetime\":3600,\"usage\":[\"server\",\"client\"]}"

static void test_profile_read__good__all_of_it(void **state)
{
	struct profile profile;

	(void)state;
	assert_int_equal(profile_read(text_bytes(GOOD), &profile, NULL), 0);
	assert_int_equal(profile.name_count, 3);
	assert_true(profile.wildcards && profile.server && profile.client);
	assert_int_equal(profile.seconds, 3600);
	assert_int_equal(
	    profile_read(text_bytes("{\"names\": [\"a.example\"]}"), &profile, NULL), 0);
	assert_true(!profile.wildcards && profile.server && !profile.client);
	assert_int_equal(profile.seconds, PROFILE_SECONDS);
}

static void test_profile_read__bad__refused(void **state)
{
	static const struct {
		const char *json;
		enum tobi_err err;
	} bad[] = {
	    {"", TOBI_E_MALFORMED},
	    {"[]", TOBI_E_MALFORMED},
	    {"{}", TOBI_E_MALFORMED},
	    {"{\"names\": []}", TOBI_E_MALFORMED},
	    {"{\"names\": \"a.example\"}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a_b.example\"]}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"*\"]}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"*.org\"]}", TOBI_E_MALFORMED},
	    {"{\"names\": [7]}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.example\\u0000.evil\"]}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"lifetime\": \"1\"}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"lifetime\": 600.5}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"lifetime\": 299}", TOBI_E_ARGUMENT},
	    {"{\"names\": [\"a.b\"], \"lifetime\": -1}", TOBI_E_ARGUMENT},
	    {"{\"names\": [\"a.b\"], \"lifetime\": 604801}", TOBI_E_ARGUMENT},
	    {"{\"names\": [\"a.b\"], \"usage\": []}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"usage\": [\"ca\"]}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"usage\": \"server\"}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"wildcards\": 1}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"ca\": true}", TOBI_E_MALFORMED},
	    {"{\"names\": [\"a.b\"], \"names\": [\"c.d\"]}", TOBI_E_MALFORMED},
	};
	struct profile profile;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (profile_read(text_bytes(bad[i].json), &profile, NULL) != bad[i].err)
			fail_msg("%s", bad[i].json);
	}
	assert_int_equal(profile_read(text_bytes("{\"names\": [\"a.b\"], \"lifetime\": "
						 "604800}"),
				      &profile, NULL),
			 0);
	assert_int_equal(
	    profile_read(text_bytes("{\"names\": [\"a.b\"], \"lifetime\": 300}"),
			 &profile, NULL),
	    0);
}

static void test_profile_read__truncated__refused(void **state)
{
	struct profile profile;

	(void)state;
	for (size_t size = 0; size < strlen(GOOD); size++)
		assert_int_not_equal(
		    profile_read((struct tobi_bytes){(const uint8_t *)GOOD, size},
				 &profile, NULL),
		    0);
}

static void test_profile_read__many_names__limit(void **state)
{
	struct writer json = wr_init(1 << 16);
	struct profile profile;

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		json.size = 0;
		wr_printf(&json, "{\"names\": [\"a.example\"");
		for (unsigned i = 1; i < PROFILE_NAMES_MAX + more; i++)
			wr_printf(&json, ",\"n%u.example\"", i);
		wr_printf(&json, "]}");
		assert_int_equal(profile_read(wr_view(&json), &profile, NULL),
				 more ? TOBI_E_LIMIT : TOBI_OK);
	}
	wr_done(&json);
}

/* ---- in the database ---- */

static enum tobi_err find(const char *name, const char *owner, struct profile *profile)
{
	const struct resource_name place = named(name);

	return profile_find(world.broker, &place, owner, profile, &world.fault);
}

static enum tobi_err put(const char *owner, const char *scope, const char *json)
{
	return profile_put(world.broker, owner, scope, text_bytes(json), world.now,
			   &world.fault);
}

static void test_profile_find__scopes__the_longest_of_the_owner(void **state)
{
	struct profile profile;

	(void)state;
	assert_int_equal(find("red/tls/web", "alice", &profile), TOBI_E_NOT_FOUND);
	assert_int_equal(put("alice", "red/tls/web", "{\"names\": [\"c.example\"]}"), 0);
	assert_int_equal(put("alice", "red", "{\"names\": [\"a.example\"]}"), 0);
	assert_int_equal(put("alice", "red/tls", "{\"names\": [\"b.example\"]}"), 0);
	assert_int_equal(find("red/tls/web", "alice", &profile), 0);
	assert_string_equal(profile.names[0].text, "c.example");
	assert_int_equal(find("red/tls/x", "alice", &profile), 0);
	assert_string_equal(profile.names[0].text, "b.example");
	assert_int_equal(find("red/x/x", "alice", &profile), 0);
	assert_string_equal(profile.names[0].text, "a.example");
	assert_int_equal(find("red/tls/web", "bob", &profile), TOBI_E_NOT_FOUND);
	assert_int_equal(find("green/tls/web", "alice", &profile), TOBI_E_NOT_FOUND);
}

static void test_profile_put__anothers_repository__denied(void **state)
{
	(void)state;
	assert_int_equal(put("alice", "blue", GOOD), TOBI_E_DENIED);
	assert_int_equal(put("alice", "nobodys", GOOD), TOBI_E_DENIED);
	assert_int_equal(put("alice", "red", GOOD), 0);
	assert_int_equal(profile_delete(world.broker, "bob", "red", &world.fault),
			 TOBI_E_DENIED);
	assert_int_equal(profile_delete(world.broker, "alice", "green", &world.fault),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(profile_delete(world.broker, "alice", "red", &world.fault), 0);
}

static void test_profile_put__too_many__limit(void **state)
{
	(void)state;
	db_world_do("INSERT INTO certificate_profile (scope, owner, content, changed, "
		    "mac) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
		    "WHERE i < 999) SELECT 'red/' || CAST(i AS TEXT), 'alice', ?, 1, ? "
		    "FROM n",
		    VALUES(B(text_bytes("x")), B(text_bytes("y"))));
	assert_int_equal(put("alice", "red", GOOD), 0);
	assert_int_equal(put("alice", "green", GOOD), TOBI_E_LIMIT);
	/* One in the place of another. */
	assert_int_equal(put("alice", "red", GOOD), 0);
}

static void test_profile_find__changed_in_the_database__refused(void **state)
{
	struct profile profile;

	(void)state;
	assert_int_equal(put("alice", "red", "{\"names\": [\"a.example\"]}"), 0);
	db_world_do("UPDATE certificate_profile SET content = ?",
		    VALUES(B(text_bytes("{\"names\": [\"b.example\"]}"))));
	assert_int_equal(find("red/tls/web", "alice", &profile), TOBI_E_SIGNATURE);
	assert_int_equal(put("alice", "red", GOOD), 0);
	db_world_do("UPDATE certificate_profile SET scope = 'red/tls'", NO_VALUES);
	assert_int_equal(find("red/tls/web", "alice", &profile), TOBI_E_SIGNATURE);
	assert_int_equal(put("alice", "green", GOOD), 0);
	db_world_do("UPDATE certificate_profile SET owner = 'bob' WHERE scope = 'green'",
		    NO_VALUES);
	assert_int_equal(find("green/a/b", "bob", &profile), TOBI_E_SIGNATURE);
}

static void test_profiles__by_signed_requests__own_alone(void **state)
{
	json_t *answer, *list;

	(void)state;
	assert_int_equal(
	    ask_for(world.alice, HTTP_PUT, "/v1/certificate-profiles/red/tls", GOOD),
	    200);
	assert_string_equal(last_note()->action, "certificate profile put");
	assert_int_equal(
	    ask_for(world.bob, HTTP_PUT, "/v1/certificate-profiles/red/tls", GOOD), 403);
	assert_int_equal(ask_for(world.operator_key, HTTP_PUT,
				 "/v1/certificate-profiles/red/tls", GOOD),
			 403);
	assert_int_equal(ask_for(world.alice, HTTP_PUT,
				 "/v1/certificate-profiles/red/tls",
				 "{\"names\": [\"a.b\"], \"lifetime\": 9999999}"),
			 400);
	assert_int_equal(
	    ask_for(NULL, HTTP_PUT, "/v1/certificate-profiles/red/tls", GOOD), 401);
	answer = ask_json(world.alice, HTTP_GET, "/v1/certificate-profiles", NULL);
	list = json_object_get(answer, "profiles");
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(
	    json_integer_value(json_object_get(
		json_object_get(json_array_get(list, 0), "profile"), "lifetime")),
	    3600);
	json_decref(answer);
	answer = ask_json(world.bob, HTTP_GET, "/v1/certificate-profiles", NULL);
	assert_int_equal(json_array_size(json_object_get(answer, "profiles")), 0);
	json_decref(answer);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, "/v1/certificate-profiles/red/tls", NULL),
	    200);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, "/v1/certificate-profiles/red/tls", NULL),
	    404);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_profile_read__good__all_of_it),
	    cmocka_unit_test(test_profile_read__bad__refused),
	    cmocka_unit_test(test_profile_read__truncated__refused),
	    cmocka_unit_test(test_profile_read__many_names__limit),
	    T_(test_profile_find__scopes__the_longest_of_the_owner),
	    T_(test_profile_put__anothers_repository__denied),
	    T_(test_profile_put__too_many__limit),
	    T_(test_profile_find__changed_in_the_database__refused),
	    T_(test_profiles__by_signed_requests__own_alone),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
