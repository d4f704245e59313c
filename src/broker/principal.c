#include "broker/principal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/owners.h"
#include "broker/route.h"
#include "token/request_token.h"
#include "broker/store.h"
#include "broker/used_tokens.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"

enum {
	TOKEN_MAX = 4096,
	TARGET_MAX = 2 * LIMIT_PATH,
};

static enum tobi_err deny(const char *why, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_DENIED, "request", "authorization", "%s", why);
}

/* ---- the token ---- */

struct token {
	struct jws jws;
	json_t *claims;
};

static void token_done(struct token *token)
{
	jws_done(&token->jws);
	json_decref(token->claims);
}

/* NULL when it is not there, or no text. */
static const char *text_of(const struct token *token, const char *name)
{
	return json_string_value(json_object_get(token->claims, name));
}

static bool integer_of(const struct token *token, const char *name, int64_t *ret_value)
{
	const json_t *member = json_object_get(token->claims, name);

	*ret_value = json_integer_value(member);
	return json_is_integer(member) && *ret_value >= 0;
}

static enum tobi_err read_token(const char *header, struct token *token,
				struct tobi_fault *fault)
{
	static const char scheme[] = "Bearer ";
	const size_t start = sizeof(scheme) - 1;
	struct tobi_bytes bytes;

	if (strncasecmp(header, scheme, start) != 0 ||
	    strnlen(header, TOKEN_MAX) == TOKEN_MAX)
		return deny("a bearer token is needed, of less than 4 KiB", fault);
	bytes = bytes_of_text(header + start);
	if (jws_parse(bytes, "request", &token->jws, NULL))
		return deny("the token is none of RFC 7515", fault);
	/* What a key signs for another purpose is no request. */
	if (!token->jws.typ || strcmp(token->jws.typ, REQUEST_TOKEN_TYPE) != 0 ||
	    (token->jws.alg != COSE_ES256 && token->jws.alg != COSE_ES384 &&
	     token->jws.alg != COSE_EDDSA))
		return deny("the token is no signed request", fault);
	if (json_parse(token->jws.payload, TOKEN_MAX, "request", &token->claims, NULL) ||
	    !json_is_object(token->claims))
		return deny("the token's claims are no JSON object", fault);
	return TOBI_OK;
}

static enum tobi_err check_times(const struct token *token, int64_t now,
				 struct tobi_fault *fault)
{
	int64_t issued, expires;

	if (!integer_of(token, "iat", &issued) || !integer_of(token, "exp", &expires))
		return deny("the token has no times", fault);
	if (expires < issued || expires - issued > REQUEST_TOKEN_SECONDS)
		return deny("the token counts for too long", fault);
	if (issued > now && issued - now > USED_TOKENS_SKEW_SECONDS)
		return deny("the token is of the future; compare the clocks", fault);
	return expires <= now ? deny("the token has expired; compare the clocks", fault)
			      : TOBI_OK;
}

/* Whom it was signed for. */
static bool is_for(const struct broker *broker, const struct broker_request *request,
		   const char *audience)
{
	const char *const *hosts = broker->setup.hosts;
	const char *host = request->header(request, "host");

	if (!hosts)
		return host && strcasecmp(host, audience) == 0;
	for (; *hosts; hosts++) {
		if (strcasecmp(*hosts, audience) == 0)
			return true;
	}
	return false;
}

static bool is_target(const struct broker_request *request, const char *target)
{
	char whole[TARGET_MAX];
	bool query = request->query && request->query[0];
	int size = snprintf(whole, sizeof(whole), "%s%s%s", request->path,
			    query ? "?" : "", query ? request->query : "");

	return size > 0 && size < TARGET_MAX && strcmp(whole, target) == 0;
}

static bool is_body(const struct broker_request *request, const char *hash)
{
	CLEANUP(wr_done) struct writer text = wr_init(64);
	uint8_t found[SHA256_SIZE];

	if (hash_sha256(request->body, found))
		return false;
	base64url_write(&text, (struct tobi_bytes){found, sizeof(found)});
	return !wr_err(&text) && bytes_equal_text(wr_view(&text), hash);
}

