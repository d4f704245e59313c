/*
 * What go-tpm-tools writes on Google's cloud: one message with a TPM's key, its quotes of
 * several banks, the event log and certificates (proto/attest.proto, message
 * Attestation); on confidential VMs a report of SEV-SNP or a quote of TDX too, taken
 * apart into fields (docs/PROTOCOL.md section 14.14).
 */
#ifndef TOBI_TEE_GOOGLE_MESSAGE_H
#define TOBI_TEE_GOOGLE_MESSAGE_H

#include "tee/tpm_parts.h"

/* By the public area of a key, and a quote behind it. */
bool google_message_starts(struct tobi_bytes bytes);
/* Errors: TOBI_E_TRUNCATED, _MALFORMED (a field of another form, or twice), _LIMIT,
 * _UNSUPPORTED, _MEMORY. */
TOBI_MUST_USE enum tobi_err google_message_add(struct tpm_parts *parts,
					       struct tobi_bytes bytes,
					       struct tobi_fault *fault);

/* The fields put together again as they were signed: sevsnp.Attestation and tdx.QuoteV4.
 * In the arena of the parts. */
TOBI_MUST_USE enum tobi_err google_snp_add(struct tpm_parts *parts,
					   struct tobi_bytes message,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err google_tdx_add(struct tpm_parts *parts,
					   struct tobi_bytes message,
					   struct tobi_fault *fault);

#endif
