#include "tests/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "appraise/appraise.h"
#include "appraise/atls_checks.h"
#include "atls/pump.h"
#include "atls/tls.h"
#include "base/secret.h"
#include "pki/cert.h"

/* The connections here are between real TLS ends on one loop. The client attests, so that
 * the server's appraisal, which these tests replace, is the only verdict. */
enum { NOW = 1900000000 };

static int64_t now(void)
{
	return NOW;
}

struct end {
	struct atls_endpoint endpoint;
	struct writer certificate;
	struct atls_conn *conn;
	bool opened, closed, orderly;
	struct tobi_fault fault;
	bool defer;    /* evidence is given by the test */
	bool mute;     /* evidence is refused here */
	bool accepted; /* evidence that the stand-in appraisal accepts */
};

static void need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			  void *context)
{
	static const uint8_t collection[] = "yes";
	struct end *end = context;

	assert_true(claims_buffer.size > 100);
	if (end->mute)
		atls_conn_cannot_attest(conn, NULL);
	else if (!end->defer)
		atls_conn_give_evidence(
		    conn, (struct tobi_bytes){collection, end->accepted ? 3 : 1});
}

static void opened(struct atls_conn *conn, void *context)
{
	struct end *end = context;

	(void)conn;
	assert_false(end->opened || end->closed);
	end->opened = true;
}

static void closed(struct atls_conn *conn, const struct tobi_fault *fault, void *context)
{
	struct end *end = context;

	(void)conn;
	assert_false(end->closed);
	end->closed = true;
	end->orderly = !fault;
	if (fault)
		end->fault = *fault;
}

static const struct atls_events events = {need_evidence, opened, closed};

static void end_init(struct end *end, enum tobi_role role, bool attests,
		     const struct tobi_policy *policy)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = NOW - 10,
				       .not_after = NOW + 10};

	*end = (struct end){.certificate = wr_init(1 << 14)};
	end->endpoint = (struct atls_endpoint){
	    .role = role, .attests = attests, .policy = policy, .now = now};
	assert_int_equal(key_new(KEY_P256, &end->endpoint.key, NULL), 0);
	request.key = end->endpoint.key;
	assert_int_equal(cert_make(&request, NULL, NULL, &end->certificate, NULL), 0);
	end->endpoint.certificate = wr_view(&end->certificate);
	assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL), 0);
}

static void end_done(struct end *end)
{
	atls_conn_free(end->conn);
	SSL_CTX_free(end->endpoint.tls);
	EVP_PKEY_free(end->endpoint.key);
	wr_done(&end->certificate);
}

static void end_start(struct end *end, struct event_base *base, int fd)
{
	evutil_make_socket_nonblocking(fd);
	assert_int_equal(
	    atls_conn_new(base, &end->endpoint, fd, &events, end, &end->conn, NULL), 0);
}

struct world {
	struct event_base *base;
	struct tobi_policy *policy;
	struct end client, server;
	int fds[2];
};

static void world_init(struct world *world)
{
	*world = (struct world){.base = event_base_new()};
	world->policy = calloc(1, sizeof(*world->policy));
	world->policy->identity = IDENTITY_ANY_INSTANCE;
	end_init(&world->client, TOBI_ROLE_CLIENT, true, NULL);
	end_init(&world->server, TOBI_ROLE_SERVER, false, world->policy);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, world->fds), 0);
}

static void world_done(struct world *world)
{
	end_done(&world->client);
	end_done(&world->server);
	event_base_loop(world->base, EVLOOP_NONBLOCK);
	event_base_free(world->base);
	free(world->policy);
}

static void turn(struct world *world)
{
	for (int i = 0; i < 200; i++) {
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		if (i % 20 == 19)
			usleep(1000);
	}
}

static void check_conn__refused_before_data(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	turn(&world);
	/* An empty collection is evidence of nothing: both learn it, nobody opens. */
	assert_true(world.client.closed && world.server.closed);
	assert_false(world.client.opened || world.server.opened);
	assert_int_equal(world.client.fault.code, TOBI_E_DENIED);
	assert_non_null(strstr(world.client.fault.message, "(reason 6)"));
	assert_int_equal(tobi_result_verdict(atls_conn_result(world.server.conn)),
			 TOBI_REFUSE);
	world_done(&world);
}

static void check_conn__cannot_attest(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.client.mute = true;
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	turn(&world);
	assert_true(world.client.closed && world.server.closed);
	assert_non_null(strstr(world.server.fault.message, "(reason 4)"));
	world_done(&world);
}

struct pumped {
	struct atls_pump *pump;
	bool ended, orderly;
};

static void pump_ended(struct atls_pump *pump, const struct tobi_fault *fault,
		       void *context)
{
	struct pumped *pumped = context;

	(void)pump;
	pumped->ended = true;
	pumped->orderly = !fault;
}

