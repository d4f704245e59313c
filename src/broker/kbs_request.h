/* The two messages of the key-broker protocol, and the handlers of its paths
 * (docs/PROTOCOL.md section 18.1). */
#ifndef TOBI_BROKER_KBS_REQUEST_H
#define TOBI_BROKER_KBS_REQUEST_H

#include <jansson.h>

#include "broker/http.h"
#include "broker/kbs_session.h"

#define KBS_VERSION "0.4.0"

/* Everything borrows from json: json_decref() that. */
struct kbs_attestation {
	json_t *json;
	const json_t *init_data; /* or NULL */
	const char *nonce;
	const json_t *jwk;
	const json_t *primary;
	const char *additional; /* "" for none */
};

/* What is first said: TOBI_E_UNSUPPORTED for another version or platform. */
TOBI_MUST_USE enum tobi_err
kbs_request_read(struct tobi_bytes body, enum kbs_tee *ret_tee, struct tobi_fault *fault);
/* Shape only. Names that are there twice are refused, others passed over. */
TOBI_MUST_USE enum tobi_err kbs_attestation_read(struct tobi_bytes body,
						 struct kbs_attestation *ret_attestation,
						 struct tobi_fault *fault);
void kbs_attestation_done(struct kbs_attestation *attestation);

broker_handler kbs_handle_attest, kbs_handle_store, kbs_handle_delete, kbs_handle_policy;

/* How long a session lives, and the key of its nonces. */
int64_t kbs_session_seconds(const struct broker *broker);
TOBI_MUST_USE enum tobi_err kbs_nonce_of(struct broker *broker,
					 const struct kbs_session *session,
					 char ret_nonce[static KBS_NONCE_TEXT],
					 struct tobi_fault *fault);

#endif
