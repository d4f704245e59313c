/* A TPM 2.0 as an attester: what is in its NV memory, its attestation keys, its quotes.
 */
#ifndef TOBI_ATTEST_TPM_ASK_H
#define TOBI_ATTEST_TPM_ASK_H

#include "attest/attester.h"
#include "root/tpm_session.h"

enum {
	TPM_ASK_NV_MAX = 16 << 10,
	TPM_ASK_PCRS = 24,
	TPM_ASK_ALL_PCRS = (1 << TPM_ASK_PCRS) - 1,
};

/* The TPM of the request, open. Errors: those of device_open() for the usual one. */
TOBI_MUST_USE enum tobi_err tpm_ask_open(const struct attest_request *request,
					 struct tpm *ret_tpm, struct tobi_fault *fault);

/* The whole of an index, appended. TOBI_E_NOT_FOUND: there is none. Read with the
 * authorisation of the index itself where that will do, else with the owner's; both are
 * expected to be empty. */
TOBI_MUST_USE enum tobi_err tpm_ask_nv_read(struct tpm *tpm, uint32_t index,
					    struct writer *out, struct tobi_fault *fault);
/* Writes an index of the owner's, which is made when there is none. */
TOBI_MUST_USE enum tobi_err tpm_ask_nv_write(struct tpm *tpm, uint32_t index,
					     struct tobi_bytes bytes,
					     struct tobi_fault *fault);

/*
 * A key that signs quotes: the one under the handle; with 0 the first persistent one that
 * is restricted to signing; else one that is derived from the endorsement seed, always
 * the same, and gone again at the end: by a template that the cloud has put into NV
 * memory (Google's), or P-256. TOBI_E_UNSUPPORTED: the handle's is no such key.
 */
TOBI_MUST_USE enum tobi_err tpm_ask_key(struct tpm *tpm, uint32_t handle,
					ESYS_TR *ret_key, struct tobi_fault *fault);
/* Its TPMT_PUBLIC, appended. */
TOBI_MUST_USE enum tobi_err tpm_ask_public(struct tpm *tpm, ESYS_TR key,
					   struct writer *out, struct tobi_fault *fault);

/* TPMS_ATTEST, TPMT_SIGNATURE, and the values of the PCRs of the SHA-256 bank, one after
 * the other. What is quoted are these values, for it is done again when they change. */
struct tpm_asked {
	struct writer attest, signature, values;
};
void tpm_asked_done(struct tpm_asked *asked);
TOBI_MUST_USE enum tobi_err tpm_ask_quote(struct tpm *tpm, ESYS_TR key,
					  struct tobi_bytes extra, uint32_t pcrs,
					  struct tpm_asked *ret_asked,
					  struct tobi_fault *fault);
/* Adds signature, key and values as pieces. */
TOBI_MUST_USE enum tobi_err tpm_asked_add(const struct tpm_asked *asked,
					  struct tobi_bytes public_key,
					  struct attest_output *output,
					  struct tobi_fault *fault);

#endif
