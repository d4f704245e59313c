/*
 * The agent's end of its channel: descriptor 3, the only way to the platform service.
 *
 * Sending never blocks the loop: what the socket does not take is queued, with a ceiling.
 */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include <event2/event.h>

#include "base/cleanup.h"
#include "image/manifest.h"
#include "message.h"

enum { CHANNEL_FD = 3 };

/* CONFIG, revalidated. */
struct agent_config {
	struct writer bytes; /* owned: all else here borrows from it */
	struct manifest manifest;
	struct launch_config launch;
	struct tobi_bytes endorse;
	uint16_t ports[LIMIT_PORTS];
	int listeners[LIMIT_PORTS]; /* owned; -1 when taken */
	size_t port_count;
	int stdio[3]; /* owned; -1 when taken */
	uint8_t instance[16];
	struct tobi_bytes manifest_bytes;
	struct seal_identity identity; /* but for the image id */
};

/*
 * Waits for CONFIG on the blocking descriptor fd and checks everything in it: the
 * manifest, the launch config, that each port is the manifest's, that both agree, that
 * the listening sockets listen. Free with agent_config_free().
 */
TOBI_MUST_USE enum tobi_err agent_config_receive(int fd, struct agent_config **ret_config,
						 struct tobi_fault *fault);
void agent_config_free(struct agent_config *config);
DEFINE_CLEANUP(struct agent_config *, agent_config_free)

struct channel;

/* The bytes in message live until the callback returns; a descriptor in it is the
 * callback's. gone() comes once, last. */
struct channel_events {
	void (*message)(void *context, const struct message *message);
	void (*gone)(void *context, const struct tobi_fault *fault);
};

/* Makes fd non-blocking. */
TOBI_MUST_USE enum tobi_err channel_new(struct event_base *base, int fd,
					const struct channel_events *events,
					void *context, struct channel **ret_channel,
					struct tobi_fault *fault);
void channel_free(struct channel *channel);
/* Sends now, or later and in order. A failure is fatal for the channel: gone() follows.
 */
void channel_send(struct channel *channel, const struct writer *message);
/* Waits at most timeout_ms for what is queued. For the end of the agent. */
void channel_flush(struct channel *channel, int timeout_ms);

#endif
