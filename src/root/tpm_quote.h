/* What the attestation key signs: that a key is in its TPM, and the state of PCRs. */
#ifndef TOBI_ROOT_TPM_QUOTE_H
#define TOBI_ROOT_TPM_QUOTE_H

#include "root/tpm_objects.h"

struct tpm_quote {
	struct tpm_blob attest, signature; /* TPMS_ATTEST, TPMT_SIGNATURE */
	uint32_t pcrs; /* bit n: values[n] is PCR n of the SHA-256 bank */
	uint8_t values[TPM_PCR_COUNT][32];
};

/* TPM2_Certify of the platform key by the attestation key, into the record. Both keys are
 * in an open TPM whose session is salted to storage. */
TOBI_MUST_USE enum tobi_err tpm_certify(struct tpm *tpm, struct tpm_record *record,
					ESYS_TR storage, ESYS_TR key, ESYS_TR ak,
					struct tobi_fault *fault);
/* TPM2_Quote over the record's PCRs. Opens the TPM of the record. extra: 32 bytes. */
TOBI_MUST_USE enum tobi_err tpm_quote(const struct tpm_record *record,
				      struct tobi_bytes extra,
				      struct tpm_quote *ret_quote,
				      struct tobi_fault *fault);

#endif
