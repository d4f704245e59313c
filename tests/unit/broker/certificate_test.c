/* Certificates: what the policy and the profile let through, and what is in one. */
#include "broker/authority.h"

#include <openssl/x509v3.h>

#include "broker/decision.h"
#include "pki/cert.h"
#include "tests/attested_world.h"
#include "tests/csr_make.h"
#include "token/cmw.h"
#include "token/ratls.h"

#define RED "/v1/certificate/red/tls/web"
#define DAY (24 * 3600)

static EVP_PKEY *key;

static int enter(void **state)
{
	int failed = broker_world_enter(state);

	key = csr_make_key("EC:P-256");
	/* In the place of one that it has made of its store keys. */
	EVP_PKEY_free(world.broker->setup.token_key);
	assert_int_equal(key_new(KEY_P256, &world.broker->setup.token_key, NULL), 0);
	return failed;
}

static int leave(void **state)
{
	EVP_PKEY_free(key);
	return broker_world_leave(state);
}

static void put_profile(const char *scope, const char *json)
{
	if (profile_put(world.broker, "alice", scope, text_bytes(json), world.now,
			&world.fault))
		fail_msg("%s: %s", world.fault.field, world.fault.message);
}

#define PROFILE "{\"names\": [\"web.example\", \"*.in.example\", \"192.0.2.7\"]}"

static void allow_all(void)
{
	attested_put_policy("red");
	put_profile("red/tls", PROFILE);
}

static struct attested_answer ask_with(const struct csr_make *make)
{
	struct writer csr = wr_init(1 << 20);
	struct attested_answer answer;

	csr_make(make, &csr);
	answer = attested_ask(NULL, certificate_routes, RED, wr_view(&csr), NULL);
	wr_done(&csr);
	return answer;
}

static struct attested_answer ask_for_names(const char *names)
{
	return ask_with(&(struct csr_make){.key = key, .names = names, .pem = true});
}

static X509 *first_of(const struct attested_answer *answer)
{
	struct writer storage = wr_init(1 << 20);
	struct tobi_bytes list[4];
	size_t count = 0;
	X509 *certificate = NULL;

	if (answer->status != 200)
		fail_msg("%d %s: %s", answer->status, world.fault.object,
			 world.fault.message);
	assert_int_equal(chain_read_pem(wr_view(&answer->body), "answer", &storage, list,
					4, &count, NULL),
			 0);
	assert_true(count >= 1);
	assert_int_equal(chain_read_certificate(list[0], "answer", &certificate, NULL),
			 0);
	wr_done(&storage);
	return certificate;
}

static X509 *issue(const char *names)
{
	struct attested_answer answer = ask_for_names(names);
	X509 *certificate = first_of(&answer);

	attested_answer_done(&answer);
	return certificate;
}

static X509 *ca_of(const char *owner)
{
	struct authority authority = {0};
	X509 *certificate;

	assert_int_equal(
	    authority_get(world.broker, owner, world.now, &authority, &world.fault), 0);
	certificate = authority.certificate;
	X509_up_ref(certificate);
	authority_done(&authority);
	return certificate;
}

/* ---- what is in one ---- */

static bool verifies(X509 *certificate, X509 *ca, const char *host, int64_t when,
		     enum chain_purpose purpose)
{
	struct writer der = wr_init(1 << 20), pem = wr_init(1 << 20);
	struct tobi_bytes list[1];
	unsigned char *at = NULL;
	EVP_PKEY *leaf = NULL;
	int size = i2d_X509(ca, &at);
	bool good;

	assert_int_equal(
	    chain_write_pem((struct tobi_bytes){at, (size_t)size}, &pem, NULL), 0);
	OPENSSL_free(at);
	at = NULL;
	size = i2d_X509(certificate, &at);
	wr_bytes(&der, at, (size_t)size);
	OPENSSL_free(at);
	list[0] = wr_view(&der);
	good = !chain_verify(&(struct chain_request){.certificates = list,
						     .count = 1,
						     .anchors_pem = wr_view(&pem),
						     .time = when,
						     .purpose = purpose,
						     .host_name = host},
			     "issued", &leaf, &world.fault);
	EVP_PKEY_free(leaf);
	wr_done(&der);
	wr_done(&pem);
	return good;
}

