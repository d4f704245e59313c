/* What a policy says of who is at the other end. */
#include "appraise/appraise.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "tobichi/peer.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

enum tobi_err tobi_peer_verify(const struct tobi_peer *peer,
			       const struct tobi_policy *policy,
			       const struct tobi_collateral *collateral, int64_t time,
			       struct tobi_result **ret_result, struct tobi_fault *fault)
{
	CLEANUP(wr_done)
	struct writer whole = wr_init(LIMIT_EVIDENCE + LIMIT_CLAIMS_BUFFER);
	struct appraisal_request request = {.time = time, .collateral = collateral};
	struct tobi_bytes expected = tobi_peer_claims_buffer(peer);
	struct claims_buffer claims = {0};
	struct tobi_result *result = NULL;
	enum tobi_err err;

	if (!policy)
		return fault_set(fault, TOBI_E_ARGUMENT, "appraisal", "",
				 "a policy is needed");
	if (!expected.size)
		return fault_set(fault, TOBI_E_NOT_FOUND, "peer", "",
				 "it has proven nothing");
	err = cmw_put_claims(tobi_peer_collection(peer), expected, &whole, fault);
	if (!err)
		err = claims_buffer_parse(expected, &claims, fault);
	request.evidence = wr_view(&whole);
	request.nonce = claims.nonce;
	if (!err)
		err = appraisal_new(policy, time, &result, fault);
	if (err)
		return err;
	err = appraisal_run(result, policy, &request, fault);
	if (err) {
		tobi_result_free(result);
		return err;
	}
	appraisal_conclude(result);
	*ret_result = result;
	return TOBI_OK;
}
