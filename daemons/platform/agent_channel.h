/* The channel to an enclave's agent (docs/PROTOCOL.md section 6.2), the service's side.
 */
#ifndef PLATFORM_AGENT_CHANNEL_H
#define PLATFORM_AGENT_CHANNEL_H

#include "daemons/platform/service.h"

enum agent_message {
	AGENT_CONFIG = 1,
	AGENT_READY,
	AGENT_RUNNING,
	AGENT_REPORT,
	AGENT_TOKEN,
	AGENT_KEY,
	AGENT_KEY_REPLY,
	AGENT_ATTEST,
	AGENT_EVIDENCE,
	AGENT_SIGNAL,
	AGENT_STOP,
	AGENT_ENDED,
	AGENT_FAULT,
	AGENT_COUNTER,
	AGENT_COUNTER_REPLY,
	AGENT_CONNECT = 16,
	AGENT_CONNECTED,
	AGENT_NOTE,
};

/* From here on what the agent says is taken, by the service's loop. */
TOBI_MUST_USE enum tobi_err agent_channel_watch(struct enclave *enclave,
						struct tobi_fault *fault);
/* Accepts a half-made one. */
void agent_channel_done(struct enclave *enclave);
/* All keep what the agent has no room for yet, and end the enclave when that is too
 * much, or when its agent has gone. */
void agent_send(struct enclave *enclave, const struct writer *message);
/* With a descriptor (borrowed), or -1. */
void agent_send_fd(struct enclave *enclave, const struct writer *message, int fd);
/* A map with the kind and one number. */
void agent_send_number(struct enclave *enclave, enum agent_message kind, unsigned number);
/* Takes all that an agent has said which has ended since. */
void agent_take_last_words(struct enclave *enclave);

#endif
