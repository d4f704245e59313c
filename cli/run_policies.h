/* Policies that an image leaves to its launch: `tobichi run --egress-policy` and
 * `--client-policy`; and the launch's own for its broker, `--broker-policy`. */
#ifndef CLI_RUN_POLICIES_H
#define CLI_RUN_POLICIES_H

#include "image/manifest.h"

/* The texts that a launch config borrows. */
struct run_policies {
	struct writer texts[LAUNCH_POLICIES];
};

/* HOST:PORT=FILE, or FILE; the text is value's for the name. Zero, or an exit status
 * after the message. */
int run_policies_egress(struct run_policies *policies, struct launch_config *config,
			const char *value);
int run_policies_clients(struct run_policies *policies, struct launch_config *config,
			 const char *path);
int run_policies_broker(struct run_policies *policies, struct launch_config *config,
			const char *path);
void run_policies_done(struct run_policies *policies);

#endif
