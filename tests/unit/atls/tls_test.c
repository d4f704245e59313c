/* The checks after a handshake, over plain TLS ends that break one rule each. The rules
 * that stop such a handshake earlier are tested in conn_test.c. */
#include "tests/check.h"

#include "appraise/atls_checks.h"
#include "atls/tls.h"
#include "pki/cert.h"

enum { NOW = 1900000000 };

static EVP_PKEY *key;
static X509 *leaf;
static const unsigned char alpn[] = "\x0etobichi-atls/1";

static int choose(SSL *ssl, const unsigned char **ret_out, unsigned char *ret_size,
		  const unsigned char *offered, unsigned size, void *unused)
{
	(void)ssl, (void)size, (void)unused;
	*ret_out = offered + 1;
	*ret_size = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

struct pair {
	SSL_CTX *client_rules, *server_rules;
	SSL *client, *server;
};

static void pair_make(struct pair *pair)
{
	*pair = (struct pair){SSL_CTX_new(TLS_client_method()),
			      SSL_CTX_new(TLS_server_method()), NULL, NULL};
	SSL_CTX_use_certificate(pair->server_rules, leaf);
	SSL_CTX_use_PrivateKey(pair->server_rules, key);
	SSL_CTX_set_alpn_protos(pair->client_rules, alpn, sizeof(alpn) - 1);
	SSL_CTX_set_alpn_select_cb(pair->server_rules, choose, NULL);
}

static void pair_close(struct pair *pair)
{
	SSL_free(pair->client);
	SSL_free(pair->server);
	pair->client = pair->server = NULL;
}

static void pair_done(struct pair *pair)
{
	pair_close(pair);
	SSL_CTX_free(pair->client_rules);
	SSL_CTX_free(pair->server_rules);
}

static void shake_hands(struct pair *pair, SSL_SESSION *session)
{
	BIO *one = NULL, *two = NULL;
	char byte;

	pair->client = SSL_new(pair->client_rules);
	pair->server = SSL_new(pair->server_rules);
	assert_int_equal(BIO_new_bio_pair(&one, 0, &two, 0), 1);
	SSL_set_bio(pair->client, one, one);
	SSL_set_bio(pair->server, two, two);
	if (session)
		SSL_set_session(pair->client, session);
	for (int i = 0; i < 10; i++) {
		SSL_connect(pair->client);
		SSL_accept(pair->server);
	}
	SSL_read(pair->client, &byte, 1); /* takes the tickets */
	assert_true(SSL_is_init_finished(pair->client));
	assert_true(SSL_is_init_finished(pair->server));
}

/* Both ends see it: exactly the check named fails; NULL: none. */
static void expect(SSL *ssl, const struct check *failing)
{
	static const struct check *const all[] = {&check_atls_version, &check_atls_alpn,
						  &check_atls_no_resumption,
						  &check_atls_group};
	struct arena arena = arena_init(1 << 16);
	struct checklist list = {.arena = &arena};
	struct tobi_fault fault = {0};

	assert_int_equal(atls_tls_check(ssl, &list, &fault),
			 failing ? TOBI_E_PROTOCOL : TOBI_OK);
	if (failing)
		assert_string_equal(fault.field, failing->code);
	assert_int_equal(list.count, 4);
	for (size_t i = 0; i < list.count; i++) {
		assert_ptr_equal(list.records[i].check, all[i]);
		assert_int_equal(list.records[i].outcome,
				 all[i] == failing ? TOBI_FAILED : TOBI_PASSED);
	}
	arena_done(&arena);
}

static void expect_both(struct pair *pair, const struct check *failing)
{
	expect(pair->client, failing);
	expect(pair->server, failing);
}

static void test_tls_check__good__passes(void **state)
{
	struct pair pair;

	(void)state;
	pair_make(&pair);
	shake_hands(&pair, NULL);
	expect_both(&pair, NULL);
	pair_done(&pair);
}

static void test_tls_check__version_1_2__fails(void **state)
{
	struct pair pair;

	(void)state;
	pair_make(&pair);
	SSL_CTX_set_max_proto_version(pair.client_rules, TLS1_2_VERSION);
	shake_hands(&pair, NULL);
	expect_both(&pair, &check_atls_version);
	pair_done(&pair);
}

static int choose_nothing(SSL *ssl, const unsigned char **ret_out,
			  unsigned char *ret_size, const unsigned char *offered,
			  unsigned size, void *unused)
{
	(void)ssl, (void)ret_out, (void)ret_size, (void)offered, (void)size, (void)unused;
	return SSL_TLSEXT_ERR_NOACK;
}

static void test_tls_check__alpn__fails(void **state)
{
	static const unsigned char wrong[] = "\x08http/1.1";
	struct pair pair;

	(void)state;
	pair_make(&pair);
	SSL_CTX_set_alpn_select_cb(pair.server_rules, choose_nothing, NULL);
	shake_hands(&pair, NULL);
	expect_both(&pair, &check_atls_alpn);
	pair_done(&pair);
	pair_make(&pair);
	SSL_CTX_set_alpn_protos(pair.client_rules, wrong, sizeof(wrong) - 1);
	shake_hands(&pair, NULL);
	expect_both(&pair, &check_atls_alpn);
	pair_done(&pair);
}

static void test_tls_check__resumed__fails(void **state)
{
	SSL_SESSION *session;
	struct pair pair;

	(void)state;
	pair_make(&pair);
	shake_hands(&pair, NULL);
	session = SSL_get1_session(pair.client);
	assert_true(SSL_SESSION_is_resumable(session));
	/* OpenSSL forgets the session of a connection that was not shut down. */
	SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(pair.server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	pair_close(&pair);
	shake_hands(&pair, session);
	expect_both(&pair, &check_atls_no_resumption);
	SSL_SESSION_free(session);
	pair_done(&pair);
}

static void test_tls_check__group__fails(void **state)
{
	struct pair pair;

	(void)state;
	pair_make(&pair);
	SSL_CTX_set1_groups_list(pair.client_rules, "P-521");
	shake_hands(&pair, NULL);
	expect_both(&pair, &check_atls_group);
	pair_done(&pair);
}

static void test_tls_check__unfinished__fails(void **state)
{
	struct pair pair;

	(void)state;
	pair_make(&pair);
	pair.client = SSL_new(pair.client_rules);
	assert_int_equal(atls_tls_check(pair.client, NULL, NULL), TOBI_E_PROTOCOL);
	pair_done(&pair);
}

static int make_leaf(void **state)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = NOW - 10,
				       .not_after = NOW + 10};

	(void)state;
	if (key_new(KEY_P256, &key, NULL))
		return -1;
	request.key = key;
	if (cert_make(&request, NULL, NULL, &der, NULL) ||
	    chain_read_certificate(wr_view(&der), "leaf", &leaf, NULL))
		return -1;
	wr_done(&der);
	return 0;
}

static int free_leaf(void **state)
{
	(void)state;
	X509_free(leaf);
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls_check__good__passes),
	    cmocka_unit_test(test_tls_check__version_1_2__fails),
	    cmocka_unit_test(test_tls_check__alpn__fails),
	    cmocka_unit_test(test_tls_check__resumed__fails),
	    cmocka_unit_test(test_tls_check__group__fails),
	    cmocka_unit_test(test_tls_check__unfinished__fails),
	};

	return cmocka_run_group_tests(tests, make_leaf, free_leaf);
}
