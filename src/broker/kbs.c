/*
 * The key-broker protocol of Confidential Containers (docs/PROTOCOL.md section 18.1):
 * request, challenge, attestation, and a secret for the key that the evidence names.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "broker/broker.h"
#include "broker/kbs_reply.h"
#include "broker/kbs_request.h"
#include "broker/kbs_store.h"
#include "broker/kbs_token.h"
#include "broker/keyring.h"
#include "broker/release.h"
#include "codec/json.h"
#include "codec/jwe.h"

#define RESOURCES "/kbs/v0/resource/"

enum { ARENA_MAX = 4 * LIMIT_KBS_BODY };

int64_t kbs_session_seconds(const struct broker *broker)
{
	return broker->setup.session_seconds > 0 ? broker->setup.session_seconds
						 : KBS_SESSION_SECONDS;
}

enum tobi_err kbs_nonce_of(struct broker *broker, const struct kbs_session *session,
			   char ret_nonce[static KBS_NONCE_TEXT],
			   struct tobi_fault *fault)
{
	uint8_t key[32];
	enum tobi_err err = keyring_derive(broker->keyring, "challenge", key, fault);

	if (!err)
		err = kbs_session_nonce(session, key, ret_nonce, fault);
	explicit_bzero(key, sizeof(key));
	return err;
}

/* ---- request and challenge ---- */

static enum tobi_err handle_auth(struct broker *broker,
				 const struct broker_request *request,
				 struct broker_reply *reply, struct tobi_fault *fault)
{
	enum kbs_tee tee = KBS_TEE_NONE;
	struct kbs_session session;
	char nonce[KBS_NONCE_TEXT];
	struct tobi_fault why = {0};
	enum tobi_err err = kbs_request_read(request->body, &tee, &why);

	if (err)
		return kbs_refuse_fault(reply, KBS_ATTESTATION, err, &why);
	err = kbs_session_new(tee, request->now, &session, fault);
	if (!err)
		err = kbs_nonce_of(broker, &session, nonce, fault);
	if (err)
		return err;
	reply->content_type = "application/json";
	wr_printf(&reply->body, "{\"nonce\":\"%s\",\"extra-params\":\"\"}", nonce);
	return wr_err(&reply->body)
		   ? wr_err(&reply->body)
		   : kbs_set_cookie(reply, &session,
				    request->now + kbs_session_seconds(broker));
}

/* ---- a resource ---- */

/* By its token, or by its cookie. *ret_found false: the reply says why. */
static enum tobi_err find_session(const struct broker *broker,
				  const struct broker_request *request,
				  struct broker_reply *reply,
				  struct kbs_session *ret_session, bool *ret_found)
{
	static const char bearer[] = "bearer ";
	const char *authorization = request->header(request, "authorization");
	struct tobi_fault why = {0};
	enum tobi_err err;

	*ret_found = false;
	if (authorization) {
		if (strncasecmp(authorization, bearer, strlen(bearer)) != 0)
			return kbs_refuse(reply, KBS_TOKEN_NOT_FOUND,
					  "there is no token of a session");
		err = kbs_token_read(broker, authorization + strlen(bearer), request->now,
				     ret_session, &why);
		if (err)
			return kbs_refuse_fault(reply, KBS_TOKEN_VERIFIER, err, &why);
	} else if (!kbs_session_cookie(request->header(request, "cookie"), ret_session)) {
		return kbs_refuse(reply, KBS_TOKEN_NOT_FOUND,
				  "there is neither a session nor a token");
	}
	*ret_found = true;
	return TOBI_OK;
}

static enum tobi_err deny(struct broker_reply *reply)
{
	return kbs_refuse(reply, KBS_POLICY_DENY, "access is denied");
}

static enum tobi_err encrypt(struct tobi_bytes jwk_text, struct tobi_bytes secret,
			     struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *jwk = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err = json_parse(jwk_text, LIMIT_JSON, "tee-pubkey", &jwk, fault);

	if (!err)
		err = kbs_key_read(jwk, &key, fault);
	if (err)
		return err;
	reply->content_type = "application/json";
	reply->secret = true;
	return jwe_encrypt(key, secret, &reply->body, fault);
}

