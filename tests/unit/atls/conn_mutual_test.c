/* Both sides attest, over real TLS: what opens, and everything that must not. */
#include "tests/unit/atls/plain.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "appraise/atls_checks.h"
#include "atls/exchange.h"
#include "base/secret.h"
#include "token/claims_buffer.h"

/* What each side was asked to attest. */
struct asked {
	struct test_scene *scene;
	struct writer claims;
	unsigned count;
	const char *other_image; /* of an image that no policy names; or NULL */
} of_client, of_server;

static void attest(struct asked *asked, struct tobi_bytes claims_buffer,
		   struct writer *out)
{
	struct soft_claims *claims = &asked->scene->claims;
	struct tobi_bytes image = claims->image_id;

	asked->count++;
	wr_done(&asked->claims);
	asked->claims = wr_init(LIMIT_CLAIMS_BUFFER);
	wr_bytes(&asked->claims, claims_buffer.ptr, claims_buffer.size);
	if (asked->other_image)
		claims->image_id =
		    (struct tobi_bytes){(const uint8_t *)asked->other_image, 48};
	test_scene_session_evidence(asked->scene, claims_buffer, out);
	claims->image_id = image;
}

static void attest_client(struct end *end, struct tobi_bytes claims, struct writer *out)
{
	(void)end;
	attest(&of_client, claims, out);
}

static void attest_server(struct end *end, struct tobi_bytes claims, struct writer *out)
{
	(void)end;
	attest(&of_server, claims, out);
}

static void mutual_init(struct world *world)
{
	world_init(world);
	world->client.endpoint.policy = world->policy;
	world->server.endpoint.attests = true;
	world->server.scene = &world->scene;
	world->client.attest = attest_client;
	world->server.attest = attest_server;
	of_client = of_server = (struct asked){.scene = &world->scene};
}

static void mutual_done(struct world *world)
{
	wr_done(&of_client.claims);
	wr_done(&of_server.claims);
	world_done(world);
}

static void run(struct world *world)
{
	end_start(&world->client, world->base, world->fds[0]);
	end_start(&world->server, world->base, world->fds[1]);
	turn(world);
}

static void assert_nobody_opened(const struct world *world)
{
	assert_true(world->client.closed && world->server.closed);
	assert_false(world->client.opened || world->server.opened);
}

/* The claims name this end's key, and the other's nonce is another. */
static void assert_claims_of(const struct asked *asked, const struct end *end)
{
	struct claims_buffer claims;
	uint8_t key[SHA256_SIZE];

	assert_int_equal(asked->count, 1);
	assert_int_equal(claims_buffer_parse(wr_view(&asked->claims), &claims, NULL), 0);
	assert_int_equal(key_spki_sha256(end->endpoint.key, key, NULL), 0);
	assert_true(
	    bytes_equal(claims.pubkey_hash, (struct tobi_bytes){key, sizeof(key)}));
}

static void test_mutual__both_are_what_they_should_be__opens(void **state)
{
	struct world world;

	(void)state;
	mutual_init(&world);
	run(&world);
	assert_true(world.client.opened && world.server.opened);
	assert_int_equal(tobi_result_verdict(atls_conn_result(world.client.conn)),
			 TOBI_ACCEPT);
	assert_int_equal(tobi_result_verdict(atls_conn_result(world.server.conn)),
			 TOBI_ACCEPT);
	assert_claims_of(&of_client, &world.client);
	assert_claims_of(&of_server, &world.server);
	assert_false(bytes_equal(wr_view(&of_client.claims), wr_view(&of_server.claims)));
	mutual_done(&world);
}

/* Each side knows the other by the key that the evidence is bound to. */
static void test_mutual__peer__is_the_one_that_attested(void **state)
{
	uint8_t seen[48], key[48];
	struct world world;

	(void)state;
	mutual_init(&world);
	run(&world);
	assert_true(atls_conn_peer(world.server.conn, seen));
	assert_int_equal(key_spki_sha384(world.client.endpoint.key, key, NULL), 0);
	assert_memory_equal(seen, key, sizeof(key));
	assert_true(atls_conn_peer(world.client.conn, seen));
	assert_int_equal(key_spki_sha384(world.server.endpoint.key, key, NULL), 0);
	assert_memory_equal(seen, key, sizeof(key));
	mutual_done(&world);
}

static const char another[48] = "another image";

static void test_mutual__server_of_another_image__learns_nothing(void **state)
{
	struct world world;

	(void)state;
	mutual_init(&world);
	of_server.other_image = another;
	run(&world);
	assert_nobody_opened(&world);
	assert_int_equal(world.client.fault.code, TOBI_E_REFUSED);
	assert_non_null(strstr(world.client.fault.message, "POLICY-IMAGE"));
	assert_non_null(strstr(world.server.fault.message, "(reason 6)"));
	/* Chip and image of the client are told to accepted servers alone. */
	assert_int_equal(of_client.count, 0);
	mutual_done(&world);
}

