/* The agent's calls to its broker, and every way in which they end. */
#include "broker_world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"

#define PATH "/v1/secret/shop/keys/db"
#define ASKED                                                                            \
	"GET " PATH " HTTP/1.1\r\nHost: " BROKER_TARGET "\r\nConnection: close\r\n\r\n"

static void play(const struct broker_answer *answer)
{
	world.answers = answer;
	world.answer_count = 1;
}

/* The broker is asked, and does this. */
static void ask(const struct broker_answer *answer)
{
	play(answer);
	broker_world_get(PATH);
	broker_world_until(world.done);
	assert_int_equal(world.done, 1);
}

static void assert_failed(enum tobi_err code, const char *field)
{
	if (world.why.code != code || strcmp(world.why.field, field) != 0)
		fail_msg("%s, %s: %s", tobi_err_name(world.why.code), world.why.field,
			 world.why.message);
	assert_int_equal(world.status, 0);
	assert_int_equal(world.body.size, 0);
	/* Whoever reads it knows whom it is about. */
	assert_string_equal(world.why.object, "broker");
	assert_non_null(strstr(world.why.message, BROKER_TARGET ": "));
}

static void test_broker_client_pinned__is_answered(void **state)
{
	static const struct broker_answer answer = {BROKER_OK("6\r\n\r\ns\0\r\n\xff!"),
						    sizeof(BROKER_OK("6")) - 1 + 4 + 6,
						    false, true, TOBI_OK};

	(void)state;
	ask(&answer);
	assert_int_equal(world.why.code, TOBI_OK);
	assert_int_equal(world.status, 200);
	assert_true(bytes_equal(wr_view(&world.body),
				(struct tobi_bytes){(const uint8_t *)"s\0\r\n\xff!", 6}));
	assert_string_equal(world.heard[0], ASKED);
	/* The broker has what it judges by, and the enclave asked its platform once. */
	assert_true(world.has_evidence);
	assert_int_equal(world.reports, 1);
}

static void test_broker_client_other_status__is_handed_on(void **state)
{
	static const struct broker_answer answer = {
	    .bytes = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}"};

	(void)state;
	ask(&answer);
	assert_int_equal(world.why.code, TOBI_OK);
	assert_int_equal(world.status, 403);
	assert_int_equal(world.body.size, 2);
}

static void count(void *context, int status, struct tobi_bytes body,
		  const struct tobi_fault *why)
{
	(void)context, (void)body, (void)why;
	world.done++;
	world.status = status;
}

static void test_broker_client_body__is_sent_as_it_was(void **state)
{
	static const struct broker_answer answer = {.bytes = BROKER_OK("0\r\n\r\n")};
	char path[] = "/v1/x", body[] = "a body";
	struct broker_call call = {
	    .method = "POST", .path = path, .body = bytes_of_text(body), .done = count};

	(void)state;
	play(&answer);
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
	/* Both were copied. */
	memset(path, 'x', sizeof(path) - 1);
	memset(body, 'x', sizeof(body) - 1);
	broker_world_until(world.done);
	assert_int_equal(world.status, 200);
	assert_string_equal(world.heard[0], "POST /v1/x HTTP/1.1\r\nHost: " BROKER_TARGET
					    "\r\nConnection: close\r\n"
					    "Content-Length: 6\r\n\r\na body");
}

/* ---- who it is ---- */

static void test_broker_client_other_key__hears_nothing(void **state)
{
	static const struct broker_answer answer = {.bytes = BROKER_OK("0\r\n\r\n")};

	(void)state;
	for (size_t byte = 0; byte < sizeof(world.broker_key); byte += 47) {
		world.broker_key[byte] ^= 1;
		broker_world_again();
		ask(&answer);
		world.broker_key[byte] ^= 1;
		assert_failed(TOBI_E_DENIED, "key");
		assert_string_equal(world.heard[0], "");
	}
	/* It was not even told what this enclave is. */
	assert_int_equal(world.reports, 0);
}

static int enter_attested(void **state)
{
	(void)state;
	broker_world_make(false, true);
	return 0;
}

static int enter_both(void **state)
{
	(void)state;
	broker_world_make(true, true);
	return 0;
}

