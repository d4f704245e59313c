/* What a TPM adds to a token: its submodule "tpm" (docs/PROTOCOL.md section 3.5). */
#ifndef TOBI_TOKEN_TPM_EVIDENCE_H
#define TOBI_TOKEN_TPM_EVIDENCE_H

#include "base/limits.h"
#include "base/writer.h"

enum {
	TPM_EVIDENCE_CHAINS = 2,
	TPM_EVIDENCE_PCRS = 24,
	TPM_EVIDENCE_ITEM = 1024, /* a statement, a signature, a key */
};

#define CMW_TYPE_TPM "application/vnd.tobichi.tpm-quote+cbor"

/* Everything borrows. */
struct tpm_evidence {
	struct tobi_bytes quote, quote_signature;  /* TPMS_ATTEST, TPMT_SIGNATURE */
	struct tobi_bytes pcrs[TPM_EVIDENCE_PCRS]; /* 32 bytes, or empty */
	struct tobi_bytes ak;			   /* TPMT_PUBLIC */
	/* Of the AK, leaf first: the platform CA's, and the owner's where there is one.
	 */
	struct tobi_bytes chains[TPM_EVIDENCE_CHAINS][LIMIT_COSE_CHAIN];
	size_t chain_sizes[TPM_EVIDENCE_CHAINS];
	size_t chain_count;
	struct tobi_bytes key; /* TPMT_PUBLIC of the platform key */
	struct tobi_bytes certify,
	    certify_signature; /* that it is in the TPM, by the AK */
};

/* Domain of the quote's extraData: SHA-256 over it, a zero, the hash of the platform
 * key's SubjectPublicKeyInfo, and the token's nonce. */
#define TPM_EVIDENCE_BINDING "tobichi soft tpm"
void tpm_evidence_binding(struct writer *out, struct tobi_bytes spki_hash,
			  struct tobi_bytes nonce);

void tpm_evidence_write(struct writer *out, const struct tpm_evidence *evidence);
/* Shape only. */
TOBI_MUST_USE enum tobi_err tpm_evidence_parse(struct tobi_bytes bytes,
					       struct tpm_evidence *ret_evidence,
					       struct tobi_fault *fault);

#endif
