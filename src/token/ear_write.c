#include <openssl/core_names.h>
#include <openssl/bn.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "pki/cose_key.h"
#include "token/ear.h"

enum {
	KEY_EXP = 4,
	KEY_IAT = 6,
	KEY_CNF = 8,
	KEY_NONCE = 10,
	KEY_PROFILE = 265,
	KEY_SUBMODS = 266,
	KEY_STATUS = 1000,
	KEY_VECTOR = 1001,
	KEY_POLICIES = 1003,
	KEY_VERIFIER = 1004,
	KEY_TOBICHI = -70501,
	KEY_ATTESTATION = -70002,
	CNF_KEY = 1,
	CNF_KID = 3,
};

static const char *profile_of(const struct ear_content *content)
{
	return content->old ? EAR_PROFILE_VERAISON : EAR_PROFILE_NEW;
}

/* ---- JSON ---- */

json_t *ear_vector_json(const struct ear_vector *vector)
{
	json_t *json = json_object();

	for (size_t i = 0; json && i < AR4SI_CLAIMS; i++) {
		if (vector->has[i])
			json_object_set_new(json, ar4si_name(i),
					    json_integer(vector->values[i]));
	}
	return json;
}

static json_t *attestation_json(EVP_PKEY *key)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);

	return key_spki(key, &der, NULL)
		   ? NULL
		   : json_pack("{s:o}", "akpub",
			       json_base64url(wr_view(&der), LIMIT_PEM));
}

static json_t *confirmation_json(const struct ear_content *content)
{
	if (content->key)
		return json_pack("{s:o}", "jwk", jwk_write(content->key));
	return json_pack(
	    "{s:o}", "kid",
	    json_base64url((struct tobi_bytes){content->key_spki, SHA256_SIZE},
			   LIMIT_PEM));
}

static json_t *appraisal_json(const struct ear_content *content)
{
	json_t *json = json_pack(
	    content->old ? "{s:s, s:o, s:s}" : "{s:s, s:o, s:[s]}",
	    content->old ? "ear.status" : "ear_status", ear_tier_name(content->status),
	    content->old ? "ear.trustworthiness-vector" : "ear_trustworthiness_vector",
	    ear_vector_json(&content->vector),
	    content->old ? "ear.appraisal-policy-id" : "ear_appraisal_policy_ids",
	    content->policy);

	if (json && content->old && content->key)
		json_object_set_new(json, "ear.veraison.key-attestation",
				    attestation_json(content->key));
	if (json && content->tobichi)
		json_object_set(json, "tobichi", (json_t *)content->tobichi);
	return json;
}

json_t *ear_tree(const struct ear_content *content)
{
	json_t *json = json_pack("{s:s, s:I, s:{s:s, s:s}, s:{s:o}}", "eat_profile",
				 profile_of(content), "iat", (json_int_t)content->issued,
				 content->old ? "ear.verifier-id" : "ear_verifier_id",
				 "developer", content->developer, "build", content->build,
				 "submods", content->submod, appraisal_json(content));

	if (!json)
		return NULL;
	if (content->expires)
		json_object_set_new(json, "exp", json_integer(content->expires));
	if (content->nonce.size)
		json_object_set_new(json, "eat_nonce",
				    json_base64url(content->nonce, LIMIT_PEM));
	if (content->key || content->key_spki)
		json_object_set_new(json, "cnf", confirmation_json(content));
	return json;
}

/* ---- CBOR, keys in the order of their encodings ---- */

static void write_vector(struct writer *out, const struct ear_vector *vector)
{
	size_t count = 0;

	for (size_t i = 0; i < AR4SI_CLAIMS; i++)
		count += vector->has[i];
	cbor_write_map(out, count);
	for (size_t i = 0; i < AR4SI_CLAIMS; i++) {
		if (!vector->has[i])
			continue;
		cbor_write_uint(out, i);
		cbor_write_int(out, vector->values[i]);
	}
}

static int by_encoding(const void *a, const void *b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	size_t left_size = strlen(left), right_size = strlen(right);

	if (left_size != right_size)
		return left_size < right_size ? -1 : 1;
	return strcmp(left, right);
}

