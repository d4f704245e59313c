/* Secrets, policies and their files, as requests bring them in JSON. */
#ifndef TOBI_BROKER_ADMIN_INPUT_H
#define TOBI_BROKER_ADMIN_INPUT_H

#include "broker/admin.h"
#include "broker/resource.h"

/* Borrows from the body; admin_input_done() it. */
struct admin_input {
	json_t *body; /* owned */
	struct writer value;
	struct policy_source policy; /* text empty: none came */
	struct policy_file files[LIMIT_CORIM_DOCUMENTS];
	struct writer contents[LIMIT_CORIM_DOCUMENTS];
};
void admin_input_done(struct admin_input *input);

/* "value", base64; "expires" and "releases". */
TOBI_MUST_USE enum tobi_err admin_input_value(struct admin_input *input,
					      struct resource_value *ret_value,
					      struct tobi_fault *fault);
/* "policy", a text, and "files", a list of {"name", "content"}; scope is borrowed. */
TOBI_MUST_USE enum tobi_err admin_input_policy(struct admin_input *input,
					       const char *scope,
					       struct tobi_fault *fault);

#endif
