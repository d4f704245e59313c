#include "broker/evidence.h"

#include "appraise/ratls.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

DEFINE_CLEANUP(struct tobi_result *, tobi_result_free)

enum { NONCE_MIN = 8 };

static enum tobi_err refuse(const char *why, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_REFUSED, "evidence", "", "%s", why);
}

/* Sizes, and that something binds it. */
static enum tobi_err check(const struct presented *presented, struct tobi_fault *fault)
{
	size_t nonce = presented->nonce.size;

	if (presented->evidence.size > LIMIT_EVIDENCE ||
	    presented->piece_count > LIMIT_PIECES)
		return refuse("it is too large", fault);
	for (size_t i = 0; i < presented->piece_count; i++) {
		if (presented->pieces[i].size > LIMIT_EVIDENCE)
			return refuse("a piece beside it is too large", fault);
	}
	if (!presented->claims_buffer.size && (nonce < NONCE_MIN || nonce > LIMIT_NONCE))
		return refuse("nothing binds it to who asks", fault);
	/* Anybody can show a certificate that he has seen. */
	if (!tee_verifier_recognise(presented->evidence) &&
	    ratls_is_certificate(presented->evidence))
		return refuse("a certificate is not bound to who asks", fault);
	return TOBI_OK;
}

static enum tobi_err run(const struct tobi_policy *policy,
			 const struct appraisal_request *request,
			 struct tobi_result **ret_result, struct tobi_fault *fault)
{
	CLEANUP(tobi_result_freep) struct tobi_result *result = NULL;
	enum tobi_err err = appraisal_new(policy, request->time, &result, fault);

	if (!err)
		err = appraisal_run(result, policy, request, fault);
	if (err)
		return err;
	appraisal_conclude(result);
	*ret_result = TAKE(result);
	return TOBI_OK;
}

enum tobi_err broker_appraise(const struct tobi_policy *policy,
			      const struct tobi_collateral *collateral,
			      const struct presented *presented, int64_t time,
			      struct tobi_result **ret_result, struct tobi_fault *fault)
{
	CLEANUP(wr_done)
	struct writer whole = wr_init(LIMIT_EVIDENCE + LIMIT_CLAIMS_BUFFER);
	struct appraisal_request request = {.evidence = presented->evidence,
					    .nonce = presented->nonce,
					    .time = time,
					    .collateral = collateral,
					    .pieces = presented->pieces,
					    .piece_count = presented->piece_count,
					    .device_nonce = presented->device_nonce,
					    .config_unknown = presented->config_unknown};
	struct claims_buffer claims = {0};
	struct tobi_fault why = {0};
	enum tobi_err err = check(presented, fault);

	if (err)
		return err;
	/* What was proven at its start is worth as much as the session, and no more. */
	if (presented->since && time - presented->since > policy->max_age)
		return refuse("the session is older than the policy's max-age", fault);
	if (presented->claims_buffer.size) {
		err = cmw_put_claims(presented->evidence, presented->claims_buffer,
				     &whole, &why);
		if (!err)
			err =
			    claims_buffer_parse(presented->claims_buffer, &claims, &why);
		request.evidence = wr_view(&whole);
		request.nonce = claims.nonce;
	}
	if (!err)
		err = run(policy, &request, ret_result, &why);
	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return fault_set(fault, err, why.object, why.field, "%s", why.message);
	if (err) {
		char text[512];

		tobi_fault_print(&why, text, sizeof(text));
		return refuse(text, fault);
	}
	return TOBI_OK;
}
