#include "tests/token_scene.h"

#include <stdio.h>

#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "token/claims_buffer.h"

static const char ear_policy[] = "ear:\n  policies: [agreed]\n";
static const char eat_policy[] = "eat:\n  sw-names: [firmware]\n";

static void make_certificates(struct token_scene *scene)
{
	struct cert_request ca = {.role = CERT_CA,
				  .common_name = "verifiers",
				  .not_before = TOKEN_NOW - 1000,
				  .not_after = TOKEN_NOW + 100000};
	struct cert_request leaf = {.role = CERT_TLS,
				    .common_name = "verifier",
				    .not_before = TOKEN_NOW - 1000,
				    .not_after = TOKEN_NOW + 100000,
				    .key = scene->signer};
	EVP_PKEY *ca_key = NULL;
	X509 *issuer = NULL;

	scene->ca = wr_init(LIMIT_PEM);
	scene->leaf = wr_init(LIMIT_PEM);
	assert_int_equal(key_new(KEY_P256, &ca_key, NULL), 0);
	ca.key = ca_key;
	assert_int_equal(cert_make(&ca, NULL, ca_key, &scene->ca, NULL), 0);
	assert_int_equal(chain_read_certificate(wr_view(&scene->ca), "ca", &issuer, NULL),
			 0);
	assert_int_equal(cert_make(&leaf, issuer, ca_key, &scene->leaf, NULL), 0);
	scene->chain[0] = wr_view(&scene->leaf);
	scene->chain[1] = wr_view(&scene->ca);
	X509_free(issuer);
	EVP_PKEY_free(ca_key);
}

static void make(struct token_scene *scene)
{
	*scene = (struct token_scene){.now = TOKEN_NOW, .roots = "key"};
	assert_int_equal(key_new(KEY_P256, &scene->signer, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &scene->other, NULL), 0);
	assert_int_equal(key_new(KEY_P384, &scene->attester, NULL), 0);
	assert_int_equal(key_spki_sha256(scene->attester, scene->attester_spki, NULL), 0);
	make_certificates(scene);
	scene->signs = scene->names = scene->signer;
}

void token_scene_ear(struct token_scene *scene)
{
	make(scene);
	scene->tier = "ear";
	scene->more = ear_policy;
	scene->claims = json_pack(
	    "{s:s, s:I, s:s, s:{s:s, s:s}, s:{s:o}, s:{s:{s:s, s:{s:i, s:i}, s:[s]}}}",
	    "eat_profile", "tag:ietf.org,2026:rats/ear#03", "iat",
	    (json_int_t)TOKEN_NOW - 10, "eat_nonce", "bm9uY2Vub25jZQ", "ear_verifier_id",
	    "developer", "https://verifier.example", "build", "v 1", "cnf", "jwk",
	    jwk_write(scene->attester), "submods", "cpu0", "ear_status", "affirming",
	    "ear_trustworthiness_vector", "hardware", 2, "executables", 3,
	    "ear_appraisal_policy_ids", "agreed");
	assert_non_null(scene->claims);
	scene->nonce = text_bytes("noncenonce");
}

void token_scene_eat(struct token_scene *scene)
{
	make(scene);
	scene->tier = "eat";
	scene->more = eat_policy;
	scene->form = TOKEN_CWT;
	scene->header = TOKEN_NAMES_KEY;
	scene->claims = json_pack(
	    "{s:s, s:I, s:s, s:s, s:i, s:s, s:s, s:[s], s:i, s:s}", "eat_profile",
	    "urn:ietf:rfc:rfc9711", "iat", (json_int_t)TOKEN_NOW - 10, "eat_nonce",
	    "bm9uY2Vub25jZQ", "ueid", "AXV1dXV1dXV1dXV1dXV1dXU", "oemid", 4711, "hwmodel",
	    "bW9kZWw", "swname", "firmware", "swversion", "1.0", "dbgstat", 1, "iss",
	    "maker");
	assert_non_null(scene->claims);
	scene->nonce = text_bytes("noncenonce");
}

void token_scene_done(struct token_scene *scene)
{
	EVP_PKEY_free(scene->signer);
	EVP_PKEY_free(scene->other);
	EVP_PKEY_free(scene->attester);
	json_decref(scene->claims);
	wr_done(&scene->ca);
	wr_done(&scene->leaf);
}

/* ---- CBOR of a tree; the keys are in the tests' order, not sorted ---- */

