#include "tests/check.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "appraise/policy.h"
#include "atls/conn.h"

static int64_t now(void)
{
	return 1900000000;
}

/* A connected TCP socket; its peer in *ret_peer. */
static int tcp_socket(int *ret_peer)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
	*ret_peer = accept(listener, NULL, NULL);
	assert_true(*ret_peer >= 0);
	close(listener);
	return fd;
}

static bool sends_at_once(int fd)
{
	int value = 0;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
	return value != 0;
}

/* Each turn of the exchange would wait 40 ms for the other side's delayed acknowledgment.
 */
static void test_conn__tcp_socket__sends_at_once(void **state)
{
	static const struct atls_events events = {0};
	struct tobi_policy policy = {.identity = IDENTITY_ANY_INSTANCE};
	struct atls_endpoint endpoint = {
	    .role = TOBI_ROLE_CLIENT, .policy = &policy, .now = now};
	struct event_base *base = event_base_new();
	struct atls_conn *conn = NULL;
	int peer, fd = tcp_socket(&peer);

	(void)state;
	assert_int_equal(atls_tls_new(&endpoint, &endpoint.tls, NULL), 0);
	assert_false(sends_at_once(fd));
	evutil_make_socket_nonblocking(fd);
	assert_int_equal(atls_conn_new(base, &endpoint, fd, &events, NULL, &conn, NULL),
			 0);
	assert_true(sends_at_once(fd));
	atls_conn_free(conn);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
	SSL_CTX_free(endpoint.tls);
	close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_conn__tcp_socket__sends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
