/* Evidence made for tests: a platform of their own, claims that a policy accepts, and the
 * bytes that a real service and agent would make of them. */
#ifndef TESTS_EVIDENCE_H
#define TESTS_EVIDENCE_H

#include "codec/cose.h"
#include "pki/cert.h"
#include "tobichi/verify.h"
#include "token/soft_token.h"

enum { TEST_NOW = 1900000000 };

struct test_platform {
	EVP_PKEY *ca_key, *key;
	struct writer ca, certificate, ca_pem; /* DER, DER, PEM */
	struct tobi_bytes chain[2];
	uint8_t ueid[33];
};
/* Certificates that are valid at TEST_NOW, or at another time. */
void test_platform_make(struct test_platform *platform, enum key_kind kind);
void test_platform_make_at(struct test_platform *platform, enum key_kind kind,
			   int64_t now);
void test_platform_done(struct test_platform *platform);

/* A policy that asks for everything that a policy can ask, and evidence that meets it. A
 * test changes what it likes before it has the bytes written. */
struct test_scene {
	struct test_platform platform;
	struct soft_claims claims;
	struct writer claims_buffer;
	struct tobi_bytes given_nonce; /* what the verifier asks for */
	struct test_platform *signs;   /* platform, or another one */
	struct tobi_bytes endorse;     /* the "endorse" record's value, or empty */
	bool keep_claims_nonce;	       /* the token's nonce is not made fresh */
	bool damage_signature;
	const char *tiers, *identity, *anchors_pem, *more;
	/* Adds to the claims of a token with this nonce; NULL: nothing. */
	void (*add)(struct test_scene *scene, struct tobi_bytes nonce);
	unsigned max_age; /* seconds */
	int64_t now;
};
void test_scene_make(struct test_scene *scene);
void test_scene_make_at(struct test_scene *scene, int64_t now);
void test_scene_done(struct test_scene *scene);
void test_scene_token(struct test_scene *scene, struct writer *out);
void test_scene_evidence(struct test_scene *scene, struct writer *out);
/* What an agent gives in a session: over the session's claims-buffer, which is not in it.
 */
void test_scene_session_evidence(struct test_scene *scene,
				 struct tobi_bytes claims_buffer, struct writer *out);
void test_scene_policy(const struct test_scene *scene, struct writer *out);
/* What the policy says of the evidence, with the nonce that the scene gives. The test
 * fails when one of them cannot be read. tobi_result_free() it. */
struct tobi_result *test_scene_appraise(struct test_scene *scene);

#endif
