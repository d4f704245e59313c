/* A platform of Arm CCA with a realm on it, made of OpenSSL: its tokens, right ones and
 * others, and a policy that takes the right one. */
#ifndef TESTS_CCA_SCENE_H
#define TESTS_CCA_SCENE_H

#include "tests/arm_token.h"
#include "tobichi/verify.h"

enum { CCA_NOW = 1900000000 };

/* Of the realm's token: without a profile, and its two profiles. */
enum cca_generation { CCA_LEGACY, CCA_REALM_1, CCA_REALM_2, CCA_GENERATIONS };

struct test_cca {
	struct test_token platform, realm;
	enum cca_generation generation;
	EVP_PKEY *cpak, *rak, *other_key; /* P-384 */
	uint8_t challenge[64];		  /* the platform's: hash of the realm's key */
	size_t challenge_size;
	struct writer realm_key; /* claim 44237 */
	bool cmw;		 /* tag 907, else 399 */
	int tag;		 /* in its place; 0: none */
	int content_format;	 /* of the records; 0: 263 */
	int indicator;		 /* of the records; 0: none */
	bool without_platform, without_realm, one_more;
	size_t trailing;
	/* the verifier's */
	struct tobi_bytes given_nonce;
	const char *allow, *section, *more;
	const char *image; /* NULL: the right one */
	bool without_root, with_other_root;
	struct tobi_bytes claims_buffer;
	uint64_t record_format; /* of the collection with claims; 0: by its media type */
};

/* All is right, and a nonce is asked for. */
void test_cca_make(struct test_cca *cca, enum cca_generation generation);
void test_cca_done(struct test_cca *cca);
/* The realm's key becomes the claim, in the form of a COSE_Key or of a point, and its
 * hash the platform's challenge. */
void test_cca_set_key(struct test_cca *cca, EVP_PKEY *key, bool cose);
/* Only the latter, once more, with this algorithm's name: "sha-512". */
void test_cca_bind(struct test_cca *cca, const char *hash);
/* The evidence, and the policy. */
void test_cca_write(const struct test_cca *cca, struct writer *out);
void test_cca_policy(const struct test_cca *cca, struct writer *out);
enum tobi_err test_cca_try(const struct test_cca *cca, struct tobi_result **ret_result,
			   struct tobi_fault *fault);
/* The test fails when there is an error. */
struct tobi_result *test_cca_appraise(const struct test_cca *cca);

#endif
