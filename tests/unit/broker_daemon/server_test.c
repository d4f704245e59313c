#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "world.h"

#define HOST "Host: a\r\n"
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static char out[1 << 16];

static void test_server_request__plain__answered_and_kept(void **state)
{
	bool closed;

	(void)state;
	world_start("");
	assert_int_equal(world_status(HELLO, &closed), 200);
	assert_false(closed);
	assert_int_equal(world_status("GET /healthz HTTP/1.1\r\n" HOST "\r\n", &closed),
			 200);
	assert_false(closed);
	assert_int_equal(
	    world_status("GET http://a/hello HTTP/1.1\r\n" HOST "\r\n", &closed), 200);
	assert_int_equal(world_status("POST /echo HTTP/1.1\r\n" HOST
				      "Content-Length: 5\r\n\r\n12345",
				      &closed),
			 200);
	assert_false(closed);
	world_stop();
}

/* What is refused before it is a request ends the connection: nobody knows where the next
 * one starts. */
static void test_server_request__ambiguous__refused_and_closed(void **state)
{
	static const struct {
		int status;
		const char *bytes;
	} cases[] = {
	    {400, "GET /hello HTTP/1.1\r\n\r\n"},
	    {400, "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n"},
	    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	    {411, "POST /echo HTTP/1.1\r\n" HOST
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
		  "Content-Length: 6\r\n\r\n12345"},
	    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n12345"},
	    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5,5\r\n\r\n12345"},
	    {400, "POST /echo HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n12345"},
	    {400, "GET /hello HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n"},
	    {400, "GET /hello HTTP/1.1\n" HOST "\r\n\r\n"},
	    {400, "GET /hello HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n"},
	    {400, "GET  /hello HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET /hello\tHTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET /hel%00lo HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET /item/..%2f..%2fa HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET /item/../hello HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET /item/%2e%2e/hello HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET //hello HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET /item/%c0%ae HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET http://b/hello HTTP/1.1\r\n" HOST "\r\n"},
	    {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
	    {501, "FROB /hello HTTP/1.1\r\n" HOST "\r\n"},
	    {405, "TRACE /hello HTTP/1.1\r\n" HOST "\r\n"},
	    {505, "GET /hello HTTP/2.0\r\n" HOST "\r\n"},
	    {400, "GET /hello\r\n\r\n"},
	    {417, "POST /echo HTTP/1.1\r\n" HOST "Expect: cake\r\n\r\n"},
	    {413, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n"},
	    {413, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n1"},
	    {415, "POST /echo HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\n"
		  "Content-Length: 1\r\n\r\n1"},
	    {404, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n1"},
	};

	(void)state;
	world_start("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool closed;
		int status = world_status(cases[i].bytes, &closed);

		if (status != cases[i].status || !closed)
			fail_msg("%d, closed %d: %s", status, closed, cases[i].bytes);
	}
	assert_int_equal(world_echoed(), 0);
	world_stop();
}

static void test_server_request__no_route__refused_and_kept(void **state)
{
	bool closed;

	(void)state;
	world_start("");
	assert_int_equal(world_status("GET /none HTTP/1.1\r\n" HOST "\r\n", &closed),
			 404);
	assert_false(closed);
	assert_int_equal(world_status("DELETE /echo HTTP/1.1\r\n" HOST "\r\n", &closed),
			 405);
	assert_false(closed);
	world_stop();
}

static void test_server_request__head_too_large__refused(void **state)
{
	static char request[4096] = "GET /hello HTTP/1.1\r\n" HOST "A: ";
	size_t used = strlen(request);
	bool closed;

	(void)state;
	world_start("  head-bytes: 2048\n");
	memset(request + used, 'a', 3000);
	/* It is refused before it ends. */
	request[used + 3000] = 0;
	assert_int_equal(world_status(request, &closed), 431);
	assert_true(closed);
	snprintf(request + 2048 - 4, 8, "\r\n\r\n");
	assert_int_equal(world_status(request, &closed), 200);
	world_stop();
}

static void test_server_request__pipelined__answered_in_order(void **state)
{
	static const char both[] =
	    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none" HELLO
	    "GET /item/t%77o HTTP/1.1\r\n" HOST "\r\n"
	    "GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" HELLO;
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, both, sizeof(both) - 1);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_string_equal(out, "one");
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_string_equal(out, "hello 127.0.0.1\n");
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_string_equal(out, "two");
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_string_equal(out, "ok\n");
	/* What came behind the last one is not answered. */
	assert_true(world_read_all(fd, out, sizeof(out)));
	assert_string_equal(out, "");
	close(fd);
	world_stop();
}

static void test_server_request__expects_continue__told_to(void **state)
{
	static const char head[] = "POST /echo HTTP/1.1\r\n" HOST
				   "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n";
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, head, sizeof(head) - 1);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 100);
	world_send(fd, "abc", 3);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_string_equal(out, "abc");
	close(fd);
	world_stop();
}

static void test_server_request__half_closed__answered(void **state)
{
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, HELLO, strlen(HELLO));
	shutdown(fd, SHUT_WR);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_true(world_read_all(fd, out, sizeof(out)));
	close(fd);
	world_stop();
}

