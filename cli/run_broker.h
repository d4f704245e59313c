/* The broker that a launch names: `tobichi run --broker` and what belongs to it. */
#ifndef CLI_RUN_BROKER_H
#define CLI_RUN_BROKER_H

#include "cli/run_policies.h"

struct run_broker {
	uint8_t key[SHA384_SIZE]; /* what the launch config borrows */
};

/* Rows for getopt_long(). */
#define RUN_BROKER_OPTIONS                                                               \
	{"broker", required_argument, NULL, RUN_BROKER},                                 \
	    {"broker-secrets", required_argument, NULL, RUN_BROKER_SECRETS},             \
	    {"broker-counters", required_argument, NULL, RUN_BROKER_COUNTERS},           \
	    {"broker-key", required_argument, NULL, RUN_BROKER_KEY},                     \
	{                                                                                \
		"broker-policy", required_argument, NULL, RUN_BROKER_POLICY              \
	}
enum {
	RUN_BROKER = 0x100,
	RUN_BROKER_SECRETS,
	RUN_BROKER_COUNTERS,
	RUN_BROKER_KEY,
	RUN_BROKER_POLICY,
};

/* One of these with its value, which is borrowed. Zero, or an exit status after the
 * message. */
int run_broker_option(struct run_broker *broker, struct run_policies *policies,
		      struct launch_config *config, int option, const char *value);
/* Whether they go together, said by the options' names. */
int run_broker_check(const struct launch_config *config);

#endif
