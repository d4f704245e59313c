/*
 * The counters of the enclave's programs, where its launch has them kept by a broker
 * (docs/PROTOCOL.md section 18.6): what restores the platform's files does not turn them
 * back. Nothing is made up for a broker that cannot be reached: then there is none.
 */
#ifndef AGENT_BROKER_COUNTERS_H
#define AGENT_BROKER_COUNTERS_H

#include "broker_client.h"
#include "desk.h"
#include "image/manifest.h"

struct broker_counters {
	struct broker_client *client;
	struct tobi_bytes place; /* repository/type; borrowed */
	struct desk *desk;
	/* Questions that are open: who has asked, and for what. */
	struct counting {
		const struct broker_counters *counters; /* NULL: free */
		uint64_t number;
		char path[LIMIT_PATH];
	} open[BROKER_CALLS];
};

/* Counters of the desk are the broker's from then on, where the launch has a place for
 * them, which is borrowed; they outlive client and desk. */
void broker_counters_join(struct broker_counters *counters,
			  const struct launch_config *launch, struct desk_setup *setup);

#endif
