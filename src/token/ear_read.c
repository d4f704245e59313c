#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "token/ear.h"

static const char object[] = "result";

enum { NONCE_MIN = 8, NONCE_MAX = 88, BYTES_MAX = 64 };
static const json_int_t time_max = INT64_C(1) << 53;

struct ear_reader {
	const json_t *tree;
	struct arena *arena;
	struct ear *ear;
	struct tobi_fault *fault;
	enum tobi_err err; /* sticky */
};

static void fail(struct ear_reader *rd, enum tobi_err err, const char *field,
		 const char *what)
{
	if (!rd->err)
		rd->err = fault_set(rd->fault, err, object, field, "%s", what);
}

/* Of the old generation a member of JSON has a dot, and hyphens; the tree of CBOR has the
 * new names always. */
static json_t *member(const json_t *object_json, const char *name)
{
	json_t *found = json_object_get(object_json, name);
	char old[64];
	size_t size = strlen(name);

	if (found || strncmp(name, "ear_", 4) != 0 || size >= sizeof(old))
		return found;
	for (size_t i = 0; i <= size; i++)
		old[i] = name[i] == '_' ? '-' : name[i];
	old[3] = '.';
	if (strncmp(old, "ear.veraison-", 13) == 0)
		old[12] = '.';
	return json_object_get(object_json, old);
}

static const char *take_text(struct ear_reader *rd, const json_t *from, const char *name,
			     bool required)
{
	json_t *text = member(from, name);
	char *copy;

	if (!text && !required)
		return NULL;
	if (!json_is_string(text)) {
		fail(rd, TOBI_E_MALFORMED, name,
		     text ? "it is no text" : "it is missing");
		return "";
	}
	copy = arena_text(rd->arena, bytes_of_text(json_string_value(text)));
	if (!copy)
		fail(rd, TOBI_E_MEMORY, name, "out of memory");
	return copy ? copy : "";
}

/* Seconds since 1970, an integer: no fractions (RFC 9711 section 4.3.1). */
static int64_t take_time(struct ear_reader *rd, const char *name, bool required)
{
	json_t *time = json_object_get(rd->tree, name);
	json_int_t value = json_integer_value(time);

	if (!time && !required)
		return 0;
	if (!json_is_integer(time) || value <= 0 || value > time_max)
		fail(rd, TOBI_E_MALFORMED, name,
		     time ? "it is no time in whole seconds" : "it is missing");
	return value;
}

static void add_nonce(struct ear_reader *rd, struct tobi_bytes nonce)
{
	struct ear *ear = rd->ear;

	if (ear->nonce_count == EAR_NONCES_MAX)
		fail(rd, TOBI_E_LIMIT, "eat_nonce", "there are too many");
	else
		ear->nonces[ear->nonce_count++] = arena_copy(rd->arena, nonce);
}

/* A text in JSON: some verifiers put in the nonce's base64, some the text that they were
 * given. Both readings count, for it is the caller who knows what he gave. */
static void take_nonce(struct ear_reader *rd, const json_t *nonce)
{
	const char *text = json_string_value(nonce);
	CLEANUP(wr_done) struct writer bytes = wr_init(NONCE_MAX);
	CLEANUP(wr_done) struct writer standard = wr_init(NONCE_MAX);
	size_t size = text ? strlen(text) : 0;

	if (size < NONCE_MIN || size > NONCE_MAX) {
		fail(rd, TOBI_E_MALFORMED, "eat_nonce", "it is no text of 8 to 88 bytes");
		return;
	}
	add_nonce(rd, bytes_of_text(text));
	if (!base64url_read(bytes_of_text(text), object, &bytes, NULL))
		add_nonce(rd, wr_view(&bytes));
	else if (!base64_read(bytes_of_text(text), object, &standard, NULL))
		add_nonce(rd, wr_view(&standard));
}

static void take_nonces(struct ear_reader *rd)
{
	json_t *nonce = json_object_get(rd->tree, "eat_nonce"), *item;
	size_t i;

	if (!nonce)
		return;
	if (!json_is_array(nonce)) {
		take_nonce(rd, nonce);
		return;
	}
	json_array_foreach(nonce, i, item) take_nonce(rd, item);
}

