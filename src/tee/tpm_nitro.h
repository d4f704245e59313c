/*
 * A document of AWS NitroTPM beside a quote: AWS gives no certificate for a NitroTPM's
 * keys, but its hypervisor signs PCR values with a key that the asker names, which is by
 * AWS's convention the attestation key (docs/PROTOCOL.md sections 14.5 and 14.10).
 */
#ifndef TOBI_TEE_TPM_NITRO_H
#define TOBI_TEE_TPM_NITRO_H

#include "tee/tee.h"
#include "tee/tpm_claims.h"

/* A key as askers of documents write it, as SubjectPublicKeyInfo: that itself, or the
 * point of P-256 or P-384 alone (SEC 1, uncompressed). Empty for anything else. */
struct tobi_bytes tpm_nitro_key(struct tobi_bytes public_key, struct arena *arena);
/* The same of the key that a document names. */
struct tobi_bytes tpm_nitro_named_key(struct tobi_bytes document, struct arena *arena);
/* Records the checks of the document itself, NITRO-*, under the roots of this tier, and
 * takes its time: a quote has none. ret_nitro: what it says, in the list's arena. */
TOBI_MUST_USE enum tobi_err
tpm_nitro_examine(const struct tee_request *request, struct tobi_bytes document,
		  struct checklist *list, struct tee_claims *claims,
		  const struct nitro_claims **ret_nitro, struct tobi_fault *fault);
/* Whether it shows each value that was quoted; NULL: it does. */
const char *tpm_nitro_wrong(const struct nitro_claims *nitro,
			    const struct tpm_claims *tpm);

#endif
