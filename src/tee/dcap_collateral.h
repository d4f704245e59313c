/*
 * Intel's signed documents out of the collateral: TCB information and identities of
 * quoting enclaves. Verified and read once, then from the memo.
 *
 *   root -> "Intel SGX TCB Signing" -> document
 */
#ifndef TOBI_TEE_DCAP_COLLATERAL_H
#define TOBI_TEE_DCAP_COLLATERAL_H

#include "pki/memo.h"
#include "tee/dcap_qe.h"
#include "tee/tee.h"

/* Never changed once it is there. */
struct dcap_document {
	struct memo_value head; /* memo_unref() it */
	struct arena arena;
	/* By the kind that was asked for; the other is zero. */
	struct dcap_tcb_info tcb;
	struct dcap_qe_identity qe;
	struct chain_window window; /* of all that it rests on, with the grace */
	int64_t issued;
	int64_t next_update, crl_next_update; /* without the grace */
};

/*
 * Signed by Intel's signer of TCB information, whose certificate the root issued, and is
 * not on the root's list; issued by the request's time and not before its baseline, and
 * not past its nextUpdate and the grace. kind is COLLATERAL_{SGX,TDX}_TCB_INFO (name: the
 * FMSPC, upper case) or COLLATERAL_{SGX,TDX}_QE_IDENTITY (name ""). Errors:
 * TOBI_E_NOT_FOUND, _CERTIFICATE, _SIGNATURE, _REFUSED (dates), those of reading, all
 * with a reason for people; _MEMORY.
 */
TOBI_MUST_USE enum tobi_err dcap_document_find(const struct tee_request *request,
					       enum collateral_kind kind,
					       const char *name,
					       struct dcap_document **ret_document,
					       struct tobi_fault *fault);
static inline void dcap_document_unref(struct dcap_document *document)
{
	if (document)
		memo_unref(&document->head);
}
DEFINE_CLEANUP(struct dcap_document *, dcap_document_unref)

#endif