static void test_certificate__accepted__verifies_for_its_names(void **state)
{
	X509 *certificate, *ca;

	(void)state;
	allow_all();
	certificate = issue("DNS:web.example,DNS:A.in.example,IP:192.0.2.7");
	ca = ca_of("alice");
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), key), 1);
	assert_true(
	    verifies(certificate, ca, "web.example", world.now, CHAIN_TLS_SERVER));
	assert_true(
	    verifies(certificate, ca, "a.in.example", world.now, CHAIN_TLS_SERVER));
	assert_true(verifies(certificate, ca, "192.0.2.7", world.now, CHAIN_TLS_SERVER));
	assert_false(
	    verifies(certificate, ca, "b.in.example", world.now, CHAIN_TLS_SERVER));
	/* Servers alone, as the profile says nothing. */
	assert_false(verifies(certificate, ca, NULL, world.now, CHAIN_TLS_CLIENT));
	/* A day, and a little before now. */
	assert_true(verifies(certificate, ca, NULL, world.now - 300, CHAIN_TLS_SERVER));
	assert_false(verifies(certificate, ca, NULL, world.now - 301, CHAIN_TLS_SERVER));
	assert_true(
	    verifies(certificate, ca, NULL, world.now + DAY - 1, CHAIN_TLS_SERVER));
	assert_false(verifies(certificate, ca, NULL, world.now + DAY, CHAIN_TLS_SERVER));
	assert_int_equal(X509_check_ca(certificate), 0);
	assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
	X509_free(certificate);
	X509_free(ca);
}

static void test_certificate__profile_says__usage_and_lifetime(void **state)
{
	X509 *certificate, *ca;

	(void)state;
	attested_put_policy("red");
	put_profile("red", "{\"names\": [\"web.example\"], \"usage\": [\"client\"], "
			   "\"lifetime\": 600}");
	certificate = issue("DNS:web.example");
	ca = ca_of("alice");
	assert_true(verifies(certificate, ca, NULL, world.now + 599, CHAIN_TLS_CLIENT));
	assert_false(verifies(certificate, ca, NULL, world.now + 600, CHAIN_TLS_CLIENT));
	assert_false(verifies(certificate, ca, NULL, world.now, CHAIN_TLS_SERVER));
	X509_free(certificate);
	put_profile("red/tls/web", "{\"names\": [\"web.example\"], \"usage\": "
				   "[\"client\", \"server\"]}");
	certificate = issue("DNS:web.example");
	assert_true(verifies(certificate, ca, NULL, world.now + 601, CHAIN_TLS_CLIENT));
	assert_true(verifies(certificate, ca, NULL, world.now, CHAIN_TLS_SERVER));
	X509_free(certificate);
	X509_free(ca);
}

/* What the request says besides is not in it. */
static void test_certificate__extensions__ours_alone(void **state)
{
	struct csr_make make = {
	    .key = key,
	    .names = "DNS:web.example",
	    .common_name = "web.example",
	    .more = {{NID_basic_constraints, "CA:FALSE"},
		     {NID_key_usage, "nonRepudiation,dataEncipherment"},
		     {NID_ext_key_usage, "clientAuth"}}};
	struct attested_answer answer;
	X509 *certificate;

	(void)state;
	allow_all();
	answer = ask_with(&make);
	certificate = first_of(&answer);
	assert_int_equal(X509_get_ext_count(certificate), 7);
	assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(certificate)), 1);
	X509_free(certificate);
	attested_answer_done(&answer);
}

static void test_certificate__long_name__no_subject(void **state)
{
	X509 *certificate, *ca;

	(void)state;
	attested_put_policy("red");
	put_profile("red/tls", "{\"names\": [\"*.in.the.deep.of.a.house.example\"]}");
	certificate = issue("DNS:a-name-longer-than-a-common-name-can-be."
			    "in.the.deep.of.a.house.example");
	ca = ca_of("alice");
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(certificate)), 0);
	assert_true(verifies(certificate, ca,
			     "a-name-longer-than-a-common-name-can-be.in.the.deep.of.a."
			     "house.example",
			     world.now, CHAIN_TLS_SERVER));
	X509_free(certificate);
	X509_free(ca);
}

