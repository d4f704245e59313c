/* Connections with evidence in the certificate: our client and our server, plain ends of
 * OpenSSL's own, and every attempt to come down to it. */
#include "tests/unit/atls/plain.h"

#include <signal.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "appraise/atls_checks.h"
#include "appraise/ratls_checks.h"
#include "atls/ratls.h"
#include "tests/bytes.h"
#include "tests/ratls.h"

#define ATLS_POLICY "identity:\n  mode: any-instance\n"
#define RATLS_POLICY "channel: ra-tls\n" ATLS_POLICY

/* The world's client verifies, its server attests and has a certificate with evidence
 * besides. */
struct scene {
	struct world world;
	struct ratls_server *server;
	struct writer leaf; /* the certificate with evidence, DER */
};

static void remake(struct end *end)
{
	SSL_CTX_free(end->endpoint.tls);
	assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL), 0);
}

static void write_leaf(struct scene *scene, EVP_PKEY *claims_key)
{
	struct test_scene *made = &scene->world.scene;
	struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER), token = wr_init(LIMIT_TOKEN),
		      value = wr_init(LIMIT_CERTIFICATE);
	struct test_leaf leaf = {.key = scene->world.server.endpoint.key,
				 .extension_count = 1};
	struct ratls_evidence evidence = {.tag = RATLS_TAG_EAT};

	test_claims_write(claims_key, &(struct test_claims){.hash = CLAIMS_SHA256},
			  &claims);
	wr_done(&made->claims_buffer);
	made->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	wr_bytes(&made->claims_buffer, claims.ptr, claims.size);
	test_scene_token(made, &token);
	evidence.evidence = wr_view(&token);
	evidence.claims_buffer = wr_view(&claims);
	ratls_evidence_write(&value, &evidence);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&value), false};
	scene->leaf = wr_init(LIMIT_CERTIFICATE);
	test_leaf_write(&leaf, &scene->leaf);
	wr_done(&claims);
	wr_done(&token);
	wr_done(&value);
}

static void scene_init(struct scene *scene, const char *identity)
{
	struct world *world = &scene->world;

	world_init_as(world, identity);
	world->client.endpoint.policy = world->policy;
	world->client.endpoint.attests = false;
	world->server.endpoint.policy = NULL;
	world->server.endpoint.attests = true;
	world->server.scene = &world->scene;
	write_leaf(scene, world->server.endpoint.key);
	assert_int_equal(
	    ratls_server_new(world->server.endpoint.key, &scene->server, NULL), 0);
	assert_int_equal(ratls_server_use(scene->server, wr_view(&scene->leaf), NULL), 0);
	world->server.endpoint.compatible = scene->server;
	remake(&world->client);
	remake(&world->server);
}

static void scene_done(struct scene *scene)
{
	world_done(&scene->world);
	ratls_server_free(scene->server);
	wr_done(&scene->leaf);
}

/* world_init_as() makes an endpoint with the policy on the server's side, which cannot be
 * for this channel: so the policy comes later. */
static struct tobi_policy *policy_of(const struct test_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	test_scene_policy(scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, NULL), 0);
	wr_done(&yaml);
	return policy;
}

static void use_policy(struct scene *scene, const char *identity)
{
	struct world *world = &scene->world;

	tobi_policy_free(world->policy);
	world->scene.identity = identity;
	world->policy = policy_of(&world->scene);
	world->client.endpoint.policy = world->policy;
	remake(&world->client);
}

static void ratls_scene(struct scene *scene)
{
	scene_init(scene, ATLS_POLICY);
	use_policy(scene, RATLS_POLICY);
}

static void start_both(struct scene *scene)
{
	struct world *world = &scene->world;

	end_start(&world->server, world->base, world->fds[1]);
	end_start(&world->client, world->base, world->fds[0]);
}

static void plain_server(struct plain *plain, struct scene *scene,
			 const struct writer *leaf_der)
{
	struct world *world = &scene->world;
	X509 *leaf = NULL;

	assert_int_equal(chain_read_certificate(wr_view(leaf_der), "leaf", &leaf, NULL),
			 0);
	plain_init(plain, TOBI_ROLE_SERVER, world->server.endpoint.key, leaf,
		   world->fds[1]);
	X509_free(leaf);
}

