/* Evidence is handed in: what is handed out is a token, and the session is kept. */
#include <string.h>

#include "appraise/appraise.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/broker.h"
#include "broker/decision.h"
#include "broker/evidence.h"
#include "broker/kbs_init_data.h"
#include "broker/kbs_reply.h"
#include "broker/kbs_request.h"
#include "broker/kbs_store.h"
#include "broker/kbs_token.h"
#include "codec/json.h"

static const char object[] = "attestation";

enum { ARENA_MAX = 4 * LIMIT_KBS_BODY, JWK_MAX = 16 << 10, TOKEN_SECONDS = 300 };

struct attesting {
	struct broker *broker;
	const struct broker_request *request;
	struct kbs_session session;
	struct kbs_attestation attestation;
	struct kbs_lists lists;
	struct arena arena;
	struct kbs_evidence evidence;
	struct kbs_init_data init_data;
	uint8_t data[KBS_REPORT_DATA_SIZE], device_data[KBS_REPORT_DATA_SIZE];
	struct tobi_result *result; /* or NULL */
	int64_t expires;
};

static void attesting_done(struct attesting *attesting)
{
	kbs_attestation_done(&attesting->attestation);
	arena_done(&attesting->arena);
	tobi_result_free(attesting->result);
}

static bool config_unknown(const struct attesting *attesting)
{
	const struct kbs_evidence *evidence = &attesting->evidence;

	return !attesting->init_data.size && !snp_is_zero(evidence->config);
}

/* A device's field has 32 bytes. */
static struct tobi_bytes device_nonce(const struct attesting *attesting)
{
	return attesting->evidence.has_devices
		   ? (struct tobi_bytes){attesting->device_data, KBS_SHORT_SIZE}
		   : (struct tobi_bytes){0};
}

/* ---- is it about this session, and this key? ---- */

/* Whoever knows the nonce of a session has it from this broker. */
static enum tobi_err check_nonce(struct attesting *attesting, struct tobi_fault *fault)
{
	char nonce[KBS_NONCE_TEXT];
	enum tobi_err err =
	    kbs_nonce_of(attesting->broker, &attesting->session, nonce, fault);

	if (err)
		return err;
	return bytes_equal_secret(bytes_of_text(nonce),
				  bytes_of_text(attesting->attestation.nonce))
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MISMATCH, object, "nonce",
			       "it is not the session's");
}

static enum tobi_err check_key(const struct attesting *attesting,
			       struct tobi_fault *fault)
{
	EVP_PKEY *key = NULL;
	enum tobi_err err = kbs_key_read(attesting->attestation.jwk, &key, fault);

	EVP_PKEY_free(key);
	return err;
}

/* Not proven before a signature over it is: that is the appraisal's. But what is bound to
 * something else would be denied everywhere. */
static enum tobi_err check_binding(struct attesting *attesting, struct tobi_fault *fault)
{
	const struct kbs_attestation *said = &attesting->attestation;
	struct tobi_bytes bound = attesting->evidence.bound;
	enum tobi_err err = kbs_binding_primary(said->nonce, said->jwk, said->additional,
						attesting->data, fault);

	if (!err)
		err = kbs_binding_devices(said->nonce, said->jwk, attesting->device_data,
					  fault);
	if (err)
		return err;
	if (bound.size < KBS_SHORT_SIZE || bound.size > KBS_REPORT_DATA_SIZE ||
	    !bytes_equal(bound, (struct tobi_bytes){attesting->data, bound.size}))
		return fault_set(fault, TOBI_E_MISMATCH, object, "tee-evidence",
				 "it is not bound to this nonce, this key and this "
				 "additional evidence");
	return TOBI_OK;
}

static enum tobi_err check_init_data(struct attesting *attesting,
				     struct tobi_fault *fault)
{
	const struct kbs_evidence *evidence = &attesting->evidence;
	enum tobi_err err = kbs_init_data_read(attesting->attestation.init_data,
					       &attesting->init_data, fault);

