/* Replies of the key-broker protocol (docs/PROTOCOL.md section 18.1.7). */
#ifndef TOBI_BROKER_KBS_REPLY_H
#define TOBI_BROKER_KBS_REPLY_H

#include "broker/http.h"
#include "broker/kbs_session.h"

/* What clients tell apart; they repeat all of it after 401, and stop at 404. */
enum kbs_error {
	KBS_ATTESTATION,
	KBS_TOKEN_NOT_FOUND,
	KBS_TOKEN_VERIFIER,
	KBS_POLICY_DENY,
	KBS_JWE,
	KBS_PLUGIN_NOT_FOUND,
	KBS_INVALID_PATH,
	KBS_ADMIN,
	KBS_PLUGIN_INTERNAL,
	KBS_PARSE_POLICY,
};

/* TOBI_OK, or what of making it failed. The text may quote what came. */
TOBI_MUST_USE enum tobi_err kbs_refuse(struct broker_reply *reply, enum kbs_error error,
				       const char *format, ...) TOBI_PRINTF(3, 4);
/* kbs_refuse() with the fault's text, when it is about what the client has sent; the
 * broker's own failures are handed on. */
TOBI_MUST_USE enum tobi_err kbs_refuse_fault(struct broker_reply *reply,
					     enum kbs_error error, enum tobi_err err,
					     const struct tobi_fault *fault);
/* Sets the cookie of a session that is over then. */
TOBI_MUST_USE enum tobi_err kbs_set_cookie(struct broker_reply *reply,
					   const struct kbs_session *session,
					   int64_t expires);

#endif
