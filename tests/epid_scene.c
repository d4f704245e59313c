#include "tests/epid_scene.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "base/endian.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "tests/check.h"
#include "tests/extension.h"

enum { DAY = 24 * 3600, BITS = 2048, FLAGS_AT = 48 + 48, MODE64_INITTED = 5 };

static X509 *read_one(const struct writer *der)
{
	X509 *certificate = NULL;

	assert_int_equal(
	    chain_read_certificate(wr_view(der), "issuer", &certificate, NULL), 0);
	return certificate;
}

static void make_signer(const char *name, EVP_PKEY *key, const struct writer *issuer_der,
			EVP_PKEY *issuer_key, struct writer *out)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = name,
				       .not_before = EPID_TEST_NOW - DAY,
				       .not_after = EPID_TEST_NOW + DAY,
				       .key = key};
	X509 *issuer = read_one(issuer_der);

	*out = wr_init(LIMIT_CERTIFICATE);
	assert_int_equal(cert_make(&request, issuer, issuer_key, out, NULL), 0);
	X509_free(issuer);
}

/* A CA that may have others below it, as Intel's has none, but could. issuer_der NULL: it
 * signs itself. */
static void make_ca(const char *name, EVP_PKEY *key, const struct writer *issuer_der,
		    EVP_PKEY *issuer_key, struct writer *out)
{
	X509 *certificate = X509_new();
	X509 *issuer = issuer_der ? read_one(issuer_der) : NULL;
	uint8_t *der = NULL;
	int size;

	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 3 : 2);
	ASN1_TIME_set(X509_getm_notBefore(certificate), EPID_TEST_NOW - DAY);
	ASN1_TIME_set(X509_getm_notAfter(certificate), EPID_TEST_NOW + DAY);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate),
						    "CN", MBSTRING_ASC,
						    (const uint8_t *)name, -1, -1, 0),
			 1);
	X509_set_issuer_name(certificate,
			     X509_get_subject_name(issuer ? issuer : certificate));
	X509_set_pubkey(certificate, key);
	add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
	if (issuer)
		add_extension(certificate, issuer, NID_authority_key_identifier,
			      "keyid:always");
	assert_true(X509_sign(certificate, issuer ? issuer_key : key, EVP_sha256()) > 0);
	size = i2d_X509(certificate, &der);
	*out = wr_init(LIMIT_CERTIFICATE);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	X509_free(certificate);
	X509_free(issuer);
}

/* between: DER, or NULL. */
static void write_chain(struct test_service *service, const struct writer *between)
{
	service->root_pem = wr_init(LIMIT_PEM);
	service->chain = wr_init(LIMIT_PEM);
	assert_int_equal(
	    chain_write_pem(wr_view(&service->root), &service->root_pem, NULL), 0);
	assert_int_equal(
	    chain_write_pem(wr_view(&service->certificate), &service->chain, NULL), 0);
	if (between)
		assert_int_equal(chain_write_pem(wr_view(between), &service->chain, NULL),
				 0);
	wr_bytes(&service->chain, service->root_pem.ptr, service->root_pem.size);
	wr_u8(&service->root_pem, 0);
	assert_int_equal(wr_err(&service->chain), 0);
}

void test_service_make(struct test_service *service, const char *root_name,
		       const char *name)
{
	*service = (struct test_service){.root_key = EVP_RSA_gen(BITS),
					 .key = EVP_RSA_gen(BITS)};
	assert_true(service->root_key && service->key);
	make_ca(root_name ? root_name : TEST_SERVICE_CA, service->root_key, NULL, NULL,
		&service->root);
	make_signer(name ? name : TEST_SERVICE_SIGNER, service->key, &service->root,
		    service->root_key, &service->certificate);
	write_chain(service, NULL);
}

void test_service_make_below(struct test_service *service,
			     const struct test_service *above, const char *between,
			     EVP_PKEY *key)
{
	EVP_PKEY *between_key = between ? EVP_RSA_gen(BITS) : NULL;
	struct writer between_der = {0};

	*service = (struct test_service){
	    .root_key = above->root_key, .key = key, .root = wr_init(LIMIT_CERTIFICATE)};
	assert_int_equal(EVP_PKEY_up_ref(above->root_key), 1);
	wr_bytes(&service->root, above->root.ptr, above->root.size);
	if (between)
		make_ca(between, between_key, &above->root, above->root_key,
			&between_der);
	make_signer(TEST_SERVICE_SIGNER, key, between ? &between_der : &above->root,
		    between ? between_key : above->root_key, &service->certificate);
	write_chain(service, between ? &between_der : NULL);
	EVP_PKEY_free(between_key);
	wr_done(&between_der);
}

void test_service_done(struct test_service *service)
{
	EVP_PKEY_free(service->root_key);
	EVP_PKEY_free(service->key);
	wr_done(&service->root);
	wr_done(&service->certificate);
	wr_done(&service->root_pem);
	wr_done(&service->chain);
}

