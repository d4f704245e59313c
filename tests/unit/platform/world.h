/* A platform service without launches: real platform keys, signer and control socket, and
 * one enclave whose agent is the test. */
#ifndef TESTS_PLATFORM_WORLD_H
#define TESTS_PLATFORM_WORLD_H

#include "codec/cbor.h"
#include "daemons/platform/agent_channel.h"
#include "tests/bytes.h"

struct world {
	char folder[64], state[128];
	struct service service;
	struct enclave *enclave; /* one of two signers, SVN 7, ready and running */
	int agent;		 /* the agent's end of its channel; never waits */
	unsigned idle, failed;	 /* how often the service was told so */
};
extern struct world world;

int world_enter(void **state);
int world_leave(void **state);

/* Runs the service until there is nothing more to do. */
void world_run(void);
/* The agent says it, and the service hears it. */
void world_say(const struct writer *message);
/* What the service has said to the agent; false when there is nothing (more). */
bool world_hear(struct packet *ret_packet);
uint64_t world_kind(const struct packet *packet);
/* True when the enclave's process was killed, or is being killed. */
bool world_enclave_is_killed(void);

/* A client that has connected and asked; and what it got: as above. */
int world_ask(const struct writer *request);
int world_ask_for_evidence(const char *nonce); /* of the world's enclave */
bool world_answer(int client, struct packet *ret_packet);
void world_hang_up(int client);

#endif
