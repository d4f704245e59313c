#include "broker/kbs_request.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "codec/json.h"

static enum tobi_err no_object(const char *object, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, "", "it is no object");
}

enum tobi_err kbs_request_read(struct tobi_bytes body, enum kbs_tee *ret_tee,
			       struct tobi_fault *fault)
{
	static const char object[] = "request";
	CLEANUP(json_decrefp) json_t *json = NULL;
	json_t *version = NULL, *tee = NULL;
	const json_t *extra;
	enum tobi_err err = json_parse(body, LIMIT_KBS_REQUEST, object, &json, fault);

	if (!err && !json_is_object(json))
		err = no_object(object, fault);
	if (!err)
		err = json_member(json, "version", JSON_STRING, object, &version, fault);
	if (!err)
		err = json_member(json, "tee", JSON_STRING, object, &tee, fault);
	if (err)
		return err;
	if (strcmp(json_string_value(version), KBS_VERSION) != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "version",
				 "this broker speaks " KBS_VERSION);
	extra = json_object_get(json, "extra-params");
	if (extra && !json_is_object(extra) && !json_is_string(extra))
		return fault_set(fault, TOBI_E_MALFORMED, object, "extra-params",
				 "it has the wrong type");
	*ret_tee = kbs_tee_named(json_string_value(tee));
	return *ret_tee != KBS_TEE_NONE
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_UNSUPPORTED, object, "tee",
			       "this platform is not served here");
}

static enum tobi_err read_members(struct kbs_attestation *out, struct tobi_fault *fault)
{
	static const char object[] = "attestation";
	json_t *runtime = NULL, *evidence = NULL, *nonce = NULL, *jwk = NULL;
	json_t *primary = NULL, *additional = NULL;
	enum tobi_err err =
	    json_member(out->json, "runtime-data", JSON_OBJECT, object, &runtime, fault);

	if (!err)
		err = json_member(runtime, "nonce", JSON_STRING, object, &nonce, fault);
	if (!err)
		err =
		    json_member(runtime, "tee-pubkey", JSON_OBJECT, object, &jwk, fault);
	if (!err)
		err = json_member(out->json, "tee-evidence", JSON_OBJECT, object,
				  &evidence, fault);
	if (!err)
		err = json_member(evidence, "primary_evidence", JSON_OBJECT, object,
				  &primary, fault);
	if (!err)
		err = json_member(evidence, "additional_evidence", JSON_STRING, object,
				  &additional, fault);
	if (err)
		return err;
	out->init_data = json_object_get(out->json, "init-data");
	out->nonce = json_string_value(nonce);
	out->jwk = jwk;
	out->primary = primary;
	out->additional = json_string_value(additional);
	return TOBI_OK;
}

enum tobi_err kbs_attestation_read(struct tobi_bytes body,
				   struct kbs_attestation *ret_attestation,
				   struct tobi_fault *fault)
{
	struct kbs_attestation out = {0};
	enum tobi_err err =
	    json_parse(body, LIMIT_KBS_BODY, "attestation", &out.json, fault);

	if (!err && !json_is_object(out.json))
		err = no_object("attestation", fault);
	if (!err)
		err = read_members(&out, fault);
	if (err) {
		kbs_attestation_done(&out);
		return err;
	}
	*ret_attestation = out;
	return TOBI_OK;
}

void kbs_attestation_done(struct kbs_attestation *attestation)
{
	json_decref(attestation->json);
	*attestation = (struct kbs_attestation){0};
}
