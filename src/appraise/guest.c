#include "appraise/guest.h"

#include <string.h>

#include "appraise/policy_guest.h"
#include "base/fault.h"
#include "base/secret.h"

const struct check check_guest = {
    "POLICY-GUEST",
    "hardware attests the guest around the enclave, over the same claims, and it is one "
    "that the policy means",
    "Tobichi policy, guest; Tobichi protocols, section 3.6",
    "Run the platform service with --attester in a guest that the policy names; give the "
    "collateral of its hardware."};

void guest_owe(struct tobi_result *result, const struct tobi_policy *policy)
{
	if (policy->guest)
		check_owe(&result->list, &check_guest);
}

static bool refuse(struct tobi_result *result, const char *found)
{
	return check_record(&result->list, &check_guest, false,
			    "evidence of the guest around, which the policy accepts",
			    found);
}

/* What it says is shown among what the enclave's evidence says. */
static void show(struct tobi_result *result, const struct tobi_result *guest)
{
	const struct tee_claims *claims = &guest->claims;

	tee_fact(&result->claims, &result->arena, "guest", "%s%s%s",
		 guest->kind ? guest->kind : "of no known kind",
		 claims->tier ? ", tier " : "", claims->tier ? claims->tier : "");
	tee_fact_hex(&result->claims, &result->arena, "guest image", claims->image_id);
	tee_fact_hex(&result->claims, &result->arena, "guest hardware", claims->hardware);
	for (size_t i = 0; i < claims->warning_count; i++)
		tee_warn(&result->claims, claims->warnings[i]);
	if (claims->tier && strcmp(claims->tier, "tpm") == 0)
		tee_warn(&result->claims,
			 "TPM AROUND: it says what the machine has started, and keeps "
			 "nobody out: not who runs that machine");
}

static enum tobi_err appraise(struct tobi_result *result,
			      const struct tobi_policy *policy,
			      const struct appraisal_request *request,
			      struct tobi_bytes evidence, struct tobi_bytes claims_buffer,
			      struct tobi_fault *fault)
{
	const struct tobi_policy view = policy_guest_view(policy);
	const struct appraisal_request inner = {.evidence = evidence,
						.claims_buffer = claims_buffer,
						.time = request->time,
						.collateral = request->collateral,
						.of_guest = true};
	struct tobi_fault why = {0};
	char text[512];
	enum tobi_err err = appraisal_new(&view, request->time, &result->guest, fault);

	if (err)
		return err;
	err = appraisal_run(result->guest, &view, &inner, &why);
	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return fault_set(fault, err, why.object, why.field, "%s", why.message);
	tobi_fault_print(&why, text, sizeof(text));
	show(result, result->guest);
	if (err)
		refuse(result, text);
	else if (appraisal_conclude(result->guest) == TOBI_ACCEPT)
		check_record(&result->list, &check_guest, true, "", "");
	else
		refuse(result, result->guest->reason);
	return TOBI_OK;
}

enum tobi_err guest_run(struct tobi_result *result, const struct tobi_policy *policy,
			const struct appraisal_request *request, const struct cmw *cmw,
			struct tobi_bytes claims_buffer, struct tobi_fault *fault)
{
	const struct cmw_record *record = cmw ? cmw_find(cmw, "guest") : NULL;

	if (!policy->guest) {
		if (record)
			tee_fact(&result->claims, &result->arena, "guest",
				 "evidence of it is there; the policy does not ask for "
				 "it (guest)");
		return TOBI_OK;
	}
	if (!record) {
		refuse(result, "there is none");
		return TOBI_OK;
	}
	if (!bytes_equal_text(record->media_type, CMW_TYPE_COLLECTION) ||
	    (record->indicator && record->indicator != CMW_EVIDENCE)) {
		refuse(result, "the record is none of evidence");
		return TOBI_OK;
	}
	if (!claims_buffer.size) {
		refuse(result, "there are no claims that it could be bound to");
		return TOBI_OK;
	}
	return appraise(result, policy, request, record->value, claims_buffer, fault);
}
