/* The counters of the enclave's programs, kept by the broker. */
#include "broker_world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "broker_counters.h"
#include "ipc/packet.h"
#include "seal/client.h"

static struct {
	char folder[40], path[64];
	struct desk *desk;
	struct seal_identity identity;
	struct broker_counters counters;
} here;

static int enter(void **state)
{
	static struct launch_config launch;
	struct desk_setup setup = {.folder = here.folder,
				   .uid = (uid_t)-1,
				   .gid = (gid_t)-1,
				   .identity = &here.identity,
				   .idle_ms = 60000};

	broker_world_enter(state);
	memset(&here, 0, sizeof(here));
	snprintf(here.folder, sizeof(here.folder), "/tmp/tobichi-count-XXXXXX");
	assert_non_null(mkdtemp(here.folder));
	snprintf(here.path, sizeof(here.path), "%s/" ASK_SOCKET, here.folder);
	here.identity.signers[0][0] = 0x11;
	here.identity.signer_count = 1;
	setup.base = world.base;
	launch.broker_counters = bytes_of_text("shop/count");
	broker_counters_join(&here.counters, &launch, &setup);
	assert_int_equal(desk_new(&setup, &here.desk, NULL), TOBI_OK);
	here.counters.client = world.client;
	here.counters.desk = here.desk;
	return 0;
}

static int leave(void **state)
{
	broker_client_free(world.client);
	world.client = NULL;
	desk_free(here.desk);
	assert_int_equal(rmdir(here.folder), 0);
	return broker_world_leave(state);
}

/* A program that asks; it waits in its connection. */
static int program(const struct ask *ask)
{
	struct writer out = wr_init(LIMIT_ASK);
	int fd = -1;

	assert_int_equal(client_connect_to(here.path, &fd, NULL), TOBI_OK);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	ask_write(&out, ask);
	assert_int_equal(packet_send(fd, wr_view(&out), NULL, 0, NULL), TOBI_OK);
	wr_done(&out);
	return fd;
}

/* TOBI_E_TIMEOUT: nothing yet. */
static enum tobi_err hear(int fd, struct answer *ret_answer, struct tobi_fault *fault)
{
	struct packet packet = {0};
	enum tobi_err err = packet_receive(fd, LIMIT_ASK, &packet, fault);

	if (!err)
		err = answer_parse(wr_view(&packet.bytes), ret_answer, fault);
	packet_done(&packet);
	return err;
}

static enum tobi_err ask_with(const struct ask *ask, const struct broker_answer *answer,
			      struct answer *ret_answer)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_E_TIMEOUT;
	int fd = program(ask);

	world.answers = answer;
	world.answer_count = 1;
	broker_world_until(err != TOBI_E_TIMEOUT ||
			   (err = hear(fd, ret_answer, &fault)) != TOBI_E_TIMEOUT);
	close(fd);
	world.why = fault;
	return err;
}

static struct ask increment(const char *name)
{
	return (struct ask){
	    .kind = ASK_COUNTER, .increment = true, .name = bytes_of_text(name)};
}

static void test_broker_counters__increment__asked_of_the_broker(void **state)
{
	const struct broker_answer answer = {BROKER_OK("12\r\n\r\n{\"value\":41}")};
	const struct ask ask = increment("state");
	struct answer told;

	(void)state;
	assert_int_equal(ask_with(&ask, &answer, &told), TOBI_OK);
	assert_int_equal(told.kind, ANSWER_COUNTER);
	assert_int_equal(told.counter.value, 41);
	assert_true(told.counter.anchored);
	assert_non_null(
	    strstr(world.heard[0], "POST /v1/counter/shop/count/state HTTP/1.1"));
	assert_non_null(
	    strstr(world.heard[0], "{\"op\":\"increment\",\"to\":\"image\"}"));
}

static void test_broker_counters__read_by_signer__says_which(void **state)
{
	const struct broker_answer answer = {BROKER_OK("11\r\n\r\n{\"value\":0}")};
	struct ask ask = increment("state");
	struct answer told;

	(void)state;
	ask.increment = false;
	ask.to = TOBI_SEAL_TO_SIGNER;
	assert_int_equal(ask_with(&ask, &answer, &told), TOBI_OK);
	assert_int_equal(told.counter.value, 0);
	assert_non_null(strstr(world.heard[0],
			       "{\"op\":\"read\",\"to\":\"signer\",\"signer\":\"1100"));
}

static void test_broker_counters__other_answers__no_counter(void **state)
{
	static const struct {
		struct broker_answer answer;
		enum tobi_err err;
	} cases[] = {
	    {{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"}, TOBI_E_DENIED},
	    {{"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"}, TOBI_E_LIMIT},
	    {{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"}, TOBI_E_SYSTEM},
	    {{"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"}, TOBI_E_PROTOCOL},
	    {{BROKER_OK("12\r\n\r\n{\"value\":-1}")}, TOBI_E_MALFORMED},
	    {{BROKER_OK("14\r\n\r\n{\"value\":\"41\"}")}, TOBI_E_MALFORMED},
	    {{BROKER_OK("2\r\n\r\n{}")}, TOBI_E_MALFORMED},
	    {{BROKER_OK("2\r\n\r\n41")}, TOBI_E_MALFORMED},
	    {{.connect = TOBI_E_SYSTEM}, TOBI_E_SYSTEM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ask ask = increment("state");
		struct answer told;

		broker_world_again();
		assert_int_equal(ask_with(&ask, &cases[i].answer, &told), cases[i].err);
	}
}

static void test_broker_counters__name_with_a_dot_first__argument(void **state)
{
	const struct broker_answer answer = {BROKER_OK("11\r\n\r\n{\"value\":1}")};
	const struct ask ask = increment(".state");
	struct answer told;

	(void)state;
	assert_int_equal(ask_with(&ask, &answer, &told), TOBI_E_ARGUMENT);
	assert_int_equal(world.asked, 0);
}

static void test_broker_counters__more_than_the_broker_is_asked__told(void **state)
{
	const struct ask ask = increment("state");
	struct tobi_fault fault = {0};
	struct answer told;
	int fds[BROKER_CALLS + 1];
	enum tobi_err err = TOBI_E_TIMEOUT;

	(void)state;
	world.held = true;
	for (size_t i = 0; i < BROKER_CALLS; i++)
		fds[i] = program(&ask);
	broker_world_until(world.asked == BROKER_CALLS);
	fds[BROKER_CALLS] = program(&ask);
	broker_world_until(err != TOBI_E_TIMEOUT ||
			   (err = hear(fds[BROKER_CALLS], &told, &fault)) !=
			       TOBI_E_TIMEOUT);
	assert_int_equal(err, TOBI_E_LIMIT);
	for (size_t i = 0; i <= BROKER_CALLS; i++)
		close(fds[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_broker_counters__increment__asked_of_the_broker),
	    TEST(test_broker_counters__read_by_signer__says_which),
	    TEST(test_broker_counters__other_answers__no_counter),
	    TEST(test_broker_counters__name_with_a_dot_first__argument),
	    TEST(test_broker_counters__more_than_the_broker_is_asked__told),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
