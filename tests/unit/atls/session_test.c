/* The public API: two endpoints in two threads, over a socket pair. */
#include "tests/check.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "pki/key.h"
#include "tests/evidence.h"
#include "tobichi/atls.h"

static const char greeting[] = "hello from inside";

static int64_t now(void)
{
	return TEST_NOW;
}

/* The side that attests: a thread of its own. */
struct attester {
	struct test_scene *scene;
	struct writer collection;
	bool cannot, cut_off;
	int fd;
	sem_t
	    over; /* posted when its tobi_atls_open() has returned, and before its end */
	enum tobi_err opened, read;
	size_t size;
	char heard[64];
	pthread_t thread;
};

static enum tobi_err give_evidence(void *context, struct tobi_bytes claims_buffer,
				   struct tobi_bytes *ret_collection,
				   struct tobi_fault *fault)
{
	struct attester *attester = context;

	(void)fault;
	if (attester->cannot)
		return TOBI_E_SYSTEM;
	test_scene_session_evidence(attester->scene, claims_buffer,
				    &attester->collection);
	*ret_collection = wr_view(&attester->collection);
	return TOBI_OK;
}

static void *run_attester(void *context)
{
	struct attester *attester = context;
	struct tobi_atls_options options = {
	    .now = now, .evidence = give_evidence, .context = attester};
	struct tobi_atls_session *session = NULL;
	struct tobi_atls *server = NULL;

	attester->collection = wr_init(LIMIT_EVIDENCE);
	if (tobi_atls_server_new(NULL, &options, &server, NULL))
		return NULL;
	attester->opened = tobi_atls_open(server, attester->fd, &session, NULL);
	sem_post(&attester->over);
	if (!attester->opened)
		attester->read =
		    tobi_atls_read(session, attester->heard, sizeof(attester->heard) - 1,
				   &attester->size, NULL);
	if (!attester->opened && !attester->read)
		IGNORE(tobi_atls_write(
		    session,
		    (struct tobi_bytes){(const uint8_t *)greeting, strlen(greeting)},
		    NULL));
	if (attester->cut_off)
		shutdown(attester->fd, SHUT_RDWR);
	sem_post(&attester->over);
	tobi_atls_close(session);
	tobi_atls_free(server);
	wr_done(&attester->collection);
	return NULL;
}

struct stage {
	struct test_scene scene;
	struct tobi_policy *policy;
	struct attester attester;
	struct tobi_atls *client;
	int fd;
};

