/*
 * A TPM made of OpenSSL whose quotes come by themselves (tier tpm), with the certificates
 * of its keys under a root of its own, in every shape that a test wants; and a policy
 * that takes the right one.
 */
#ifndef TESTS_QUOTE_SCENE_H
#define TESTS_QUOTE_SCENE_H

#include "base/limits.h"
#include "pki/key.h"
#include "tee/tpm_claims.h"
#include "tee/tpm_structs.h"
#include "tobichi/verify.h"

enum { QUOTE_NOW = 1900000000, QUOTE_BANKS = 3, QUOTE_PIECES = 12 };

enum quote_key { QUOTE_P256, QUOTE_P384, QUOTE_RSA, QUOTE_RSAPSS };

/* Of an AK or an EK. */
struct quote_certificate {
	const char *usage, *purposes; /* NULL: none */
	bool is_ca, names_maker, names_ek, names_instance, damaged_instance;
	bool not_in_production;
	int64_t not_after;
	EVP_PKEY *key;
	bool by_a_stranger; /* signed by a root that nobody trusts */
	struct writer der;
};

struct quote_scene {
	enum quote_key kind;
	EVP_PKEY *root_key, *stranger_key, *ak, *ek, *other, *certified;
	struct writer root, stranger, root_pem;
	struct quote_certificate ak_certificate, ek_certificate;
	/* What the TPM says. */
	uint32_t magic, attributes, certified_attributes, certify_magic;
	unsigned type, hash; /* of the signature */
	struct tpm_selection selections[QUOTE_BANKS];
	size_t selection_count;
	struct tpm_bank banks[QUOTE_BANKS]; /* what comes */
	size_t bank_count;
	uint8_t values[QUOTE_BANKS][TPM_PCRS][TPM_HASH_MAX];
	uint64_t clock, firmware;
	uint32_t resets, restarts;
	bool safe;
	struct tobi_bytes extra;
	bool damage_signature, damage_digest, damage_certify, names_another;
	EVP_PKEY *signs, *certify_signs; /* the AK */
	/* What comes beside the quote. */
	bool without_signature, without_public, without_certificate, without_pcrs;
	bool bare_signature, as_spki;
	bool with_ek, with_certify, without_certified, twice_the_quote, unreadable_piece;
	struct tobi_bytes more_piece;
	/* The verifier's. */
	int64_t now;
	struct tobi_bytes given_nonce, claims_buffer;
	const char *tpm, *more; /* of the policy: its section, without its name; lines */
	bool names_key, names_root, vendors_roots;
	struct tobi_bytes more_root; /* DER */
};

/* All is right: P-256, SHA-256 and SHA-384 banks, PCRs 0 to 15. */
void quote_scene_make(struct quote_scene *scene, enum quote_key kind);
void quote_scene_done(struct quote_scene *scene);

/* Those of the scene, as it says now. */
void quote_scene_certificates(struct quote_scene *scene);
/* TPMS_ATTEST, its signature, the certification and its own; the AK's TPMT_PUBLIC. */
void quote_scene_quote(const struct quote_scene *scene, struct writer *out);
void quote_scene_sign(const struct quote_scene *scene, EVP_PKEY *key,
		      struct tobi_bytes statement, bool damage, struct writer *out);
void quote_scene_public(const struct quote_scene *scene, EVP_PKEY *key,
			uint32_t attributes, struct writer *out);
/* {"pcrs": {"sha256": {"0": ..}}} */
void quote_scene_pcrs(const struct quote_scene *scene, struct writer *out);
/* The quote, and what comes beside it: quote_parts_done(). */
struct quote_parts {
	struct writer quote, pieces[QUOTE_PIECES];
	size_t count;
};
void quote_scene_parts(struct quote_scene *scene, struct quote_parts *ret_parts);
void quote_parts_done(struct quote_parts *parts);

void quote_scene_policy(const struct quote_scene *scene, struct writer *out);
enum tobi_err quote_scene_try(struct quote_scene *scene, struct tobi_result **ret_result,
			      struct tobi_fault *fault);
/* The same of other bytes, with nothing beside them. */
enum tobi_err quote_scene_try_bytes(const struct quote_scene *scene,
				    struct tobi_bytes evidence,
				    struct tobi_result **ret_result,
				    struct tobi_fault *fault);
/* The test fails when there is an error. */
struct tobi_result *quote_scene_appraise(struct quote_scene *scene);

#endif
