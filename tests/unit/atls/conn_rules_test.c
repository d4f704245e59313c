/* The TLS rules of section 5.1 between real ends: one of ours, and a plain one that
 * breaks a rule. (What a handshake's result must be is in tls_test.c.) */
#include "tests/unit/atls/plain.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>

#include "appraise/atls_checks.h"
#include "codec/cbor.h"
#include "token/claims_buffer.h"

/* The world's client is one that verifies, as `connect` is. */
static void verify_with_client(struct world *world)
{
	world->client.endpoint.policy = world->policy;
	world->client.endpoint.attests = false;
}

/* A plain server with the leaf of the world's. */
static void plain_server(struct plain *plain, struct world *world)
{
	X509 *leaf = plain_leaf_of(&world->server);

	plain_init(plain, TOBI_ROLE_SERVER, world->server.endpoint.key, leaf,
		   world->fds[1]);
	X509_free(leaf);
}

static void plain_client(struct plain *plain, struct world *world)
{
	X509 *leaf = plain_leaf_of(&world->client);

	plain_init(plain, TOBI_ROLE_CLIENT, world->client.endpoint.key, leaf,
		   world->fds[0]);
	X509_free(leaf);
}

static void assert_no_handshake(struct world *world, struct end *end)
{
	assert_true(eventually(world, &end->closed));
	assert_false(end->opened);
	assert_string_equal(end->fault.field, "handshake");
	assert_int_equal(end->fault.code, TOBI_E_PROTOCOL);
}

/* ---- what a client must not offer ---- */

static int offer_psk(SSL *ssl, const EVP_MD *digest, const unsigned char **ret_id,
		     size_t *ret_size, SSL_SESSION **ret_session)
{
	static const unsigned char key[48] = {1, 2, 3};
	static const unsigned char aes_256_gcm[] = {0x13, 0x02};

	(void)digest;
	*ret_session = SSL_SESSION_new();
	SSL_SESSION_set1_master_key(*ret_session, key, sizeof(key));
	SSL_SESSION_set_cipher(*ret_session, SSL_CIPHER_find(ssl, aes_256_gcm));
	SSL_SESSION_set_protocol_version(*ret_session, TLS1_3_VERSION);
	*ret_id = (const unsigned char *)"friend";
	*ret_size = 6;
	return 1;
}

static void test_rules__external_psk__refused(void **state)
{
	struct plain plain;
	struct world world;

	(void)state;
	world_init(&world);
	plain_client(&plain, &world);
	SSL_CTX_set_psk_use_session_callback(plain.tls, offer_psk);
	end_start(&world.server, world.base, world.fds[1]);
	assert_false(plain_shake(&plain, &world));
	assert_no_handshake(&world, &world.server);
	plain_done(&plain);
	world_done(&world);
}

static void test_rules__early_data__refused(void **state)
{
	SSL_SESSION *ticket;
	struct plain plain;
	struct world world;
	size_t written = 0;

	(void)state;
	world_init(&world);
	plain_client(&plain, &world);
	ticket = plain_ticket(plain.tls, &world.server);
	assert_true(plain.tickets > 0); /* so a ticket would be counted elsewhere too */
	plain.ssl = SSL_new(plain.tls);
	SSL_set_fd(plain.ssl, plain.fd);
	assert_int_equal(SSL_set_session(plain.ssl, ticket), 1);
	assert_int_equal(SSL_write_early_data(plain.ssl, "GET /", 5, &written), 1);
	assert_int_equal(written, 5);
	end_start(&world.server, world.base, world.fds[1]);
	assert_false(plain_shake(&plain, &world));
	assert_no_handshake(&world, &world.server);
	SSL_SESSION_free(ticket);
	plain_done(&plain);
	world_done(&world);
}

/* ---- tickets ---- */

