/* What the log's routes answer: JSON, or CBOR for whoever accepts application/cbor. */
#ifndef TOBI_BROKER_LOG_REPLY_H
#define TOBI_BROKER_LOG_REPLY_H

#include "broker/decision.h"
#include "broker/http.h"
#include "codec/json.h"

/* 400, 401 or 404, as the administration answers (18.3): {"error": name, "message":
 * text}. */
TOBI_MUST_USE enum tobi_err log_reply_error(struct broker_reply *reply, int status,
					    const char *text, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_reply_head(const struct broker_request *request,
					   struct broker_reply *reply,
					   const struct decision_head *head,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_reply_inclusion(const struct broker_request *request,
						struct broker_reply *reply,
						const struct log_inclusion *proof,
						struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_reply_consistency(const struct broker_request *request,
						  struct broker_reply *reply,
						  const struct log_consistency *proof,
						  struct tobi_fault *fault);

/* {"evidence": base64url}, or as it came for whoever accepts application/octet-stream. */
TOBI_MUST_USE enum tobi_err log_reply_evidence(const struct broker_request *request,
					       struct broker_reply *reply,
					       struct tobi_bytes evidence,
					       struct tobi_fault *fault);

/* Leaves, one after another. log_reply_leaves_done() it. */
struct log_reply_leaves {
	bool cbor;
	size_t count;
	struct writer items; /* of CBOR */
	json_t *list;
};
void log_reply_leaves_init(struct log_reply_leaves *leaves,
			   const struct broker_request *request);
/* readable: who asks may see more than its hash. */
TOBI_MUST_USE enum tobi_err log_reply_leaf(struct log_reply_leaves *leaves,
					   const struct decision_entry *entry,
					   bool readable, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_reply_leaves_end(struct log_reply_leaves *leaves,
						 struct broker_reply *reply,
						 struct tobi_fault *fault);
void log_reply_leaves_done(struct log_reply_leaves *leaves);

#endif