static void test_certificate__serials__differ(void **state)
{
	X509 *one, *two;

	(void)state;
	allow_all();
	one = issue("DNS:web.example");
	two = issue("DNS:web.example");
	assert_int_not_equal(
	    ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(two)),
	    0);
	assert_true(ASN1_STRING_length(X509_get0_serialNumber(one)) == 16);
	X509_free(one);
	X509_free(two);
}

/* ---- a CA that another one has signed ---- */

static void write_pem(X509 *certificate, struct writer *out)
{
	unsigned char *der = NULL;
	int size = i2d_X509(certificate, &der);

	assert_int_equal(
	    chain_write_pem((struct tobi_bytes){der, (size_t)size}, out, NULL), 0);
	OPENSSL_free(der);
}

/* Alice's CA, valid for so many seconds. */
static X509 *import_under(EVP_PKEY *root_key, int64_t seconds)
{
	X509 *root =
	    csr_make_ca(root_key, "house root", NULL, root_key, "critical,CA:TRUE",
			world.now - 100, world.now + 1000000);
	X509 *before = ca_of("alice");
	X509 *signed_one = csr_make_ca(X509_get0_pubkey(before), "alice's enclaves", root,
				       root_key, "critical,CA:TRUE,pathlen:0",
				       world.now - 100, world.now + seconds);
	struct writer pem = wr_init(1 << 16);

	write_pem(signed_one, &pem);
	write_pem(root, &pem);
	assert_int_equal(authority_import(world.broker, "alice", wr_view(&pem), world.now,
					  &world.fault),
			 0);
	X509_free(before);
	X509_free(signed_one);
	wr_done(&pem);
	return root;
}

static void later(int64_t seconds)
{
	world.now += seconds;
	world.scene.now = world.now;
	world.scene.claims.issued = (uint64_t)world.now - 5;
	attested_evidence_again();
}

static void test_certificate__ca_ends_sooner__so_does_it(void **state)
{
	EVP_PKEY *root_key = csr_make_key("EC:P-384");
	struct attested_answer answer;
	X509 *root, *certificate, *ca;

	(void)state;
	allow_all();
	root = import_under(root_key, 5000);
	answer = ask_for_names("DNS:web.example");
	certificate = first_of(&answer);
	ca = ca_of("alice");
	assert_true(verifies(certificate, ca, NULL, world.now + 4999, CHAIN_TLS_SERVER));
	assert_false(verifies(certificate, ca, NULL, world.now + 5000, CHAIN_TLS_SERVER));
	/* It comes with the CA's certificate, and without the root. */
	answer.body.ptr[answer.body.size - 1] = 0;
	assert_ptr_equal(
	    strstr(strstr(strstr((char *)answer.body.ptr, "BEGIN") + 1, "BEGIN") + 1,
		   "BEGIN"),
	    NULL);
	attested_answer_done(&answer);
	later(4999);
	X509_free(issue("DNS:web.example"));
	later(1);
	answer = ask_for_names("DNS:web.example");
	assert_int_equal(answer.status, 409);
	assert_string_equal(attested_error(&answer), "certificate");
	assert_false(last_note()->accepted);
	assert_non_null(strstr(last_note()->reason, "not valid now"));
	attested_answer_done(&answer);
	X509_free(certificate);
	X509_free(ca);
	X509_free(root);
	EVP_PKEY_free(root_key);
}

/* ---- the result in it ---- */

