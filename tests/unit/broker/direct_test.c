/* Secrets for the client of an attested session: what the server's table leads to. */
#include "tests/broker_world.h"
#include "token/claims_buffer.h"

static const char *no_header(const struct broker_request *request, const char *name)
{
	(void)request, (void)name;
	return NULL;
}

/* The status; -1 for an error of the broker's own. */
static int get(const char *name, const char *query, const struct presented *presented,
	       struct broker_reply *ret_reply)
{
	char path[512];
	const struct broker_request request = {.method = HTTP_GET,
					       .path = path,
					       .query = query,
					       .remote = "127.0.0.1",
					       .secure = true,
					       .now = world.now,
					       .presented = presented,
					       .header = no_header};

	snprintf(path, sizeof(path), "/v1/secret/%s", name);
	*ret_reply = (struct broker_reply){.body = wr_init(1 << 20)};
	if (direct_routes[0].handler(world.broker, &request, ret_reply, &world.fault))
		return -1;
	return ret_reply->status ? ret_reply->status : 200;
}

static int status_of(const char *name, const char *query)
{
	const struct presented presented = world_presented();
	struct broker_reply reply;
	int status = get(name, query, &presented, &reply);

	assert_true(status == 200 || !reply.secret);
	broker_reply_done(&reply);
	return status;
}

static void put_released(void)
{
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/db", wr_view(&world.policy)), 0);
}

static void test_direct__accepted__gives_the_bytes(void **state)
{
	const struct presented presented = world_presented();
	struct broker_reply reply;

	(void)state;
	put_released();
	assert_int_equal(get("red/key/db", "", &presented, &reply), 200);
	assert_true(reply.secret);
	assert_string_equal(reply.content_type, "application/octet-stream");
	assert_bytes_equal(wr_view(&reply.body), text_bytes("s3cret"));
	assert_int_equal(reply.header_count, 2);
	assert_string_equal(reply.headers[0].name, "Tobichi-Log-Index");
	assert_string_equal(reply.headers[0].value, "0");
	assert_string_equal(reply.headers[1].name, "Tobichi-Version");
	assert_string_equal(reply.headers[1].value, "1");
	broker_reply_done(&reply);
	assert_int_equal(status_of("red/key/db", "version=1"), 200);
}

static void expect_index(const struct broker_reply *reply, const char *index)
{
	assert_int_equal(reply->header_count, 1);
	assert_string_equal(reply->headers[0].name, "Tobichi-Log-Index");
	assert_string_equal(reply->headers[0].value, index);
}

/* Absent, without a policy, refused: nobody can tell these. */
static void test_direct__not_released__one_answer(void **state)
{
	struct presented presented = world_presented();
	struct broker_reply absent, denied, refused;

	(void)state;
	put_released();
	assert_int_equal(world_put("red/key/other", "more", 0, -1), 0);
	assert_int_equal(get("red/key/none", "", &presented, &absent), 403);
	assert_int_equal(get("red/key/other", "", &presented, &denied), 403);
	presented.nonce = text_bytes("another nonce of 32 bytes.......");
	assert_int_equal(get("red/key/db", "", &presented, &refused), 403);
	assert_bytes_equal(wr_view(&absent.body), wr_view(&denied.body));
	assert_bytes_equal(wr_view(&absent.body), wr_view(&refused.body));
	expect_index(&absent, "0");
	expect_index(&denied, "1");
	expect_index(&refused, "2");
	broker_reply_done(&absent);
	broker_reply_done(&denied);
	broker_reply_done(&refused);
	assert_int_equal(status_of("red/key/db", "version=2"), 403);
}

static void test_direct__malformed__400(void **state)
{
	static const char *const names[] = {"red/key/.db", "red//db", "red/key/a b"};
	static const char *const queries[] = {"version=",
					      "version=0",
					      "version=-1",
					      "version=1x",
					      "Version=1",
					      "v=1",
					      "version=01",
					      "version=1&",
					      "version=1&version=1",
					      "version=9999999999999999999"};

	(void)state;
	put_released();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(status_of(names[i], ""), 400);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		assert_int_equal(status_of("red/key/db", queries[i]), 400);
}

