#include "appraise/appraise.h"

#include <stdlib.h>
#include <string.h>

#include "appraise/atls_checks.h"
#include "appraise/policy_checks.h"
#include "base/fault.h"

enum tobi_err appraisal_new(const struct tobi_policy *policy, int64_t time,
			    struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct tobi_result *result = calloc(1, sizeof(*result));

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

void tobi_result_free(struct tobi_result *result)
{
	if (!result)
		return;
	arena_done(&result->arena);
	free(result);
}

static enum tobi_err find_parts(struct tobi_bytes evidence, struct cmw *cmw,
				const struct cmw_record **ret_cpu,
				const struct tee_verifier **ret_verifier,
				struct tobi_fault *fault)
{
	const struct cmw_record *cpu;
	const struct tee_verifier *verifier;
	enum tobi_err err = cmw_parse(evidence, "evidence", cmw, fault);

	if (err)
		return err;
	cpu = cmw_find(cmw, "cpu");
	if (!cpu)
		return fault_set(fault, TOBI_E_MALFORMED, "evidence", "cpu",
				 "there is no record of this name");
	if (cpu->indicator && cpu->indicator != CMW_EVIDENCE)
		return fault_set(fault, TOBI_E_MALFORMED, "evidence", "cpu",
				 "the record does not call itself evidence");
	verifier = tee_verifier_find(cpu->media_type, cpu->content_format);
	if (!verifier)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "evidence", "cpu",
				 "this kind of evidence is not known here");
	*ret_cpu = cpu;
	*ret_verifier = verifier;
	return TOBI_OK;
}

enum tobi_err appraisal_run(struct tobi_result *result, const struct tobi_policy *policy,
			    const struct appraisal_request *request,
			    struct tobi_fault *fault)
{
	struct cmw *cmw = arena_alloc(&result->arena, sizeof(*cmw));
	const struct cmw_record *cpu = NULL, *claims, *endorse;
	const struct tee_verifier *verifier = NULL;
	struct tee_request tee = {.time = request->time,
				  .claims_buffer = request->claims_buffer};
	enum tobi_err err;

	result->in_session = request->in_session;
	for (size_t i = 0; request->in_session && atls_checks[i]; i++)
		check_owe(&result->list, atls_checks[i]);
	policy_checks_owe(result, request->in_session);
	if (!cmw)
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	err = find_parts(request->evidence, cmw, &cpu, &verifier, fault);
	if (err)
		return err;
	claims = cmw_find(cmw, "claims");
	endorse = cmw_find(cmw, "endorse");
	if (!request->in_session)
		tee.claims_buffer = claims ? claims->value : (struct tobi_bytes){0};
	tee.evidence = cpu->value;
	tee.endorsements = endorse ? endorse->value : (struct tobi_bytes){0};
	tee.anchors_pem = policy_anchors(policy, verifier->tier);
	err = verifier->examine(&tee, &result->list, &result->claims, fault);
	if (err)
		return err;
	if (!request->in_session)
		claims_checks_run(result, policy, tee.claims_buffer, request->nonce);
	policy_checks_run(result, policy);
	result->complete = true;
	return TOBI_OK;
}

enum tobi_err tobi_verify(const struct tobi_policy *policy,
			  const struct tobi_verify_request *request,
			  struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct appraisal_request inner = {.evidence = request->evidence,
					  .nonce = request->nonce,
					  .time = request->time};
	struct tobi_result *result = NULL;
	enum tobi_err err;

	if (request->evidence.size > LIMIT_EVIDENCE)
		return fault_set(fault, TOBI_E_LIMIT, "evidence", "", "over %d bytes",
				 LIMIT_EVIDENCE);
	if (request->nonce.size && (request->nonce.size < 8 || request->nonce.size > 64))
		return fault_set(fault, TOBI_E_ARGUMENT, "nonce", "",
				 "8 to 64 bytes are allowed");
	err = appraisal_new(policy, request->time, &result, fault);
	if (err)
		return err;
	err = appraisal_run(result, policy, &inner, fault);
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
	return result ? result->list.count : 0;
}

const struct tobi_check_result *tobi_result_check(const struct tobi_result *result,
						  size_t index)
{
	struct tobi_result *owner = (struct tobi_result *)(uintptr_t)result;
	const struct check_record *record;
	struct tobi_check_result *line;

	if (!result || index >= result->list.count)
		return NULL;
	/* The public line is made when it is asked for, in the result's own arena. */
	record = &result->list.records[index];
	line = arena_alloc(&owner->arena, sizeof(*line));
	if (!line)
		return NULL;
	*line = (struct tobi_check_result){record->check->code,	  record->check->proves,
					   record->check->source, record->check->remedy,
					   record->outcome,	  record->expected,
					   record->found};
	return line;
}
