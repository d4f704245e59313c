/* CONNECT, from the agent's word to the socket that it gets; with couriers of every kind,
 * of which this program plays those that a good one never is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "daemons/platform/courier.h"
#include "daemons/platform/egress.h"
#include "tests/unit/platform/world.h"

/* ---- this program as a courier ---- */

static void report(const int *fds, size_t count, const char *text)
{
	IGNORE(packet_send(COURIER_FD, text_bytes(text), fds, count, NULL));
}

static int say_fault(void)
{
	struct tobi_fault fault = {.code = TOBI_E_DENIED, .message = "played"};
	struct writer out = wr_init(4096);

	packet_write_fault(&out, COURIER_FAULT, &fault);
	IGNORE(packet_send(COURIER_FD, wr_view(&out), NULL, 0, NULL));
	wr_done(&out);
	return 1;
}

/* What it has and what it sees, for its test. */
static int look_around(void)
{
	extern char **environ;
	int pair[2];
	char text[64];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 1;
	report(&pair[1], 1, "x");
	close(pair[1]);
	snprintf(text, sizeof(text), "%d %d", environ[0] == NULL,
		 fcntl(pair[0] + 2, F_GETFD) < 0 && pair[0] == COURIER_FD + 1);
	return write(pair[0], text, strlen(text)) < 0;
}

static int play(const char *part, const char *port)
{
	int pair[2] = {-1, -1}, tcp = socket(AF_INET, SOCK_STREAM, 0);

	if (part[0] >= '0' && part[0] <= '9')
		return courier_run(part, port);
	if (strcmp(part, "around") == 0) {
		close(tcp);
		return look_around();
	}
	if (strcmp(part, "fault") == 0)
		return say_fault();
	if (strcmp(part, "mute") == 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 1;
	if (strcmp(part, "tcp") == 0)
		report(&tcp, 1, "x");
	else if (strcmp(part, "two") == 0)
		report(pair, 2, "x");
	else if (strcmp(part, "garbage") == 0)
		report(NULL, 0, "garbage");
	else if (strcmp(part, "good") == 0)
		report(&pair[1], 1, "x");
	for (;;)
		pause();
}

/* ---- the agent ---- */

static void list(const char *target)
{
	struct manifest *manifest = world.enclave->image->manifest;

	manifest->egress[0] =
	    (struct manifest_egress){text_bytes(target), 7000, text_bytes("")};
	manifest->egress_count = 1;
	world.service.courier = "/proc/self/exe";
}

static void say_connect(uint64_t request, uint64_t entry)
{
	struct writer out = wr_init(64);

	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_CONNECT);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, request);
	cbor_write_uint(&out, 2);
	cbor_write_uint(&out, entry);
	world_say(&out);
	wr_done(&out);
}