static const struct broker_answer empty = {.bytes = BROKER_OK("0\r\n\r\n")};

static void test_broker_client_attested__is_answered(void **state)
{
	(void)state;
	ask(&empty);
	assert_int_equal(world.why.code, TOBI_OK);
	assert_int_equal(world.status, 200);
	assert_true(world.has_evidence);
}

static void test_broker_client_both__are_needed(void **state)
{
	(void)state;
	ask(&empty);
	assert_int_equal(world.status, 200);
	world.broker_key[0] ^= 1;
	broker_world_again();
	ask(&empty);
	assert_failed(TOBI_E_DENIED, "key");
	assert_string_equal(world.heard[0], "");
}

/* One that has the evidence, not the key, and wants none in return. */
static void test_broker_client_other_key__wants_no_evidence__hears_nothing(void **state)
{
	(void)state;
	world.peer.collects = false;
	world.broker_key[0] ^= 1;
	ask(&empty);
	assert_failed(TOBI_E_DENIED, "key");
	assert_string_equal(world.heard[0], "");
	assert_int_equal(world.reports, 0);
}

static void assert_refused(void)
{
	ask(&empty);
	assert_int_equal(world.why.code, TOBI_E_REFUSED);
	assert_int_equal(world.status, 0);
	assert_string_equal(world.heard[0], "");
}

static void test_broker_client_policy__other_evidence__is_refused(void **state)
{
	(void)state;
	world.scene.claims.svn = 2;
	assert_refused();
}

/* A man in the middle has genuine evidence, which is about another session. */
static void test_broker_client_policy__relayed_evidence__is_refused(void **state)
{
	(void)state;
	world.other_session = true;
	assert_refused();
}

static void test_broker_client_policy__no_evidence__is_refused(void **state)
{
	(void)state;
	world.peer.attests = false;
	assert_refused();
}

static void test_broker_client_other_protocol__hears_nothing(void **state)
{
	static const char *const others[] = {"tobichi-broker/2", NULL};

	(void)state;
	world.peer.protocols = others;
	ask(&empty);
	assert_failed(TOBI_E_PROTOCOL, "protocol");
	assert_string_equal(world.heard[0], "");
}

static void test_broker_client_neither_key_nor_policy__fails(void **state)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct broker_client *client = NULL;
	struct tobi_policy *policy = NULL;

	(void)state;
	world.setup.key.size = 0;
	assert_int_equal(broker_client_new(&world.setup, &client, NULL), TOBI_E_ARGUMENT);
	/* Evidence in a certificate asks for none in return. */
	world.scene.more = "channel: ra-tls\n";
	test_scene_policy(&world.scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, NULL), 0);
	world.setup.policy = policy;
	assert_int_equal(broker_client_new(&world.setup, &client, NULL), TOBI_E_ARGUMENT);
	assert_null(client);
	tobi_policy_free(policy);
}

/* ---- replies ---- */

static void test_broker_client_reply_cut_off__fails(void **state)
{
	static const struct broker_answer answers[] = {
	    {.bytes = "HTTP/1.1 200 OK\r\n", .cut = true},
	    {.bytes = "HTTP/1.1 200 OK\r\n", .closes = true},
	    {.bytes = BROKER_OK("6\r\n\r\nfive!"), .cut = true},
	    {.bytes = BROKER_OK("6\r\n\r\nfive!"), .closes = true},
	    {.cut = true},
	    {.closes = true}};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		broker_world_again();
		ask(&answers[i]);
		assert_failed(TOBI_E_TRUNCATED, "reply");
	}
}

static void expect_reply(const char *bytes, enum tobi_err code, const char *field)
{
	struct broker_answer answer = {.bytes = bytes};

	broker_world_make(true, false);
	ask(&answer);
	assert_failed(code, field);
	broker_world_leave(NULL);
}

static void test_broker_client_reply_that_is_none__fails(void **state)
{
	(void)state;
	expect_reply("SSH-2.0-x\r\n", TOBI_E_MALFORMED, "status");
	expect_reply("HTTP/1.1 200 OK\r\n\r\n", TOBI_E_MALFORMED, "content-length");
	expect_reply(BROKER_OK("1\r\n\r\nxy"), TOBI_E_TRAILING, "body");
	/* Before it has come. */
	expect_reply(BROKER_OK("65\r\n\r\n"), TOBI_E_LIMIT, "content-length");
	expect_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		     TOBI_E_MALFORMED, "transfer-encoding");
}

