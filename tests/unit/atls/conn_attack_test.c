/* A peer, or somebody in between, that breaks the rules of the channel. */
#include "tests/unit/atls/plain.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "appraise/atls_checks.h"

/* A TLS client that a test bends, against the real server end. */
static void run_plain_client(struct world *world, SSL_CTX *tls, SSL_SESSION *session,
			     bool *ret_connected)
{
	SSL *ssl = SSL_new(tls);

	evutil_make_socket_nonblocking(world->fds[0]);
	SSL_set_fd(ssl, world->fds[0]);
	if (session)
		SSL_set_session(ssl, session);
	end_start(&world->server, world->base, world->fds[1]);
	*ret_connected = false;
	for (int i = 0; i < 50 && !*ret_connected && !world->server.closed; i++) {
		*ret_connected = SSL_connect(ssl) == 1;
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	SSL_free(ssl);
	close(world->fds[0]);
	turn(world);
}

static const unsigned char alpn[] = "\x0etobichi-atls/1";

enum bend_tls { GOOD, NO_ALPN, OTHER_ALPN, TLS_1_2, GROUP_P521, NO_CERTIFICATE };

static SSL_CTX *bent_client(const struct end *like, enum bend_tls bend)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	const uint8_t *der = like->certificate.ptr;
	X509 *leaf = d2i_X509(NULL, &der, (long)like->certificate.size);

	if (bend != NO_CERTIFICATE) {
		SSL_CTX_use_certificate(tls, leaf);
		SSL_CTX_use_PrivateKey(tls, like->endpoint.key);
	}
	X509_free(leaf);
	if (bend == OTHER_ALPN)
		SSL_CTX_set_alpn_protos(tls, (const unsigned char *)"\x02h2", 3);
	else if (bend != NO_ALPN)
		SSL_CTX_set_alpn_protos(tls, alpn, sizeof(alpn) - 1);
	if (bend == TLS_1_2)
		SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION);
	if (bend == GROUP_P521)
		SSL_CTX_set1_groups_list(tls, "P-521");
	return tls;
}

static void check_tls__rules(void **state)
{
	(void)state;
	for (enum bend_tls bend = GOOD; bend <= NO_CERTIFICATE; bend++) {
		struct world world;
		bool connected = false;
		SSL_CTX *tls;

		world_init(&world);
		tls = bent_client(&world.client, bend);
		run_plain_client(&world, tls, NULL, &connected);
		assert_false(world.server.opened);
		assert_true(world.server.closed);
		if (bend ==
		    GOOD) { /* the handshake is, and then the exchange lacks an OFFER */
			assert_true(connected);
			assert_string_equal(world.server.fault.field, "exchange");
		} else {
			assert_string_equal(world.server.fault.field, "handshake");
		}
		SSL_CTX_free(tls);
		world_done(&world);
	}
}

/* ---- a man in the middle, who holds both sides' leaked leaf keys ---- */

static SSL_CTX *bent_server(const struct end *like)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	const uint8_t *der = like->certificate.ptr;
	X509 *leaf = d2i_X509(NULL, &der, (long)like->certificate.size);

	SSL_CTX_use_certificate(tls, leaf);
	SSL_CTX_use_PrivateKey(tls, like->endpoint.key);
	X509_free(leaf);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls, plain_accept_any, NULL);
	SSL_CTX_set_alpn_select_cb(tls, plain_take_alpn, NULL);
	SSL_CTX_set_num_tickets(tls, 0);
	return tls;
}

static void relay_once(SSL *from, SSL *to)
{
	uint8_t bytes[16384];
	int size;

	if (!SSL_is_init_finished(from) || !SSL_is_init_finished(to))
		return;
	size = SSL_read(from, bytes, sizeof(bytes));
	if (size > 0)
		SSL_write(to, bytes, size);
}

static void check_conn__relay(void **state)
{
	SSL_CTX *near_tls, *far_tls;
	struct world world;
	SSL *near_side, *far_side;
	int attester[2];

	(void)state;
	world_init(&world);
	/* Genuine evidence: only the session is another. */
	near_tls = bent_client(&world.client, GOOD);
	far_tls = bent_server(&world.server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, attester), 0);
	end_start(&world.client, world.base, attester[0]);
	end_start(&world.server, world.base, world.fds[1]);
	evutil_make_socket_nonblocking(attester[1]);
	evutil_make_socket_nonblocking(world.fds[0]);
	near_side = SSL_new(near_tls);
	far_side = SSL_new(far_tls);
	SSL_set_fd(near_side, world.fds[0]);
	SSL_set_fd(far_side, attester[1]);
	for (int i = 0; i < 300; i++) {
		if (!SSL_is_init_finished(near_side))
			SSL_connect(near_side);
		if (!SSL_is_init_finished(far_side))
			SSL_accept(far_side);
		relay_once(near_side, far_side);
		relay_once(far_side, near_side);
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	}
	assert_true(world.server.closed && world.client.closed);
	assert_false(world.server.opened || world.client.opened);
	assert_int_equal(world.server.fault.code, TOBI_E_REFUSED);
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_nonce), TOBI_PASSED);
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_role), TOBI_PASSED);
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_key), TOBI_PASSED);
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_binder),
			 TOBI_FAILED);
	assert_non_null(strstr(world.client.fault.message, "(reason 5)"));
	SSL_free(near_side);
	SSL_free(far_side);
	SSL_CTX_free(near_tls);
	SSL_CTX_free(far_tls);
	close(attester[1]);
	close(world.fds[0]);
	world_done(&world);
}

static void check_tls__resumption(void **state)
{
	struct world world;
	SSL_SESSION *ticket;
	bool connected;
	SSL_CTX *tls;

	(void)state;
	world_init(&world);
	tls = bent_client(&world.client, GOOD);
	ticket = plain_ticket(tls, &world.server);
	run_plain_client(&world, tls, ticket, &connected);
	assert_true(world.server.closed);
	assert_string_equal(world.server.fault.field, "handshake");
	SSL_SESSION_free(ticket);
	SSL_CTX_free(tls);
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_tls__rules),
	    cmocka_unit_test(check_conn__relay),
	    cmocka_unit_test(check_tls__resumption),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
