/* What the broker answers to those who have attested on their connection
 * (docs/PROTOCOL.md sections 18.6 and 18.7): JSON, and errors by the names of
 * tobichi/error.h. */
#ifndef TOBI_BROKER_ATTESTED_REPLY_H
#define TOBI_BROKER_ATTESTED_REPLY_H

#include <jansson.h>

#include "broker/http.h"
#include "broker/release.h"

/* The path behind its start as a name; TOBI_E_MALFORMED, _LIMIT; TOBI_E_ARGUMENT when
 * nothing was presented: that is the server's to ask for. */
TOBI_MUST_USE enum tobi_err attested_name(const struct broker_request *request,
					  const char *start,
					  struct resource_name *ret_name,
					  struct tobi_fault *fault);
/* Takes the reference. TOBI_E_MEMORY, _LIMIT. */
TOBI_MUST_USE enum tobi_err attested_answer(struct broker_reply *reply, int status,
					    json_t *json, struct tobi_fault *fault);
/* The one answer to what is denied, and to what is not there. */
TOBI_MUST_USE enum tobi_err attested_deny(struct broker_reply *reply,
					  struct tobi_fault *fault);
/* What who asks can mend is told, with its status, and TOBI_OK comes back; the broker's
 * own failure comes back as it is, in fault. */
TOBI_MUST_USE enum tobi_err attested_refuse(struct broker_reply *reply, enum tobi_err err,
					    const struct tobi_fault *why,
					    struct tobi_fault *fault);

#endif