/* ---- keys of the attester ---- */

static void add_key(struct ear_reader *rd, const char *where, EVP_PKEY *key)
{
	struct ear *ear = rd->ear;
	struct ear_key *room;

	if (ear->key_count == EAR_KEYS_MAX) {
		fail(rd, TOBI_E_LIMIT, where, "there are too many keys");
		return;
	}
	room = &ear->keys[ear->key_count];
	room->where = where;
	if (key_spki_sha256(key, room->spki, NULL))
		fail(rd, TOBI_E_CRYPTO, where, "the key cannot be hashed");
	else
		ear->key_count++;
}

static void take_jwk(struct ear_reader *rd, const char *where, const json_t *jwk)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;

	/* A key of a kind that is not known here binds to nothing. */
	if (json_is_object(jwk) && !jwk_read(jwk, object, &key, NULL))
		add_key(rd, where, key);
}

/* RFC 7800: the key, or its name, which of Tobichi is the SHA-256 of the key. */
static void take_confirmation(struct ear_reader *rd, const json_t *from)
{
	json_t *cnf = json_object_get(from, "cnf");
	const char *kid = json_string_value(json_object_get(cnf, "kid"));
	struct ear *ear = rd->ear;
	CLEANUP(wr_done) struct writer name = wr_init(SHA256_SIZE);

	take_jwk(rd, "cnf", json_object_get(cnf, "jwk"));
	if (!kid || base64url_read(bytes_of_text(kid), object, &name, NULL) ||
	    name.size != SHA256_SIZE)
		return;
	if (ear->key_count == EAR_KEYS_MAX) {
		fail(rd, TOBI_E_LIMIT, "cnf", "there are too many keys");
		return;
	}
	ear->keys[ear->key_count].where = "cnf";
	bytes_copy(ear->keys[ear->key_count++].spki, SHA256_SIZE, name.ptr, name.size);
}

static void take_attested_key(struct ear_reader *rd, const json_t *appraisal)
{
	json_t *attestation = member(appraisal, "ear_veraison_key_attestation");
	const char *text = json_string_value(json_object_get(attestation, "akpub"));
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	const unsigned char *at;

	if (!attestation)
		return;
	if (text && !base64url_read(bytes_of_text(text), object, &der, NULL)) {
		at = der.ptr;
		key = d2i_PUBKEY(NULL, &at, (long)der.size);
		if (key && at != der.ptr + der.size) {
			EVP_PKEY_free(key);
			key = NULL;
		}
	}
	if (key)
		add_key(rd, "key attestation", key);
	else
		fail(rd, TOBI_E_MALFORMED, "ear.veraison.key-attestation",
		     "akpub is no public key");
}

/* Trustee's guests put the key of their channel into the evidence's report data, and
 * Trustee repeats it. */
static void take_tee_key(struct ear_reader *rd, const json_t *appraisal)
{
	json_t *evidence = member(appraisal, "ear_veraison_annotated_evidence");

	take_jwk(rd, "TEE key",
		 json_object_get(json_object_get(evidence, "runtime_data_claims"),
				 "tee-pubkey"));
}

/* ---- appraisals ---- */

/* Names of the new generation and of the old one. */
static void take_vector(struct ear_reader *rd, const json_t *vector,
			struct ear_vector *out)
{
	const char *name;
	json_t *value;

	if (!vector)
		return;
	if (!json_is_object(vector)) {
		fail(rd, TOBI_E_MALFORMED, "ear_trustworthiness_vector", "it is no map");
		return;
	}
	json_object_foreach((json_t *)vector, name, value)
	{
		size_t claim = 0;

		while (claim < AR4SI_CLAIMS && strcmp(ar4si_name(claim), name) != 0)
			claim++;
		if (claim == AR4SI_CLAIMS) {
			fail(rd, TOBI_E_MALFORMED, "ear_trustworthiness_vector",
			     "there is no such claim");
			return;
		}
		if (!json_is_integer(value) || json_integer_value(value) < INT8_MIN ||
		    json_integer_value(value) > INT8_MAX) {
			fail(rd, TOBI_E_MALFORMED, "ear_trustworthiness_vector",
			     "a value is not -128 to 127");
			return;
		}
		out->has[claim] = true;
		out->values[claim] = (int)json_integer_value(value);
	}
}

