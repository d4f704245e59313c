/* A Nitro hypervisor made of OpenSSL: documents under a root of its own, right ones and
 * others, and a policy that takes the right one. */
#ifndef TESTS_NITRO_SCENE_H
#define TESTS_NITRO_SCENE_H

#include "pki/key.h"
#include "tee/nitro_document.h"
#include "tobichi/verify.h"

enum { NITRO_NOW = 1900000000 };

/* As AWS's: from the root to the leaf. */
enum nitro_place {
	NITRO_ROOT,
	NITRO_REGION,
	NITRO_ZONE,
	NITRO_INSTANCE,
	NITRO_LEAF,
	NITRO_PLACES
};

struct test_certificate {
	enum key_kind kind;
	const char *name, *constraints, *usage; /* usage NULL: none */
	int64_t not_before, not_after;
	bool weak_digest; /* SHA-256 */
	size_t comment;	  /* how long; 0: it has none */
	EVP_PKEY *key;
	struct writer der;
};

/* What is written: a test changes what it likes before. */
struct test_nitro {
	struct test_certificate certificates[NITRO_PLACES];
	EVP_PKEY *other_key;
	enum nitro_kind kind;
	const char *module_id, *digest;
	uint64_t timestamp; /* milliseconds */
	uint8_t pcrs[NITRO_PCRS][64];
	uint32_t pcr_mask; /* which of them are written */
	size_t pcr_size;
	struct tobi_bytes public_key, user_data, nonce; /* ptr NULL: null */
	/* Places of the certificates in the bundle, in order; -1 ends it. */
	int bundle[NITRO_PLACES + 3];
	size_t certificate_size; /* of a certificate of zeros in its place; 0: the leaf */
	bool tagged, indefinite, signed_by_another, damaged_signature, both_pcrs;
	bool without_leaf, twice_the_digest, detached;
	int algorithm;		/* in the header; 0: the right one */
	const char *more_field; /* with the value 1 */
	/* the verifier's */
	int64_t now;
	struct tobi_bytes given_nonce;
	const char *tiers, *allow, *more; /* of the policy */
	bool vendors_roots;		  /* the policy names no root */
	struct tobi_bytes claims_buffer;  /* comes beside it, in a collection */
};

/* All is right, and a nonce is asked for. */
void test_nitro_make(struct test_nitro *nitro, enum nitro_kind kind);
void test_nitro_done(struct test_nitro *nitro);
/* The document alone. */
void test_nitro_document(struct test_nitro *nitro, struct writer *out);
void test_nitro_policy(struct test_nitro *nitro, struct writer *out);
/* What it says of the document; or the error, and result NULL. */
enum tobi_err test_nitro_try(struct test_nitro *nitro, struct tobi_result **ret_result,
			     struct tobi_fault *fault);
/* The test fails when there is an error. */
struct tobi_result *test_nitro_appraise(struct test_nitro *nitro);

#endif