/* alpn as on the wire; NULL: no such extension. */
static void plain_client(struct plain *plain, struct scene *scene, const char *alpn)
{
	plain_init(plain, TOBI_ROLE_CLIENT, NULL, NULL, scene->world.fds[0]);
	SSL_CTX_set_alpn_protos(plain->tls, (const unsigned char *)alpn,
				alpn ? (unsigned)strlen(alpn) : 0);
}

static bool carries_evidence(SSL *ssl)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct ratls_carried carried;
	bool does = !ratls_find(SSL_get0_peer_certificate(ssl), &arena, &carried, NULL);

	arena_done(&arena);
	return does;
}

/* ---- both ends ours ---- */

static void say(struct world *world, const struct end *from, const struct end *to)
{
	char heard[16] = "";

	assert_int_equal(bufferevent_write(atls_conn_stream(from->conn), "hello", 5), 0);
	turn(world);
	assert_int_equal(
	    evbuffer_remove(bufferevent_get_input(atls_conn_stream(to->conn)), heard,
			    sizeof(heard)),
	    5);
	assert_string_equal(heard, "hello");
}

static void test_ratls__named_by_the_policy__opens_with_a_warning(void **state)
{
	const struct tobi_result *result;
	struct scene scene;

	(void)state;
	ratls_scene(&scene);
	start_both(&scene);
	assert_true(eventually(&scene.world, &scene.world.client.opened));
	assert_true(eventually(&scene.world, &scene.world.server.opened));
	result = atls_conn_result(scene.world.client.conn);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 0), "no session binding"));
	assert_int_equal(conn_outcome(scene.world.client.conn, &check_ratls_session),
			 TOBI_PASSED);
	assert_string_equal(atls_conn_protocol(scene.world.server.conn), "");
	say(&scene.world, &scene.world.client, &scene.world.server);
	say(&scene.world, &scene.world.server, &scene.world.client);
	scene_done(&scene);
}

/* The same listener, a client of the default policy: the whole exchange. */
static void test_ratls__default_policy__attested_tls_as_ever(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, ATLS_POLICY);
	start_both(&scene);
	assert_true(eventually(&scene.world, &scene.world.client.opened));
	assert_int_equal(conn_outcome(scene.world.client.conn, &check_atls_binder),
			 TOBI_PASSED);
	assert_null(
	    strstr(tobi_result_allowance(atls_conn_result(scene.world.client.conn), 0),
		   "session binding"));
	scene_done(&scene);
}

static void test_ratls__evidence_of_another_key__refused_before_data(void **state)
{
	struct scene scene;
	EVP_PKEY *other = test_key_make(TEST_P256);

	(void)state;
	ratls_scene(&scene);
	wr_done(&scene.leaf);
	write_leaf(&scene, other);
	assert_int_equal(ratls_server_use(scene.server, wr_view(&scene.leaf), NULL), 0);
	start_both(&scene);
	assert_true(eventually(&scene.world, &scene.world.client.closed));
	assert_false(scene.world.client.opened);
	assert_int_equal(scene.world.client.fault.code, TOBI_E_REFUSED);
	assert_non_null(strstr(scene.world.client.fault.message, "RATLS-KEY"));
	assert_int_equal(conn_outcome(scene.world.client.conn, &check_ratls_key),
			 TOBI_FAILED);
	EVP_PKEY_free(other);
	scene_done(&scene);
}

/* ---- no way down ---- */

/* A server that speaks TLS 1.3 and shows genuine evidence in its certificate, as a man in
 * the middle with a leaked leaf key would: it is nothing to a client of attested TLS. */
static void test_ratls__not_named__certificate_is_not_accepted(void **state)
{
	(void)state;
	for (int agrees = 0; agrees < 2; agrees++) {
		struct plain plain;
		struct scene scene;

		scene_init(&scene, ATLS_POLICY);
		plain_server(&plain, &scene, &scene.leaf);
		if (!agrees)
			SSL_CTX_set_alpn_select_cb(plain.tls, NULL, NULL);
		end_start(&scene.world.client, scene.world.base, scene.world.fds[0]);
		assert_true(plain_shake(&plain, &scene.world));
		IGNORE(SSL_write(plain.ssl, "HTTP/1.1 200 OK\r\n\r\n", 19));
		assert_true(eventually(&scene.world, &scene.world.client.closed));
		assert_false(scene.world.client.opened);
		assert_int_equal(
		    tobi_result_verdict(atls_conn_result(scene.world.client.conn)),
		    TOBI_REFUSE);
		if (!agrees)
			assert_int_equal(
			    conn_outcome(scene.world.client.conn, &check_atls_alpn),
			    TOBI_FAILED);
		plain_done(&plain);
		scene_done(&scene);
	}
}