static enum ear_tier take_status(struct ear_reader *rd, const json_t *status)
{
	enum ear_tier tier = EAR_NONE;
	json_int_t value = json_integer_value(status);

	if (json_is_string(status) && ear_tier_read(json_string_value(status), &tier))
		return tier;
	/* CBOR, and JSON of Veraison: the number of the tier itself. */
	if (json_is_integer(status) &&
	    (value == EAR_NONE || value == EAR_AFFIRMING || value == EAR_WARNING ||
	     value == EAR_CONTRAINDICATED))
		return (enum ear_tier)value;
	fail(rd, TOBI_E_MALFORMED, "ear_status",
	     status ? "it is no tier" : "it is missing");
	return EAR_CONTRAINDICATED;
}

static void add_policy(struct ear_reader *rd, const json_t *policy,
		       struct ear_appraisal *appraisal)
{
	const char *copy;

	if (!json_is_string(policy) || appraisal->policy_count == EAR_POLICIES_MAX) {
		fail(rd, TOBI_E_MALFORMED, "ear_appraisal_policy_ids",
		     "they are no list of at most 16 texts");
		return;
	}
	copy = arena_text(rd->arena, bytes_of_text(json_string_value(policy)));
	if (!copy)
		fail(rd, TOBI_E_MEMORY, "ear_appraisal_policy_ids", "out of memory");
	appraisal->policies[appraisal->policy_count++] = copy ? copy : "";
}

static void take_policies(struct ear_reader *rd, const json_t *from,
			  struct ear_appraisal *appraisal)
{
	json_t *policies = member(from, "ear_appraisal_policy_ids"), *policy;
	json_t *one = json_object_get(from, "ear.appraisal-policy-id");
	size_t i;

	if (one)
		add_policy(rd, one, appraisal);
	else if (json_is_string(policies)) /* CBOR of the old generation */
		add_policy(rd, policies, appraisal);
	else if (policies && !json_is_array(policies))
		fail(rd, TOBI_E_MALFORMED, "ear_appraisal_policy_ids", "it is no list");
	else
		json_array_foreach(policies, i, policy) add_policy(rd, policy, appraisal);
}

/* ---- what Tobichi adds ---- */

static struct tobi_bytes take_hex(struct ear_reader *rd, const json_t *text)
{
	const char *digits = json_string_value(text);
	uint8_t bytes[BYTES_MAX];
	size_t size = digits ? strlen(digits) / 2 : 0;

	if (!size || size > sizeof(bytes) || !hex_read(digits, bytes, size))
		return (struct tobi_bytes){0};
	return arena_copy(rd->arena, (struct tobi_bytes){bytes, size});
}

static void take_tobichi(struct ear_reader *rd, const json_t *appraisal)
{
	struct ear_tobichi *out = &rd->ear->tobichi;
	json_t *own = json_object_get(appraisal, "tobichi"), *signer;
	size_t i;

	if (!json_is_object(own))
		return;
	/* Of two attesters there is no one image, nor are the signers of both one's. */
	if (out->found) {
		fail(rd, TOBI_E_MALFORMED, "tobichi", "it is there of two attesters");
		return;
	}
	out->found = true;
	out->image_id = take_hex(rd, json_object_get(own, "image"));
	json_array_foreach(json_object_get(own, "signers"), i, signer)
	{
		if (out->signer_count < sizeof(out->signers) / sizeof(out->signers[0]))
			out->signers[out->signer_count++] = take_hex(rd, signer);
	}
	out->tier = take_text(rd, own, "tier", false);
	out->evidence = take_text(rd, own, "evidence", false);
}