/* Both accept; then a megabyte goes each way through two pumps, and both ends end. */
static void check_conn__open_and_pump(void **state)
{
	enum { SIZE = 1 << 20 };
	CLEANUP(wr_done) struct writer sent = wr_init(SIZE);
	struct pumped pumps[2] = {0};
	int plain[2][2];
	uint8_t *got[2] = {malloc(SIZE), malloc(SIZE)};
	size_t written[2] = {0}, read_size[2] = {0};
	struct world world;

	(void)state;
	world_init(&world);
	world.client.accepted = true;
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	turn(&world);
	if (!world.server.opened) {
		print_message("%s: %s\n", world.server.fault.field,
			      world.server.fault.message);
		world_done(&world);
		free(got[0]);
		free(got[1]);
		skip(); /* the real appraisal is linked; tests/e2e has this case */
	}
	assert_true(world.client.opened);
	for (size_t i = 0; i < SIZE / 4; i++)
		wr_uint_be(&sent, i * 2654435761u, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, plain[i]), 0);
		assert_int_equal(atls_pump_new(world.base,
					       i ? world.server.conn : world.client.conn,
					       plain[i][1], plain[i][1], pump_ended,
					       &pumps[i], &pumps[i].pump, NULL),
				 0);
	}
	for (int turns = 0; turns < 20000 && !(pumps[0].ended && pumps[1].ended);
	     turns++) {
		for (int i = 0; i < 2; i++) {
			ssize_t size =
			    write(plain[i][0], sent.ptr + written[i], SIZE - written[i]);

			if (size > 0)
				written[i] += (size_t)size;
			if (written[i] == SIZE)
				shutdown(plain[i][0], SHUT_WR);
			size =
			    read(plain[i][0], got[i] + read_size[i], SIZE - read_size[i]);
			if (size > 0)
				read_size[i] += (size_t)size;
		}
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	}
	for (int i = 0; i < 2; i++) {
		assert_true(pumps[i].ended && pumps[i].orderly);
		for (ssize_t size = 1; size > 0;
		     read_size[i] += size > 0 ? (size_t)size : 0)
			size =
			    read(plain[i][0], got[i] + read_size[i], SIZE - read_size[i]);
		assert_int_equal(read_size[i], SIZE);
		assert_memory_equal(got[i], sent.ptr, SIZE);
		atls_pump_free(pumps[i].pump);
		close(plain[i][0]);
		free(got[i]);
	}
	world_done(&world);
}

static enum tobi_outcome outcome(const struct atls_conn *conn, const struct check *check)
{
	const struct tobi_result *result = atls_conn_result(conn);

	for (size_t i = 0; i < result->list.count; i++) {
		if (result->list.records[i].check == check)
			return result->list.records[i].outcome;
	}
	return TOBI_NOT_RUN;
}

/* Identity "ca": the leaf chains to the policy's CA at that time, or nothing opens. */
enum ca_case { CA_GOOD, CA_EXPIRED, CA_OTHER, CA_NONE };

static void issue_leaf(struct end *end, enum ca_case which, struct writer *ret_ca_pem)
{
	CLEANUP(wr_done) struct writer ca = wr_init(1 << 14);
	CLEANUP(wr_done) struct writer unused = wr_init(1 << 14);
	struct cert_request request = {.role = CERT_CA,
				       .common_name = "ca",
				       .not_before = NOW - 100,
				       .not_after =
					   which == CA_EXPIRED ? NOW - 50 : NOW + 50};
	EVP_PKEY *keys[2] = {NULL, NULL};
	const uint8_t *der;
	X509 *issuer;

	for (int i = 0; i < 2; i++)
		assert_int_equal(key_new(KEY_P256, &keys[i], NULL), 0);
	request.key = keys[0];
	assert_int_equal(cert_make(&request, NULL, NULL, &ca, NULL), 0);
	if (which == CA_OTHER) { /* the same name, another key */
		request.key = keys[1];
		assert_int_equal(cert_make(&request, NULL, NULL, &unused, NULL), 0);
		assert_int_equal(chain_write_pem(wr_view(&unused), ret_ca_pem, NULL), 0);
	} else {
		assert_int_equal(chain_write_pem(wr_view(&ca), ret_ca_pem, NULL), 0);
	}
	der = ca.ptr;
	issuer = d2i_X509(NULL, &der, (long)ca.size);
	request = (struct cert_request){.role = CERT_TLS,
					.common_name = "leaf",
					.not_before = NOW - 10,
					.not_after = NOW + 10,
					.key = end->endpoint.key};
	if (which != CA_NONE) {
		wr_done(&end->certificate);
		assert_int_equal(
		    cert_make(&request, issuer, keys[0], &end->certificate, NULL), 0);
		end->endpoint.certificate = wr_view(&end->certificate);
		SSL_CTX_free(end->endpoint.tls);
		assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL),
				 0);
	}
	X509_free(issuer);
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
}