static void test_mutual__client_of_another_image__refused(void **state)
{
	struct world world;

	(void)state;
	mutual_init(&world);
	of_client.other_image = another;
	run(&world);
	assert_nobody_opened(&world);
	assert_int_equal(world.server.fault.code, TOBI_E_REFUSED);
	assert_non_null(strstr(world.server.fault.message, "POLICY-IMAGE"));
	assert_int_equal(world.client.fault.code, TOBI_E_DENIED);
	assert_non_null(strstr(world.client.fault.message, "(reason 6)"));
	mutual_done(&world);
}

static void test_mutual__client_without_evidence__cannot(void **state)
{
	struct world world;

	(void)state;
	mutual_init(&world);
	world.client.endpoint.attests = false;
	run(&world);
	assert_nobody_opened(&world);
	assert_int_equal(world.server.fault.code, TOBI_E_REFUSED);
	assert_int_equal(world.client.fault.code, TOBI_E_REFUSED);
	assert_non_null(strstr(world.client.fault.message, "(reason 4); perhaps"));
	/* The server's evidence is not for those that give none. */
	assert_int_equal(of_server.count, 0);
	mutual_done(&world);
}

/* A client that has no certificate either. */
static void use_no_key(struct world *world)
{
	struct atls_endpoint *endpoint = &world->client.endpoint;

	EVP_PKEY_free(TAKE(endpoint->key));
	endpoint->certificate = (struct tobi_bytes){0};
	endpoint->attests = false;
	SSL_CTX_free(endpoint->tls);
	assert_int_equal(atls_tls_new(endpoint, &endpoint->tls, NULL), 0);
}

static void test_mutual__client_without_certificate__is_told_why(void **state)
{
	struct world world;

	(void)state;
	mutual_init(&world);
	use_no_key(&world);
	run(&world);
	assert_nobody_opened(&world);
	assert_string_equal(world.server.fault.field, "handshake");
	assert_int_equal(world.client.fault.code, TOBI_E_REFUSED);
	assert_string_equal(world.client.fault.message, ATLS_MUST_ATTEST);
	mutual_done(&world);
}

/* ---- one protocol that needs no evidence ---- */

static const char *const secrets[] = {"secrets/1", NULL};
static const char *const others[] = {"http/1.1", NULL};
static const char *const both[] = {"http/1.1", "secrets/1", NULL};

static void exempt(struct world *world, const char *const *offers)
{
	struct atls_endpoint *endpoint = &world->server.endpoint;

	mutual_init(world);
	use_no_key(world);
	world->client.endpoint.protocols = offers;
	endpoint->protocols = secrets;
	endpoint->exempt = secrets[0];
	SSL_CTX_free(endpoint->tls);
	assert_int_equal(atls_tls_new(endpoint, &endpoint->tls, NULL), 0);
}

static void test_exempt__that_protocol__opens_without_evidence(void **state)
{
	struct world world;

	(void)state;
	for (int i = 0; i < 2; i++) {
		exempt(&world, i ? both : secrets);
		run(&world);
		assert_true(world.client.opened && world.server.opened);
		/* What is let in so is let in to that alone. */
		assert_string_equal(atls_conn_protocol(world.server.conn), secrets[0]);
		assert_int_equal(tobi_result_verdict(atls_conn_result(world.server.conn)),
				 TOBI_REFUSE);
		assert_int_equal(of_client.count, 0);
		mutual_done(&world);
	}
}

static void test_exempt__another_protocol_or_none__cannot(void **state)
{
	struct world world;

	(void)state;
	for (int i = 0; i < 2; i++) {
		exempt(&world, i ? others : NULL);
		run(&world);
		assert_nobody_opened(&world);
		assert_int_equal(world.server.fault.code, TOBI_E_REFUSED);
		assert_non_null(strstr(world.client.fault.message, "(reason 4)"));
		mutual_done(&world);
	}
}

/* A client may not excuse its server. */
static void test_exempt__on_a_client__excuses_nobody(void **state)
{
	struct world world;

	(void)state;
	mutual_init(&world);
	world.client.endpoint.protocols = world.server.endpoint.protocols = secrets;
	world.client.endpoint.exempt = secrets[0];
	of_server.other_image = another;
	run(&world);
	assert_nobody_opened(&world);
	assert_non_null(strstr(world.client.fault.message, "POLICY-IMAGE"));
	mutual_done(&world);
}

/* ---- attackers ---- */

static void write_offer(struct writer *out)
{
	static const uint8_t nonce[ATLS_NONCE_SIZE] = {9};
	struct atls_hello offer = {.type = ATLS_OFFER,
				   .version = ATLS_VERSION,
				   .nonce = {nonce, sizeof(nonce)},
				   .peer_must_attest = true,
				   .can_attest = true,
				   .types = {{(const uint8_t *)"eat", 3}},
				   .type_count = 1};

	atls_write_hello(out, &offer);
}

/* What comes from the server is its own again: RESULT, and the same EVIDENCE. */
static void write_reflection(struct plain *plain, struct tobi_bytes item,
			     struct writer *said, struct writer *out)
{
	struct atls_evidence evidence;
	uint8_t hash[SHA256_SIZE];