/* The client goes away while a worker has its request. */
static void test_server_request__client_gone__forgotten(void **state)
{
	const struct linger now = {1, 0};
	bool closed;
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, "GET /wait HTTP/1.1\r\n" HOST "\r\n", 31);
	world_wait_for(1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	assert_int_equal(world_status(HELLO, &closed), 200);
	world_release();
	assert_int_equal(world_status(HELLO, &closed), 200);
	world_stop();
}

static void test_server_reply__secret__not_to_be_kept(void **state)
{
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, "GET /secret HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", 52);
	assert_true(world_read_all(fd, out, sizeof(out)));
	assert_non_null(strstr(out, "\r\n\r\ns3cret"));
	assert_non_null(strstr(out, "\r\nCache-Control: no-store\r\n"));
	assert_null(strstr(out, "max-age"));
	assert_non_null(strstr(out, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(out, "\r\nContent-Security-Policy: default-src 'none'"));
	close(fd);
	world_stop();
}

static void test_server_reply__handler_fails__says_nothing(void **state)
{
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, "GET /fail HTTP/1.1\r\n" HOST "\r\n", 31);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 500);
	assert_null(strstr(out, "disk"));
	assert_null(strstr(out, "half"));
	close(fd);
	world_stop();
	/* A counter is read when the loop is gone: see world_stop(). */
}

static void test_server_access__nobody_or_wrong__refused(void **state)
{
	static const struct {
		int status;
		const char *bytes;
	} cases[] = {
	    {401, "GET /owner HTTP/1.1\r\n" HOST "\r\n"},
	    {200, "GET /owner HTTP/1.1\r\n" HOST "Authorization: ann\r\n\r\n"},
	    {401, "PUT /operator HTTP/1.1\r\n" HOST "\r\n"},
	    {403, "PUT /operator HTTP/1.1\r\n" HOST "Authorization: ann\r\n\r\n"},
	    {200, "PUT /operator HTTP/1.1\r\n" HOST "Authorization: boss\r\n\r\n"},
	    {403, "GET /attested HTTP/1.1\r\n" HOST "\r\n"},
	    {403, "GET /attested HTTP/1.1\r\n" HOST "Authorization: boss\r\n\r\n"},
	};

	(void)state;
	world_start("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool closed;

		assert_int_equal(world_status(cases[i].bytes, &closed), cases[i].status);
	}
	world_stop();
}

static void test_server_limits__client_rate__429(void **state)
{
	unsigned good = 0;
	int fd, status;

	(void)state;
	world_start("  client-rate: 1\n  client-burst: 3\n");
	fd = world_connect();
	/* However slow this machine is: in a second one comes back. */
	do {
		world_send(fd, HELLO, strlen(HELLO));
		status = world_read_reply(fd, out, sizeof(out));
		good += status == 200;
	} while (status == 200 && good < 100);
	assert_int_equal(status, 429);
	assert_true(good >= 3);
	close(fd);
	world_stop();
}

static void test_server_limits__client_connections__closed(void **state)
{
	int held[3], fd;

	(void)state;
	world_start("  client-connections: 3\n");
	for (size_t i = 0; i < 3; i++) {
		held[i] = world_connect();
		world_send(held[i], HELLO, strlen(HELLO));
		assert_int_equal(world_read_reply(held[i], out, sizeof(out)), 200);
	}
	fd = world_connect();
	world_send(fd, HELLO, strlen(HELLO));
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 0);
	close(fd);
	for (size_t i = 0; i < 3; i++) {
		world_send(held[i], HELLO, strlen(HELLO));
		assert_int_equal(world_read_reply(held[i], out, sizeof(out)), 200);
		close(held[i]);
	}
	world_stop();
}

static void test_server_limits__queue__503(void **state)
{
	static const char wait[] = "GET /wait HTTP/1.1\r\n" HOST "\r\n";
	int working, waiting, fd;

	(void)state;
	world_start("  workers: 1\n  queue: 1\n");
	working = world_connect();
	world_send(working, wait, sizeof(wait) - 1);
	world_wait_for(1);
	waiting = world_connect();
	world_send(waiting, wait, sizeof(wait) - 1);
	/* The second is in the queue once a health page was answered behind it. */
	fd = world_connect();
	do {
		world_send(fd, HELLO, strlen(HELLO));
	} while (world_read_reply(fd, out, sizeof(out)) == 200);
	assert_non_null(strstr(out, "too many requests wait"));
	world_release();
	assert_int_equal(world_read_reply(working, out, sizeof(out)), 200);
	assert_int_equal(world_read_reply(waiting, out, sizeof(out)), 200);
	close(working);
	close(waiting);
	close(fd);
	world_stop();
}