/* CONNECTED, when it has come; the socket, or -1 and the code. */
static int expect_connected(uint64_t request, enum tobi_err *ret_code)
{
	struct packet packet;
	struct cbor cbor;
	struct cbor_map map;
	int64_t key;
	int fd = -1;

	for (int i = 0; i < 20000 && !world_hear(&packet); i++) {
		event_base_loop(world.service.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		usleep(1000);
		packet = (struct packet){0};
	}
	assert_int_equal(world_kind(&packet), AGENT_CONNECTED);
	cbor = cbor_init(wr_view(&packet.bytes), CBOR_DETERMINISTIC);
	map = cbor_map(&cbor, 4, "connected");
	assert_true(cbor_map_int(&cbor, &map, &key, "kind"));
	cbor_uint(&cbor, "kind");
	assert_true(cbor_map_int(&cbor, &map, &key, "request"));
	assert_int_equal(cbor_uint(&cbor, "request"), request);
	assert_true(cbor_map_int(&cbor, &map, &key, "code"));
	*ret_code = (enum tobi_err)cbor_uint(&cbor, "code");
	assert_int_equal(packet.fd_count, *ret_code ? 0 : 1);
	if (packet.fd_count)
		fd = packet_take_fd(&packet, 0);
	packet_done(&packet);
	assert_false(world_enclave_is_killed());
	return fd;
}

static void expect_refused(const char *target, enum tobi_err code)
{
	enum tobi_err got = TOBI_OK;

	list(target);
	say_connect(5, 0);
	assert_int_equal(expect_connected(5, &got), -1);
	assert_int_equal(got, code);
	assert_int_equal(world.enclave->egress_open, 0);
	assert_int_equal(world.enclave->egress_dialing, 0);
	assert_int_equal(world.service.courier_count, 0);
	assert_null(world.enclave->couriers);
	/* Its process was waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
}

static int listen_here(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static void test_egress_connect__listed__bytes_pass_both_ways(void **state)
{
	enum tobi_err code = TOBI_E_SYSTEM;
	char target[32], bytes[8] = "";
	int outside, inside, peer, domain = 0;
	socklen_t size = sizeof(domain);
	uint16_t port;

	(void)state;
	outside = listen_here(&port);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	list(target);
	say_connect(77, 0);
	inside = expect_connected(77, &code);
	assert_int_equal(code, TOBI_OK);
	/* No socket of the host's network: it cannot be connected to anywhere else. */
	assert_int_equal(getsockopt(inside, SOL_SOCKET, SO_DOMAIN, &domain, &size), 0);
	assert_int_equal(domain, AF_UNIX);
	peer = accept(outside, NULL, NULL);
	assert_int_equal(write(inside, "ask", 3), 3);
	assert_int_equal(read(peer, bytes, sizeof(bytes)), 3);
	assert_int_equal(write(peer, "tell", 4), 4);
	fcntl(inside, F_SETFL, 0);
	assert_int_equal(read(inside, bytes, sizeof(bytes)), 4);
	/* An end goes through, and the other direction goes on. */
	assert_int_equal(shutdown(inside, SHUT_WR), 0);
	assert_int_equal(read(peer, bytes, sizeof(bytes)), 0);
	assert_int_equal(write(peer, "more", 4), 4);
	assert_int_equal(read(inside, bytes, sizeof(bytes)), 4);
	assert_int_equal(world.enclave->egress_open, 1);
	assert_int_equal(world.enclave->egress_dialing, 0);
	close(peer);
	close(inside);
	for (int i = 0; i < 20000 && world.enclave->egress_open; i++) {
		event_base_loop(world.service.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(world.enclave->egress_open, 0);
	close(outside);
}

/* Its far end on this machine. */
static int connect_here(int *ret_inside, int *ret_outside)
{
	enum tobi_err code = TOBI_E_SYSTEM;
	char target[32];
	uint16_t port;
	int peer;

	*ret_outside = listen_here(&port);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	list(target);
	say_connect(1, 0);
	*ret_inside = expect_connected(1, &code);
	assert_int_equal(code, TOBI_OK);
	peer = accept(*ret_outside, NULL, NULL);
	assert_true(peer >= 0);
	return peer;
}

static void expect_end(void)
{
	for (int i = 0; i < 20000 && world.enclave->egress_open; i++) {
		event_base_loop(world.service.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(world.enclave->egress_open, 0);
}

/* The agent lets go while the far end says nothing and does not close. */
static void test_egress_connect__agent_lets_go__courier_ends(void **state)
{
	int outside, inside = -1, peer = connect_here(&inside, &outside);

	(void)state;
	close(inside);
	expect_end();
	close(peer);
	close(outside);
}

/* R, S and so on of this process's child, if that is a courier; else 0. */
static char state_of_courier(const char *pid)
{
	char path[300], name[32] = "", state = 0;
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* Its arguments have zeros between them. */
	if (fread(name, 1, sizeof(name), file) < sizeof("tobichid") + 9 ||
	    strcmp(name + sizeof("tobichid"), "--courier") != 0)
		name[0] = 0;
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = name[0] ? fopen(path, "re") : NULL;
	if (!file)
		return 0;
	if (fscanf(file, "%*d %*s %c %d", &state, &parent) != 2 || parent != getpid())
		state = 0;
	fclose(file);
	return state;
}

static char find_courier(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	char state = 0;

	assert_non_null(folder);
	while (!state && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			state = state_of_courier(entry->d_name);
	}
	closedir(folder);
	assert_int_not_equal(state, 0);
	return state;
}

/* Whoever turns in a loop is never seen asleep so many times on end. */
static void expect_courier_to_sleep(void)
{
	int asleep = 0;

	for (int i = 0; i < 2000 && asleep < 50; i++) {
		asleep = find_courier() == 'S' ? asleep + 1 : 0;
		usleep(1000);
	}
	assert_int_equal(asleep, 50);
}

/* The agent lets go, and the far end does not take what it has said. */
static void test_egress_connect__far_end_takes_no_more__courier_sleeps(void **state)
{
	static const char bytes[65536];
	int outside, inside = -1, peer = connect_here(&inside, &outside);

	(void)state;
	for (int full = 0; full < 50; full++) {
		while (write(inside, bytes, sizeof(bytes)) > 0)
			full = 0;
		assert_int_equal(errno, EAGAIN);
		usleep(1000);
	}
	close(inside);
	expect_courier_to_sleep();
	assert_int_equal(world.enclave->egress_open, 1);
	close(peer);
	close(outside);
	expect_end();
}

/* The far end says that it has ended, and then breaks off. */
static void test_egress_connect__far_end_breaks_off__courier_ends(void **state)
{
	const struct linger reset = {.l_onoff = 1};
	int outside, inside = -1, peer = connect_here(&inside, &outside);
	char byte;

	(void)state;
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	fcntl(inside, F_SETFL, 0);
	assert_int_equal(read(inside, &byte, 1), 0);
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)),
			 0);
	close(peer);
	expect_end();
	close(inside);
	close(outside);
}

static void test_egress_connect__nobody_there__says_why(void **state)
{
	char target[32];
	uint16_t port;

	(void)state;
	close(listen_here(&port));
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	expect_refused(target, TOBI_E_SYSTEM);
}

static void test_egress_connect__courier_that_fails__is_refused(void **state)
{
	(void)state;
	expect_refused("fault:1", TOBI_E_DENIED);
	expect_refused("mute:1", TOBI_E_SYSTEM);
	expect_refused("tcp:1", TOBI_E_PROTOCOL);
	expect_refused("two:1", TOBI_E_PROTOCOL);
	expect_refused("garbage:1", TOBI_E_MALFORMED);
	world.service.courier_ms = 20;
	expect_refused("silent:1", TOBI_E_TIMEOUT);
}

static void test_egress_connect__no_program_to_start__is_refused(void **state)
{
	enum tobi_err code;

	(void)state;
	list("good:1");
	world.service.courier = "/nonexistent";
	say_connect(1, 0);
	assert_int_equal(expect_connected(1, &code), -1);
	assert_int_equal(code, TOBI_E_SYSTEM);
}

/* Its memory and descriptors are not the service's. */
static void test_egress_connect__courier__has_nothing_of_the_service(void **state)
{
	enum tobi_err code;
	char text[64] = "";
	int fd;

	(void)state;
	setenv("TOBICHI_TEST", "not for it", 1);
	list("around:1");
	say_connect(1, 0);
	fd = expect_connected(1, &code);
	assert_int_equal(code, TOBI_OK);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "1 1");
	close(fd);
}

static void test_egress_connect__not_listed__ends_the_enclave(void **state)
{
	(void)state;
	list("good:1");
	say_connect(1, 1);
	assert_true(world_enclave_is_killed());
}

static void test_egress_connect__nothing_listed__ends_the_enclave(void **state)
{
	(void)state;
	say_connect(1, 0);
	assert_true(world_enclave_is_killed());
}

/* Behind what the image lists, and only where the launch config has it. */
static void test_egress_connect__broker_of_the_launch__is_reached(void **state)
{
	enum tobi_err code;

	(void)state;
	list("mute:1");
	world.enclave->config->broker = text_bytes("good:1");
	say_connect(1, 1);
	close(expect_connected(1, &code));
	assert_int_equal(code, TOBI_OK);
	/* An image that lists nothing has no number before it. */
	world.enclave->image->manifest->egress_count = 0;
	say_connect(2, 0);
	close(expect_connected(2, &code));
	assert_int_equal(code, TOBI_OK);
	assert_int_equal(world.enclave->egress_open, 2);
}

static void test_egress_connect__behind_the_broker__ends_the_enclave(void **state)
{
	(void)state;
	list("good:1");
	world.enclave->config->broker = text_bytes("good:1");
	say_connect(1, 2);
	assert_true(world_enclave_is_killed());
}

static void test_egress_connect__before_it_is_ready__ends_the_enclave(void **state)
{
	(void)state;
	list("good:1");
	world.enclave->was_ready = false;
	say_connect(1, 0);
	assert_true(world_enclave_is_killed());
}

static void test_egress_connect__too_many_at_once__are_refused(void **state)
{
	enum tobi_err code;

	(void)state;
	list("silent:1");
	for (unsigned n = 0; n < LIMIT_EGRESS_DIALING; n++)
		say_connect(n, 0);
	assert_int_equal(world.enclave->egress_dialing, LIMIT_EGRESS_DIALING);
	say_connect(99, 0);
	assert_int_equal(expect_connected(99, &code), -1);
	assert_int_equal(code, TOBI_E_LIMIT);
	/* The enclave's end is theirs. */
	egress_done(world.enclave);
	assert_int_equal(world.enclave->egress_dialing, 0);
	assert_int_equal(world.service.courier_count, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
}

static void test_egress_connect__too_many_open__are_refused(void **state)
{
	int fds[LIMIT_EGRESS];
	enum tobi_err code;

	(void)state;
	list("good:1");
	for (unsigned n = 0; n < LIMIT_EGRESS; n++) {
		say_connect(n, 0);
		fds[n] = expect_connected(n, &code);
		assert_int_equal(code, TOBI_OK);
	}
	say_connect(99, 0);
	assert_int_equal(expect_connected(99, &code), -1);
	assert_int_equal(code, TOBI_E_LIMIT);
	for (unsigned n = 0; n < LIMIT_EGRESS; n++)
		close(fds[n]);
}

static void test_egress_connect__service_carries_enough__is_refused(void **state)
{
	enum tobi_err code;

	(void)state;
	list("good:1");
	world.service.courier_count = LIMIT_EGRESS_ALL;
	say_connect(1, 0);
	assert_int_equal(expect_connected(1, &code), -1);
	assert_int_equal(code, TOBI_E_LIMIT);
}

/* Each costs a process, also one that gets nowhere. */
static void test_egress_connect__too_many_just_now__are_refused(void **state)
{
	enum tobi_err code;

	(void)state;
	list("good:1");
	world.enclave->connects.paid_ms = INT64_MAX / 2;
	say_connect(1, 0);
	assert_int_equal(expect_connected(1, &code), -1);
	assert_int_equal(code, TOBI_E_LIMIT);
	world.enclave->connects.paid_ms = 0;
	say_connect(2, 0);
	close(expect_connected(2, &code));
	assert_int_equal(code, TOBI_OK);
	assert_true(world.enclave->connects.paid_ms > 0);
}

static void test_egress_connect__ending__is_refused(void **state)
{
	enum tobi_err code;

	(void)state;
	list("good:1");
	world.enclave->state = ENCLAVE_ENDING;
	say_connect(1, 0);
	assert_int_equal(expect_connected(1, &code), -1);
	assert_int_equal(code, TOBI_E_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_enter, world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_egress_connect__listed__bytes_pass_both_ways),
	    TEST(test_egress_connect__agent_lets_go__courier_ends),
	    TEST(test_egress_connect__far_end_takes_no_more__courier_sleeps),
	    TEST(test_egress_connect__far_end_breaks_off__courier_ends),
	    TEST(test_egress_connect__nobody_there__says_why),
	    TEST(test_egress_connect__courier_that_fails__is_refused),
	    TEST(test_egress_connect__no_program_to_start__is_refused),
	    TEST(test_egress_connect__courier__has_nothing_of_the_service),
	    TEST(test_egress_connect__not_listed__ends_the_enclave),
	    TEST(test_egress_connect__nothing_listed__ends_the_enclave),
	    TEST(test_egress_connect__broker_of_the_launch__is_reached),
	    TEST(test_egress_connect__behind_the_broker__ends_the_enclave),
	    TEST(test_egress_connect__before_it_is_ready__ends_the_enclave),
	    TEST(test_egress_connect__too_many_at_once__are_refused),
	    TEST(test_egress_connect__too_many_open__are_refused),
	    TEST(test_egress_connect__service_carries_enough__is_refused),
	    TEST(test_egress_connect__too_many_just_now__are_refused),
	    TEST(test_egress_connect__ending__is_refused),
	};

	if (argc == 4 && strcmp(argv[1], "--courier") == 0)
		return play(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
