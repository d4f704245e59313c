/* A broker inside an enclave, whose agent is the test: no connection is heard of which it
 * says nothing. */
#include "world.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "ipc/packet.h"
#include "seal/ask.h"
#include "seal/memfile.h"

enum answers {
	PROVEN,
	NOTHING_PROVEN,
	NO_SUCH,   /* FAULT */
	HANGS_UP,  /* without a word */
	ANOTHER,   /* to another question */
	NO_FILE,   /* the evidence is missing */
	LOP_SIDED, /* claims without evidence */
	SILENT,
};

static struct {
	pthread_mutex_t lock;
	enum answers answers;
	unsigned busy; /* so often its queue is full */
	unsigned asked;
	uint16_t source, port;
	int silent; /* one that waits */
	const char *address;
} agent = {.lock = PTHREAD_MUTEX_INITIALIZER, .silent = -1};

static void give(int fd, enum answers answers)
{
	static const uint8_t claims[40] = {1}, key[48] = {77};
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	struct answer told = {
	    .kind = ANSWER_PEER,
	    .peer = {.address = {(const uint8_t *)agent.address, strlen(agent.address)}}};
	struct tobi_fault fault = {0};
	int file = -1;

	fault_set(&fault, TOBI_E_NOT_FOUND, "peer", "", "there is no such connection");
	if (answers == PROVEN || answers == LOP_SIDED || answers == NO_FILE) {
		told.peer.claims_buffer = (struct tobi_bytes){claims, sizeof(claims)};
		told.peer.key = (struct tobi_bytes){key, sizeof(key)};
	}
	if (answers == ANOTHER)
		told = (struct answer){.kind = ANSWER_COUNTER};
	if (answers == NO_SUCH)
		packet_write_fault(&out, ANSWER_FAULT, &fault);
	else
		answer_write(&out, &told);
	if (answers == PROVEN)
		assert_int_equal(memfile_new((struct tobi_bytes){claims, 9}, &file, NULL),
				 0);
	else if (answers == NOTHING_PROVEN || answers == LOP_SIDED)
		assert_int_equal(memfile_new((struct tobi_bytes){0}, &file, NULL), 0);
	assert_int_equal(packet_send(fd, wr_view(&out), &file, file >= 0, NULL), 0);
	fd_close(&file);
}

/* In a thread for each question: reads it, and answers. */
static void *serve(void *context)
{
	CLEANUP(packet_done) struct packet packet = {0};
	int fd = (int)(intptr_t)context;
	enum answers answers;
	struct ask ask;

	assert_int_equal(packet_receive(fd, LIMIT_ASK, &packet, NULL), 0);
	assert_int_equal(ask_parse(wr_view(&packet.bytes), &ask, NULL), 0);
	assert_int_equal(ask.kind, ASK_PEER);
	pthread_mutex_lock(&agent.lock);
	agent.asked++;
	agent.source = ask.source;
	agent.port = ask.port;
	answers = agent.answers;
	if (answers == SILENT)
		agent.silent = fd;
	pthread_mutex_unlock(&agent.lock);
	if (answers == SILENT)
		return NULL;
	if (answers != HANGS_UP)
		give(fd, answers);
	close(fd);
	return NULL;
}

static enum tobi_err reach(int *ret_fd, struct tobi_fault *fault)
{
	pthread_t thread;
	int pair[2];

	if (agent.busy) {
		agent.busy--;
		return fault_set(fault, TOBI_E_TIMEOUT, "agent socket", "", "busy");
	}
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
	    0);
	assert_int_equal(fcntl(pair[1], F_SETFL, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, (void *)(intptr_t)pair[1]),
			 0);
	pthread_detach(thread);
	*ret_fd = pair[0];
	return TOBI_OK;
}

static enum tobi_err no_agent(int *ret_fd, struct tobi_fault *fault)
{
	(void)ret_fd;
	return fault_set(fault, TOBI_E_NOT_FOUND, "agent socket", "", "there is none");
}

static void start(enum answers answers)
{
	agent.answers = answers;
	agent.busy = agent.asked = 0;
	agent.address = "192.0.2.9";
	world_start_as("inside", reach, "");
}

static int get(const char *path, char *out, size_t room)
{
	int fd = world_connect(), status;
	char request[128];

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	world_send(fd, request, strlen(request));
	status = world_read_reply(fd, out, room);
	close(fd);
	return status;
}

static void test_asking__proven__requests_have_it(void **state)
{
	struct sockaddr_in near = {0};
	socklen_t size = sizeof(near);
	static const char request[] = "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n";
	char out[256];
	int fd;

	(void)state;
	start(PROVEN);
	fd = world_connect();
	assert_int_equal(getsockname(fd, (struct sockaddr *)&near, &size), 0);
	for (int i = 0; i < 3; i++) {
		world_send(fd, request, sizeof(request) - 1);
		assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
		assert_string_equal(out,
				    "secure 1 key 77 from 192.0.2.9 proven 9 over 40 "
				    "by atls from 192.0.2.9");
	}
	/* Of this connection, once. */
	assert_int_equal(agent.source, ntohs(near.sin_port));
	assert_int_equal(agent.asked, 1);
	close(fd);
	assert_int_equal(get("/attested", out, sizeof(out)), 200);
	world_stop();
}