static void test_server_limits__connection_requests__closed(void **state)
{
	int fd;

	(void)state;
	world_start("  connection-requests: 2\n");
	fd = world_connect();
	world_send(fd, HELLO HELLO HELLO, 3 * strlen(HELLO));
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_true(world_read_all(fd, out, sizeof(out)));
	assert_string_equal(out, "");
	close(fd);
	world_stop();
}

/* One byte at a time resets no clock. */
static void test_server_limits__slow__408(void **state)
{
	static const char body[] =
	    "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 900\r\n\r\n";
	static const char *const starts[] = {"GET /hello HTTP/1.1\r\nA", body};

	(void)state;
	world_start("  head-seconds: 1\n  body-seconds: 1\n");
	for (size_t i = 0; i < 2; i++) {
		int fd = world_connect();

		world_send(fd, starts[i], strlen(starts[i]));
		/* Until it is refused, which is what is waited for. */
		while (recv(fd, out, 1, MSG_DONTWAIT) != 1) {
			world_send(fd, "a", 1);
			usleep(20000);
		}
		out[0] = 'H';
		assert_true(world_read_all(fd, out + 1, sizeof(out) - 1));
		assert_int_equal(strncmp(out, "HTTP/1.1 408 ", 13), 0);
		close(fd);
	}
	world_stop();
}

static void test_server_limits__slow_handler__503(void **state)
{
	int fd;

	(void)state;
	world_start("  request-seconds: 1\n");
	fd = world_connect();
	world_send(fd, "GET /wait HTTP/1.1\r\n" HOST "\r\n", 31);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 503);
	assert_true(world_read_all(fd, out, sizeof(out)));
	close(fd);
	world_stop();
}

static void test_server_limits__idle__closed(void **state)
{
	int fd;

	(void)state;
	world_start("  idle-seconds: 1\n");
	fd = world_connect();
	world_send(fd, HELLO, strlen(HELLO));
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_true(world_read_all(fd, out, sizeof(out)));
	assert_string_equal(out, "");
	close(fd);
	world_stop();
}

static void test_server_stop__working__answered_first(void **state)
{
	int busy, idle;

	(void)state;
	world_start("");
	idle = world_connect();
	world_send(idle, HELLO, strlen(HELLO));
	assert_int_equal(world_read_reply(idle, out, sizeof(out)), 200);
	busy = world_connect();
	world_send(busy, "GET /wait HTTP/1.1\r\n" HOST "\r\n", 31);
	world_wait_for(1);
	world_ask_to_stop();
	/* The idle one ends at once, while the other is worked on. */
	assert_true(world_read_all(idle, out, sizeof(out)));
	assert_int_equal(world_waiting(), 1);
	world_release();
	assert_int_equal(world_read_reply(busy, out, sizeof(out)), 200);
	assert_string_equal(out, "waited\n");
	assert_true(world_read_all(busy, out, sizeof(out)));
	close(busy);
	close(idle);
	world_wait();
}

static void test_server_metrics__after_requests__counted(void **state)
{
	int fd;

	(void)state;
	world_start("");
	fd = world_connect();
	world_send(fd, HELLO, strlen(HELLO));
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	world_send(fd, "GET /none HTTP/1.1\r\n" HOST "\r\n", 31);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 404);
	world_send(fd, "GET /metrics HTTP/1.1\r\n" HOST "\r\n", 34);
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "requests_total{route=\"hello\",code=\"2xx\"} 1\n"));
	assert_non_null(strstr(out, "requests_refused_total{reason=\"route\"} 1\n"));
	assert_non_null(strstr(out, "tobichi_broker_connections 1\n"));
	close(fd);
	world_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_server_request__plain__answered_and_kept),
	    cmocka_unit_test(test_server_request__ambiguous__refused_and_closed),
	    cmocka_unit_test(test_server_request__no_route__refused_and_kept),
	    cmocka_unit_test(test_server_request__head_too_large__refused),
	    cmocka_unit_test(test_server_request__pipelined__answered_in_order),
	    cmocka_unit_test(test_server_request__expects_continue__told_to),
	    cmocka_unit_test(test_server_request__half_closed__answered),
	    cmocka_unit_test(test_server_request__client_gone__forgotten),
	    cmocka_unit_test(test_server_reply__secret__not_to_be_kept),
	    cmocka_unit_test(test_server_reply__handler_fails__says_nothing),
	    cmocka_unit_test(test_server_access__nobody_or_wrong__refused),
	    cmocka_unit_test(test_server_limits__client_rate__429),
	    cmocka_unit_test(test_server_limits__client_connections__closed),
	    cmocka_unit_test(test_server_limits__queue__503),
	    cmocka_unit_test(test_server_limits__connection_requests__closed),
	    cmocka_unit_test(test_server_limits__slow__408),
	    cmocka_unit_test(test_server_limits__slow_handler__503),
	    cmocka_unit_test(test_server_limits__idle__closed),
	    cmocka_unit_test(test_server_stop__working__answered_first),
	    cmocka_unit_test(test_server_metrics__after_requests__counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