	if (err || !attesting->init_data.size)
		return err;
	if (!evidence->config_name)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "init-data",
				 "evidence of this platform has no field for it");
	return kbs_init_data_is_in(&attesting->init_data, evidence->config,
				   evidence->config_extends)
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MISMATCH, object, "init-data",
			       "%s is not of it", evidence->config_name);
}

/* What was read ahead changes nothing of what is accepted; what is wrong is said of the
 * text as it came. */
static enum tobi_err read_said(struct attesting *attesting, struct tobi_fault *fault)
{
	struct tobi_bytes body = attesting->request->body, text = body;
	enum tobi_err err = TOBI_OK;

	if (kbs_tee_has_lists(attesting->session.tee))
		err = kbs_lists_take(body, &attesting->arena, &attesting->lists, &text);
	if (err)
		return fault_set(fault, err, object, "", "out of memory");
	if (attesting->lists.count &&
	    !kbs_attestation_read(text, &attesting->attestation, NULL))
		return TOBI_OK;
	attesting->lists.count = 0;
	return kbs_attestation_read(body, &attesting->attestation, fault);
}

static enum tobi_err read_all(struct attesting *attesting, struct tobi_fault *fault)
{
	struct kbs_attestation *said = &attesting->attestation;
	enum tobi_err err = read_said(attesting, fault);

	if (!err)
		err = check_nonce(attesting, fault);
	if (!err)
		err = check_key(attesting, fault);
	if (!err)
		err = kbs_evidence_read(attesting->session.tee, said->primary,
					&attesting->lists, said->additional,
					&attesting->arena, &attesting->evidence, fault);
	if (!err)
		err = check_binding(attesting, fault);
	return err ? err : check_init_data(attesting, fault);
}

/* ---- whose evidence is taken at all ---- */

static enum tobi_err log_decision(const struct attesting *attesting,
				  struct tobi_fault *fault)
{
	const struct tobi_result *result = attesting->result;
	const struct decision decision = {
	    .kind = DECISION_ATTEST,
	    .time = attesting->request->now,
	    .accepted = result->verdict == TOBI_ACCEPT,
	    .remote = attesting->request->remote,
	    .channel = "kbs",
	    .action = "attest",
	    .reason = result->reason,
	    .evidence = attesting->evidence.evidence,
	    .result = result,
	};

	return decision_log_append(attesting->broker->log, &decision, NULL, fault);
}

/* Nothing is given out for it: each resource has a policy of its own. */
static enum tobi_err appraise_entry(struct attesting *attesting, struct tobi_fault *fault)
{
	const struct broker_setup *setup = &attesting->broker->setup;
	const struct kbs_evidence *evidence = &attesting->evidence;
	const struct presented presented = {
	    .evidence = evidence->evidence,
	    .pieces = evidence->pieces,
	    .piece_count = evidence->piece_count,
	    .nonce = {attesting->data, evidence->nonce_size},
	    .device_nonce = device_nonce(attesting),
	    .config_unknown = config_unknown(attesting),
	};
	enum tobi_err err;

	if (!setup->entry)
		return TOBI_OK;
	err = broker_appraise(setup->entry, setup->collateral, &presented,
			      attesting->request->now, &attesting->result, fault);
	if (!err)
		err = log_decision(attesting, fault);
	if (err)
		return err;
	return attesting->result->verdict == TOBI_ACCEPT
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_REFUSED, object, "tee-evidence",
			       "it was refused");
}

/* ---- what is kept, and what is handed out ---- */

static enum tobi_err write_token(const struct attesting *attesting, struct writer *out,
				 struct tobi_fault *fault)
{
	const int64_t now = attesting->request->now;
	const struct kbs_token token = {
	    .session = &attesting->session,
	    .issued = now,
	    .expires = attesting->expires < now + TOKEN_SECONDS ? attesting->expires
								: now + TOKEN_SECONDS,
	    .nonce = attesting->attestation.nonce,
	    .jwk = attesting->attestation.jwk,
	    .bound = attesting->evidence.bound,
	    .init_data = &attesting->init_data,
	    .result = attesting->result,
	};

