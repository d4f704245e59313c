/* ATTEST: evidence for the host's verifier, by EVIDENCE or FAULT. */
#ifndef AGENT_ATTEST_H
#define AGENT_ATTEST_H

#include "channel.h"
#include "evidence.h"

/* Both outlive the answer. */
void attest(struct channel *channel, struct evidence *evidence,
	    const struct message *message);

#endif