void test_epid_make(struct test_epid *epid, const struct test_service *service)
{
	*epid = (struct test_epid){.service = service,
				   .version = "5",
				   .status = "OK",
				   .timestamp = "2030-03-17T17:40:00.123456",
				   .section = "",
				   .allow = "no-nonce",
				   .anchors = (const char *)service->root_pem.ptr,
				   .time = EPID_TEST_NOW};
	for (size_t i = 0; i < sizeof(epid->quote); i++)
		epid->quote[i] = (uint8_t)(i >= 48 ? i : 0);
	store_le(epid->quote, 2, 2);
	store_le(epid->quote + FLAGS_AT, 8, MODE64_INITTED);
}

static void member(struct writer *out, const char *name, const char *value, bool quoted)
{
	const char *mark = quoted ? "\"" : "";

	if (value)
		wr_printf(out, "\"%s\":%s%s%s,", name, mark, value, mark);
}

void test_epid_body(const struct test_epid *epid, struct writer *out)
{
	wr_printf(out, "{\"id\":\"123\",");
	member(out, "timestamp", epid->timestamp, true);
	member(out, "version", epid->version, false);
	member(out, "nonce", epid->nonce, true);
	member(out, "advisoryIDs", epid->advisories, false);
	member(out, "isvEnclaveQuoteStatus", epid->status, true);
	if (epid->more)
		wr_printf(out, "%s,", epid->more);
	wr_printf(out, "\"isvEnclaveQuoteBody\":\"");
	base64_write(out, (struct tobi_bytes){epid->quote, sizeof(epid->quote)});
	wr_printf(out, "\"}");
	assert_int_equal(wr_err(out), 0);
}

void test_epid_signature(const struct test_epid *epid, struct tobi_bytes body,
			 struct writer *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t signature[BITS / 8];
	size_t size = sizeof(signature);

	assert_int_equal(
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, epid->service->key), 1);
	assert_int_equal(EVP_DigestSign(md, signature, &size, body.ptr, body.size), 1);
	EVP_MD_CTX_free(md);
	signature[size / 2] ^= epid->damage_signature;
	base64_write(out, (struct tobi_bytes){signature, size});
	assert_int_equal(wr_err(out), 0);
}

static void url_encode(struct tobi_bytes text, struct writer *out)
{
	for (size_t i = 0; i < text.size; i++) {
		if (strchr(" \n+/=", text.ptr[i]))
			wr_printf(out, "%%%02X", text.ptr[i]);
		else
			wr_u8(out, text.ptr[i]);
	}
}

void test_epid_reply(const struct test_epid *epid, struct writer *out)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT);

	test_epid_body(epid, &body);
	wr_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n", body.size);
	wr_printf(out, "Content-Type: application/json\r\nX-IASReport-Signature: ");
	test_epid_signature(epid, wr_view(&body), out);
	wr_printf(out, "\r\nx-iasreport-signing-certificate: ");
	url_encode(wr_view(&epid->service->chain), out);
	wr_printf(out, "\r\n\r\n");
	wr_bytes(out, body.ptr, body.size);
	assert_int_equal(wr_err(out), 0);
	wr_done(&body);
}

/* PEM as the value of a key: each of its lines further in. */
static void put_pem(const char *pem, struct writer *out)
{
	while (*pem) {
		size_t size = strcspn(pem, "\n");

		wr_printf(out, "      %.*s\n", (int)size, pem);
		pem += size + (pem[size] == '\n');
	}
}

void test_epid_policy(const struct test_epid *epid, struct writer *out)
{
	struct tobi_bytes measurement = {epid->quote + 48 + 64, 32};

	wr_printf(out, "version: 1\ntiers: [sgx-epid]\nimages: [");
	for (size_t i = 0; i < measurement.size; i++)
		wr_printf(out, "%02x", measurement.ptr[i]);
	wr_printf(out, "]\nallow: [%s]\nidentity:\n  mode: any-instance\n%s", epid->allow,
		  epid->section);
	if (epid->anchors[0]) {
		wr_printf(out, "roots:\n  - tier: sgx-epid\n    anchors: |\n");
		put_pem(epid->anchors, out);
	}
	assert_int_equal(wr_err(out), 0);
}

enum tobi_err test_epid_verify(const struct test_epid *epid, struct tobi_bytes evidence,
			       const struct tobi_bytes *pieces, size_t count,
			       struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_verify_request request = {.evidence = evidence,
					      .nonce = epid->given_nonce,
					      .time = epid->time,
					      .pieces = pieces,
					      .piece_count = count};
	struct tobi_policy *policy = NULL;
	enum tobi_err err;

	test_epid_policy(epid, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, fault), 0);
	err = tobi_verify(policy, &request, ret_result, fault);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

struct tobi_result *test_epid_appraise(const struct test_epid *epid)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct tobi_bytes pieces[2];
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_epid_body(epid, &body);
	test_epid_signature(epid, wr_view(&body), &signature);
	pieces[0] = wr_view(&signature);
	pieces[1] = wr_view(&epid->service->chain);
	if (test_epid_verify(epid, wr_view(&body), pieces, 2, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&body);
	wr_done(&signature);
	return result;
}
