/*
 * What the handlers of /v1/ share (docs/PROTOCOL.md section 18.3): JSON in and out, and
 * one way to change something, so that no change goes without its decision in the log.
 */
#ifndef TOBI_BROKER_ADMIN_H
#define TOBI_BROKER_ADMIN_H

#include <jansson.h>

#include "broker/broker.h"
#include "broker/http.h"
#include "broker/principal.h"

/* A request on its way. */
struct admin_call {
	struct broker *broker;
	const struct broker_request *request;
	struct broker_reply *reply;
	const struct principal *who;
};

/* The members that a body may have; one that is not here is refused. */
struct admin_field {
	const char *name;
	json_type type;
	bool needed;
};
/* NULL name ends fields. json_decref() it. Errors: TOBI_E_MALFORMED, _LIMIT. */
TOBI_MUST_USE enum tobi_err admin_body(const struct admin_call *call,
				       const struct admin_field *fields,
				       json_t **ret_body, struct tobi_fault *fault);
/* A text without control characters but line ends and tabs; NULL for a member that is
 * not there. TOBI_E_MALFORMED. */
TOBI_MUST_USE enum tobi_err admin_text(const json_t *object, const char *name,
				       const char **ret_text, struct tobi_fault *fault);
/* A whole number, 0 upward; other is what stands for one that is not there. */
TOBI_MUST_USE enum tobi_err admin_number(const json_t *object, const char *name,
					 int64_t other, int64_t *ret_number,
					 struct tobi_fault *fault);

/* The path behind a start that it has: "a/b/c" of "/v1/secrets/a/b/c". */
const char *admin_rest(const struct admin_call *call, const char *start);
/* A value of the query, of A-Z a-z 0-9 . _ - / alone, into ret_value; empty when it is
 * not there. TOBI_E_MALFORMED for other characters, for a name that is not in names
 * (NULL ends), and for one that is there twice. */
enum { ADMIN_VALUE_SIZE = 512 };
TOBI_MUST_USE enum tobi_err admin_query(const struct admin_call *call,
					const char *const *names, const char *name,
					char ret_value[static ADMIN_VALUE_SIZE],
					struct tobi_fault *fault);

/* Takes the reference. TOBI_E_MEMORY, _LIMIT. */
TOBI_MUST_USE enum tobi_err admin_answer(const struct admin_call *call, int status,
					 json_t *json, struct tobi_fault *fault);
/*
 * What a handler ends with: an error that the client can mend is told, with its status
 * (400, 403, 404, 409), and TOBI_OK comes back; another one comes back as it is.
 */
TOBI_MUST_USE enum tobi_err admin_end(const struct admin_call *call, enum tobi_err err,
				      struct tobi_fault *fault);

/* Something that changes. */
struct admin_change {
	const char *action;   /* "put" */
	const char *resource; /* what it is about: a name, a scope, an owner */
	/* Must be the caller's for the change; or NULL. */
	const char *repository;
	uint64_t version;      /* or 0 */
	const uint8_t *policy; /* SHA-384 of its text; or NULL */
	enum tobi_err (*run)(const struct admin_call *call, void *input,
			     struct tobi_fault *fault);
	void *input;
};
/*
 * Writes the decision down, then runs the change; one that failed is written down, too.
 * What is not the caller's to change is written down as refused. Errors: the change's;
 * TOBI_E_DENIED; those of decision_log_append(), and then nothing was changed.
 */
TOBI_MUST_USE enum tobi_err admin_apply(const struct admin_call *call,
					const struct admin_change *change,
					struct tobi_fault *fault);
/* TOBI_E_DENIED unless it is the operator. */
TOBI_MUST_USE enum tobi_err admin_must_operate(const struct admin_call *call,
					       struct tobi_fault *fault);

/* Starts a call; a route that let anybody in is the broker's own mistake
 * (TOBI_E_ARGUMENT). */
TOBI_MUST_USE enum tobi_err admin_begin(struct broker *broker,
					const struct broker_request *request,
					struct broker_reply *reply,
					struct admin_call *ret_call,
					struct tobi_fault *fault);

broker_handler admin_secret_list, admin_secret_show, admin_secret_put,
    admin_secret_rotate, admin_secret_delete, admin_version_delete;
broker_handler admin_policy_list, admin_policy_show, admin_policy_put,
    admin_policy_delete;
broker_handler admin_owner_list, admin_owner_show, admin_owner_add, admin_owner_remove,
    admin_key_add, admin_key_remove, admin_repository_add, admin_repository_remove,
    admin_whoami;
broker_handler admin_counter_list, admin_counter_delete;
broker_handler admin_profile_list, admin_profile_put, admin_profile_delete,
    admin_authority_show, admin_authority_import, admin_authority_delete;
broker_handler admin_store_key_rotate, admin_store_key_rewrap;

#endif
