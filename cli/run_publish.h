/* Ports of the host at which an enclave is reached: `tobichi run --publish`. */
#ifndef CLI_RUN_PUBLISH_H
#define CLI_RUN_PUBLISH_H

#include <stdbool.h>

#include "tobichi/error.h"

struct publish {
	char address[64];
	uint16_t port, inner; /* inner 0: what the image lists */
	int fd;		      /* -1 before it listens */
};

/* [ADDRESS:]PORT[:INNER], ADDRESS an IPv4 address. */
bool run_publish_read(const char *text, struct publish *ret);
/* TOBI_E_EXISTS when the port is taken. */
TOBI_MUST_USE enum tobi_err run_publish_listen(struct publish *publish,
					       struct tobi_fault *fault);

#endif