static void test_rules__own_server__gives_no_ticket(void **state)
{
	CLEANUP(wr_done) struct writer frame = wr_init(64);
	struct tobi_bytes item;
	struct plain plain;
	struct world world;

	(void)state;
	world_init(&world);
	plain_client(&plain, &world);
	end_start(&world.server, world.base, world.fds[1]);
	assert_true(plain_shake(&plain, &world));
	/* Whatever the server has to say comes before its answer to this. */
	wr_uint_be(&frame, 0, 4);
	assert_true(plain_send(&plain, &world, &frame));
	assert_true(plain_hear(&plain, &world, ATLS_RESULT, &item));
	assert_int_equal(plain.tickets, 0);
	plain_done(&plain);
	world_done(&world);
}

static void test_rules__foreign_ticket__discarded(void **state)
{
	struct tobi_bytes item;
	struct plain plain;
	struct world world;

	(void)state;
	world_init(&world);
	verify_with_client(&world);
	plain_server(&plain, &world);
	for (int i = 0; i < 2; i++) {
		end_start(&world.client, world.base, world.fds[0]);
		assert_true(plain_shake(&plain, &world));
		assert_true(plain_hear(&plain, &world, ATLS_OFFER, &item));
		assert_true(plain.tickets > 0);
		assert_false(plain.hello_had_psk);
		assert_int_equal(SSL_session_reused(plain.ssl), 0);
		turn(&world);
		assert_int_equal(SSL_CTX_sess_number(world.client.endpoint.tls), 0);
		/* Both in order, so that the session would be good to resume. */
		SSL_shutdown(plain.ssl);
		assert_true(eventually(&world, &world.client.closed));
		atls_conn_free(TAKE(world.client.conn));
		turn(&world);
		world.client.closed = false;
		SSL_free(TAKE(plain.ssl));
		close(plain.fd);
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, world.fds), 0);
		plain.fd = world.fds[1];
		wr_done(&plain.heard);
		plain.heard = wr_init(1 << 16);
	}
	close(world.fds[0]);
	plain_done(&plain);
	world_done(&world);
}

/* ---- leaf keys ---- */

static EVP_PKEY *make_key(const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048)
			: kind[0] == 'P'	 ? EVP_EC_gen(kind)
						 : EVP_PKEY_Q_keygen(NULL, NULL, kind);

	assert_non_null(key);
	return key;
}

static void test_rules__leaf_key__by_kind(void **state)
{
	static const struct {
		const char *kind;
		bool good;
	} rows[] = {{"P-256", true}, {"P-384", true},  {"ED25519", true},
		    {"RSA", false},  {"P-521", false}, {"ED448", false}};

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		bool of_server = i % 2, good = rows[i / 2].good;
		EVP_PKEY *key = make_key(rows[i / 2].kind);
		X509 *leaf = plain_leaf(key, &(struct leaf_wish){0});
		struct plain plain;
		struct world world;
		struct end *ours;

		world_init(&world);
		verify_with_client(&world);
		ours = of_server ? &world.client : &world.server;
		plain_init(&plain, of_server ? TOBI_ROLE_SERVER : TOBI_ROLE_CLIENT, key,
			   leaf, world.fds[of_server]);
		end_start(ours, world.base, world.fds[!of_server]);
		if (plain_shake(&plain, &world))
			shutdown(plain.fd, SHUT_RDWR); /* enough for good ones */
		assert_true(eventually(&world, &ours->closed));
		if ((strcmp(ours->fault.field, "handshake") != 0) != good)
			fail_msg("%s of a %s: %s: %s", rows[i / 2].kind,
				 of_server ? "server" : "client", ours->fault.field,
				 ours->fault.message);
		X509_free(leaf);
		EVP_PKEY_free(key);
		plain_done(&plain);
		world_done(&world);
	}
}

/* ---- after the handshake ---- */

