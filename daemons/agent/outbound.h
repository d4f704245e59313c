/* What leads out of the enclave, put together: whom it trusts, the ways out, and their
 * messages on the agent's channel. */
#ifndef AGENT_OUTBOUND_H
#define AGENT_OUTBOUND_H

#include "broker_client.h"
#include "channel.h"
#include "desk.h"
#include "egress.h"
#include "trust.h"

struct outbound {
	struct channel *channel;
	struct trust trust;
	struct egress *egress;	      /* NULL: the image lists no way out */
	struct broker_client *broker; /* NULL: the launch names none */
	size_t broker_entry;	      /* what CONNECT calls it */
	unsigned notes;
	struct desk *desk;
};

struct outbound_setup {
	struct event_base *base;
	const struct manifest *manifest;
	const struct launch_config *launch;
	const struct atls_endpoint *like; /* whose key sessions have */
	struct evidence *evidence;
	size_t max_sessions;
	void (*idle)(void *context);
	struct desk *desk; /* who asks for sessions by name */
	void *context;
};

/* How many of so many sessions lead out by the image's ways. */
size_t outbound_room(const struct manifest *manifest, size_t room);
/* Endpoints, a port on the loopback for each way, and the launch's broker, to whom no
 * port leads; nothing where there is neither. */
TOBI_MUST_USE enum tobi_err outbound_start(struct outbound *outbound,
					   const struct outbound_setup *setup,
					   struct tobi_fault *fault);
/* A visitor of the desk asks for a session: answered by desk_connected(). */
void outbound_open(struct outbound *outbound, uint64_t number, struct tobi_bytes target,
		   struct tobi_bytes policy);
/* CONNECTED has come. */
TOBI_MUST_USE enum tobi_err outbound_connected(struct outbound *outbound,
					       const struct message *message,
					       struct tobi_fault *fault);
/* Why a connection has failed, or a client was refused, for the service's log: a program
 * learns no more than that it is gone. context: the struct outbound. */
void outbound_note(void *context, const struct tobi_fault *fault);
void outbound_close(struct outbound *outbound);
bool outbound_is_idle(const struct outbound *outbound);
void outbound_done(struct outbound *outbound);

#endif