/* And a client of ra-tls is not served by an enclave that was not told to. */
static void test_ratls__server_without_it__refuses(void **state)
{
	static const char *const offers[] = {NULL, "\x08http/1.1", "\x02h2"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct plain plain;
		struct scene scene;

		ratls_scene(&scene);
		scene.world.server.endpoint.compatible = NULL;
		remake(&scene.world.server);
		plain_client(&plain, &scene, offers[i]);
		end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
		assert_false(plain_shake(&plain, &scene.world));
		assert_true(eventually(&scene.world, &scene.world.server.closed));
		assert_false(scene.world.server.opened);
		plain_done(&plain);
		scene_done(&scene);
	}
}

/* Where the client must attest, a certificate of the server's opens nothing. */
static void test_ratls__server_that_verifies__refuses(void **state)
{
	struct plain plain;
	struct scene scene;

	(void)state;
	scene_init(&scene, ATLS_POLICY);
	scene.world.server.endpoint.policy = scene.world.policy;
	remake(&scene.world.server);
	plain_client(&plain, &scene, NULL);
	end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
	assert_false(plain_shake(&plain, &scene.world));
	assert_true(eventually(&scene.world, &scene.world.server.closed));
	assert_false(scene.world.server.opened);
	plain_done(&plain);
	scene_done(&scene);
}

static void test_ratls__without_certificate_yet__refuses(void **state)
{
	struct ratls_server *empty = NULL;
	struct plain plain;
	struct scene scene;

	(void)state;
	ratls_scene(&scene);
	assert_int_equal(ratls_server_new(scene.world.server.endpoint.key, &empty, NULL),
			 0);
	scene.world.server.endpoint.compatible = empty;
	remake(&scene.world.server);
	plain_client(&plain, &scene, NULL);
	end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
	assert_false(plain_shake(&plain, &scene.world));
	assert_true(eventually(&scene.world, &scene.world.server.closed));
	plain_done(&plain);
	scene_done(&scene);
	ratls_server_free(empty);
}

/* ---- what a foreign client may offer ---- */

