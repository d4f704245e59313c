/*
 * The token that says that a session was attested (docs/PROTOCOL.md section 18.1.6): an
 * EAR in the profile of Trustee, signed with ES256 by the broker's key.
 */
#ifndef TOBI_BROKER_KBS_TOKEN_H
#define TOBI_BROKER_KBS_TOKEN_H

#include <jansson.h>

#include "appraise/appraise.h"
#include "broker/broker.h"
#include "broker/kbs_init_data.h"
#include "broker/kbs_session.h"

/* Borrowed. */
struct kbs_token {
	const struct kbs_session *session;
	int64_t issued, expires;
	const char *nonce; /* as the client has sent it, and its key */
	const json_t *jwk;
	struct tobi_bytes bound; /* the evidence's report data */
	const struct kbs_init_data *init_data;
	const struct tobi_result *result; /* that accepted; NULL: nothing was appraised */
};

TOBI_MUST_USE enum tobi_err kbs_token_write(const struct broker *broker,
					    const struct kbs_token *token,
					    struct writer *out, struct tobi_fault *fault);
/* The session that it is of. TOBI_E_MALFORMED, _SIGNATURE (not of this broker),
 * _TIMEOUT never; _DENIED when its time is over. */
TOBI_MUST_USE enum tobi_err kbs_token_read(const struct broker *broker, const char *text,
					   int64_t now, struct kbs_session *ret_session,
					   struct tobi_fault *fault);

#endif