static void test_asking__nothing_proven__is_heard_and_has_nothing(void **state)
{
	char out[256];

	(void)state;
	start(NOTHING_PROVEN);
	assert_int_equal(get("/seen", out, sizeof(out)), 200);
	assert_string_equal(out, "secure 1 key -1 from 192.0.2.9");
	assert_int_equal(get("/attested", out, sizeof(out)), 403);
	world_stop();
}

static void test_asking__no_good_answer__is_closed(void **state)
{
	static const enum answers all[] = {NO_SUCH, HANGS_UP, ANOTHER, NO_FILE,
					   LOP_SIDED};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		start(all[i]);
		assert_int_equal(get("/seen", out, sizeof(out)), 0);
		/* The loop has nothing to do. */
		assert_int_equal(world_count()->unknown_peer, 1);
		assert_int_equal(world_count()->accepted, 0);
		world_stop();
	}
}

static void test_asking__no_agent__is_closed(void **state)
{
	char out[256];

	(void)state;
	world_start_as("inside", no_agent, "");
	assert_int_equal(get("/seen", out, sizeof(out)), 0);
	world_stop();
}

static void test_asking__agent_is_busy__is_asked_again(void **state)
{
	char out[256];

	(void)state;
	start(PROVEN);
	agent.busy = 3;
	assert_int_equal(get("/seen", out, sizeof(out)), 200);
	assert_int_equal(agent.busy, 0);
	world_stop();
}

static void wait_until_asked(void)
{
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&agent.lock);
		i = agent.silent >= 0 ? 10000 : i;
		pthread_mutex_unlock(&agent.lock);
		usleep(1000);
	}
	assert_true(agent.silent >= 0);
}

/* One of whom nothing is heard holds nobody up, and no byte of his is read. */
static void test_asking__silent_agent__others_go_on(void **state)
{
	char out[256];
	int waits;

	(void)state;
	start(SILENT);
	waits = world_connect();
	world_send(waits, "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n", 32);
	wait_until_asked();
	agent.answers = PROVEN;
	assert_int_equal(get("/seen", out, sizeof(out)), 200);
	assert_int_equal(recv(waits, out, 1, MSG_DONTWAIT), -1);
	/* When the answer comes he is heard. */
	give(agent.silent, NOTHING_PROVEN);
	assert_int_equal(world_read_reply(waits, out, sizeof(out)), 200);
	fd_close(&agent.silent);
	close(waits);
	world_stop();
}

/* Its ports may be another's by the time of the answer, and the answer about that one. */
static void test_asking__reset_meanwhile__the_answer_is_not_its(void **state)
{
	static const char request[] = "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n";
	const struct linger now = {1, 0};
	char out[256];
	int gone;

	(void)state;
	start(SILENT);
	gone = world_connect();
	world_send(gone, request, sizeof(request) - 1);
	wait_until_asked();
	setsockopt(gone, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(gone);
	give(agent.silent, PROVEN);
	fd_close(&agent.silent);
	/* Another one is heard: so the first answer has been taken, too. */
	agent.answers = PROVEN;
	assert_int_equal(get("/seen", out, sizeof(out)), 200);
	assert_int_equal(world_count()->unknown_peer, 1);
	assert_int_equal(world_count()->accepted, 1);
	world_stop();
}

static void test_asking__waits_at_the_end__is_closed(void **state)
{
	char byte;
	int waits;

	(void)state;
	start(SILENT);
	waits = world_connect();
	wait_until_asked();
	world_stop();
	assert_true(recv(waits, &byte, 1, 0) <= 0);
	fd_close(&agent.silent);
	close(waits);
}

/* Limits are those of the client's own address, not of the agent's. */
static void test_asking__limits__are_by_the_client(void **state)
{
	static const char request[] = "GET /seen HTTP/1.1\r\nHost: a\r\n\r\n";
	char out[256];
	int first;

	(void)state;
	agent.answers = PROVEN;
	agent.busy = 0;
	agent.address = "192.0.2.9";
	world_start_as("inside", reach, "  client-connections: 1\n");
	first = world_connect();
	world_send(first, request, sizeof(request) - 1);
	assert_int_equal(world_read_reply(first, out, sizeof(out)), 200);
	assert_int_equal(get("/seen", out, sizeof(out)), 0);
	agent.address = "2001:db8::1";
	assert_int_equal(get("/seen", out, sizeof(out)), 200);
	assert_non_null(strstr(out, "from 2001:db8::1"));
	close(first);
	world_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_asking__proven__requests_have_it),
	    cmocka_unit_test(test_asking__nothing_proven__is_heard_and_has_nothing),
	    cmocka_unit_test(test_asking__no_good_answer__is_closed),
	    cmocka_unit_test(test_asking__no_agent__is_closed),
	    cmocka_unit_test(test_asking__agent_is_busy__is_asked_again),
	    cmocka_unit_test(test_asking__silent_agent__others_go_on),
	    cmocka_unit_test(test_asking__reset_meanwhile__the_answer_is_not_its),
	    cmocka_unit_test(test_asking__waits_at_the_end__is_closed),
	    cmocka_unit_test(test_asking__limits__are_by_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
