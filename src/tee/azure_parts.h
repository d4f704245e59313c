/*
 * Evidence of an Azure confidential VM as it is handed around: the paravisor's report
 * alone with the rest beside it, or JSON with all of it (docs/PROTOCOL.md section 14.12).
 */
#ifndef TOBI_TEE_AZURE_PARTS_H
#define TOBI_TEE_AZURE_PARTS_H

#include "tee/azure_hcl.h"
#include "tee/tee.h"
#include "tee/tpm_parts.h"

enum { AZURE_PIECES_MAX = 2 * LIMIT_PIECES + 3 };

/* In the arena, or borrowed from the request; empty where there is none. */
struct azure_parts {
	struct tobi_bytes hcl;
	struct tobi_bytes message, signature; /* of the TPM's quote */
	struct tpm_parts values;	      /* of PCRs, and nothing else */
	struct tobi_bytes td_quote;
	/* Certificates, and what of the pieces is no part of the above. */
	struct tobi_bytes pieces[AZURE_PIECES_MAX];
	size_t piece_count;
};

/* Whether the bytes are evidence of this kind, by what they start with. */
bool azure_parts_recognise(struct tobi_bytes bytes, enum azure_report kind);
/* Errors: TOBI_E_MALFORMED, _TRAILING, _TRUNCATED, _LIMIT, _EXISTS (a part is there
 * twice), _UNSUPPORTED (JSON of a later version), _MEMORY. */
TOBI_MUST_USE enum tobi_err azure_parts_read(const struct tee_request *request,
					     struct arena *arena,
					     struct azure_parts *ret_parts,
					     struct tobi_fault *fault);
/* What the hardware itself has signed: the report of SEV-SNP, the quote of TDX
 * (TOBI_E_NOT_FOUND when none came). Nothing is verified. */
TOBI_MUST_USE enum tobi_err azure_parts_hardware(const struct tee_request *request,
						 struct arena *arena,
						 struct tobi_bytes *ret_hardware,
						 struct tobi_fault *fault);

#endif
