/* How long nothing has come or gone on a TCP connection, as the kernel counts it. */
#ifndef AGENT_IDLE_H
#define AGENT_IDLE_H

#include <stdint.h>

/* Milliseconds since the last data either way; 0 when the kernel does not say. */
int64_t idle_ms(int fd);

#endif
