/* A device with a PSA root of trust, made of OpenSSL: its tokens, right ones and others,
 * and a policy that takes the right one. */
#ifndef TESTS_PSA_SCENE_H
#define TESTS_PSA_SCENE_H

#include "tests/arm_token.h"
#include "tobichi/verify.h"

enum { PSA_NOW = 1900000000 };

enum psa_generation { PSA_TFM, PSA_2, PSA_1, PSA_GENERATIONS };

/* Labels by generation. */
struct psa_labels {
	int64_t profile, client, lifecycle, implementation, seed, components, nonce,
	    instance;
};
extern const struct psa_labels psa_labels[PSA_GENERATIONS];

struct test_psa {
	struct test_token token;
	enum psa_generation generation;
	EVP_PKEY *key, *other_key;
	size_t trailing; /* bytes behind the token */
	/* the verifier's */
	struct tobi_bytes given_nonce, given_secret;
	const char *allow, *section, *more; /* of the policy; section: in psa */
	bool without_root, with_other_root;
	struct tobi_bytes claims_buffer; /* comes beside it, in a collection */
	uint64_t content_format;	 /* of that; 0: by its media type */
};

/* All is right, and a nonce is asked for. */
void test_psa_make(struct test_psa *psa, enum psa_generation generation);
void test_psa_done(struct test_psa *psa);
/* The device and the verifier share a key instead. */
void test_psa_share_key(struct test_psa *psa);
/* The evidence, and the policy. */
void test_psa_write(const struct test_psa *psa, struct writer *out);
void test_psa_policy(const struct test_psa *psa, struct writer *out);
enum tobi_err test_psa_try(const struct test_psa *psa, struct tobi_result **ret_result,
			   struct tobi_fault *fault);
/* The test fails when there is an error. */
struct tobi_result *test_psa_appraise(const struct test_psa *psa);

#endif