static void write_texts(struct writer *out, const json_t *list)
{
	json_t *text;
	size_t i;

	cbor_write_array(out, json_array_size(list));
	json_array_foreach(list, i, text) cbor_write_text(out, json_string_value(text));
}

enum { TOBICHI_MAX = 32 };

static void write_tobichi(struct writer *out, const json_t *tobichi)
{
	const char *names[TOBICHI_MAX], *name;
	size_t count = 0;
	json_t *value;

	json_object_foreach((json_t *)tobichi, name, value)
	{
		if (count < TOBICHI_MAX)
			names[count++] = name;
	}
	qsort(names, count, sizeof(names[0]), by_encoding);
	cbor_write_map(out, count);
	for (size_t i = 0; i < count; i++) {
		value = json_object_get(tobichi, names[i]);
		cbor_write_text(out, names[i]);
		if (json_is_array(value))
			write_texts(out, value);
		else if (json_is_boolean(value))
			cbor_write_bool(out, json_is_true(value));
		else
			cbor_write_text(out, json_string_value(value));
	}
}

static void write_attestation(struct writer *out, EVP_PKEY *key)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);

	if (key_spki(key, &der, NULL) && !out->err)
		out->err = TOBI_E_CRYPTO;
	cbor_write_map(out, 1);
	cbor_write_text(out, "akpub");
	cbor_write_bytes(out, wr_view(&der));
}

static void write_appraisal(struct writer *out, const struct ear_content *content)
{
	bool attests = content->old && content->key;

	cbor_write_map(out, 3u + attests + (content->tobichi != NULL));
	cbor_write_uint(out, KEY_STATUS);
	cbor_write_uint(out, content->status);
	cbor_write_uint(out, KEY_VECTOR);
	write_vector(out, &content->vector);
	cbor_write_uint(out, KEY_POLICIES);
	if (!content->old)
		cbor_write_array(out, 1);
	cbor_write_text(out, content->policy);
	if (attests) {
		cbor_write_int(out, KEY_ATTESTATION);
		write_attestation(out, content->key);
	}
	if (content->tobichi) {
		cbor_write_int(out, KEY_TOBICHI);
		write_tobichi(out, content->tobichi);
	}
}

static void write_confirmation(struct writer *out, const struct ear_content *content)
{
	cbor_write_map(out, 1);
	if (content->key) {
		cbor_write_uint(out, CNF_KEY);
		if (cose_key_write(out, content->key) && !out->err)
			out->err = TOBI_E_CRYPTO;
		return;
	}
	cbor_write_uint(out, CNF_KID);
	cbor_write_bytes(out, (struct tobi_bytes){content->key_spki, SHA256_SIZE});
}

enum tobi_err ear_write_cbor(const struct ear_content *content, struct writer *out,
			     struct tobi_fault *fault)
{
	bool bound = content->key || content->key_spki;

	cbor_write_map(out,
		       4u + (content->expires != 0) + bound + (content->nonce.size != 0));
	if (content->expires) {
		cbor_write_uint(out, KEY_EXP);
		cbor_write_int(out, content->expires);
	}
	cbor_write_uint(out, KEY_IAT);
	cbor_write_int(out, content->issued);
	if (bound) {
		cbor_write_uint(out, KEY_CNF);
		write_confirmation(out, content);
	}
	if (content->nonce.size) {
		cbor_write_uint(out, KEY_NONCE);
		cbor_write_bytes(out, content->nonce);
	}
	cbor_write_uint(out, KEY_PROFILE);
	cbor_write_text(out, profile_of(content));
	cbor_write_uint(out, KEY_SUBMODS);
	cbor_write_map(out, 1);
	cbor_write_text(out, content->submod);
	write_appraisal(out, content);
	cbor_write_uint(out, KEY_VERIFIER);
	cbor_write_map(out, 2);
	cbor_write_uint(out, 0);
	cbor_write_text(out, content->developer);
	cbor_write_uint(out, 1);
	cbor_write_text(out, content->build);
	return wr_err(out)
		   ? fault_set(fault, wr_err(out), "result", "", "it cannot be written")
		   : TOBI_OK;
}