static void test_rules__post_handshake_authentication__not_offered(void **state)
{
	struct plain plain;
	struct world world;

	(void)state;
	world_init(&world);
	verify_with_client(&world);
	plain_server(&plain, &world);
	SSL_CTX_set_verify(plain.tls, SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE, NULL);
	end_start(&world.client, world.base, world.fds[0]);
	assert_true(plain_shake(&plain, &world));
	ERR_clear_error();
	assert_int_equal(SSL_verify_client_post_handshake(plain.ssl), 0);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_EXTENSION_NOT_RECEIVED);
	ERR_clear_error();
	plain_done(&plain);
	world_done(&world);
}

static void count_updates(int sent, int version, int kind, const void *bytes, size_t size,
			  SSL *ssl, void *context)
{
	(void)version, (void)ssl;
	if (!sent && kind == SSL3_RT_HANDSHAKE && size > 0 &&
	    *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE)
		++*(unsigned *)context;
}

static void say_and_hear(struct world *world, struct end *from, struct end *to,
			 const char *text)
{
	struct evbuffer *input = bufferevent_get_input(atls_conn_stream(to->conn));
	char heard[32] = "";

	bufferevent_enable(atls_conn_stream(from->conn), EV_READ | EV_WRITE);
	bufferevent_enable(atls_conn_stream(to->conn), EV_READ | EV_WRITE);
	bufferevent_write(atls_conn_stream(from->conn), text, strlen(text));
	turn(world);
	evbuffer_remove(input, heard, sizeof(heard) - 1);
	assert_string_equal(heard, text);
}

/* The exporter's secret stays, so the binding does: it is allowed, both ways. */
static void test_rules__key_update__goes_on(void **state)
{
	unsigned updates[2] = {0};
	struct end *ends[2];
	struct world world;

	(void)state;
	world_init(&world);
	ends[0] = &world.client;
	ends[1] = &world.server;
	for (int i = 0; i < 2; i++)
		end_start(ends[i], world.base, world.fds[i]);
	assert_true(eventually(&world, &world.client.opened));
	assert_true(eventually(&world, &world.server.opened));
	for (int i = 0; i < 2; i++) {
		SSL *ssl = bufferevent_openssl_get_ssl(atls_conn_stream(ends[i]->conn));

		SSL_set_msg_callback(ssl, count_updates);
		SSL_set_msg_callback_arg(ssl, &updates[i]);
	}
	for (int i = 0; i < 2; i++) {
		SSL *ssl = bufferevent_openssl_get_ssl(atls_conn_stream(ends[i]->conn));

		assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		say_and_hear(&world, ends[i], ends[!i], "one");
		say_and_hear(&world, ends[!i], ends[i], "two");
		assert_true(updates[0] > (unsigned)i && updates[1] > (unsigned)i);
	}
	assert_false(world.client.closed || world.server.closed);
	world_done(&world);
}

/* ---- names ---- */

