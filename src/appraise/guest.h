/* The guest around an enclave: its evidence is appraised by itself, and comes to one row
 * of the enclave's list. */
#ifndef TOBI_APPRAISE_GUEST_H
#define TOBI_APPRAISE_GUEST_H

#include "appraise/appraise.h"

extern const struct check check_guest;

/* Owes the row, where the policy asks for a guest. */
void guest_owe(struct tobi_result *result, const struct tobi_policy *policy);
/*
 * Finds the record "guest" and appraises it over the enclave's claims. What is wrong with
 * it refuses, and is no error. TOBI_E_MEMORY, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err
guest_run(struct tobi_result *result, const struct tobi_policy *policy,
	  const struct appraisal_request *request, const struct cmw *cmw,
	  struct tobi_bytes claims_buffer, struct tobi_fault *fault);

#endif
