/* The paths of administrators' tools: an owner stores and deletes, and nobody else. */
#include <stdio.h>

#include "base/limits.h"
#include "broker/route.h"
#include "tests/kbs_world.h"

#define ONE "/kbs/v0/resource/red/secret/one"

static struct broker_reply reply;

/* As the server calls it: only when somebody known has signed. */
static int ask_as(const char *who, enum http_method method, const char *path,
		  const char *body)
{
	static const struct broker_route *const tables[] = {kbs_routes, NULL};
	struct principal principal = {.operator= strcmp(who, "operator") == 0};
	const struct broker_request request = {.method = method,
					       .path = path,
					       .query = "",
					       .body = text_bytes(body),
					       .remote = "192.0.2.8",
					       .now = world.now,
					       .principal = &principal};
	const struct broker_route *route = NULL;
	unsigned allowed = 0;
	enum tobi_err err;

	snprintf(principal.name, sizeof(principal.name), "%s", who);
	broker_reply_done(&reply);
	reply = (struct broker_reply){.status = 200, .body = wr_init(1 << 16)};
	assert_int_equal(route_find(tables, method, path, &route, &allowed), 0);
	assert_int_equal(route->access, ROUTE_OWNER);
	err = route->handler(world.broker, &request, &reply, &world.fault);
	return err ? 500 : reply.status;
}

static bool says(const char *type)
{
	return reply.body.size &&
	       memmem(reply.body.ptr, reply.body.size, type, strlen(type)) != NULL;
}

static int enter(void **state)
{
	reply = (struct broker_reply){0};
	return kbs_world_enter(state);
}

static int leave(void **state)
{
	broker_reply_done(&reply);
	return kbs_world_leave(state);
}

static void gives(const char *path, const char *secret)
{
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(path, kbs.cookie, NULL), 200);
	assert_true(kbs_answer_opens(secret));
}

static void test_kbs_store__new_name__given_by_its_policy(void **state)
{
	(void)state;
	assert_int_equal(ask_as("alice", HTTP_POST, "/kbs/v0/resource/red/k/new", "new"),
			 200);
	assert_int_equal(reply.body.size, 0);
	assert_string_equal(last_note()->action, "secret put");
	assert_true(last_note()->accepted);
	gives("/kbs/v0/resource/red/k/new", "new");
}

static void test_kbs_store__name_that_is_there__replaced(void **state)
{
	(void)state;
	assert_int_equal(ask_as("alice", HTTP_POST, ONE, "the second"), 200);
	gives(ONE, "the second");
	assert_int_equal(ask_as("alice", HTTP_PUT, ONE, "the third"), 200);
	gives(ONE, "the third");
}

static void test_kbs_delete__its_owner__gone(void **state)
{
	(void)state;
	assert_int_equal(ask_as("alice", HTTP_DELETE, ONE, ""), 200);
	kbs_auth();
	assert_int_equal(kbs_attest(), 200);
	assert_int_equal(kbs_get(ONE, kbs.cookie, NULL), 401);
	assert_string_equal(kbs_error_type(), "PolicyDeny");
}

static void test_kbs_store__of_another__denied_and_logged(void **state)
{
	static const char *const who[] = {"bob", "operator", "nobody"};

	(void)state;
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		assert_int_equal(ask_as(who[i], HTTP_POST, ONE, "his"), 401);
		assert_true(says("AdminAuthAccess"));
		assert_false(last_note()->accepted);
		assert_int_equal(ask_as(who[i], HTTP_DELETE, ONE, ""), 401);
		assert_true(says("AdminAuthAccess"));
	}
	gives(ONE, "the first secret");
}

static void test_kbs_store__what_cannot_be__refused(void **state)
{
	(void)state;
	assert_int_equal(ask_as("alice", HTTP_POST, ONE, ""), 401);
	assert_true(says("PluginInternalError"));
	assert_int_equal(
	    ask_as("alice", HTTP_POST, "/kbs/v0/resource/red/k/.x", "secret"), 401);
	assert_true(says("PluginInternalError"));
	assert_int_equal(
	    ask_as("alice", HTTP_DELETE, "/kbs/v0/resource/red/k/absent", ""), 401);
	assert_true(says("PluginInternalError"));
}

static void test_kbs_store__log_fails__nothing_is_changed(void **state)
{
	(void)state;
	stand_in.log_fails = true;
	assert_int_equal(ask_as("alice", HTTP_POST, ONE, "changed"), 500);
	assert_int_equal(ask_as("alice", HTTP_DELETE, ONE, ""), 500);
	stand_in.log_fails = false;
	gives(ONE, "the first secret");
}

static void test_kbs_store__database_fails__is_no_answer(void **state)
{
	(void)state;
	db_world_do("DROP TABLE resource_past", NO_VALUES);
	assert_int_equal(ask_as("alice", HTTP_POST, "/kbs/v0/resource/red/k/new", "x"),
			 500);
	assert_int_equal(ask_as("alice", HTTP_DELETE, ONE, ""), 500);
}

static void test_kbs_policy__of_another_language__refused(void **state)
{
	static const char *const paths[] = {"/kbs/v0/resource-policy",
					    "/kbs/v0/attestation-policy",
					    "/kbs/v0/reference-value"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(ask_as("alice", HTTP_POST, paths[i], "{}"), 401);
		assert_true(says("ParsePolicyError"));
	}
}

int main(int argc, char **argv)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
	    T_(test_kbs_store__new_name__given_by_its_policy),
	    T_(test_kbs_store__name_that_is_there__replaced),
	    T_(test_kbs_delete__its_owner__gone),
	    T_(test_kbs_store__of_another__denied_and_logged),
	    T_(test_kbs_store__what_cannot_be__refused),
	    T_(test_kbs_store__log_fails__nothing_is_changed),
	    T_(test_kbs_store__database_fails__is_no_answer),
	    T_(test_kbs_policy__of_another_language__refused),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
