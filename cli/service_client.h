/* Talking to the platform service, and starting one where there is none. */
#ifndef CLI_SERVICE_CLIENT_H
#define CLI_SERVICE_CLIENT_H

#include "ipc/control.h"
#include "ipc/packet.h"

struct service_folders {
	char run[LIMIT_PATH / 2];
	char state[LIMIT_PATH / 2];
};

/* Root's are the system's; an ordinary user's follow the XDG variables. */
TOBI_MUST_USE enum tobi_err service_folders(struct service_folders *ret_folders,
					    struct tobi_fault *fault);
/* A connected socket. start: starts a private service when none answers, and makes the
 * platform first when there is none (said on standard error). */
TOBI_MUST_USE enum tobi_err service_connect(bool start, int *ret_fd,
					    struct tobi_fault *fault);

/* Begins a request: a map of its kind and more entries, which the caller writes. */
void service_request(struct writer *out, enum control_request kind, unsigned more);
/* Sends a request and waits for the reply; a FAULT comes back as an error, and so does a
 * reply of another kind. */
TOBI_MUST_USE enum tobi_err service_ask(int fd, const struct writer *request,
					unsigned expected, struct packet *ret_reply,
					struct tobi_fault *fault);
/* The kind of a reply; 0 when it cannot be read. */
uint64_t service_reply_kind(struct tobi_bytes reply);

#endif
