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
};

/* Both end the enclave when its agent cannot be told. */
void agent_send(struct enclave *enclave, const struct writer *message);
/* A map with the kind and one number. */
void agent_send_number(struct enclave *enclave, enum agent_message kind, unsigned number);
/* Takes what the agent says next; for an event of the channel. */
void agent_on_channel(evutil_socket_t fd, short what, void *enclave);
/* Takes all that an agent has said which has ended since. */
void agent_take_last_words(struct enclave *enclave);

#endif
