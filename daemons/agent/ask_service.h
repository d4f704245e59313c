/* What this agent asks the service, and which of its parts an answer is for. */
#ifndef AGENT_ASK_SERVICE_H
#define AGENT_ASK_SERVICE_H

#include "asked.h"
#include "channel.h"
#include "desk.h"
#include "evidence.h"

struct ask_service {
	struct channel *channel;
	struct evidence *evidence; /* NULL: asks nothing yet */
	struct desk *desk;
	struct asked asked;
};

/* For evidence_setup and desk_setup; the context is a struct ask_service. */
void ask_report(void *context, const uint8_t claims_hash[static 32]);
void ask_key(void *context, const struct key_wanted *wanted);
void ask_counter(void *context, const struct counter_wanted *wanted);

/* TOKEN, KEY-REPLY, COUNTER-REPLY or FAULT, to who has asked. TOBI_E_PROTOCOL when nobody
 * has asked for that. */
TOBI_MUST_USE enum tobi_err ask_answered(struct ask_service *service,
					 const struct message *message,
					 struct tobi_fault *fault);

#endif
