#include "appraise/appraise.h"

#include <stdlib.h>
#include <string.h>

#include "appraise/atls_checks.h"
#include "appraise/parts.h"
#include "appraise/gpu.h"
#include "appraise/guest.h"
#include "appraise/policy_checks.h"
#include "appraise/ratls.h"
#include "base/fault.h"
#include "base/secret.h"
#include "tee/nvidia.h"

enum tobi_err appraisal_new(const struct tobi_policy *policy, int64_t time,
			    struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct tobi_result *result;

	/* Sums with it must not overflow. */
	if (time < 0 || time > INT64_C(1) << 53)
		return fault_set(fault, TOBI_E_ARGUMENT, "appraisal", "time",
				 "seconds since 1970 are needed, at most 2^53");
	result = calloc(1, sizeof(*result));
	if (!result)
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	result->arena = arena_init(LIMIT_APPRAISAL);
	result->list.arena = &result->arena;
	result->time = time;
	result->verdict = TOBI_REFUSE;
	result->policy_name = arena_printf(&result->arena, "%s", policy->name);
	result->identity = "";
	if (!result->policy_name) {
		tobi_result_free(result);
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	}
	*ret_result = result;
	return TOBI_OK;
}

static void free_alone(struct tobi_result *result)
{
	if (!result)
		return;
	free(result->lines);
	arena_done(&result->arena);
	free(result);
}

/* A guest has none around it. */
void tobi_result_free(struct tobi_result *result)
{
	if (!result)
		return;
	free_alone(result->guest);
	free_alone(result);
}

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

enum tobi_err appraisal_choose_collateral(struct tobi_result *result,
					  const struct tobi_policy *policy,
					  const struct tobi_collateral *given,
					  struct tobi_collateral **ret_chosen,
					  struct tobi_fault *fault)
{
	const struct bytes_list *signers = &policy->bundle_signers;

	result->collateral_given = result->collateral_counted = collateral_count(given);
	if (!given || !signers->count)
		return TOBI_OK;
	*ret_chosen = collateral_signed_by(given, signers->items, signers->count);
	if (!*ret_chosen)
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	result->collateral_counted = collateral_count(*ret_chosen);
	return TOBI_OK;
}

static void warn_of_grace(struct tobi_result *result)
{
	const char *what = result->claims.in_grace;
	const char *text =
	    what ? arena_printf(&result->arena,
				"PAST ITS DATE: %s is used after its nextUpdate, and the "
				"policy allows that (collateral.grace)",
				what)
		 : NULL;

	if (what)
		tee_warn(&result->claims,
			 text ? text
			      : "PAST ITS DATE: a vendor's document is used after its "
				"nextUpdate, and the policy allows that");
}

/* Of a guest's evidence the claims are the enclave's, and were looked at with that. */
static void run_claims(struct tobi_result *result, const struct tobi_policy *policy,
		       const struct appraisal_request *request, struct tobi_bytes claims)
{
	if (request->of_guest)
		return;
	if (result->raw)
		nonce_check_run(result, policy, request->nonce);
	else if (!request->in_session)
		claims_checks_run(result, policy, claims, request->nonce);
}

enum tobi_err appraisal_run(struct tobi_result *result, const struct tobi_policy *policy,
			    const struct appraisal_request *request,
			    struct tobi_fault *fault)
{
	struct evidence_parts *parts = arena_alloc(&result->arena, sizeof(*parts));
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *chosen = NULL;
	struct gpu_parts gpu;
	struct tee_request tee;
	enum tobi_err err;