/* By who trusts the broker, and has seen that key used. */
static struct tobi_result *verify_result(struct tobi_bytes result, EVP_PKEY *shown,
					 int64_t when)
{
	struct writer policy = wr_init(LIMIT_POLICY);
	char *pem = key_pem(world.broker->setup.token_key), *seen = key_pem(shown);
	const struct tobi_bytes pieces[] = {text_bytes(seen)};
	struct tobi_verify_request request = {
	    .evidence = result, .time = when, .pieces = pieces, .piece_count = 1};
	struct tobi_policy *parsed = NULL;
	struct tobi_result *verdict = NULL;

	assert_non_null(pem);
	assert_non_null(seen);
	wr_printf(&policy, "version: 1\ntiers: [ear]\nidentity: {mode: any-instance}\n"
			   "allow: [no-nonce]\near:\n  policies: [scene]\n"
			   "  verifiers: [test]\n  min-status: warning\n"
			   "roots:\n  - tier: ear\n    anchors: |\n");
	for (const char *at = pem; *at; at++) {
		if (at == pem || at[-1] == '\n')
			wr_printf(&policy, "      ");
		wr_u8(&policy, (uint8_t)*at);
	}
	if (tobi_policy_parse(wr_view(&policy), "result.yaml", &parsed, &world.fault) ||
	    tobi_verify(parsed, &request, &verdict, &world.fault))
		fail_msg("%s: %s: %s", world.fault.object, world.fault.field,
			 world.fault.message);
	tobi_policy_free(parsed);
	wr_done(&policy);
	free(pem);
	free(seen);
	return verdict;
}

static void expect_verdict(struct tobi_bytes value, EVP_PKEY *shown, int64_t when,
			   enum tobi_verdict wanted, const char *reason)
{
	struct tobi_result *verdict = verify_result(value, shown, when);

	if (tobi_result_verdict(verdict) != wanted ||
	    !strstr(tobi_result_reason(verdict), reason))
		fail_msg("%s", tobi_result_reason(verdict));
	tobi_result_free(verdict);
}

static void test_certificate__carries_the_result__of_its_key_and_time(void **state)
{
	struct extension extension;
	struct tobi_bytes value;
	EVP_PKEY *other = csr_make_key("EC:P-256");
	X509 *certificate;

	(void)state;
	allow_all();
	certificate = issue("DNS:web.example");
	assert_int_equal(extension_find(certificate, &ratls_cmw_name, &extension), 1);
	assert_false(extension.critical);
	value = extension.value;
	/* An OCTET STRING. */
	assert_true(value.size > 4 && value.ptr[0] == 0x04 && value.ptr[1] == 0x82);
	assert_int_equal(value.ptr[2] << 8 | value.ptr[3], value.size - 4);
	value.ptr += 4, value.size -= 4;
	expect_verdict(value, key, world.now, TOBI_ACCEPT, "");
	expect_verdict(value, other, world.now, TOBI_REFUSE, "EAR-BINDING");
	expect_verdict(value, key, world.now + DAY, TOBI_REFUSE, "EAR-TIME");
	X509_free(certificate);
	EVP_PKEY_free(other);
}

/* ---- who may ---- */

static void expect_denied(const char *names, const char *reason)
{
	struct attested_answer answer = ask_for_names(names);

	assert_int_equal(answer.status, 403);
	assert_string_equal(attested_error(&answer), "denied");
	assert_string_equal(json_string_value(json_object_get(answer.json, "message")),
			    "access is denied");
	assert_int_equal(last_note()->kind, DECISION_CERTIFICATE);
	assert_false(last_note()->accepted);
	if (!strstr(last_note()->reason, reason))
		fail_msg("'%s' is not '%s'", last_note()->reason, reason);
	attested_answer_done(&answer);
}

static void test_certificate__not_allowed__denied_and_logged(void **state)
{
	(void)state;
	expect_denied("DNS:web.example", "no policy");
	attested_put_policy("red");
	expect_denied("DNS:web.example", "no certificate profile");
	put_profile("green", PROFILE);
	put_profile("red/tls/other", PROFILE);
	expect_denied("DNS:web.example", "no certificate profile");
	put_profile("red/tls", PROFILE);
	expect_denied("DNS:evil.example", "evil.example");
	expect_denied("DNS:web.example,DNS:evil.example", "evil.example");
	expect_denied("DNS:*.in.example", "*.in.example");
	expect_denied("DNS:a.b.in.example", "a.b.in.example");
	expect_denied("DNS:in.example", "in.example");
	expect_denied("IP:192.0.2.8", "192.0.2.8");
	put_profile("red/tls", "{\"names\": [\"*.in.example\"], \"wildcards\": true}");
	X509_free(issue("DNS:*.in.example"));
	world.scene.claims.svn = 2;
	attested_evidence_again();
	expect_denied("DNS:*.in.example", "POLICY-");
	assert_int_equal(profile_delete(world.broker, "alice", "red/tls", &world.fault),
			 0);
	world.scene.claims.svn = 3;
	attested_evidence_again();
	expect_denied("DNS:*.in.example", "no certificate profile");
}

