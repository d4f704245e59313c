/* One appraisal: evidence, binding and policy become a checklist; the checklist a
 * verdict. */
#ifndef TOBI_APPRAISE_APPRAISE_H
#define TOBI_APPRAISE_APPRAISE_H

#include "appraise/policy.h"
#include "tee/tee.h"
#include "token/cmw.h"

/* What is appraised, and who has asked for it. */
struct appraisal_request {
	struct tobi_bytes evidence;	 /* CMW collection */
	struct tobi_bytes claims_buffer; /* session: the verifier's own; file: empty */
	struct tobi_bytes nonce;	 /* file: what the caller chose; session: empty */
	bool in_session;
	bool of_guest; /* the guest around an enclave, whose claims_buffer it is */
	int64_t time;
	const struct tobi_collateral *collateral; /* or NULL */
	const struct tobi_bytes *pieces;	  /* beside raw evidence */
	size_t piece_count;
	struct tobi_bytes secret;
	/* What devices beside a CPU were asked with; empty: the hash of its evidence. */
	struct tobi_bytes device_nonce;
	/* The launch was configured with something that nobody has shown: the policy must
	 * name it. */
	bool config_unknown;
};

struct tobi_result {
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	const char *policy_name;
	const char *kind; /* of the evidence: "sgx-quote"; NULL: it came to none */
	bool complete; /* appraisal_run() reached its end: every owed check is on the list
			*/
	bool in_session;
	bool of_guest;		/* of the guest around an enclave */
	bool certificate_borne; /* RA-TLS: no session binding, no freshness */
	bool raw;		/* a vendor's evidence as it is, without claims */
	bool config_unknown;	/* as the request says, until the policy has named it */
	/* Documents of vendors that came with it, and those of them that count. */
	size_t collateral_given, collateral_counted;
	bool any_instance;    /* the policy names nobody in particular */
	bool start_unknown;   /* the policy does not say what a guest starts */
	const char *identity; /* "any instance of this image", "hardware 01ab..", ... */
	int64_t time;
	struct tobi_bytes nonce; /* the caller's, or empty */
	struct tobi_bytes
	    key_hash; /* of the attester's key, as its claims say; or empty */
	struct tobi_result *guest; /* what the guest around came to; owned; or NULL */
	enum tobi_verdict verdict; /* written by verdict.c only */
	char reason[512];
	struct tobi_check_result *lines; /* the list, as the public sees it; owned */
	size_t line_count;
};

/* A result with an empty list, REFUSE. TOBI_E_MEMORY; _ARGUMENT for a time out of range.
 */
TOBI_MUST_USE enum tobi_err appraisal_new(const struct tobi_policy *policy, int64_t time,
					  struct tobi_result **ret_result,
					  struct tobi_fault *fault);
/*
 * Examines the evidence and the policy's rows. In a session the ATLS-* checks are owed
 * too, and recorded by the session before and after this call.
 */
TOBI_MUST_USE enum tobi_err appraisal_run(struct tobi_result *result,
					  const struct tobi_policy *policy,
					  const struct appraisal_request *request,
					  struct tobi_fault *fault);
/*
 * The documents of vendors that count for this policy: *ret_chosen is a set of its own,
 * or stays NULL, and then all of given do. What does not count is as if it were not
 * there; POLICY-COLLATERAL says so. TOBI_E_MEMORY.
 */
TOBI_MUST_USE enum tobi_err
appraisal_choose_collateral(struct tobi_result *result, const struct tobi_policy *policy,
			    const struct tobi_collateral *given,
			    struct tobi_collateral **ret_chosen,
			    struct tobi_fault *fault);
/* The one place that may accept. Call it once all is recorded. */
enum tobi_verdict appraisal_conclude(struct tobi_result *result);

#endif
