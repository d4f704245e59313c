/*
 * Who signs what Intel says of versions: "Intel SGX TCB Signing", whose certificate the
 * root itself issued. Verified once, then from the memo: two documents of one
 * verification mostly bring the same certificates.
 */
#ifndef TOBI_TEE_DCAP_SIGNER_H
#define TOBI_TEE_DCAP_SIGNER_H

#include "pki/memo.h"
#include "tee/tee.h"

/* Never changed once it is there. */
struct dcap_signer {
	struct memo_value head; /* memo_unref() it */
	EVP_PKEY *key;
	struct chain_window window; /* of its chain and the root's list, with the grace */
	int64_t crl_next_update;    /* without */
};

/* Its certificates are with the item or, where none are, among the collateral; the root's
 * list, which is there and current, does not name it. Errors: TOBI_E_CERTIFICATE with a
 * reason for people, those of reading certificates; _MEMORY. */
TOBI_MUST_USE enum tobi_err dcap_signer_find(const struct tee_request *request,
					     const struct collateral_item *item,
					     const char *object,
					     struct dcap_signer **ret_signer,
					     struct tobi_fault *fault);
/* The name of a result of this kind that depends on what, and on all that the signer does
 * but its certificates where they are with the item: those are in what. */
TOBI_MUST_USE enum tobi_err dcap_signer_name(const struct tee_request *request,
					     const struct collateral_item *item,
					     const char *kind, struct tobi_bytes what,
					     struct memo_name *ret_name);
static inline void dcap_signer_unref(struct dcap_signer *signer)
{
	if (signer)
		memo_unref(&signer->head);
}
DEFINE_CLEANUP(struct dcap_signer *, dcap_signer_unref)

#endif