static void test_broker_client_slow__is_given_up(void **state)
{
	static const struct broker_answer slow = {.bytes = "HTTP/1.1 200 OK\r\n"};
	static const struct broker_answer mute = {.bytes = NULL};

	(void)state;
	world.setup.call_ms = 300;
	broker_world_renew();
	ask(&slow);
	assert_failed(TOBI_E_TIMEOUT, "");
	broker_world_again();
	ask(&mute);
	assert_failed(TOBI_E_TIMEOUT, "");
}

/* ---- the way there ---- */

static void test_broker_client_unreachable__says_why(void **state)
{
	static const struct broker_answer answer = {.connect = TOBI_E_NOT_FOUND};

	(void)state;
	ask(&answer);
	assert_failed(TOBI_E_NOT_FOUND, "");
	assert_non_null(strstr(world.why.message, "no such thing"));
}

static void test_broker_client_no_room_at_the_service__asks_again(void **state)
{
	static const struct broker_answer answers[] = {{.connect = TOBI_E_LIMIT},
						       {.connect = TOBI_E_LIMIT},
						       {.bytes = BROKER_OK("0\r\n\r\n")}};

	(void)state;
	world.answers = answers;
	world.answer_count = 3;
	broker_world_get(PATH);
	broker_world_until(world.done);
	assert_int_equal(world.status, 200);
	assert_int_equal(world.asked, 3);
	assert_true(world.requests[0] != world.requests[1]);
}

static void test_broker_client_requests__are_told_from_others(void **state)
{
	int pair[2];
	char byte;

	(void)state;
	world.held = true;
	broker_world_get(PATH);
	assert_true(world.requests[0] >= BROKER_REQUESTS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(broker_client_connected(world.client, world.requests[0] + 1,
						 pair[0], NULL, NULL),
			 TOBI_E_PROTOCOL);
	/* It was closed. */
	assert_int_equal(read(pair[1], &byte, 1), 0);
	close(pair[1]);
	assert_int_equal(world.done, 0);
}

static void test_broker_client_answer_after_the_end__is_dropped(void **state)
{
	int pair[2];
	char byte;

	(void)state;
	world.setup.call_ms = 1;
	broker_world_renew();
	world.held = true;
	broker_world_get(PATH);
	broker_world_until(world.done);
	assert_failed(TOBI_E_TIMEOUT, "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(
	    broker_client_connected(world.client, world.requests[0], pair[0], NULL, NULL),
	    TOBI_OK);
	assert_int_equal(read(pair[1], &byte, 1), 0);
	close(pair[1]);
}

/* ---- what is asked ---- */

static void never(void *context, int status, struct tobi_bytes body,
		  const struct tobi_fault *why)
{
	(void)context, (void)status, (void)body, (void)why;
	fail_msg("it was called");
}

static void test_broker_client_path__is_one(void **state)
{
	static const char *const bad[] = {
	    "",	    "x",     "/a b",	  "/a\r\nX: y", "/a?b",
	    "/a#b", "/a\\b", "/\xc3\xa9", "/a\"b",	"/a HTTP/1.1\r\n\r\n"};
	struct broker_call call = {.method = "GET", .done = never};
	static char large[1026];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		call.path = bad[i];
		assert_int_equal(broker_client_call(world.client, &call, NULL),
				 TOBI_E_ARGUMENT);
	}
	memset(large, '/', 1025);
	call.path = large;
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_E_ARGUMENT);
	world.held = true;
	large[1024] = 0;
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
	assert_int_equal(world.asked, 1);
}

static void test_broker_client_calls__limit(void **state)
{
	struct broker_call call = {.method = "GET", .path = "/", .done = never};

	(void)state;
	world.held = true;
	assert_int_equal(broker_client_call(NULL, &call, NULL), TOBI_E_NOT_FOUND);
	for (size_t i = 0; i < BROKER_CALLS; i++)
		assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_E_LIMIT);
	/* Freed with all of them: never() is what it says. */
	broker_world_renew();
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
}

