/*
 * Intel's lists of revoked certificates, out of the collateral: verified once, then from
 * the memo. The list of the root tells of its CAs and of the signer of TCB information;
 * that of a CA tells of its PCK certificates.
 */
#ifndef TOBI_TEE_DCAP_CRL_H
#define TOBI_TEE_DCAP_CRL_H

#include "pki/crl.h"
#include "pki/memo.h"
#include "tee/tee.h"

struct dcap_crl {
	struct memo_value head; /* memo_unref() it */
	X509_CRL *crl;
	struct chain_window window; /* with the grace */
	int64_t next_update;	    /* without */
	uint8_t item[SHA256_SIZE];  /* hash of the collateral item: for names of memos */
};

/*
 * kind is COLLATERAL_INTEL_ROOT_CRL (name "") or COLLATERAL_PCK_CRL ("platform",
 * "processor"). Issued by issuer, whose certificate is verified already; valid at the
 * request's time with its grace; not issued before its baseline. A list that is not there
 * is an error: there is no way to go without. Errors: TOBI_E_CERTIFICATE with a reason
 * for people, _MALFORMED, _LIMIT, _MEMORY.
 */
TOBI_MUST_USE enum tobi_err dcap_crl_find(const struct tee_request *request,
					  enum collateral_kind kind, const char *name,
					  X509 *issuer, struct dcap_crl **ret_crl,
					  struct tobi_fault *fault);
static inline void dcap_crl_unref(struct dcap_crl *crl)
{
	if (crl)
		memo_unref(&crl->head);
}
DEFINE_CLEANUP(struct dcap_crl *, dcap_crl_unref)

#endif
