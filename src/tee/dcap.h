/*
 * What quotes of SGX and TDX share: the platform's certificate, the quoting enclave that
 * it vouches for, and the key that this one vouches for.
 *
 *   root -> CA -> PCK certificate -> report of the quoting enclave -> key -> quote
 *
 * How current the platform is, and whether the quoting enclave is Intel's, is
 * dcap_tcb.h's and dcap_qe.h's.
 */
#ifndef TOBI_TEE_DCAP_H
#define TOBI_TEE_DCAP_H

#include "tee/dcap_pck.h"
#include "tee/dcap_quote.h"
#include "tee/tee.h"

struct dcap_tcb; /* dcap_tcb.h */

/* Typed claims of both kinds: tee_claims.dcap. In the arena. */
struct dcap_claims {
	/* Whether pck is there: the certificate was read and the chain verified. */
	bool has_pck;
	struct dcap_pck pck;
	const char *ca; /* "platform" or "processor": who issued the certificate */
	/* What dcap_tcb_evaluate() found; NULL when it was not called or came to
	 * nothing. */
	const struct dcap_tcb *tcb;
};

/* DCAP-PCK-CHAIN, -PCK-REVOCATION, -QE-SIGNATURE, -QE-BINDING, -QUOTE-SIGNATURE: for the
 * table of a kind. */
extern const struct check check_dcap_pck_chain, check_dcap_pck_revocation,
    check_dcap_qe_signature, check_dcap_qe_binding, check_dcap_quote_signature;
#define DCAP_CHECKS                                                                      \
	&check_dcap_pck_chain, &check_dcap_pck_revocation, &check_dcap_qe_signature,     \
	    &check_dcap_qe_binding, &check_dcap_quote_signature

/*
 * The verifier of a kind has owed all of its table; this records DCAP_CHECKS, adds facts
 * of the platform, and sets claims->hardware (the PPID) and claims->dcap. What it cannot
 * show it records as failed or leaves without a record; an error is a failure of memory
 * or of a library. Call dcap_tcb_evaluate() after it, and only when ret_claims->has_pck.
 */
TOBI_MUST_USE enum tobi_err
dcap_examine(const struct tee_request *request, const struct dcap_quote *quote,
	     struct checklist *list, struct tee_claims *claims,
	     struct dcap_claims **ret_claims, struct tobi_fault *fault);

/* Notes in claims->in_grace what is used past its date ("the CRL of ..."), if it is. The
 * first stays. */
void dcap_note_grace(struct tee_claims *claims, const struct tee_request *request,
		     struct arena *arena, const char *what, int64_t next_update);

#endif
