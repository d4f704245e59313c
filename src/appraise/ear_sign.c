#include <stdlib.h>
#include <string.h>

#include "appraise/ear_result.h"
#include "appraise/explain.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "pki/chain.h"
#include "pki/key.h"
#include "token/cmw.h"

static const char object[] = "result";

enum { NONCE_MIN = 8, NONCE_MAX = 64, HEX_MAX = 64, LIFETIME_MAX = 366 * 24 * 3600 };

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

/* ---- what Tobichi adds ---- */

/* What came from outside is escaped first, so that it is text. */
static void set_text(json_t *json, const char *name, const char *text)
{
	CLEANUP(wr_done) struct writer escaped = wr_init(LIMIT_TOKEN);

	utf8_write_escaped(&escaped, bytes_of_text(text));
	if (!wr_err(&escaped))
		json_object_set_new(
		    json, name,
		    json_stringn(escaped.size ? (const char *)escaped.ptr : "",
				 escaped.size));
}

static json_t *hex_json(struct tobi_bytes bytes)
{
	char hex[2 * HEX_MAX + 1] = "";

	hex_write(bytes, hex, sizeof(hex));
	return json_string(hex);
}

static void set_hex(json_t *json, const char *name, struct tobi_bytes bytes)
{
	if (bytes.size && bytes.size <= HEX_MAX)
		json_object_set_new(json, name, hex_json(bytes));
}

static json_t *own_claims(const struct tobi_result *result)
{
	const struct tee_claims *claims = &result->claims;
	json_t *json = json_object(), *list;
	const char *allowance;

	if (!json)
		return NULL;
	set_text(json, "verdict",
		 result->verdict == TOBI_ACCEPT ? "accepted" : "refused");
	set_text(json, "reason", result->reason);
	set_text(json, "evidence", result->kind ? result->kind : "");
	set_text(json, "tier", claims->tier ? claims->tier : "");
	set_text(json, "tier-means", explain_tier(claims->tier));
	set_text(json, "identity", result->identity ? result->identity : "");
	set_hex(json, "image", claims->image_id);
	set_hex(json, "hardware", claims->hardware);
	set_hex(json, "report-data", claims->report_data);
	list = json_array();
	for (size_t i = 0; list && i < claims->signer_count; i++)
		json_array_append_new(list, hex_json(claims->signers[i]));
	json_object_set_new(json, "signers", list);
	list = json_array();
	for (size_t i = 0; list && (allowance = explain_allowance(result, i)); i++)
		json_array_append_new(list, json_string(allowance));
	json_object_set_new(json, "allowances", list);
	return json;
}

/* ---- the parts ---- */

struct signing {
	struct ear_content content;
	struct cose_signer signer;
	EVP_PKEY *key;
	json_t *own;
	struct writer chain_der;
	struct tobi_bytes chain[LIMIT_COSE_CHAIN];
	size_t chain_count;
	uint8_t kid[SHA256_SIZE];
};

static void signing_done(struct signing *signing)
{
	EVP_PKEY_free(signing->key);
	json_decref(signing->own);
	wr_done(&signing->chain_der);
}

/* A certificate of another key would be refused by everybody, and only there. */
static enum tobi_err check_certificate(const struct signing *signing,
				       struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	enum tobi_err err =
	    chain_read_certificate(signing->chain[0], "certificate", &leaf, fault);

	if (err)
		return err;
	if (EVP_PKEY_eq(X509_get0_pubkey(leaf), signing->key) != 1)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "certificate",
				 "the first one is not of the key that signs");
	return TOBI_OK;
}

static enum tobi_err take_key(const struct tobi_ear_request *request,
			      struct signing *signing, struct tobi_fault *fault)
{
	enum tobi_err err = key_read_private(request->key, "key", &signing->key, fault);

	if (!err)
		err = cose_signer_for_key(signing->key, &signing->signer, fault);
	if (!err)
		err = key_spki_sha256(signing->key, signing->kid, fault);
	if (err || !request->certificates.size)
		return err;
	err = chain_read_pem(request->certificates, "certificate", &signing->chain_der,
			     signing->chain, LIMIT_COSE_CHAIN, &signing->chain_count,
			     fault);
	if (!err && !signing->chain_count)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "certificate",
				"there is no PEM certificate in it");
	return err ? err : check_certificate(signing, fault);
}

static enum tobi_err take_content(const struct tobi_result *result,
				  const struct tobi_ear_request *request,
				  struct signing *signing, struct tobi_fault *fault)
{
	struct ear_content *content = &signing->content;

	signing->own = own_claims(result);
	if (!signing->own)
		return no_memory(fault);
	*content = (struct ear_content){
	    .old = request->profile == TOBI_EAR_VERAISON,
	    .issued = result->time,
	    .expires = request->lifetime ? result->time + request->lifetime : 0,
	    .developer = request->developer ? request->developer : "tobichi",
	    .build = EAR_BUILD,
	    .submod = EAR_SUBMOD,
	    .vector = ear_result_vector(result),
	    .policy = result->policy_name,
	    .tobichi = signing->own,
	};
	content->status = ear_result_status(result, &content->vector);
	/* What was refused has shown nothing, its key and its newness neither. */
	if (result->verdict != TOBI_ACCEPT)
		return TOBI_OK;
	if (result->nonce.size >= NONCE_MIN && result->nonce.size <= NONCE_MAX)
		content->nonce = result->nonce;
	if (result->key_hash.size == SHA256_SIZE)
		content->key_spki = result->key_hash.ptr;
	return TOBI_OK;
}