static void test_ratls__protocols__chosen(void **state)
{
	static const struct {
		const char *offer, *chosen; /* NULL: no handshake */
		bool evidence;
	} cases[] = {
	    {NULL, "", true},
	    {"\x08http/1.1", "http/1.1", true},
	    {"\x02h2", "h2", true},
	    {"\x02h2\x08http/1.1", "http/1.1", true},
	    {"\x06spdy/1", NULL, false},
	    /* Who can do better, is made to. */
	    {"\x08http/1.1\x0etobichi-atls/1", "tobichi-atls/1", false},
	    {"\x0etobichi-atls/1\x02h2", "tobichi-atls/1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const unsigned char *chosen = NULL;
		struct plain plain;
		struct scene scene;
		unsigned size = 0;
		bool shaken;

		scene_init(&scene, ATLS_POLICY);
		plain_client(&plain, &scene, cases[i].offer);
		end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
		shaken = plain_shake(&plain, &scene.world);
		assert_int_equal(shaken, cases[i].chosen != NULL);
		if (shaken) {
			SSL_get0_alpn_selected(plain.ssl, &chosen, &size);
			assert_bytes_equal(((struct tobi_bytes){chosen, size}),
					   text_bytes(cases[i].chosen));
			assert_int_equal(carries_evidence(plain.ssl), cases[i].evidence);
			turn(&scene.world);
			assert_int_equal(scene.world.server.opened, cases[i].evidence);
			assert_int_equal(plain.tickets, 0);
		}
		plain_done(&plain);
		scene_done(&scene);
	}
}

/* As in attested TLS: a ticket from elsewhere, and early data with it. */
static void test_ratls__resumption_and_early_data__refused(void **state)
{
	SSL_SESSION *ticket;
	struct plain plain;
	struct scene scene;
	size_t written = 0;

	(void)state;
	for (int early = 0; early < 2; early++) {
		scene_init(&scene, ATLS_POLICY);
		plain_client(&plain, &scene, NULL);
		ticket = plain_ticket(plain.tls, &scene.world.server);
		plain.ssl = SSL_new(plain.tls);
		SSL_set_fd(plain.ssl, plain.fd);
		assert_int_equal(SSL_set_session(plain.ssl, ticket), 1);
		if (early)
			assert_int_equal(
			    SSL_write_early_data(plain.ssl, "GET /", 5, &written), 1);
		end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
		assert_false(plain_shake(&plain, &scene.world));
		assert_true(eventually(&scene.world, &scene.world.server.closed));
		assert_false(scene.world.server.opened);
		SSL_SESSION_free(ticket);
		plain_done(&plain);
		scene_done(&scene);
	}
}

static void test_ratls__tls_1_2__refused_on_both_sides(void **state)
{
	struct plain plain;
	struct scene scene;

	(void)state;
	ratls_scene(&scene);
	plain_client(&plain, &scene, NULL);
	SSL_CTX_set_max_proto_version(plain.tls, TLS1_2_VERSION);
	end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
	assert_false(plain_shake(&plain, &scene.world));
	assert_true(eventually(&scene.world, &scene.world.server.closed));
	plain_done(&plain);
	scene_done(&scene);

	ratls_scene(&scene);
	plain_server(&plain, &scene, &scene.leaf);
	SSL_CTX_set_max_proto_version(plain.tls, TLS1_2_VERSION);
	end_start(&scene.world.client, scene.world.base, scene.world.fds[0]);
	assert_false(plain_shake(&plain, &scene.world));
	assert_true(eventually(&scene.world, &scene.world.client.closed));
	assert_false(scene.world.client.opened);
	plain_done(&plain);
	scene_done(&scene);
}

/* A foreign server of TLS 1.3, without any of our rules. */
static void test_ratls__foreign_server__opens(void **state)
{
	struct plain plain;
	struct scene scene;

	(void)state;
	ratls_scene(&scene);
	plain_server(&plain, &scene, &scene.leaf);
	end_start(&scene.world.client, scene.world.base, scene.world.fds[0]);
	assert_true(plain_shake(&plain, &scene.world));
	assert_true(eventually(&scene.world, &scene.world.client.opened));
	plain_done(&plain);
	scene_done(&scene);
}

static void test_ratls__ordinary_certificate__refused(void **state)
{
	struct plain plain;
	struct scene scene;

	(void)state;
	ratls_scene(&scene);
	plain_server(&plain, &scene, &scene.world.server.certificate);
	end_start(&scene.world.client, scene.world.base, scene.world.fds[0]);
	assert_true(plain_shake(&plain, &scene.world));
	assert_true(eventually(&scene.world, &scene.world.client.closed));
	assert_false(scene.world.client.opened);
	assert_int_equal(conn_outcome(scene.world.client.conn, &check_ratls_extension),
			 TOBI_FAILED);
	plain_done(&plain);
	scene_done(&scene);
}

/* ---- the check of the session, over ends that the rules would not let come so far ----
 */

static void check_session(struct scene *scene, int version, const struct check *check,
			  enum tobi_outcome expected)
{
	struct atls_peer peer = {.endpoint = &scene->world.client.endpoint};
	SSL_CTX *rules[2] = {SSL_CTX_new(TLS_client_method()),
			     SSL_CTX_new(TLS_server_method())};
	SSL *ends[2];
	X509 *leaf = NULL;
	BIO *one = NULL, *two = NULL;
	struct tobi_fault fault;
	enum tobi_err err;
	char byte;

	assert_int_equal(
	    chain_read_certificate(wr_view(&scene->leaf), "leaf", &leaf, NULL), 0);
	SSL_CTX_use_certificate(rules[1], leaf);
	SSL_CTX_use_PrivateKey(rules[1], scene->world.server.endpoint.key);
	SSL_CTX_set_max_proto_version(rules[0], version);
	for (int i = 0; i < 2; i++)
		ends[i] = SSL_new(rules[i]);
	assert_int_equal(BIO_new_bio_pair(&one, 0, &two, 0), 1);
	SSL_set_bio(ends[0], one, one);
	SSL_set_bio(ends[1], two, two);
	for (int i = 0; i < 10; i++) {
		SSL_connect(ends[0]);
		SSL_accept(ends[1]);
	}
	SSL_read(ends[0], &byte, 1);
	peer.ssl = ends[0];
	err = ratls_peer_start(&peer, &fault);
	assert_int_equal(err, expected == TOBI_PASSED ? TOBI_OK : TOBI_E_REFUSED);
	for (size_t i = 0; i < peer.result->list.count; i++) {
		const struct check_record *record = &peer.result->list.records[i];

		if (record->check == check)
			assert_int_equal(record->outcome, expected);
		else
			assert_int_not_equal(record->outcome, TOBI_FAILED);
	}
	peer.ssl = NULL;
	atls_peer_done(&peer);
	X509_free(leaf);
	for (int i = 0; i < 2; i++) {
		SSL_free(ends[i]);
		SSL_CTX_free(rules[i]);
	}
}

static void test_ratls_peer__older_tls__fails_the_session(void **state)
{
	struct scene scene;

	(void)state;
	ratls_scene(&scene);
	check_session(&scene, TLS1_3_VERSION, &check_ratls_session, TOBI_PASSED);
	check_session(&scene, TLS1_2_VERSION, &check_ratls_session, TOBI_FAILED);
	scene_done(&scene);
}

/* ---- endpoints ---- */

static void test_ratls_tls__what_it_cannot_do__says_so(void **state)
{
	static const char *const secrets[] = {"tobichi-secrets/1", NULL};
	struct tobi_fault fault = {0};
	struct scene scene;
	struct atls_endpoint endpoint;
	SSL_CTX *tls = NULL;

	(void)state;
	ratls_scene(&scene);
	endpoint = scene.world.client.endpoint;
	endpoint.protocols = secrets;
	assert_int_equal(atls_tls_new(&endpoint, &tls, &fault), TOBI_E_ARGUMENT);
	assert_non_null(strstr(fault.message, "secrets"));
	endpoint = scene.world.client.endpoint;
	endpoint.attests = true;
	assert_int_equal(atls_tls_new(&endpoint, &tls, &fault), TOBI_E_ARGUMENT);
	assert_non_null(strstr(fault.message, "attest"));
	endpoint = scene.world.server.endpoint;
	endpoint.policy = scene.world.policy;
	assert_int_equal(atls_tls_new(&endpoint, &tls, &fault), TOBI_E_ARGUMENT);
	assert_non_null(strstr(fault.message, "server"));
	assert_null(tls);
	scene_done(&scene);
}

static void test_ratls_server__certificate_of_another_key__keeps_the_old(void **state)
{
	struct scene scene;
	struct plain plain;

	(void)state;
	ratls_scene(&scene);
	assert_int_not_equal(ratls_server_use(scene.server,
					      wr_view(&scene.world.client.certificate),
					      NULL),
			     TOBI_OK);
	plain_client(&plain, &scene, NULL);
	end_start(&scene.world.server, scene.world.base, scene.world.fds[1]);
	assert_true(plain_shake(&plain, &scene.world));
	assert_true(carries_evidence(plain.ssl));
	plain_done(&plain);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls__named_by_the_policy__opens_with_a_warning),
	    cmocka_unit_test(test_ratls__default_policy__attested_tls_as_ever),
	    cmocka_unit_test(test_ratls__evidence_of_another_key__refused_before_data),
	    cmocka_unit_test(test_ratls__not_named__certificate_is_not_accepted),
	    cmocka_unit_test(test_ratls__server_without_it__refuses),
	    cmocka_unit_test(test_ratls__server_that_verifies__refuses),
	    cmocka_unit_test(test_ratls__without_certificate_yet__refuses),
	    cmocka_unit_test(test_ratls__protocols__chosen),
	    cmocka_unit_test(test_ratls__resumption_and_early_data__refused),
	    cmocka_unit_test(test_ratls__tls_1_2__refused_on_both_sides),
	    cmocka_unit_test(test_ratls__foreign_server__opens),
	    cmocka_unit_test(test_ratls__ordinary_certificate__refused),
	    cmocka_unit_test(test_ratls_peer__older_tls__fails_the_session),
	    cmocka_unit_test(test_ratls_tls__what_it_cannot_do__says_so),
	    cmocka_unit_test(
		test_ratls_server__certificate_of_another_key__keeps_the_old),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
