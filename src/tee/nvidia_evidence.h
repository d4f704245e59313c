/*
 * Evidence of NVIDIA's devices in the forms that it comes in, taken apart: reports, the
 * chains of their keys, reference values (RIM) and answers on revocation (OCSP).
 *
 * Forms of evidence: an SPDM report as it is, its chain (PEM) beside it; JSON as NVIDIA's
 * attestation SDK writes it, an array of {arch, nonce, evidence, certificate}; JSON as
 * Confidential Containers write it, {device_evidence_list: [..]}.
 */
#ifndef TOBI_TEE_NVIDIA_EVIDENCE_H
#define TOBI_TEE_NVIDIA_EVIDENCE_H

#include "base/arena.h"
#include "collateral/collateral.h"
#include "tee/nvidia_claims.h"
#include "tee/spdm_report.h"

enum { NVIDIA_CHAINS_MAX = 16, NVIDIA_RIMS_MAX = 32, NVIDIA_ANSWERS_MAX = 256 };

/* Borrowed, or in the arena. */
struct nvidia_evidence_of {
	struct spdm_report report;
	struct tobi_bytes chain;      /* PEM; empty: one of those that came beside it */
	const char *arch;	      /* as JSON has it, or NULL */
	struct tobi_bytes said_nonce; /* as JSON has it, or empty */
};

struct nvidia_document {
	struct tobi_bytes bytes;
	uint8_t hash[SHA256_SIZE];
};

/* The long lists in the arena, as long as they have to be. */
struct nvidia_material {
	struct nvidia_evidence_of *devices; /* NVIDIA_DEVICES_MAX at most */
	size_t device_count;
	struct tobi_bytes chains[NVIDIA_CHAINS_MAX];
	size_t chain_count;
	struct nvidia_document *rims; /* NVIDIA_RIMS_MAX */
	size_t rim_count;
	struct nvidia_document *answers; /* NVIDIA_ANSWERS_MAX */
	size_t answer_count;
};

/* What a piece is of, by its form. */
enum nvidia_piece {
	NVIDIA_PIECE_OTHER, /* nothing of NVIDIA's */
	NVIDIA_PIECE_EVIDENCE,
	NVIDIA_PIECE_CHAIN, /* PEM, the first certificate of which is a device's */
	NVIDIA_PIECE_RIM,
	NVIDIA_PIECE_OCSP,
};

/* Whether the bytes are evidence in one of the forms. */
bool nvidia_evidence_is(struct tobi_bytes bytes);
enum nvidia_piece nvidia_piece_of(struct tobi_bytes bytes);
/* It is something of NVIDIA's: tee_verifier.takes. */
bool nvidia_takes(struct tobi_bytes piece);
/* Adds what the piece is; one of another kind is passed over. Errors: TOBI_E_LIMIT,
 * _MEMORY, _CRYPTO, and those of spdm_report_parse() and json_parse(). */
TOBI_MUST_USE enum tobi_err nvidia_material_take(struct nvidia_material *material,
						 struct tobi_bytes piece,
						 struct arena *arena,
						 struct tobi_fault *fault);

#endif