static enum tobi_err release(struct broker *broker, const struct broker_request *request,
			     const struct kbs_session *session,
			     const struct kbs_kept *kept, struct broker_reply *reply,
			     struct tobi_fault *fault)
{
	const struct presented presented = {
	    .evidence = kept->evidence,
	    .pieces = kept->pieces,
	    .piece_count = kept->piece_count,
	    .nonce = kept->nonce,
	    .device_nonce = kept->device_nonce,
	    .config_unknown = kept->config_unknown,
	    .remote = request->remote,
	    .channel = "kbs",
	};
	struct resource_name name;
	struct release given = {.outcome = RELEASE_DENIED};
	enum tobi_err err =
	    resource_name_read(request->path + strlen(RESOURCES), &name, fault);

	if (!err)
		err = broker_release(broker, &name, 0, &presented, &given, fault);
	if (!err && given.outcome == RELEASE_GIVEN)
		err = encrypt(kept->jwk, secret_view(&given.secret), reply, fault);
	else if (!err)
		err = kbs_store_count_denial(broker, session, fault);
	secret_done(&given.secret);
	if (err || given.outcome == RELEASE_GIVEN)
		return err;
	return deny(reply);
}

static enum tobi_err handle_resource(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	struct arena arena = arena_init(ARENA_MAX);
	struct kbs_session session;
	struct resource_name name;
	struct kbs_kept kept = {0};
	bool found = false;
	enum tobi_err err;

	/* A path that can name nothing: said to anybody, as it says nothing. */
	if (resource_name_read(request->path + strlen(RESOURCES), &name, NULL))
		return kbs_refuse(reply, KBS_INVALID_PATH,
				  "a resource is repository/type/tag");
	err = find_session(broker, request, reply, &session, &found);
	if (err || !found)
		return err;
	err = kbs_store_find(broker, &session, request->now, &arena, &kept, fault);
	if (err == TOBI_E_NOT_FOUND)
		err = kbs_refuse(reply, KBS_ATTESTATION,
				 "the session was not attested, or is over");
	else if (!err && kept.denials >= KBS_DENIALS_MAX)
		err = deny(reply);
	else if (!err)
		err = release(broker, request, &session, &kept, reply, fault);
	arena_done(&arena);
	return err;
}

/* Nothing is given out in clear: there are no plugins. */
static enum tobi_err handle_other(struct broker *broker,
				  const struct broker_request *request,
				  struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker;
	(void)request;
	(void)fault;
	return kbs_refuse(reply, KBS_PLUGIN_NOT_FOUND, "there is no such plugin");
}

const struct broker_route kbs_routes[] = {
    {HTTP_POST, "/kbs/v0/auth", ROUTE_OPEN, LIMIT_KBS_REQUEST, handle_auth, "kbs-auth"},
    {HTTP_POST, "/kbs/v0/attest", ROUTE_OPEN, LIMIT_KBS_BODY, kbs_handle_attest,
     "kbs-attest"},
    {HTTP_GET, RESOURCES "{}/{}/{}", ROUTE_OPEN, 0, handle_resource, "kbs-resource"},
    {HTTP_POST | HTTP_PUT, RESOURCES "{}/{}/{}", ROUTE_OWNER, LIMIT_SECRET,
     kbs_handle_store, "kbs-store"},
    {HTTP_DELETE, RESOURCES "{}/{}/{}", ROUTE_OWNER, 0, kbs_handle_delete, "kbs-delete"},
    {HTTP_POST, "/kbs/v0/resource-policy", ROUTE_OWNER, LIMIT_POLICY, kbs_handle_policy,
     "kbs-policy"},
    {HTTP_POST, "/kbs/v0/attestation-policy", ROUTE_OWNER, LIMIT_POLICY,
     kbs_handle_policy, "kbs-policy"},
    {HTTP_POST, "/kbs/v0/reference-value", ROUTE_OWNER, LIMIT_POLICY, kbs_handle_policy,
     "kbs-policy"},
    {HTTP_GET, "/kbs/v0/{...}", ROUTE_OPEN, 0, handle_other, "kbs-other"},
    {0},
};