static void test_direct__nothing_presented__an_error(void **state)
{
	struct broker_reply reply;

	(void)state;
	put_released();
	assert_int_equal(direct_routes[0].access, ROUTE_ATTESTED);
	assert_int_equal(get("red/key/db", "", NULL, &reply), -1);
	assert_int_equal(reply.body.size, 0);
	broker_reply_done(&reply);
}

/* ---- the evidence of a session ---- */

static void expect_denied(const struct presented *presented, const char *reason)
{
	struct broker_reply reply;

	assert_int_equal(get("red/key/db", "", presented, &reply), 403);
	assert_non_null(strstr(last_note()->reason, reason));
	broker_reply_done(&reply);
}

static struct presented session_of(struct writer *evidence)
{
	struct presented presented = {.claims_buffer =
					  wr_view(&world.scene.claims_buffer),
				      .since = world.now,
				      .remote = "192.0.2.1",
				      .channel = "atls"};

	*evidence = wr_init(LIMIT_EVIDENCE);
	test_scene_session_evidence(&world.scene, presented.claims_buffer, evidence);
	presented.evidence = wr_view(evidence);
	return presented;
}

/* The scene's policy has 600 s. */
static void test_direct__session_grows_old__denied(void **state)
{
	struct writer evidence;
	struct presented presented = session_of(&evidence);
	struct broker_reply reply;

	(void)state;
	put_released();
	presented.since = world.now - 600;
	assert_int_equal(get("red/key/db", "", &presented, &reply), 200);
	broker_reply_done(&reply);
	presented.since--;
	expect_denied(&presented, "older than the policy's max-age");
	wr_done(&evidence);
}

/* What was made for one session, in another: the claims of this one count. */
static void test_direct__evidence_of_another_session__denied(void **state)
{
	struct writer evidence, claims = wr_init(LIMIT_CLAIMS_BUFFER);
	struct presented presented = session_of(&evidence);
	uint8_t key[32] = {9};

	(void)state;
	put_released();
	claims_buffer_write(&claims, text_bytes("nonce of this very session, new."), key,
			    TOBI_ROLE_CLIENT, (struct tobi_bytes){0});
	presented.claims_buffer = wr_view(&claims);
	expect_denied(&presented, "SOFT-NONCE");
	wr_done(&evidence);
	wr_done(&claims);
}

/* Nobody asks a CA about a broker's client: what is not looked at is not met. */
static void test_direct__policy_by_ca__denied(void **state)
{
	struct writer evidence, policy = wr_init(LIMIT_POLICY);
	const struct presented presented = session_of(&evidence);
	struct writer identity = wr_init(LIMIT_POLICY);

	(void)state;
	wr_printf(&identity, "identity:\n  mode: ca\n  name: a.example\n  ca: |\n");
	for (const char *at = world.scene.anchors_pem; *at;) {
		size_t size = strcspn(at, "\n");

		wr_printf(&identity, "    %.*s\n", (int)size, at);
		at += size + (at[size] == '\n');
	}
	wr_u8(&identity, 0);
	world.scene.identity = (const char *)identity.ptr;
	test_scene_policy(&world.scene, &policy);
	put_released();
	if (world_put_policy("red/key/db", wr_view(&policy)))
		fail_msg("%s: %s", world.fault.field, world.fault.message);
	expect_denied(&presented, "POLICY-IDENTITY");
	wr_done(&identity);
	wr_done(&policy);
	wr_done(&evidence);
}

int main(int argc, char **argv)
{
#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)
	const struct CMUnitTest tests[] = {
	    T_(test_direct__accepted__gives_the_bytes),
	    T_(test_direct__not_released__one_answer),
	    T_(test_direct__malformed__400),
	    T_(test_direct__nothing_presented__an_error),
	    T_(test_direct__session_grows_old__denied),
	    T_(test_direct__evidence_of_another_session__denied),
	    T_(test_direct__policy_by_ca__denied),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
