/*
 * Attestation documents of AWS Nitro: enclaves and NitroTPM. Reading bytes only.
 *
 * Source: aws-nitro-enclaves-nsm-api, docs/attestation_process.md sections 2.2 and 3.2;
 * real documents where they differ from it (docs/PROTOCOL.md section 14.5).
 */
#ifndef TOBI_TEE_NITRO_DOCUMENT_H
#define TOBI_TEE_NITRO_DOCUMENT_H

#include "codec/cose.h"
#include "tee/nitro_claims.h"

enum nitro_kind { NITRO_NONE, NITRO_ENCLAVE, NITRO_TPM };

/* Everything borrows from the input. */
struct nitro_document {
	struct cose_sign1 sign1;
	struct tobi_bytes module_id, digest;
	uint64_t timestamp;		    /* milliseconds since 1970 */
	bool has_pcrs, has_tpm_pcrs;	    /* which key they were under */
	struct tobi_bytes pcrs[NITRO_PCRS]; /* ptr NULL: not there */
	size_t pcr_count;
	struct tobi_bytes certificate;
	struct tobi_bytes bundle[LIMIT_COSE_CHAIN - 1]; /* as it stands: root first */
	size_t bundle_count;
	struct tobi_bytes public_key, user_data, nonce; /* ptr NULL: absent or null */
	struct tobi_bytes unknown;			/* a field that has no place */
};

/* What the bytes are, by the envelope and the first fields: also of a damaged document or
 * one that ends too early. */
enum nitro_kind nitro_document_kind(struct tobi_bytes bytes);
/* Types are checked here, what the fields hold by the rules below. Errors: the
 * decoder's; TOBI_E_LIMIT over LIMIT_NITRO bytes. */
TOBI_MUST_USE enum tobi_err nitro_document_parse(struct tobi_bytes bytes,
						 struct nitro_document *ret_document,
						 struct tobi_fault *fault);
/* The first rule for documents of the kind that this one breaks, in words; NULL: none. */
const char *nitro_document_wrong(const struct nitro_document *document,
				 enum nitro_kind kind);

#endif
