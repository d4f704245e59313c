#include "broker/kbs_token.h"

#include <string.h>

#include "appraise/ear_result.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/jose.h"
#include "codec/json.h"

static const char object[] = "token";

#define ISSUER "CoCo-Attestation-Service"

enum { HEX_MAX = 64 };

static json_t *hex(struct tobi_bytes bytes)
{
	char text[2 * HEX_MAX + 1] = "";

	if (bytes.size > HEX_MAX)
		return NULL;
	hex_write(bytes, text, sizeof(text));
	return json_string(text);
}

/* ---- what the evidence said, and how it was judged ---- */

static json_t *claims_of(const struct tobi_result *result)
{
	const struct tee_claims *claims = &result->claims;
	json_t *json = json_object();

	for (size_t i = 0; json && i < claims->fact_count; i++)
		json_object_set_new(json, claims->facts[i].name,
				    json_string(claims->facts[i].value));
	if (json && claims->image_id.size)
		json_object_set_new(json, "image", hex(claims->image_id));
	if (json && claims->hardware.size)
		json_object_set_new(json, "hardware", hex(claims->hardware));
	return json;
}

static json_t *evidence_of(const struct kbs_token *token)
{
	const struct kbs_init_data *init_data = token->init_data;
	json_t *json = json_pack("{s:o, s:{s:s, s:O}}", "report_data", hex(token->bound),
				 "runtime_data_claims", "nonce", token->nonce,
				 "tee-pubkey", token->jwk);

	if (json && init_data->size)
		json_object_set_new(
		    json, "init_data",
		    hex((struct tobi_bytes){init_data->digest, init_data->size}));
	if (json && token->result)
		json_object_set_new(json, kbs_tee_name(token->session->tee),
				    claims_of(token->result));
	return json;
}

static json_t *appraisal_of(const struct kbs_token *token)
{
	const struct tobi_result *result = token->result;
	struct ear_vector vector = {0};
	enum ear_tier status = EAR_NONE;

	if (result) {
		vector = ear_result_vector(result);
		status = ear_result_status(result, &vector);
	}
	return json_pack("{s:s, s:o, s:s, s:o}", "ear.status", ear_tier_name(status),
			 "ear.trustworthiness-vector", ear_vector_json(&vector),
			 "ear.appraisal-policy-id", result ? result->policy_name : "none",
			 "ear.veraison.annotated-evidence", evidence_of(token));
}

enum tobi_err kbs_token_write(const struct broker *broker, const struct kbs_token *token,
			      struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer payload = wr_init(LIMIT_KBS_TOKEN);
	CLEANUP(json_decrefp) json_t *json = NULL;
	CLEANUP(json_decrefp) json_t *jwk = jwk_write(broker->setup.token_key);
	const struct jws_headers headers = {.typ = "JWT", .jwk = jwk};
	struct cose_signer signer;
	enum tobi_err err;

	json = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:{s:s, s:s}, s:{s:o}}", "iss",
			 broker->setup.name ? broker->setup.name : ISSUER, "iat",
			 (json_int_t)token->issued, "nbf", (json_int_t)token->issued,
			 "exp", (json_int_t)token->expires, "jti", token->session->text,
			 "eat_profile", EAR_PROFILE_TRUSTEE, "ear.verifier-id",
			 "developer", "tobichi", "build", EAR_BUILD, "submods", "cpu0",
			 appraisal_of(token));
	if (!json || !jwk)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = json_write(json, false, &payload, fault);
	if (!err)
		err = cose_signer_for_key(broker->setup.token_key, &signer, fault);
	return err ? err : jws_write(out, &signer, &headers, wr_view(&payload), fault);
}

/* ---- reading back ---- */

static enum tobi_err read_claims(struct tobi_bytes payload, int64_t now,
				 struct kbs_session *ret_session,
				 struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	json_t *expires = NULL, *issued = NULL, *session = NULL;
	enum tobi_err err = json_parse(payload, LIMIT_KBS_TOKEN, object, &json, fault);

	if (!err)
		err = json_member(json, "exp", JSON_INTEGER, object, &expires, fault);
	if (!err)
		err = json_member(json, "iat", JSON_INTEGER, object, &issued, fault);
	if (!err)
		err = json_member(json, "jti", JSON_STRING, object, &session, fault);
	if (err)
		return err;
	if (json_integer_value(expires) <= now ||
	    json_integer_value(issued) > now + KBS_CLOCKS_SECONDS)
		return fault_set(fault, TOBI_E_DENIED, object, "exp", "its time is over");
	return kbs_session_read(json_string_value(session), ret_session)
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MALFORMED, object, "jti",
			       "it names no session");
}

enum tobi_err kbs_token_read(const struct broker *broker, const char *text, int64_t now,
			     struct kbs_session *ret_session, struct tobi_fault *fault)
{
	CLEANUP(jws_done) struct jws jws = {0};
	struct tobi_bytes bytes = bytes_of_text(text);
	enum tobi_err err =
	    bytes.size > LIMIT_KBS_TOKEN
		? fault_set(fault, TOBI_E_LIMIT, object, "", "it is too long")
		: jws_parse(bytes, object, &jws, fault);

	/* The key in the header is anybody's: the broker's own counts. */
	if (!err)
		err = jws_verify(&jws, broker->setup.token_key, object, fault);
	if (!err && (!jws.typ || strcmp(jws.typ, "JWT") != 0))
		err = fault_set(fault, TOBI_E_MALFORMED, object, "typ", "it is not JWT");
	return err ? err : read_claims(jws.payload, now, ret_session, fault);
}