	assert_int_equal(atls_read_evidence(item, &evidence, NULL), 0);
	wr_bytes(said, plain->heard.ptr, plain->heard.size);
	assert_int_equal(hash_sha256(wr_view(said), hash), 0);
	atls_write_result(out, &(struct atls_result){.status = ATLS_ACCEPT,
						     .transcript = {hash, sizeof(hash)}});
	atls_write_evidence(out, &evidence);
}

static void test_mutual__own_evidence_reflected__refused(void **state)
{
	struct writer offer = wr_init(4096), said = wr_init(2 * LIMIT_EVIDENCE),
		      answer = wr_init(2 * LIMIT_EVIDENCE);
	struct tobi_bytes item;
	struct plain plain;
	struct world world;
	X509 *leaf;

	(void)state;
	mutual_init(&world);
	leaf = plain_leaf_of(&world.client);
	plain_init(&plain, TOBI_ROLE_CLIENT, world.client.endpoint.key, leaf,
		   world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	assert_true(plain_shake(&plain, &world));
	write_offer(&offer);
	assert_true(plain_send(&plain, &world, &offer));
	assert_true(plain_hear(&plain, &world, ATLS_EVIDENCE, &item));
	wr_bytes(&said, offer.ptr, offer.size);
	write_reflection(&plain, item, &said, &answer);
	assert_true(plain_send(&plain, &world, &answer));
	assert_true(eventually(&world, &world.server.closed));
	assert_false(world.server.opened);
	assert_int_equal(world.server.fault.code, TOBI_E_REFUSED);
	assert_string_equal(world.server.fault.field, "binding");
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_role), TOBI_FAILED);
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_key), TOBI_FAILED);
	assert_int_equal(conn_outcome(world.server.conn, &check_atls_binder),
			 TOBI_FAILED);
	X509_free(leaf);
	plain_done(&plain);
	wr_done(&offer);
	wr_done(&said);
	wr_done(&answer);
	mutual_done(&world);
}

static void pass_on(struct plain *from, struct plain *to)
{
	uint8_t bytes[16384];
	int size;

	if (!SSL_is_init_finished(from->ssl) || !SSL_is_init_finished(to->ssl))
		return;
	size = SSL_read(from->ssl, bytes, sizeof(bytes));
	if (size > 0)
		SSL_write(to->ssl, bytes, size);
}

/*
 * In the middle of two enclaves, with the leaked leaf keys of both: each session is good
 * TLS, and all that is said passes unchanged. Only the exporters differ.
 */
static void test_mutual__relay_between_two_sessions__nobody_opens(void **state)
{
	struct plain near, far;
	struct world world;
	X509 *client, *server;
	int pair[2];

	(void)state;
	mutual_init(&world);
	client = plain_leaf_of(&world.client);
	server = plain_leaf_of(&world.server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	plain_init(&far, TOBI_ROLE_CLIENT, world.client.endpoint.key, client,
		   world.fds[0]);
	plain_init(&near, TOBI_ROLE_SERVER, world.server.endpoint.key, server, pair[0]);
	end_start(&world.server, world.base, world.fds[1]);
	assert_true(plain_shake(&far, &world));
	end_start(&world.client, world.base, pair[1]);
	assert_true(plain_shake(&near, &world));
	for (int i = 0; i < 300; i++) {
		pass_on(&near, &far);
		pass_on(&far, &near);
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	}
	assert_nobody_opened(&world);
	assert_int_equal(conn_outcome(world.client.conn, &check_atls_nonce), TOBI_PASSED);
	assert_int_equal(conn_outcome(world.client.conn, &check_atls_role), TOBI_PASSED);
	assert_int_equal(conn_outcome(world.client.conn, &check_atls_key), TOBI_PASSED);
	assert_int_equal(conn_outcome(world.client.conn, &check_atls_binder),
			 TOBI_FAILED);
	assert_non_null(strstr(world.server.fault.message, "(reason 5)"));
	assert_int_equal(of_client.count, 0);
	X509_free(client);
	X509_free(server);
	plain_done(&near);
	plain_done(&far);
	mutual_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mutual__both_are_what_they_should_be__opens),
	    cmocka_unit_test(test_mutual__peer__is_the_one_that_attested),
	    cmocka_unit_test(test_mutual__server_of_another_image__learns_nothing),
	    cmocka_unit_test(test_mutual__client_of_another_image__refused),
	    cmocka_unit_test(test_mutual__client_without_evidence__cannot),
	    cmocka_unit_test(test_mutual__client_without_certificate__is_told_why),
	    cmocka_unit_test(test_exempt__that_protocol__opens_without_evidence),
	    cmocka_unit_test(test_exempt__another_protocol_or_none__cannot),
	    cmocka_unit_test(test_exempt__on_a_client__excuses_nobody),
	    cmocka_unit_test(test_mutual__own_evidence_reflected__refused),
	    cmocka_unit_test(test_mutual__relay_between_two_sessions__nobody_opens),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