static void stage_make(struct stage *stage, unsigned max_age)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_atls_options options = {.now = now};
	struct tobi_fault fault = {0};
	int fds[2];

	*stage = (struct stage){0};
	test_scene_make(&stage->scene);
	stage->scene.identity = "identity:\n  mode: any-instance\n";
	stage->scene.max_age = max_age;
	stage->scene.claims.issued = TEST_NOW;
	test_scene_policy(&stage->scene, &yaml);
	if (tobi_policy_parse(wr_view(&yaml), "scene", &stage->policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	assert_int_equal(
	    tobi_atls_client_new(stage->policy, &options, &stage->client, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	stage->fd = fds[0];
	stage->attester = (struct attester){
	    .scene = &stage->scene, .fd = fds[1], .read = TOBI_E_ARGUMENT, .size = 99};
	assert_int_equal(sem_init(&stage->attester.over, 0, 0), 0);
}

static enum tobi_err stage_open(struct stage *stage,
				struct tobi_atls_session **ret_session,
				struct tobi_fault *fault)
{
	assert_int_equal(
	    pthread_create(&stage->attester.thread, NULL, run_attester, &stage->attester),
	    0);
	return tobi_atls_open(stage->client, stage->fd, ret_session, fault);
}

static void stage_done(struct stage *stage, struct tobi_atls_session *session)
{
	tobi_atls_close(session);
	pthread_join(stage->attester.thread, NULL);
	tobi_atls_free(stage->client);
	tobi_policy_free(stage->policy);
	test_scene_done(&stage->scene);
}

static enum tobi_err say(struct tobi_atls_session *session, const char *text)
{
	return tobi_atls_write(
	    session, (struct tobi_bytes){(const uint8_t *)text, strlen(text)}, NULL);
}

static void test_session_open__good__talks_and_ends(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;
	char heard[64] = "";
	size_t size = 0;

	(void)state;
	stage_make(&stage, 600);
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	assert_int_equal(tobi_result_verdict(tobi_atls_result(session)), TOBI_ACCEPT);
	assert_string_equal(tobi_atls_protocol(session), "");
	assert_int_equal(say(session, "hello"), 0);
	assert_int_equal(tobi_atls_read(session, heard, sizeof(heard) - 1, &size, NULL),
			 0);
	assert_int_equal(size, strlen(greeting));
	assert_string_equal(heard, greeting);
	/* Its orderly end, as often as it is asked for. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    tobi_atls_read(session, heard, sizeof(heard), &size, NULL), 0);
		assert_int_equal(size, 0);
	}
	stage_done(&stage, session);
	assert_string_equal(stage.attester.heard, "hello");
}

/* A client that attests, and without a policy takes any server. */
struct pinning {
	struct attester attester;
	uint8_t found[48];
	bool known;
};

static void *run_pinning(void *context)
{
	struct pinning *pinning = context;
	const struct tobi_atls_options options = {
	    .now = now, .evidence = give_evidence, .context = &pinning->attester};
	struct tobi_atls_session *session = NULL;
	struct tobi_atls *client = NULL;

	if (tobi_atls_client_new(NULL, &options, &client, NULL))
		return NULL;
	pinning->attester.opened =
	    tobi_atls_open(client, pinning->attester.fd, &session, NULL);
	pinning->known = tobi_atls_peer_key(session, pinning->found);
	tobi_atls_close(session);
	tobi_atls_free(client);
	return NULL;
}

static void test_session_peer_key__is_that_of_the_server(void **state)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tobi_atls_options options = {.now = now};
	struct tobi_atls_session *session = NULL;
	struct tobi_atls *server = NULL;
	struct pinning pinning = {.attester.collection = wr_init(LIMIT_EVIDENCE)};
	struct stage stage;
	uint8_t wanted[48], other[48] = {7};

	(void)state;
	assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
	assert_int_equal(key_spki_sha384(key, wanted, NULL), 0);
	assert_int_equal(key_write_private(key, &pem, NULL), 0);
	options.key_pem = wr_view(&pem);
	stage_make(&stage, 600);
	assert_int_equal(tobi_atls_server_new(stage.policy, &options, &server, NULL), 0);
	pinning.attester.scene = &stage.scene;
	pinning.attester.fd = stage.attester.fd;
	assert_int_equal(
	    pthread_create(&pinning.attester.thread, NULL, run_pinning, &pinning), 0);
	assert_int_equal(tobi_atls_open(server, stage.fd, &session, NULL), 0);
	pthread_join(pinning.attester.thread, NULL);
	assert_int_equal(pinning.attester.opened, 0);
	assert_true(pinning.known);
	assert_memory_equal(pinning.found, wanted, sizeof(wanted));
	assert_false(tobi_atls_peer_key(session, NULL));
	assert_false(tobi_atls_peer_key(NULL, other));
	assert_int_equal(other[0], 7);
	/* The client's is another, made for this endpoint. */
	assert_true(tobi_atls_peer_key(session, other));
	assert_memory_not_equal(other, wanted, sizeof(wanted));
	tobi_atls_close(session);
	tobi_atls_free(server);
	tobi_atls_free(stage.client);
	tobi_policy_free(stage.policy);
	test_scene_done(&stage.scene);
	wr_done(&pinning.attester.collection);
}

/* A client that has opened and does nothing more has still told its peer so. */
static void test_session_open__then_idle__peer_opens(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;

	(void)state;
	stage_make(&stage, 600);
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	/* Nothing is called on the session meanwhile. The exchange's limit ends the wait.
	 */
	assert_int_equal(sem_wait(&stage.attester.over), 0);
	assert_int_equal(stage.attester.opened, TOBI_OK);
	stage_done(&stage, session);
}

static void test_session_close__at_once__is_an_orderly_end(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;

	(void)state;
	stage_make(&stage, 600);
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	stage_done(&stage, session);
	assert_int_equal(stage.attester.opened, TOBI_OK);
	assert_int_equal(stage.attester.read, TOBI_OK);
	assert_int_equal(stage.attester.size, 0);
}

static void test_session_open__refused__leaves_the_result(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct tobi_fault fault = {0};
	struct stage stage;
	size_t size = 9;
	char byte;

	(void)state;
	stage_make(&stage, 600);
	stage.scene.damage_signature = true;
	assert_int_equal(stage_open(&stage, &session, &fault), TOBI_E_REFUSED);
	assert_non_null(session);
	assert_int_equal(tobi_result_verdict(tobi_atls_result(session)), TOBI_REFUSE);
	assert_non_null(
	    strstr(tobi_result_reason(tobi_atls_result(session)), "SOFT-SIGNATURE"));
	assert_non_null(strstr(fault.message, "SOFT-SIGNATURE"));
	/* Nothing passes through it. */
	assert_int_equal(say(session, "hello"), TOBI_E_REFUSED);
	assert_int_equal(tobi_atls_read(session, &byte, 1, &size, NULL), TOBI_E_REFUSED);
	assert_int_equal(size, 9);
	stage_done(&stage, session);
	assert_int_equal(stage.attester.opened, TOBI_E_DENIED);
	assert_string_equal(stage.attester.heard, "");
}

static void test_session_open__no_evidence__refused(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct tobi_fault fault = {0};
	struct stage stage;

	(void)state;
	stage_make(&stage, 600);
	stage.attester.cannot = true;
	assert_int_equal(stage_open(&stage, &session, &fault), TOBI_E_REFUSED);
	assert_int_equal(tobi_result_verdict(tobi_atls_result(session)), TOBI_REFUSE);
	stage_done(&stage, session);
}

/* An end without TLS's close may be somebody else's doing: never taken for the end. */
static void test_session_read__cut_off__is_an_error(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;
	char heard[64];
	size_t size = 0;

	(void)state;
	stage_make(&stage, 600);
	stage.attester.cut_off = true;
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	assert_int_equal(say(session, "hello"), 0);
	/* The greeting and the cut are both there by now; the one hides not the other. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(sem_wait(&stage.attester.over), 0);
	assert_int_equal(tobi_atls_read(session, heard, sizeof(heard), &size, NULL), 0);
	assert_int_equal(size, strlen(greeting));
	assert_int_equal(tobi_atls_read(session, heard, sizeof(heard), &size, NULL),
			 TOBI_E_PROTOCOL);
	stage_done(&stage, session);
}

/* Section 5.6: what was proven an hour ago proves nothing now. */
static void test_session_read__past_max_age__times_out(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;
	size_t size = 0;
	char byte;

	(void)state;
	stage_make(&stage, 1);
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	/* The attester waits for a word from here, and this side for its age. */
	assert_int_equal(tobi_atls_read(session, &byte, 1, &size, NULL), TOBI_E_TIMEOUT);
	assert_int_equal(say(session, "hello"), TOBI_E_TIMEOUT);
	stage_done(&stage, session);
	assert_string_equal(stage.attester.heard, "");
}

static void test_session_open__no_peer__is_an_error(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;

	(void)state;
	stage_make(&stage, 600);
	close(stage.attester.fd);
	assert_int_equal(tobi_atls_open(stage.client, stage.fd, &session, NULL),
			 TOBI_E_PROTOCOL);
	tobi_atls_close(session);
	tobi_atls_free(stage.client);
	tobi_policy_free(stage.policy);
	test_scene_done(&stage.scene);
}

static void test_session_read__no_room__is_not_the_end(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;
	size_t size = 9;
	char heard[64] = "";

	(void)state;
	stage_make(&stage, 600);
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	assert_int_equal(say(session, "hello"), 0);
	assert_int_equal(tobi_atls_read(session, heard, 0, &size, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(tobi_atls_read(session, NULL, 9, &size, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(size, 9);
	/* The session is as good as before. */
	assert_int_equal(tobi_atls_read(session, heard, sizeof(heard) - 1, &size, NULL),
			 0);
	assert_string_equal(heard, greeting);
	stage_done(&stage, session);
}

static void test_session__null__refused(void **state)
{
	struct tobi_atls_session *session = (void *)&session;
	struct tobi_fault fault = {0};
	struct stage stage;
	int fds[2];
	size_t size = 9;
	char byte = 'x';

	(void)state;
	assert_int_equal(tobi_atls_read(NULL, &byte, 1, &size, &fault), TOBI_E_ARGUMENT);
	assert_string_equal(fault.field, "session");
	assert_int_equal(size, 9);
	assert_int_equal(say(NULL, "hello"), TOBI_E_ARGUMENT);
	assert_null(tobi_atls_result(NULL));
	assert_string_equal(tobi_atls_protocol(NULL), "");
	stage_make(&stage, 600);
	close(stage.attester.fd);
	close(stage.fd);
	/* No socket: said at once, not when the exchange's time is over. */
	assert_int_equal(tobi_atls_open(stage.client, -1, &session, &fault),
			 TOBI_E_ARGUMENT);
	assert_null(session);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(tobi_atls_open(NULL, fds[0], &session, &fault), TOBI_E_ARGUMENT);
	assert_null(session);
	assert_int_equal(read(fds[1], &byte, 1), 0); /* it was closed */
	close(fds[1]);
	tobi_atls_free(stage.client);
	tobi_policy_free(stage.policy);
	test_scene_done(&stage.scene);
}

static void test_session_write__bytes_missing__refused(void **state)
{
	struct tobi_atls_session *session = NULL;
	struct stage stage;

	(void)state;
	stage_make(&stage, 600);
	assert_int_equal(stage_open(&stage, &session, NULL), 0);
	assert_int_equal(tobi_atls_write(session, (struct tobi_bytes){NULL, 5}, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(tobi_atls_write(session, (struct tobi_bytes){0}, NULL), TOBI_OK);
	assert_int_equal(say(session, "hello"), 0);
	stage_done(&stage, session);
	assert_string_equal(stage.attester.heard, "hello");
}

static void test_session_new__arguments__refused(void **state)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_atls_options options = {.now = now};
	struct tobi_atls *atls = NULL;

	(void)state;
	assert_int_equal(tobi_atls_client_new(NULL, NULL, &atls, NULL), TOBI_E_ARGUMENT);
	/* Neither proves anything nor asks for proof. */
	assert_int_equal(tobi_atls_client_new(NULL, &options, &atls, NULL),
			 TOBI_E_ARGUMENT);
	options.evidence = give_evidence;
	options.now = NULL;
	assert_int_equal(tobi_atls_server_new(NULL, &options, &atls, NULL),
			 TOBI_E_ARGUMENT);
	/* A key from outside is not one that only the attester holds. */
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	assert_int_equal(key_write_private(key, &pem, NULL), 0);
	options.now = now;
	options.key_pem = wr_view(&pem);
	assert_int_equal(tobi_atls_server_new(NULL, &options, &atls, NULL),
			 TOBI_E_ARGUMENT);
	assert_null(atls);
	tobi_atls_free(NULL);
	tobi_atls_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_session_open__good__talks_and_ends),
	    cmocka_unit_test(test_session_peer_key__is_that_of_the_server),
	    cmocka_unit_test(test_session_open__then_idle__peer_opens),
	    cmocka_unit_test(test_session_close__at_once__is_an_orderly_end),
	    cmocka_unit_test(test_session_open__refused__leaves_the_result),
	    cmocka_unit_test(test_session_open__no_evidence__refused),
	    cmocka_unit_test(test_session_read__cut_off__is_an_error),
	    cmocka_unit_test(test_session_read__past_max_age__times_out),
	    cmocka_unit_test(test_session_open__no_peer__is_an_error),
	    cmocka_unit_test(test_session_read__no_room__is_not_the_end),
	    cmocka_unit_test(test_session__null__refused),
	    cmocka_unit_test(test_session_write__bytes_missing__refused),
	    cmocka_unit_test(test_session_new__arguments__refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
