/*
 * EAR, the attestation result of a verifier (draft-ietf-rats-ear), with the
 * trustworthiness vector of draft-ietf-rats-ar4si: both generations, as JSON and as CBOR.
 *
 * The old generation is what Veraison and Trustee write ("ear.status"), the new one the
 * draft of 2026 ("ear_status").
 */
#ifndef TOBI_TOKEN_EAR_H
#define TOBI_TOKEN_EAR_H

#include <jansson.h>

#include "base/arena.h"
#include "pki/key.h"
#include "token/claims_tree.h"

#define EAR_PROFILE_NEW "tag:ietf.org,2026:rats/ear#03"
#define EAR_PROFILE_VERAISON "tag:github.com,2023:veraison/ear"
#define EAR_PROFILE_TRUSTEE "tag:github.com,2024:confidential-containers/Trustee"

enum {
	EAR_SUBMODS_MAX = 32,
	EAR_POLICIES_MAX = 16,
	EAR_KEYS_MAX = 16,
	EAR_NONCES_MAX = 8
};

/* The least value of each tier; the worst of two is the greater. */
enum ear_tier {
	EAR_NONE = 0,
	EAR_AFFIRMING = 2,
	EAR_WARNING = 32,
	EAR_CONTRAINDICATED = 96
};
/* The tier of a claim's value, -128 to 127. */
enum ear_tier ear_tier_of(int value);
/* "none", "affirming", "warning", "contraindicated". */
const char *ear_tier_name(enum ear_tier tier);
/* False for another word. */
bool ear_tier_read(const char *name, enum ear_tier *ret_tier);
/* What a value of a claim means, in a few words. */
const char *ear_value_meaning(enum ar4si_claim claim, int value);

struct ear_vector {
	bool has[AR4SI_CLAIMS];
	int values[AR4SI_CLAIMS];
};
enum ear_tier ear_vector_worst(const struct ear_vector *vector);
/* Its claims by their names; json_decref() it. NULL without memory. */
json_t *ear_vector_json(const struct ear_vector *vector);

/* Of one attester. Texts are in the arena. */
struct ear_appraisal {
	const char *name;
	enum ear_tier status;
	struct ear_vector vector;
	const char *policies[EAR_POLICIES_MAX];
	size_t policy_count;
};

/* A key that a result says is the attester's. */
struct ear_key {
	const char *where; /* "cnf", "key attestation", "TEE key" */
	uint8_t spki[SHA256_SIZE];
};

/* What a verifier of Tobichi says besides; empty of others. */
struct ear_tobichi {
	bool found;
	struct tobi_bytes image_id;
	struct tobi_bytes signers[8];
	size_t signer_count;
	const char *tier, *evidence; /* or NULL */
};

struct ear {
	const char *profile;
	bool old; /* the generation of Veraison and Trustee */
	int64_t issued;
	int64_t expires;			  /* 0: it does not say */
	int64_t not_before;			  /* 0: it does not say */
	const char *developer, *build;		  /* who verified */
	const char *issuer;			  /* or NULL */
	struct tobi_bytes nonces[EAR_NONCES_MAX]; /* each in every way it may be read */
	size_t nonce_count;
	size_t raw_evidence; /* its size; 0: none */
	struct ear_appraisal appraisals[EAR_SUBMODS_MAX];
	size_t appraisal_count;
	struct ear_key keys[EAR_KEYS_MAX];
	size_t key_count;
	/* Keys that the caller has seen the attester use: SHA-256. */
	uint8_t shown[EAR_KEYS_MAX][SHA256_SIZE];
	size_t shown_count;
	struct ear_tobichi tobichi;
};

/* Whether a tree of claims is an EAR, by its profile or by what only an EAR has. */
bool ear_is(const json_t *tree);
/*
 * The tree of a JWT's payload, or of a CWT's (claims_tree.h). Everything that the draft
 * makes mandatory must be there. Errors: TOBI_E_MALFORMED, _LIMIT, naming the member;
 * _UNSUPPORTED for another profile; _MEMORY.
 */
TOBI_MUST_USE enum tobi_err ear_read(const json_t *tree, struct arena *arena,
				     struct ear *ret_ear, struct tobi_fault *fault);

/* What is written: one attester. */
struct ear_content {
	bool old;
	int64_t issued, expires; /* expires 0: left out */
	struct tobi_bytes nonce; /* or empty */
	const char *developer, *build;
	const char *submod;
	struct ear_vector vector;
	enum ear_tier status;
	const char *policy;
	EVP_PKEY *key;		 /* the attester's, or NULL */
	const uint8_t *key_spki; /* SHA-256, where the key itself is not known */
	const json_t *tobichi;	 /* texts, booleans and lists of texts */
};
/* json_decref() it; NULL without memory. */
json_t *ear_tree(const struct ear_content *content);
/* The same as CBOR, in deterministic encoding. TOBI_E_MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err ear_write_cbor(const struct ear_content *content,
					   struct writer *out, struct tobi_fault *fault);

#endif