enum how { TEXT, BYTES_OF_64, MAP };
static const struct {
	const char *name;
	int64_t key;
	enum how how;
} labels[] = {
    {"iss", 1, TEXT},
    {"exp", 4, TEXT},
    {"nbf", 5, TEXT},
    {"iat", 6, TEXT},
    {"cnf", 8, MAP},
    {"eat_nonce", 10, BYTES_OF_64},
    {"ueid", 256, BYTES_OF_64},
    {"oemid", 258, BYTES_OF_64},
    {"hwmodel", 259, BYTES_OF_64},
    {"hwversion", 260, TEXT},
    {"dbgstat", 263, TEXT},
    {"eat_profile", 265, TEXT},
    {"submods", 266, MAP},
    {"swname", 270, TEXT},
    {"swversion", 271, TEXT},
    {"ear_status", 1000, TEXT},
    {"ear_trustworthiness_vector", 1001, MAP},
    {"ear_appraisal_policy_ids", 1003, TEXT},
    {"ear_verifier_id", 1004, MAP},
    {"developer", 0, TEXT},
    {"build", 1, TEXT},
    {"executables", 2, TEXT},
    {"hardware", 4, TEXT},
    {"jwk", 1, MAP},
    {"kty", 1, TEXT},
    {"crv", -1, TEXT},
    {"x", -2, BYTES_OF_64},
    {"y", -3, BYTES_OF_64},
};

static void put_text(const char *text, enum how how, struct writer *out)
{
	struct writer bytes = wr_init(LIMIT_TOKEN);

	if (how == BYTES_OF_64 && !base64url_read(text_bytes(text), "test", &bytes, NULL))
		cbor_write_bytes(out, wr_view(&bytes));
	else if (strcmp(text, "EC") == 0)
		cbor_write_uint(out, 2);
	else if (strcmp(text, "P-384") == 0)
		cbor_write_uint(out, 2);
	else if (strcmp(text, "affirming") == 0)
		cbor_write_uint(out, 2);
	else
		cbor_write_text(out, text);
	wr_done(&bytes);
}

/* NOLINTNEXTLINE(misc-no-recursion): trees of the tests' own. */
static void put_value(const json_t *value, enum how how, struct writer *out)
{
	json_t *item;
	const char *name;
	size_t i;

	if (json_is_string(value)) {
		put_text(json_string_value(value), how, out);
	} else if (json_is_integer(value)) {
		cbor_write_int(out, json_integer_value(value));
	} else if (json_is_array(value)) {
		cbor_write_array(out, json_array_size(value));
		json_array_foreach(value, i, item) put_value(item, how, out);
	} else {
		cbor_write_map(out, json_object_size(value));
		json_object_foreach((json_t *)value, name, item)
		{
			size_t row = 0, count = sizeof(labels) / sizeof(labels[0]);

			while (row < count && strcmp(labels[row].name, name) != 0)
				row++;
			if (row < count)
				cbor_write_int(out, labels[row].key);
			else
				cbor_write_text(out, name);
			put_value(item, row < count ? labels[row].how : TEXT, out);
		}
	}
}

void token_scene_cbor(const json_t *claims, struct writer *out)
{
	put_value(claims, MAP, out);
}

void token_scene_sign(const struct token_scene *scene, struct tobi_bytes payload,
		      struct writer *out)
{
	bool chain = scene->header == TOKEN_HAS_CHAIN;
	bool named = scene->header == TOKEN_NAMES_KEY;
	json_t *jwk = named ? jwk_write(scene->names) : NULL;
	uint8_t kid[SHA256_SIZE];
	struct cose_signer signer;

	assert_int_equal(cose_signer_for_key(scene->signs, &signer, NULL), 0);
	assert_int_equal(key_spki_sha256(scene->names, kid, NULL), 0);
	if (scene->form == TOKEN_JWT) {
		struct jws_headers headers = {.typ = "JWT",
					      .jwk = jwk,
					      .x5chain = scene->chain,
					      .x5chain_count = chain ? 1 : 0};

		assert_int_equal(jws_write(out, &signer, &headers, payload, NULL), 0);
	} else {
		struct cose_headers headers = {.x5chain = scene->chain,
					       .x5chain_count = chain ? 1 : 0};

		if (named)
			headers.kid = (struct tobi_bytes){kid, sizeof(kid)};
		assert_int_equal(cose_write(out, &signer, &headers, payload, false, NULL),
				 0);
	}
	json_decref(jwk);
}

