/*
 * Evidence as the key-broker protocol carries it, for each platform in a form of its own
 * (docs/PROTOCOL.md section 18.1.4), taken apart to what the verifier reads: the vendor's
 * bytes, and the pieces beside.
 */
#ifndef TOBI_BROKER_KBS_EVIDENCE_H
#define TOBI_BROKER_KBS_EVIDENCE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/limits.h"
#include "broker/kbs_binding.h"
#include "broker/kbs_lists.h"

/* The numbers are part of session ids: append only. */
enum kbs_tee {
	KBS_TEE_NONE,
	KBS_TEE_SNP,
	KBS_TEE_TDX,
	KBS_TEE_SGX,
	KBS_TEE_AZ_SNP,
	KBS_TEE_AZ_TDX,
	KBS_TEE_CCA,
	KBS_TEE_TPM,
	KBS_TEE_TOBICHI,
	KBS_TEES
};

/* As a request names it: "snp", "az-snp-vtpm". KBS_TEE_NONE for what is not served:
 * "sample" is evidence of nothing, and is never. */
enum kbs_tee kbs_tee_named(const char *name);
const char *kbs_tee_name(enum kbs_tee tee); /* "" for KBS_TEE_NONE */
/* Its evidence has bytes as lists of numbers, so that reading them ahead is worth it. */
bool kbs_tee_has_lists(enum kbs_tee tee);

/* In the arena. */
struct kbs_evidence {
	struct tobi_bytes evidence;
	struct tobi_bytes pieces[LIMIT_PIECES];
	size_t piece_count;
	/* What it says that it is bound to: report data, extraData, a challenge. */
	struct tobi_bytes bound;
	/* How many bytes of the hash, filled up with zeros, the verifier must find: 32,
	 * 48, or 64. */
	size_t nonce_size;
	/* The field that says with what it was configured at its launch, where the kind
	 * has one: of init-data (kbs_init_data.h). */
	struct tobi_bytes config;
	const char *config_name; /* "HOST_DATA"; NULL: none */
	bool config_extends;	 /* PCR 8: extended with the digest, from zero */
	bool has_devices;	 /* with a nonce of their own: kbs_binding_devices() */
};

/*
 * primary: tee-evidence.primary_evidence; lists: what was read ahead of it, or NULL;
 * additional: the text beside, empty for none.
 * Errors: TOBI_E_MALFORMED, _UNSUPPORTED (a device that is not known), _LIMIT, _MEMORY.
 */
TOBI_MUST_USE enum tobi_err kbs_evidence_read(enum kbs_tee tee, const json_t *primary,
					      const struct kbs_lists *lists,
					      const char *additional, struct arena *arena,
					      struct kbs_evidence *ret_evidence,
					      struct tobi_fault *fault);

#endif