static void take_appraisal(struct ear_reader *rd, const char *name, const json_t *from)
{
	struct ear *ear = rd->ear;
	struct ear_appraisal *appraisal = &ear->appraisals[ear->appraisal_count];

	if (!json_is_object(from)) {
		fail(rd, TOBI_E_MALFORMED, "submods", "an appraisal is no map");
		return;
	}
	appraisal->name = arena_text(rd->arena, bytes_of_text(name));
	if (!appraisal->name)
		fail(rd, TOBI_E_MEMORY, "submods", "out of memory");
	/* Which of them would another reader take? */
	if (json_object_get(from, "ear_status") && json_object_get(from, "ear.status"))
		fail(rd, TOBI_E_MALFORMED, "ear_status",
		     "it is there in both generations");
	appraisal->status = take_status(rd, member(from, "ear_status"));
	take_vector(rd, member(from, "ear_trustworthiness_vector"), &appraisal->vector);
	take_policies(rd, from, appraisal);
	take_confirmation(rd, from);
	take_attested_key(rd, from);
	take_tee_key(rd, from);
	take_tobichi(rd, from);
	ear->appraisal_count++;
}

static void take_appraisals(struct ear_reader *rd)
{
	json_t *submods = json_object_get(rd->tree, "submods"), *appraisal;
	const char *name;

	if (!json_is_object(submods) || json_object_size(submods) == 0) {
		fail(rd, TOBI_E_MALFORMED, "submods", "there is no appraisal in it");
		return;
	}
	if (json_object_size(submods) > EAR_SUBMODS_MAX) {
		fail(rd, TOBI_E_LIMIT, "submods", "there are too many");
		return;
	}
	json_object_foreach(submods, name, appraisal)
	{
		if (!rd->err)
			take_appraisal(rd, name, appraisal);
	}
}

static void take_evidence(struct ear_reader *rd)
{
	json_t *raw = member(rd->tree, "ear_raw_evidence");

	if (!raw)
		return;
	if (!json_is_string(raw))
		fail(rd, TOBI_E_MALFORMED, "ear_raw_evidence", "it is no text");
	rd->ear->raw_evidence = json_string_length(raw) * 3 / 4;
}

static bool is_old_profile(const char *profile)
{
	return strcmp(profile, EAR_PROFILE_VERAISON) == 0 ||
	       strcmp(profile, EAR_PROFILE_TRUSTEE) == 0;
}

bool ear_is(const json_t *tree)
{
	const char *profile = json_string_value(json_object_get(tree, "eat_profile"));

	if (profile && (is_old_profile(profile) || strstr(profile, "rats/ear")))
		return true;
	return member(tree, "ear_verifier_id") != NULL;
}

enum tobi_err ear_read(const json_t *tree, struct arena *arena, struct ear *ret_ear,
		       struct tobi_fault *fault)
{
	struct ear *ear = arena_alloc(arena, sizeof(*ear));
	struct ear_reader rd = {tree, arena, ear, fault, TOBI_OK};
	json_t *verifier;

	if (!ear)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (!json_is_object(tree))
		return fault_set(fault, TOBI_E_MALFORMED, object, "", "it is no map");
	ear->profile = take_text(&rd, tree, "eat_profile", true);
	if (!rd.err) {
		ear->old = is_old_profile(ear->profile);
		if (!ear->old && strcmp(ear->profile, EAR_PROFILE_NEW) != 0)
			fail(&rd, TOBI_E_UNSUPPORTED, "eat_profile",
			     "it is no profile of an EAR that is known here");
	}
	ear->issued = take_time(&rd, "iat", true);
	ear->expires = take_time(&rd, "exp", false);
	ear->not_before = take_time(&rd, "nbf", false);
	ear->issuer = take_text(&rd, tree, "iss", false);
	verifier = member(tree, "ear_verifier_id");
	ear->developer = take_text(&rd, verifier, "developer", true);
	ear->build = take_text(&rd, verifier, "build", true);
	take_nonces(&rd);
	take_evidence(&rd);
	take_confirmation(&rd, tree);
	take_appraisals(&rd);
	if (!rd.err)
		*ret_ear = *ear;
	return rd.err;
}