	result->in_session = request->in_session;
	result->config_unknown = request->config_unknown;
	result->nonce = arena_copy(&result->arena, request->nonce);
	result->of_guest = request->of_guest;
	for (size_t i = 0; request->in_session && atls_checks[i]; i++) {
		if (atls_checks[i] != &check_atls_identity) /* among the policy's */
			check_owe(&result->list, atls_checks[i]);
	}
	policy_checks_owe_tier(result);
	if (!parts)
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	err = evidence_take(result, policy, request, parts, fault);
	result->raw = parts->raw;
	if (!err)
		err = appraisal_choose_collateral(result, policy, request->collateral,
						  &chosen, fault);
	if (!err)
		err = gpu_split(result, parts->pieces, parts->piece_count, &gpu, fault);
	gpu.nonce = request->device_nonce;
	if (!err) {
		bool alone = parts->verifier == &tee_nvidia;

		result->kind = parts->verifier->name;
		tee = policy_request(policy, parts->verifier->tier, request->time);
		tee.evidence = parts->cpu;
		tee.claims_buffer = request->in_session || request->of_guest
					? request->claims_buffer
					: parts->claims;
		tee.endorsements = parts->endorsements;
		tee.collateral = chosen ? chosen : request->collateral;
		tee.pieces = alone ? parts->pieces : gpu.pieces;
		tee.piece_count = alone ? parts->piece_count : gpu.piece_count;
		tee.callers = request->pieces;
		tee.caller_count = request->piece_count;
		tee.secret = request->secret;
		err =
		    parts->verifier->examine(&tee, &result->list, &result->claims, fault);
		if (!err)
			err = gpu_appraise(result, policy, &tee, &gpu,
					   parts->collection ? &parts->cmw : NULL, fault);
	}
	/* The order of the list is that of the reasons: is it a kind that counts, is it
	 * genuine, and only then what it says. Owed is this in any case. */
	policy_checks_owe(result, policy, request->in_session);
	guest_owe(result, policy);
	if (err)
		return err;
	run_claims(result, policy, request, tee.claims_buffer);
	policy_checks_run(result, policy);
	err = guest_run(result, policy, request, parts->collection ? &parts->cmw : NULL,
			tee.claims_buffer, fault);
	if (err)
		return err;
	warn_of_grace(result);
	result->complete = true;
	return TOBI_OK;
}

enum tobi_err tobi_verify(const struct tobi_policy *policy,
			  const struct tobi_verify_request *request,
			  struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct appraisal_request inner = {0};
	struct tobi_result *result = NULL;
	enum tobi_err err;

	if (!policy || !request || !ret_result)
		return fault_set(fault, TOBI_E_ARGUMENT, "appraisal", "",
				 "a policy and a request are needed");
	inner = (struct appraisal_request){.evidence = request->evidence,
					   .nonce = request->nonce,
					   .time = request->time,
					   .collateral = request->collateral,
					   .pieces = request->pieces,
					   .piece_count = request->piece_count,
					   .secret = request->secret};
	if (request->evidence.size > LIMIT_EVIDENCE)
		return fault_set(fault, TOBI_E_LIMIT, "evidence", "", "over %d bytes",
				 LIMIT_EVIDENCE);
	if (request->piece_count > LIMIT_PIECES)
		return fault_set(fault, TOBI_E_LIMIT, "pieces", "", "over %d beside it",
				 LIMIT_PIECES);
	for (size_t i = 0; i < request->piece_count; i++) {
		if (request->pieces[i].size > LIMIT_EVIDENCE)
			return fault_set(fault, TOBI_E_LIMIT, "pieces", "",
					 "piece %zu has over %d bytes", i + 1,
					 LIMIT_EVIDENCE);
	}
	if (request->nonce.size &&
	    (request->nonce.size < 8 || request->nonce.size > LIMIT_NONCE))
		return fault_set(fault, TOBI_E_ARGUMENT, "nonce", "",
				 "8 to %d bytes are allowed", LIMIT_NONCE);
	err = appraisal_new(policy, request->time, &result, fault);
	if (err)
		return err;
	/* A quote may have certificates in it, as text. */
	err = !tee_verifier_recognise(request->evidence) &&
		      ratls_is_certificate(request->evidence)
		  ? ratls_appraise_file(result, policy, &inner, fault)
		  : appraisal_run(result, policy, &inner, fault);
	if (err) {
		tobi_result_free(result);
		return err;
	}
	appraisal_conclude(result);
	*ret_result = result;
	return TOBI_OK;
}

enum tobi_verdict tobi_result_verdict(const struct tobi_result *result)
{
	return result ? result->verdict : TOBI_REFUSE;
}

const char *tobi_result_reason(const struct tobi_result *result)
{
	return result ? result->reason : "there is no result";
}

size_t tobi_result_check_count(const struct tobi_result *result)
{
	return result ? result->line_count : 0;
}

const struct tobi_check_result *tobi_result_check(const struct tobi_result *result,
						  size_t index)
{
	return result && index < result->line_count ? &result->lines[index] : NULL;
}