static void check_identity__ca(void **state)
{
	(void)state;
	for (enum ca_case which = CA_GOOD; which <= CA_NONE; which++) {
		CLEANUP(wr_done) struct writer pem = wr_init(1 << 14);
		struct world world;

		world_init(&world);
		world.client.accepted = true;
		issue_leaf(&world.client, which, &pem);
		world.policy->identity = IDENTITY_CA;
		world.policy->ca_pem = wr_view(&pem);
		end_start(&world.client, world.base, world.fds[0]);
		end_start(&world.server, world.base, world.fds[1]);
		turn(&world);
		if (which ==
		    CA_GOOD) { /* with the real appraisal its evidence is refused */
			assert_int_equal(outcome(world.server.conn, &check_atls_binder),
					 TOBI_PASSED);
		} else {
			assert_true(world.server.closed && !world.server.opened);
			assert_false(world.client.opened);
		}
		if (outcome(world.server.conn, &check_atls_identity) != TOBI_NOT_RUN)
			assert_int_equal(outcome(world.server.conn, &check_atls_identity),
					 which == CA_GOOD ? TOBI_PASSED : TOBI_FAILED);
		world_done(&world);
	}
}

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

static int accept_any(X509_STORE_CTX *store, void *unused)
{
	(void)store, (void)unused;
	return 1;
}

static int take_alpn(SSL *ssl, const unsigned char **ret_out, unsigned char *ret_size,
		     const unsigned char *offered, unsigned size, void *unused)
{
	(void)ssl, (void)size, (void)unused;
	*ret_out = offered + 1;
	*ret_size = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *bent_server(const struct end *like)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	const uint8_t *der = like->certificate.ptr;
	X509 *leaf = d2i_X509(NULL, &der, (long)like->certificate.size);

	SSL_CTX_use_certificate(tls, leaf);
	SSL_CTX_use_PrivateKey(tls, like->endpoint.key);
	X509_free(leaf);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls, accept_any, NULL);
	SSL_CTX_set_alpn_select_cb(tls, take_alpn, NULL);
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
	world.client.accepted = true; /* genuine evidence: only the session is another */
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
	assert_int_equal(outcome(world.server.conn, &check_atls_nonce), TOBI_PASSED);
	assert_int_equal(outcome(world.server.conn, &check_atls_role), TOBI_PASSED);
	assert_int_equal(outcome(world.server.conn, &check_atls_key), TOBI_PASSED);
	assert_int_equal(outcome(world.server.conn, &check_atls_binder), TOBI_FAILED);
	assert_non_null(strstr(world.client.fault.message, "(reason 5)"));
	SSL_free(near_side);
	SSL_free(far_side);
	SSL_CTX_free(near_tls);
	SSL_CTX_free(far_tls);
	close(attester[1]);
	close(world.fds[0]);
	world_done(&world);
}

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* A loose server that gives tickets, so that there is something to resume. */
static void get_ticket(const struct end *like, SSL_CTX *client)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	const uint8_t *der = like->certificate.ptr;
	X509 *leaf = d2i_X509(NULL, &der, (long)like->certificate.size);
	SSL *a = SSL_new(client), *b;
	char byte;
	int fds[2];

	SSL_CTX_use_certificate(tls, leaf);
	SSL_CTX_use_PrivateKey(tls, like->endpoint.key);
	SSL_CTX_set_max_early_data(tls, 1000);
	b = SSL_new(tls);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
	SSL_set_fd(a, fds[0]);
	SSL_set_fd(b, fds[1]);
	for (int i = 0; i < 10; i++) {
		SSL_connect(a);
		SSL_accept(b);
	}
	SSL_write(b, "x", 1);
	SSL_read(a, &byte, 1);
	SSL_shutdown(a); /* else the session may not be used again */
	SSL_free(a);
	SSL_free(b);
	close(fds[0]);
	close(fds[1]);
	SSL_CTX_free(tls);
	X509_free(leaf);
}

static void check_tls__resumption(void **state)
{
	struct world world;
	bool connected;
	SSL_CTX *tls;

	(void)state;
	world_init(&world);
	tls = bent_client(&world.client, GOOD);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(tls, keep_session);
	get_ticket(&world.server, tls);
	assert_non_null(kept);
	run_plain_client(&world, tls, kept, &connected);
	assert_true(world.server.closed);
	assert_string_equal(world.server.fault.field, "handshake");
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(tls);
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_conn__refused_before_data),
	    cmocka_unit_test(check_conn__cannot_attest),
	    cmocka_unit_test(check_conn__open_and_pump),
	    cmocka_unit_test(check_conn__relay),
	    cmocka_unit_test(check_identity__ca),
	    cmocka_unit_test(check_tls__rules),
	    cmocka_unit_test(check_tls__resumption),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