static void test_broker_client_body__limit(void **state)
{
	CLEANUP(freep) uint8_t *large = calloc(1, BROKER_BODY + 1);
	struct broker_call call = {.method = "POST", .path = "/", .done = never};

	(void)state;
	world.held = true;
	call.body = (struct tobi_bytes){large, BROKER_BODY + 1};
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_E_LIMIT);
	call.body.size--;
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
}

/* In the middle of a session: whoever ends the client is not called back. */
static void test_broker_client_freed__is_silent(void **state)
{
	static const struct broker_answer mute = {.bytes = NULL};
	struct broker_call call = {.method = "GET", .path = PATH, .done = never};

	(void)state;
	play(&mute);
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
	broker_world_until(world.heard_size[0]);
	broker_world_renew();
	for (int i = 0; i < 20; i++)
		broker_world_turn();
}

static void call_again(void *context, int status, struct tobi_bytes body,
		       const struct tobi_fault *why)
{
	(void)context, (void)body, (void)why;
	assert_int_equal(status, 200);
	broker_world_get(PATH);
}

/* From within done(), and the client may go there, too. */
static void free_it(void *context, int status, struct tobi_bytes body,
		    const struct tobi_fault *why)
{
	(void)context, (void)body, (void)why;
	assert_int_equal(status, 200);
	broker_client_free(world.client);
	world.client = NULL;
	world.done++;
}

static void test_broker_client_done__may_call_and_free(void **state)
{
	static const struct broker_answer answers[] = {{.bytes = BROKER_OK("0\r\n\r\n")},
						       {.bytes = BROKER_OK("0\r\n\r\n")},
						       {.bytes = BROKER_OK("0\r\n\r\n")}};
	struct broker_call call = {.method = "GET", .path = PATH, .done = call_again};

	(void)state;
	world.answers = answers;
	world.answer_count = 3;
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
	broker_world_until(world.done == 1);
	call.done = free_it;
	assert_int_equal(broker_client_call(world.client, &call, NULL), TOBI_OK);
	broker_world_until(world.done == 2);
	assert_null(world.client);
}

#define TEST(name, enter) cmocka_unit_test_setup_teardown(name, enter, broker_world_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_broker_client_pinned__is_answered, broker_world_enter),
	    TEST(test_broker_client_other_status__is_handed_on, broker_world_enter),
	    TEST(test_broker_client_body__is_sent_as_it_was, broker_world_enter),
	    TEST(test_broker_client_other_key__hears_nothing, broker_world_enter),
	    TEST(test_broker_client_other_key__wants_no_evidence__hears_nothing,
		 enter_both),
	    TEST(test_broker_client_attested__is_answered, enter_attested),
	    TEST(test_broker_client_both__are_needed, enter_both),
	    TEST(test_broker_client_policy__other_evidence__is_refused, enter_attested),
	    TEST(test_broker_client_policy__relayed_evidence__is_refused, enter_attested),
	    TEST(test_broker_client_policy__no_evidence__is_refused, enter_attested),
	    TEST(test_broker_client_other_protocol__hears_nothing, broker_world_enter),
	    TEST(test_broker_client_neither_key_nor_policy__fails, broker_world_enter),
	    TEST(test_broker_client_reply_cut_off__fails, broker_world_enter),
	    cmocka_unit_test(test_broker_client_reply_that_is_none__fails),
	    TEST(test_broker_client_slow__is_given_up, broker_world_enter),
	    TEST(test_broker_client_unreachable__says_why, broker_world_enter),
	    TEST(test_broker_client_no_room_at_the_service__asks_again,
		 broker_world_enter),
	    TEST(test_broker_client_requests__are_told_from_others, broker_world_enter),
	    TEST(test_broker_client_answer_after_the_end__is_dropped, broker_world_enter),
	    TEST(test_broker_client_path__is_one, broker_world_enter),
	    TEST(test_broker_client_calls__limit, broker_world_enter),
	    TEST(test_broker_client_body__limit, broker_world_enter),
	    TEST(test_broker_client_freed__is_silent, broker_world_enter),
	    TEST(test_broker_client_done__may_call_and_free, broker_world_enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
