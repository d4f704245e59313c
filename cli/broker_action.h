/* Commands whose subcommands ask a broker: `tobichi secret`, `tobichi owner`. */
#ifndef CLI_BROKER_ACTION_H
#define CLI_BROKER_ACTION_H

#include <getopt.h>

#include "cli/broker_client.h"

/* A subcommand: its options, and how many arguments. run gets the command's own options.
 */
struct broker_action {
	const char *name, *takes; /* of getopt's letters */
	int least, most;
	int (*run)(struct broker_client *client, const void *given, char **arguments,
		   int count);
};

struct broker_command {
	const char *name, *needs;	     /* which subcommands there are, in words */
	const struct broker_action *actions; /* one without a name ends */
	const struct option *options;	     /* of all of them */
	/* What is none of BROKER_OPTIONS, from optarg. What is wrong with it; or NULL. */
	const char *(*take)(void *given, int option);
	bool guarded; /* secrets of others pass through its memory */
};

/* given: the command's options, of which `common` is the part that each has. The exit
 * status. */
int broker_command_run(const struct broker_command *command, void *given,
		       struct broker_options *common, int argc, char **argv);

#endif