static void test_rules__server_name__names_only(void **state)
{
	static const struct {
		const char *host, *sent;
	} rows[] = {{"enclave.example", "enclave.example"},
		    {"127.0.0.1", ""},
		    {"::1", ""},
		    {"fe80::1%eth0", ""},
		    {NULL, ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plain plain;
		struct world world;

		world_init(&world);
		verify_with_client(&world);
		world.client.endpoint.host_name = rows[i].host;
		plain_server(&plain, &world);
		end_start(&world.client, world.base, world.fds[0]);
		assert_true(plain_shake(&plain, &world));
		assert_string_equal(plain.server_name, rows[i].sent);
		plain_done(&plain);
		world_done(&world);
	}
}

/* ---- no downgrade to evidence in a certificate ---- */

/* 60000([evidence, claims-buffer]) over the key alone, as other protocols accept it. */
static void certificate_evidence(struct world *world, struct writer *ret_claims,
				 struct writer *ret_collection, struct writer *ret_value)
{
	uint8_t key_hash[32];

	assert_int_equal(key_spki_sha256(world->server.endpoint.key, key_hash, NULL), 0);
	claims_buffer_write(ret_claims, (struct tobi_bytes){0}, key_hash,
			    TOBI_ROLE_SERVER, (struct tobi_bytes){0});
	test_scene_session_evidence(&world->scene, wr_view(ret_claims), ret_collection);
	wr_bytes(ret_value, "\xd9\xea\x60\x82", 4);
	cbor_write_bytes(ret_value, wr_view(ret_collection));
	cbor_write_bytes(ret_value, wr_view(ret_claims));
	assert_int_equal(wr_err(ret_value), 0);
}

enum downgrade { CANNOT, SKIPS, SHOWS_IT, DOWNGRADES };

static void write_answer(struct writer *out, enum downgrade which,
			 struct tobi_bytes claims, struct tobi_bytes collection)
{
	static const uint8_t some[32] = {1};
	struct atls_hello answer = {.type = ATLS_ANSWER,
				    .version = ATLS_VERSION,
				    .nonce = {some, sizeof(some)},
				    .can_attest = which != CANNOT};

	atls_write_hello(out, &answer);
	if (which == SHOWS_IT)
		atls_write_evidence(out, &(struct atls_evidence){claims, collection});
	atls_write_result(out, &(struct atls_result){
				   ATLS_ACCEPT, {some, sizeof(some)}, ATLS_NO_REASON});
}

static void test_rules__evidence_in_the_certificate_only__refused(void **state)
{
	(void)state;
	for (enum downgrade which = CANNOT; which < DOWNGRADES; which++) {
		CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
		CLEANUP(wr_done) struct writer collection = wr_init(LIMIT_EVIDENCE);
		CLEANUP(wr_done) struct writer value = wr_init(LIMIT_EVIDENCE);
		CLEANUP(wr_done) struct writer answer = wr_init(LIMIT_EVIDENCE);
		struct tobi_bytes item;
		struct plain plain;
		struct world world;
		X509 *leaf;

		world_init(&world);
		verify_with_client(&world);
		certificate_evidence(&world, &claims, &collection, &value);
		leaf = plain_leaf(world.server.endpoint.key,
				  &(struct leaf_wish){.rats = wr_view(&value)});
		plain_init(&plain, TOBI_ROLE_SERVER, world.server.endpoint.key, leaf,
			   world.fds[1]);
		end_start(&world.client, world.base, world.fds[0]);
		assert_true(plain_shake(&plain, &world));
		assert_true(plain_hear(&plain, &world, ATLS_OFFER, &item));
		write_answer(&answer, which, wr_view(&claims), wr_view(&collection));
		assert_true(plain_send(&plain, &world, &answer));
		assert_true(eventually(&world, &world.client.closed));
		assert_false(world.client.opened);
		assert_int_equal(tobi_result_verdict(atls_conn_result(world.client.conn)),
				 TOBI_REFUSE);
		assert_int_equal(world.client.fault.code,
				 which == SKIPS ? TOBI_E_PROTOCOL : TOBI_E_REFUSED);
		assert_int_equal(conn_outcome(world.client.conn, &check_atls_binder),
				 which == SHOWS_IT ? TOBI_FAILED : TOBI_NOT_RUN);
		X509_free(leaf);
		plain_done(&plain);
		world_done(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules__external_psk__refused),
	    cmocka_unit_test(test_rules__early_data__refused),
	    cmocka_unit_test(test_rules__own_server__gives_no_ticket),
	    cmocka_unit_test(test_rules__foreign_ticket__discarded),
	    cmocka_unit_test(test_rules__leaf_key__by_kind),
	    cmocka_unit_test(test_rules__post_handshake_authentication__not_offered),
	    cmocka_unit_test(test_rules__key_update__goes_on),
	    cmocka_unit_test(test_rules__server_name__names_only),
	    cmocka_unit_test(test_rules__evidence_in_the_certificate_only__refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