static void test_certificate__in_the_log__serial_and_hash(void **state)
{
	char hash[2 * SHA256_SIZE + 1], *serial;
	uint8_t digest[SHA256_SIZE];
	unsigned size = sizeof(digest);
	BIGNUM *number;
	X509 *certificate;

	(void)state;
	allow_all();
	certificate = issue("DNS:web.example");
	assert_int_equal(last_note()->kind, DECISION_CERTIFICATE);
	assert_true(last_note()->accepted && last_note()->has_result);
	assert_string_equal(last_note()->action, "issue");
	assert_string_equal(last_note()->resource, "red/tls/web");
	assert_string_equal(last_note()->principal, "alice");
	assert_int_equal(X509_digest(certificate, EVP_sha256(), digest, &size), 1);
	hex_write((struct tobi_bytes){digest, sizeof(digest)}, hash, sizeof(hash));
	assert_non_null(strstr(last_note()->reason, hash));
	number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	serial = BN_bn2hex(number);
	assert_non_null(strcasestr(last_note()->reason, serial));
	OPENSSL_free(serial);
	BN_free(number);
	X509_free(certificate);
}

static void test_certificate__log_fails__nothing_is_given(void **state)
{
	struct attested_answer answer;

	(void)state;
	allow_all();
	stand_in.log_fails = true;
	answer = ask_for_names("DNS:web.example");
	assert_int_equal(answer.status, 500);
	assert_int_equal(answer.body.size, 0);
	attested_answer_done(&answer);
}

static void expect_wrong(const struct csr_make *make, const char *error)
{
	struct attested_answer answer = ask_with(make);
	size_t notes = stand_in.count;

	assert_int_equal(answer.status, 400);
	assert_string_equal(attested_error(&answer), error);
	assert_int_equal(stand_in.count, notes);
	attested_answer_done(&answer);
}

static void test_certificate__request_is_wrong__refused(void **state)
{
	struct csr_make make = {.key = key, .names = "DNS:web.example"};
	struct attested_answer answer;
	EVP_PKEY *weak = csr_make_key("RSA:2048");

	(void)state;
	allow_all();
	make.signs = weak;
	expect_wrong(&make, "signature");
	make.signs = NULL;
	make.key = weak;
	expect_wrong(&make, "unsupported");
	make.key = key;
	make.more[0].nid = NID_basic_constraints;
	make.more[0].value = "CA:TRUE";
	expect_wrong(&make, "unsupported");
	make.more[0].value = NULL;
	make.names = NULL;
	make.common_name = "web.example";
	expect_wrong(&make, "unsupported");
	answer = attested_ask(NULL, certificate_routes, RED, text_bytes("x"), NULL);
	assert_int_equal(answer.status, 400);
	attested_answer_done(&answer);
	answer = attested_ask(NULL, certificate_routes, "/v1/certificate/.a/b/c",
			      text_bytes("x"), NULL);
	assert_int_equal(answer.status, 400);
	attested_answer_done(&answer);
	EVP_PKEY_free(weak);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_certificate__accepted__verifies_for_its_names),
	    T_(test_certificate__profile_says__usage_and_lifetime),
	    T_(test_certificate__extensions__ours_alone),
	    T_(test_certificate__long_name__no_subject),
	    T_(test_certificate__serials__differ),
	    T_(test_certificate__ca_ends_sooner__so_does_it),
	    T_(test_certificate__carries_the_result__of_its_key_and_time),
	    T_(test_certificate__not_allowed__denied_and_logged),
	    T_(test_certificate__in_the_log__serial_and_hash),
	    T_(test_certificate__log_fails__nothing_is_given),
	    T_(test_certificate__request_is_wrong__refused),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
