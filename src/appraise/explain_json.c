#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "appraise/ear_result.h"
#include "appraise/explain.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/utf8.h"

/* JSON text of what may come from outside: escaped first, so that it is UTF-8. */
static json_t *text_of(const char *text)
{
	struct writer escaped = wr_init(LIMIT_EXPLANATION);
	json_t *json;

	utf8_write_escaped(&escaped,
			   (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	json = wr_err(&escaped) ? NULL
				: json_stringn((const char *)escaped.ptr, escaped.size);
	if (!json && !wr_err(&escaped) && escaped.size == 0)
		json = json_string("");
	wr_done(&escaped);
	return json;
}

static json_t *hex_of(struct tobi_bytes bytes)
{
	char text[2 * 64 + 1] = "";

	if (bytes.size <= 64)
		hex_write(bytes, text, sizeof(text));
	return json_string(text);
}

static json_t *checks_of(const struct tobi_result *result)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];
		json_t *line = json_pack(
		    "{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "code", record->check->code,
		    "outcome", explain_outcome(record->outcome), "proves",
		    record->check->proves, "source", record->check->source, "remedy",
		    record->check->remedy, "expected", text_of(record->expected), "found",
		    text_of(record->found));

		/* Half a list would read as a whole one. */
		if (!line || json_array_append_new(list, line)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What the kind of evidence says for people, in its order. */
static json_t *facts_of(const struct tee_claims *claims)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < claims->fact_count; i++) {
		json_t *fact =
		    json_pack("{s:o, s:o}", "name", text_of(claims->facts[i].name),
			      "value", text_of(claims->facts[i].value));

		if (!fact || json_array_append_new(list, fact)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *take_text(struct writer *text)
{
	json_t *json = NULL;

	wr_u8(text, 0);
	if (!wr_err(text))
		json = text_of((const char *)text->ptr);
	wr_done(text);
	return json;
}

static json_t *platform_of(const struct tobi_result *result)
{
	const struct tee_claims *claims = &result->claims;
	struct writer lacks = wr_init(1024);

	explain_lacks(result, &lacks);
	return json_pack("{s:o, s:b, s:o, s:o, s:o}", "root-of-trust",
			 text_of(claims->root_kind ? claims->root_kind : ""),
			 "user-launch", claims->by_user, "lacks", take_text(&lacks),
			 "hardware", hex_of(claims->hardware), "instance",
			 hex_of(claims->instance));
}

/* The guest around an enclave, which was appraised by itself. */
static json_t *guest_of(const struct tobi_result *guest)
{
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "verdict",
			 guest->verdict == TOBI_ACCEPT ? "accepted" : "refused", "reason",
			 text_of(guest->reason), "evidence",
			 guest->kind ? guest->kind : "", "tier",
			 text_of(guest->claims.tier ? guest->claims.tier : ""), "image",
			 hex_of(guest->claims.image_id), "facts",
			 facts_of(&guest->claims), "checks", checks_of(guest));
}

static json_t *extension_of(const struct tobi_result *result)
{
	const struct tee_claims *claims = &result->claims;
	json_t *signers = json_array(), *allowances = json_array();
	const char *allowance;

	for (size_t i = 0; i < claims->signer_count; i++)
		json_array_append_new(signers, hex_of(claims->signers[i]));
	for (size_t i = 0; (allowance = explain_allowance(result, i)); i++)
		json_array_append_new(allowances, json_string(allowance));
	return json_pack(
	    "{s:b, s:s, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o*}",
	    "signed", 0, "verdict",
	    result->verdict == TOBI_ACCEPT ? "accepted" : "refused", "reason",
	    text_of(result->reason), "evidence", result->kind ? result->kind : "", "tier",
	    text_of(claims->tier ? claims->tier : ""), "tier-means",
	    explain_tier(claims->tier), "image", hex_of(claims->image_id), "signers",
	    signers, "identity", text_of(result->identity ? result->identity : ""),
	    "allowances", allowances, "platform", platform_of(result), "facts",
	    facts_of(claims), "checks", checks_of(result), "guest",
	    result->guest ? guest_of(result->guest) : NULL);
}

static json_t *appraisal_of(const struct tobi_result *result)
{
	struct ear_vector vector = ear_result_vector(result);

	return json_pack("{s:s, s:o, s:[o], s:o}", "ear_status",
			 ear_tier_name(ear_result_status(result, &vector)),
			 "ear_trustworthiness_vector", ear_vector_json(&vector),
			 "ear_appraisal_policy_ids", text_of(result->policy_name),
			 "tobichi", extension_of(result));
}

enum tobi_err explain_json(const struct tobi_result *result, struct writer *out,
			   struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *ear = NULL;
	char *text;

	ear = json_pack("{s:s, s:I, s:{s:s, s:s}, s:{s:o}}", "eat_profile",
			EAR_PROFILE_NEW, "iat", (json_int_t)result->time,
			"ear_verifier_id", "developer", "tobichi", "build", EAR_BUILD,
			"submods", EAR_SUBMOD, appraisal_of(result));
	text = ear ? json_dumps(ear, JSON_INDENT(2)) : NULL;
	if (!text)
		return fault_set(fault, TOBI_E_MEMORY, "explanation", "",
				 "out of memory");
	wr_printf(out, "%s\n", text);
	free(text);
	return TOBI_OK;
}
