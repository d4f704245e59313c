/* A report as Intel's retired Attestation Service made them, by a service of the tests'
 * own, and a policy that accepts it. A test changes what it likes before the report is
 * written. */
#ifndef TESTS_EPID_SCENE_H
#define TESTS_EPID_SCENE_H

#include "pki/cert.h"
#include "tee/epid_report.h"
#include "tobichi/verify.h"

enum { EPID_TEST_NOW = 1900000000 };

/* Keys and certificates, which take long to make: once for many scenes. */
struct test_service {
	EVP_PKEY *root_key, *key;
	struct writer root, certificate; /* DER */
	struct writer root_pem, chain;	 /* PEM; leaf and root */
};
#define TEST_SERVICE_CA "Intel SGX Attestation Report Signing CA"
#define TEST_SERVICE_SIGNER "Intel SGX Attestation Report Signing"
/* NULL: the names that Intel gave its own. */
void test_service_make(struct test_service *service, const char *root_name,
		       const char *name);
/* Another signer, with this key (taken), below a root that is there; between: the name of
 * a CA between them, or NULL. */
void test_service_make_below(struct test_service *service,
			     const struct test_service *above, const char *between,
			     EVP_PKEY *key);
void test_service_done(struct test_service *service);

struct test_epid {
	const struct test_service *service;
	/* Members of the body: JSON. NULL leaves one out. */
	const char *version, *status, *nonce, *timestamp, *advisories, *more;
	uint8_t quote[EPID_QUOTE_SIZE];
	/* Of the policy. */
	const char *section; /* the lines of its key sgx-epid, or "" */
	const char *allow;
	const char *anchors; /* PEM; "": AMD's and Intel's own */
	int64_t time;
	bool damage_signature;
	struct tobi_bytes given_nonce;
};
void test_epid_make(struct test_epid *epid, const struct test_service *service);
void test_epid_body(const struct test_epid *epid, struct writer *out);
/* In base64. */
void test_epid_signature(const struct test_epid *epid, struct tobi_bytes body,
			 struct writer *out);
/* The reply as it came: headers and body. */
void test_epid_reply(const struct test_epid *epid, struct writer *out);
void test_epid_policy(const struct test_epid *epid, struct writer *out);
/* Appraised as files. tobi_result_free() it. */
struct tobi_result *test_epid_appraise(const struct test_epid *epid);
/* Some evidence and pieces, under the scene's policy. */
enum tobi_err test_epid_verify(const struct test_epid *epid, struct tobi_bytes evidence,
			       const struct tobi_bytes *pieces, size_t count,
			       struct tobi_result **ret_result, struct tobi_fault *fault);

#endif
