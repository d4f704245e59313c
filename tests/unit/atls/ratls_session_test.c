/* The public API under a policy that names ra-tls: the library's client, and in a thread
 * a TLS server of OpenSSL's own with evidence in its certificate. */
#include "tests/check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/dcap_collateral.h"
#include "tests/ratls.h"
#include "tests/unit/atls/vendor_leaf.h"
#include "tobichi/atls.h"

#define ANY "identity:\n  mode: any-instance\n"
#define RATLS "channel: ra-tls\n" ANY

static struct test_scene scene;
static EVP_PKEY *key;
static struct writer leaf;

static int64_t now(void)
{
	return TEST_NOW;
}

static int setup(void **state)
{
	struct writer token = wr_init(LIMIT_TOKEN), value = wr_init(LIMIT_CERTIFICATE);
	struct ratls_evidence evidence = {.tag = RATLS_TAG_EAT};
	struct test_leaf wish = {.extension_count = 1};

	(void)state;
	test_scene_make(&scene);
	key = wish.key = test_key_make(TEST_RSA2048); /* of the server's own choice */
	wr_done(&scene.claims_buffer);
	scene.claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	test_claims_write(key, &(struct test_claims){.hash = CLAIMS_SHA384},
			  &scene.claims_buffer);
	test_scene_token(&scene, &token);
	evidence.evidence = wr_view(&token);
	evidence.claims_buffer = wr_view(&scene.claims_buffer);
	ratls_evidence_write(&value, &evidence);
	wish.extensions[0] =
	    (struct test_extension){&ratls_evidence_name, wr_view(&value), false};
	leaf = wr_init(LIMIT_CERTIFICATE);
	test_leaf_write(&wish, &leaf);
	wr_done(&token);
	wr_done(&value);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wr_done(&leaf);
	EVP_PKEY_free(key);
	test_scene_done(&scene);
	return 0;
}

static struct tobi_policy *policy_of(const char *identity)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	scene.identity = identity;
	test_scene_policy(&scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, NULL), 0);
	wr_done(&yaml);
	return policy;
}

struct server {
	int fd;
	bool shaken;
	char heard[16];
	pthread_t thread;
};

static void *serve(void *context)
{
	struct server *server = context;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	X509 *certificate = NULL;
	SSL *ssl;

	if (chain_read_certificate(wr_view(&leaf), "leaf", &certificate, NULL) == 0) {
		SSL_CTX_use_certificate(tls, certificate);
		SSL_CTX_use_PrivateKey(tls, key);
	}
	ssl = SSL_new(tls);
	SSL_set_fd(ssl, server->fd);
	server->shaken = SSL_accept(ssl) == 1;
	if (server->shaken && SSL_read(ssl, server->heard, 15) > 0)
		SSL_write(ssl, "answer", 6);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(tls);
	X509_free(certificate);
	close(server->fd);
	return NULL;
}

static struct tobi_atls_session *open_to(struct server *server, struct tobi_atls *client,
					 enum tobi_err *ret_err)
{
	struct tobi_atls_session *session = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	*server = (struct server){.fd = fds[1]};
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
	*ret_err = tobi_atls_open(client, fds[0], &session, NULL);
	return session;
}

static void test_session__ratls_policy__opens_and_says_what_it_lacks(void **state)
{
	const struct tobi_atls_options options = {.now = now};
	struct tobi_policy *policy = policy_of(RATLS);
	struct tobi_atls_session *session;
	struct tobi_atls *client = NULL;
	struct server server;
	enum tobi_err err;
	char heard[16] = "";
	size_t size = 0;

	(void)state;
	assert_int_equal(tobi_atls_client_new(policy, &options, &client, NULL), 0);
	session = open_to(&server, client, &err);
	assert_int_equal(err, TOBI_OK);
	assert_non_null(strstr(tobi_result_allowance(tobi_atls_result(session), 0),
			       "no session binding, no freshness"));
	assert_int_equal(
	    tobi_atls_write(session, (struct tobi_bytes){(const uint8_t *)"question", 8},
			    NULL),
	    0);
	assert_int_equal(tobi_atls_read(session, heard, sizeof(heard), &size, NULL), 0);
	assert_string_equal(heard, "answer");
	tobi_atls_close(session);
	pthread_join(server.thread, NULL);
	assert_string_equal(server.heard, "question");
	tobi_atls_free(client);
	tobi_policy_free(policy);
}

/* The verdict on a server whose certificate has a quote alone. */
static enum tobi_err open_to_a_quote(const struct tobi_collateral *collateral)
{
	const struct tobi_atls_options options = {.now = now, .collateral = collateral};
	struct writer soft = leaf;
	struct tobi_policy *policy;
	struct tobi_atls *client = NULL;
	struct dcap_scene dcap;
	struct server server;
	enum tobi_err err;

	dcap_scene_make(&dcap);
	leaf = wr_init(LIMIT_CERTIFICATE);
	vendor_leaf_write(&dcap, key, &leaf);
	policy = vendor_leaf_policy(&dcap);
	assert_int_equal(tobi_atls_client_new(policy, &options, &client, NULL), 0);
	tobi_atls_close(open_to(&server, client, &err));
	pthread_join(server.thread, NULL);
	tobi_atls_free(client);
	tobi_policy_free(policy);
	wr_done(&leaf);
	leaf = soft;
	return err;
}

static void test_session__quote_in_a_certificate__by_the_callers_collateral(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct dcap_test_collateral documents;
	struct dcap_scene dcap;

	(void)state;
	assert_int_equal(open_to_a_quote(NULL), TOBI_E_REFUSED);
	assert_int_equal(open_to_a_quote(set), TOBI_E_REFUSED);
	dcap_scene_make(&dcap);
	dcap_test_collateral_make(&dcap, &documents);
	dcap_test_put(&dcap, &documents, set);
	assert_int_equal(open_to_a_quote(set), TOBI_OK);
	tobi_collateral_free(set);
}

static void test_session__default_policy__takes_no_certificate(void **state)
{
	const struct tobi_atls_options options = {.now = now};
	struct tobi_policy *policy = policy_of(ANY);
	struct tobi_atls_session *session;
	struct tobi_atls *client = NULL;
	struct server server;
	enum tobi_err err;

	(void)state;
	assert_int_equal(tobi_atls_client_new(policy, &options, &client, NULL), 0);
	session = open_to(&server, client, &err);
	assert_int_not_equal(err, TOBI_OK);
	assert_int_equal(tobi_result_verdict(tobi_atls_result(session)), TOBI_REFUSE);
	tobi_atls_close(session);
	pthread_join(server.thread, NULL);
	assert_string_equal(server.heard, "");
	tobi_atls_free(client);
	tobi_policy_free(policy);
}

static void test_session_new__ratls_policy__client_without_protocols_only(void **state)
{
	static const char *const protocols[] = {"http/1.1", NULL};
	const struct tobi_atls_options plain = {.now = now},
				       with = {.now = now, .protocols = protocols};
	struct tobi_policy *policy = policy_of(RATLS);
	struct tobi_atls *atls = NULL;

	(void)state;
	assert_int_equal(tobi_atls_client_new(policy, &with, &atls, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(tobi_atls_server_new(policy, &plain, &atls, NULL),
			 TOBI_E_ARGUMENT);
	assert_null(atls);
	tobi_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_session__ratls_policy__opens_and_says_what_it_lacks),
	    cmocka_unit_test(
		test_session__quote_in_a_certificate__by_the_callers_collateral),
	    cmocka_unit_test(test_session__default_policy__takes_no_certificate),
	    cmocka_unit_test(
		test_session_new__ratls_policy__client_without_protocols_only),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