static enum tobi_err write_jwt(const struct signing *signing, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *tree = ear_tree(&signing->content);
	CLEANUP(json_decrefp) json_t *jwk = jwk_write(signing->key);
	CLEANUP(wr_done) struct writer payload = wr_init(LIMIT_TOKEN);
	struct jws_headers headers = {.typ = "eat+jwt",
				      .jwk = jwk,
				      .x5chain = signing->chain,
				      .x5chain_count = signing->chain_count};
	enum tobi_err err;

	if (!tree || !jwk)
		return no_memory(fault);
	err = json_write(tree, false, &payload, fault);
	return err ? err
		   : jws_write(out, &signing->signer, &headers, wr_view(&payload), fault);
}

static enum tobi_err write_cwt(const struct signing *signing, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer payload = wr_init(LIMIT_TOKEN);
	struct cose_headers headers = {.x5chain = signing->chain,
				       .x5chain_count = signing->chain_count,
				       .kid = {signing->kid, sizeof(signing->kid)}};
	enum tobi_err err = ear_write_cbor(&signing->content, &payload, fault);

	return err ? err
		   : cose_write(out, &signing->signer, &headers, wr_view(&payload), false,
				fault);
}

/* A record: [media type, token, attestation results]. */
static void wrap(bool is_jwt, struct tobi_bytes token, const char *profile,
		 struct writer *out)
{
	CLEANUP(wr_done) struct writer type = wr_init(256);

	wr_printf(&type, "application/eat+%s; eat_profile=\"%s\"", is_jwt ? "jwt" : "cwt",
		  profile);
	cmw_write_record(out, is_jwt ? CMW_JSON : CMW_CBOR,
			 &(struct cmw_record){.media_type = wr_view(&type),
					      .value = token,
					      .indicator = CMW_RESULT});
}

static enum tobi_err check_request(const struct tobi_result *result,
				   const struct tobi_ear_request *request,
				   struct tobi_fault *fault)
{
	if (!result || !request)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "a result and a request are needed");
	if ((unsigned)request->form > TOBI_EAR_CMW_CBOR)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "form",
				 "there is no such form");
	if ((unsigned)request->profile > TOBI_EAR_VERAISON)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "profile",
				 "there is no such profile");
	if (request->lifetime < 0 || request->lifetime > LIFETIME_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "lifetime",
				 "0 to 366 days are allowed");
	if (request->developer && !utf8_is_text(bytes_of_text(request->developer)))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "developer",
				 "it is not plain text");
	return TOBI_OK;
}

enum tobi_err tobi_result_sign_ear(const struct tobi_result *result,
				   const struct tobi_ear_request *request,
				   uint8_t **ret_token, size_t *ret_size,
				   struct tobi_fault *fault)
{
	CLEANUP(signing_done)
	struct signing signing = {.chain_der = wr_init(LIMIT_PEM)};
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer wrapped = wr_init(LIMIT_EVIDENCE);
	const struct writer *out = &token;
	enum tobi_err err = check_request(result, request, fault);
	bool is_jwt;

	if (err)
		return err;
	is_jwt = request->form == TOBI_EAR_JWT || request->form == TOBI_EAR_CMW_JSON;
	err = take_key(request, &signing, fault);
	if (!err)
		err = take_content(result, request, &signing, fault);
	if (!err)
		err = is_jwt ? write_jwt(&signing, &token, fault)
			     : write_cwt(&signing, &token, fault);
	if (err)
		return err;
	if (request->form == TOBI_EAR_CMW_JSON || request->form == TOBI_EAR_CMW_CBOR) {
		wrap(is_jwt, wr_view(&token),
		     signing.content.old ? EAR_PROFILE_VERAISON : EAR_PROFILE_NEW,
		     &wrapped);
		out = &wrapped;
	}
	if (wr_err(out))
		return fault_set(fault, wr_err(out), object, "", "it is too long");
	*ret_token = malloc(out->size);
	if (!*ret_token)
		return no_memory(fault);
	bytes_copy(*ret_token, out->size, out->ptr, out->size);
	*ret_size = out->size;
	return TOBI_OK;
}

enum tobi_err ear_record_write(const struct tobi_result *result,
			       const struct ear_record *record, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(signing_done) struct signing signing = {0};
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_EVIDENCE);
	const struct tobi_ear_request request = {.developer = record->developer};
	enum tobi_err err = cose_signer_for_key(record->key, &signing.signer, fault);

	if (!err)
		err = key_spki_sha256(record->key, signing.kid, fault);
	if (!err)
		err = take_content(result, &request, &signing, fault);
	if (err)
		return err;
	signing.content.nonce = (struct tobi_bytes){0};
	signing.content.expires = record->expires;
	signing.content.key_spki = record->key_spki;
	err = write_cwt(&signing, &token, fault);
	if (err)
		return err;
	wrap(false, wr_view(&token), EAR_PROFILE_NEW, out);
	return wr_err(out) ? fault_set(fault, wr_err(out), object, "", "it is too long")
			   : TOBI_OK;
}