/* That it was signed for just this request. */
static enum tobi_err check_request(const struct broker *broker,
				   const struct broker_request *request,
				   const struct token *token, struct tobi_fault *fault)
{
	const char *method = text_of(token, "htm"), *target = text_of(token, "htu");
	const char *body = text_of(token, "body-sha256");
	const char *audience = text_of(token, "aud");

	if (!method || strcmp(method, route_method(request->method)) != 0)
		return deny("the token is for another method", fault);
	if (!target || !is_target(request, target))
		return deny("the token is for another path", fault);
	if (!body || !is_body(request, body))
		return deny("the token is for another body", fault);
	if (!audience || !is_for(broker, request, audience))
		return deny("the token is for another broker", fault);
	return TOBI_OK;
}

static enum tobi_err check_signature(struct broker *broker, const struct token *token,
				     struct principal *ret_principal,
				     struct tobi_fault *fault)
{
	const char *issuer = text_of(token, "iss");
	CLEANUP(wr_done) struct writer spki = wr_init(OWNER_SPKI_MAX);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	uint8_t id[PRINCIPAL_ID_SIZE];
	enum tobi_err err;

	if (!issuer || !hex_read(issuer, id, sizeof(id)))
		return deny("the token names no key", fault);
	err = owner_by_key(broker, id, ret_principal, &spki, fault);
	if (err == TOBI_E_NOT_FOUND)
		return deny("nobody here has this key", fault);
	if (!err)
		err = key_read_spki(wr_view(&spki), "key", &key, fault);
	if (err)
		return err;
	return jws_verify(&token->jws, key, "request", NULL)
		   ? deny("the token's signature does not verify", fault)
		   : TOBI_OK;
}

/* ---- once only ---- */

static enum tobi_err use_up(struct broker *broker, const struct principal *principal,
			    const struct token *token, int64_t now,
			    struct tobi_fault *fault)
{
	const char *number = text_of(token, "jti");
	CLEANUP(wr_done) struct writer both = wr_init(PRINCIPAL_ID_SIZE + TOKEN_MAX);
	uint8_t id[SHA256_SIZE];
	int64_t expires = 0;
	enum tobi_err err;

	if (!number || strlen(number) < REQUEST_TOKEN_NUMBER_MIN)
		return deny("the token has no number of its own", fault);
	wr_bytes(&both, principal->id, sizeof(principal->id));
	wr_bytes(&both, number, strlen(number));
	if (wr_err(&both) || hash_sha256(wr_view(&both), id))
		return fault_set(fault, TOBI_E_CRYPTO, "request", "", "cannot be hashed");
	integer_of(token, "exp", &expires);
	err = used_tokens_add(broker, id, expires, now, fault);
	return err == TOBI_E_EXISTS ? deny("the token was used before", fault) : err;
}

static enum tobi_err by_token(struct broker *broker, const struct broker_request *request,
			      const char *header, struct principal *ret_principal,
			      struct tobi_fault *fault)
{
	CLEANUP(token_done) struct token token = {0};
	struct principal principal = {0};
	enum tobi_err err = read_token(header, &token, fault);

	if (!err)
		err = check_signature(broker, &token, &principal, fault);
	if (!err)
		err = check_times(&token, request->now, fault);
	if (!err)
		err = check_request(broker, request, &token, fault);
	if (!err)
		err = use_up(broker, &principal, &token, request->now, fault);
	if (!err)
		*ret_principal = principal;
	return err;
}

static enum tobi_err by_certificate(struct broker *broker, const uint8_t *key,
				    struct principal *ret_principal,
				    struct tobi_fault *fault)
{
	enum tobi_err err;

	if (!key)
		return deny("the request is not signed", fault);
	err = owner_by_key(broker, key, ret_principal, NULL, fault);
	return err == TOBI_E_NOT_FOUND
		   ? deny("nobody here has this certificate's key", fault)
		   : err;
}

enum tobi_err principal_of(struct broker *broker, const struct broker_request *request,
			   struct principal *ret_principal, struct tobi_fault *fault)
{
	const char *header = request->header(request, "authorization");
	struct tobi_fault why = {0};
	enum tobi_err err =
	    header ? by_token(broker, request, header, ret_principal, &why)
		   : by_certificate(broker, request->client_key, ret_principal, &why);

	if (err && fault)
		*fault = why;
	/* What a database denies it denies to the broker. */
	return store_failed(err, &why) ? TOBI_E_SYSTEM : err;
}