void token_scene_write(struct token_scene *scene, struct writer *out)
{
	struct writer payload = wr_init(LIMIT_EVIDENCE);

	if (scene->form == TOKEN_JWT)
		assert_int_equal(json_write(scene->claims, false, &payload, NULL), 0);
	else
		token_scene_cbor(scene->claims, &payload);
	token_scene_sign(scene, wr_view(&payload), out);
	wr_done(&payload);
}

static void put_pem(struct writer *out, struct tobi_bytes pem)
{
	for (size_t i = 0; i < pem.size; i++) {
		if (i == 0 || pem.ptr[i - 1] == '\n')
			wr_printf(out, "      ");
		wr_u8(out, pem.ptr[i]);
	}
}

void token_scene_policy(const struct token_scene *scene, struct writer *out)
{
	struct writer pem = wr_init(LIMIT_PEM);
	bool both = strcmp(scene->roots, "both") == 0;

	if (both || strcmp(scene->roots, "key") == 0)
		assert_int_equal(key_write_public(scene->signer, &pem, NULL), 0);
	if (both || strcmp(scene->roots, "ca") == 0)
		assert_int_equal(chain_write_pem(wr_view(&scene->ca), &pem, NULL), 0);
	wr_printf(out, "version: 1\ntiers: [%s]\nidentity: {mode: any-instance}\n",
		  scene->tier);
	if (pem.size) {
		wr_printf(out, "roots:\n  - tier: %s\n    anchors: |\n", scene->tier);
		put_pem(out, wr_view(&pem));
	}
	wr_printf(out, "%s", scene->more);
	wr_done(&pem);
}

enum tobi_err token_scene_try(struct token_scene *scene, struct tobi_bytes evidence,
			      struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_verify_request request = {.evidence = evidence,
					      .nonce = scene->nonce,
					      .time = scene->now,
					      .pieces = scene->pieces,
					      .piece_count = scene->piece_count};
	struct tobi_fault wrong = {0};
	enum tobi_err err;

	token_scene_policy(scene, &yaml);
	if (tobi_policy_parse(wr_view(&yaml), "test.yaml", &policy, &wrong))
		fail_msg("%s: %s\n%.*s", wrong.field, wrong.message, (int)yaml.size,
			 (const char *)yaml.ptr);
	err = tobi_verify(policy, &request, ret_result, fault);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

void token_scene_claims(const struct token_scene *scene, bool own_key, struct writer *out)
{
	uint8_t hash[SHA256_SIZE];

	assert_int_equal(
	    key_spki_sha256(own_key ? scene->attester : scene->other, hash, NULL), 0);
	claims_buffer_write(out, scene->nonce, hash, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
}

enum tobi_err token_scene_collect(struct token_scene *scene, struct cmw_record evidence,
				  struct tobi_bytes claims, const struct cmw_record *more,
				  struct tobi_result **ret_result)
{
	struct writer token = wr_init(65536), all = wr_init(1 << 20);
	struct cmw_record records[3] = {0};
	size_t count = 0;
	enum tobi_err err;

	token_scene_write(scene, &token);
	if (!evidence.value.size)
		evidence.value = wr_view(&token);
	/* In the order of their keys: "cpu", "claims", "result". */
	if (more)
		records[count++] = *more;
	if (evidence.key.size < 6)
		records[count++] = evidence;
	records[count++] = (struct cmw_record){
	    text_bytes("claims"), text_bytes(CMW_TYPE_CLAIMS), 0, claims, CMW_EVIDENCE};
	if (evidence.key.size >= 6)
		records[count++] = evidence;
	cmw_write(&all, records, count);
	err = token_scene_try(scene, wr_view(&all), ret_result, NULL);
	wr_done(&token);
	wr_done(&all);
	token_scene_done(scene);
	return err;
}

struct tobi_result *token_scene_appraise(struct token_scene *scene)
{
	struct writer token = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	token_scene_write(scene, &token);
	if (token_scene_try(scene, wr_view(&token), &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&token);
	return result;
}

void token_scene_refused(struct tobi_result *result, const char *code)
{
	size_t i = 0;

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	while (tobi_result_check(result, i) &&
	       tobi_result_check(result, i)->outcome != TOBI_FAILED)
		i++;
	assert_non_null(tobi_result_check(result, i));
	assert_string_equal(tobi_result_check(result, i)->code, code);
	tobi_result_free(result);
}