	return kbs_token_write(attesting->broker, &token, out, fault);
}

static enum tobi_err keep(struct attesting *attesting, struct tobi_bytes token,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer jwk = wr_init(JWK_MAX);
	const struct kbs_evidence *evidence = &attesting->evidence;
	struct kbs_kept kept = {
	    .expires = attesting->expires,
	    .nonce = {attesting->data, evidence->nonce_size},
	    .device_nonce = device_nonce(attesting),
	    .evidence = evidence->evidence,
	    .piece_count = evidence->piece_count,
	    .config_unknown = config_unknown(attesting),
	    .token = token,
	};
	enum tobi_err err = json_write(attesting->attestation.jwk, false, &jwk, fault);

	if (err)
		return err;
	kept.jwk = wr_view(&jwk);
	for (size_t i = 0; i < kept.piece_count; i++)
		kept.pieces[i] = evidence->pieces[i];
	return kbs_store_add(attesting->broker, &attesting->session, &kept,
			     attesting->request->now, fault);
}

static enum tobi_err answer(const struct kbs_session *session, struct tobi_bytes token,
			    int64_t expires, struct broker_reply *reply)
{
	reply->content_type = "application/json";
	reply->secret = true;
	/* A token is base64url and dots. */
	wr_printf(&reply->body, "{\"token\":\"");
	wr_bytes(&reply->body, token.ptr, token.size);
	wr_printf(&reply->body, "\"}");
	return wr_err(&reply->body) ? wr_err(&reply->body)
				    : kbs_set_cookie(reply, session, expires);
}

/* A session has one token: who has its cookie gets that, and no other. */
static enum tobi_err answer_again(struct attesting *attesting, struct broker_reply *reply,
				  struct tobi_fault *fault)
{
	struct kbs_kept kept = {0};
	enum tobi_err err =
	    kbs_store_find(attesting->broker, &attesting->session,
			   attesting->request->now, &attesting->arena, &kept, fault);

	return err ? err : answer(&attesting->session, kept.token, kept.expires, reply);
}

static enum tobi_err attest(struct attesting *attesting, struct broker_reply *reply,
			    struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_KBS_TOKEN);
	enum tobi_err err = answer_again(attesting, reply, fault);

	if (err != TOBI_E_NOT_FOUND)
		return err;
	err = read_all(attesting, fault);
	if (!err)
		err = appraise_entry(attesting, fault);
	if (!err)
		err = write_token(attesting, &token, fault);
	if (!err)
		err = keep(attesting, wr_view(&token), fault);
	/* Another request of the same session was faster. */
	if (err == TOBI_E_EXISTS)
		return answer_again(attesting, reply, fault);
	return err ? err
		   : answer(&attesting->session, wr_view(&token), attesting->expires,
			    reply);
}

enum tobi_err kbs_handle_attest(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	const int64_t seconds = kbs_session_seconds(broker);
	CLEANUP(attesting_done)
	struct attesting attesting = {.broker = broker,
				      .request = request,
				      .arena = arena_init(ARENA_MAX),
				      .expires = request->now + seconds};
	struct tobi_fault why = {0};
	enum tobi_err err;

	if (!kbs_session_cookie(request->header(request, "cookie"), &attesting.session))
		return kbs_refuse(reply, KBS_ATTESTATION, "there is no session");
	if (!kbs_session_lives(&attesting.session, seconds, request->now))
		return kbs_refuse(reply, KBS_ATTESTATION, "the session is over");
	err = attest(&attesting, reply, &why);
	if (!err)
		return TOBI_OK;
	if (fault)
		*fault = why;
	return kbs_refuse_fault(reply, KBS_ATTESTATION, err, &why);
}
