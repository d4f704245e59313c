/*
 * Appraising evidence that a certificate carries (RA-TLS). It proves less than a session
 * of tobichi-atls/1, so a policy has to name it; a result that accepts says what it
 * lacks.
 */
#ifndef TOBI_APPRAISE_RATLS_H
#define TOBI_APPRAISE_RATLS_H

#include "appraise/appraise.h"
#include "token/ratls.h"

struct ratls_request {
	const struct tobi_bytes *certificates; /* DER, leaf first; the rest its chain */
	size_t count;
	struct tobi_bytes nonce; /* that the peer was given; or empty */
	const char *host_name;	 /* identity "ca", when the policy names none; or NULL */
	bool in_session;	 /* RATLS-SESSION is owed too; the caller records it */
	/* The verifier's own; NULL: that in the certificate, if there is any. */
	const struct tobi_collateral *collateral;
	const struct tobi_bytes *pieces; /* beside the certificate */
	size_t piece_count;
};

/* DER or PEM of a certificate, by its start. Evidence files are neither. */
bool ratls_is_certificate(struct tobi_bytes file);

/*
 * Examines the leaf, its evidence, and the policy's rows; appraisal_conclude() comes
 * after. A certificate that is wrong is recorded; an error is one of the request or a
 * library, or evidence that cannot be read as its kind.
 */
TOBI_MUST_USE enum tobi_err ratls_appraise(struct tobi_result *result,
					   const struct tobi_policy *policy,
					   const struct ratls_request *request,
					   struct tobi_fault *fault);
/* The same for a file of one certificate and perhaps its chain, which is the request's
 * evidence. */
TOBI_MUST_USE enum tobi_err ratls_appraise_file(struct tobi_result *result,
						const struct tobi_policy *policy,
						const struct appraisal_request *request,
						struct tobi_fault *fault);

/*
 * The vendor's documents in the endorsements of a certificate, each told by its content:
 * whatever is none is left out, and then missing. NULL in *ret_set when there are none.
 * tobi_collateral_free() it. Errors: TOBI_E_MEMORY.
 */
TOBI_MUST_USE enum tobi_err
ratls_collateral(const struct ratls_endorsements *endorsements,
		 struct tobi_collateral **ret_set, struct tobi_fault *fault);

#endif
