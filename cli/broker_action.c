#include "cli/broker_action.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/guard.h"

static const struct broker_action *find_action(const struct broker_command *command,
					       const char *name)
{
	for (const struct broker_action *action = command->actions; action->name;
	     action++) {
		if (strcmp(action->name, name) == 0)
			return action;
	}
	return NULL;
}

/* 0, or the exit status. */
static int read_options(const struct broker_command *command,
			const struct broker_action *action, void *given,
			struct broker_options *common, int argc, char **argv)
{
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", command->options, NULL)) != -1) {
		const char *wrong = NULL;

		if (option == '?' || !strchr(action->takes, option))
			return cli_usage(command->name, "wrong option");
		if (!broker_option(common, option))
			wrong = command->take(given, option);
		if (wrong)
			return cli_usage(command->name, "%s", wrong);
	}
	if (argc - optind < action->least || argc - optind > action->most)
		return cli_usage(command->name, "%s takes other arguments", action->name);
	return 0;
}

int broker_command_run(const struct broker_command *command, void *given,
		       struct broker_options *common, int argc, char **argv)
{
	const struct broker_action *action =
	    argc > 1 ? find_action(command, argv[1]) : NULL;
	CLEANUP(broker_client_done) struct broker_client client = {0};
	struct tobi_fault fault = {0};
	int status;

	if (!action)
		return cli_usage(command->name, "it needs %s", command->needs);
	if (command->guarded && guard_memory(&fault))
		return cli_fail(&fault);
	argc--;
	argv++;
	status = read_options(command, action, given, common, argc, argv);
	if (status)
		return status;
	if (broker_client_open(common, &client, &fault))
		return cli_fail(&fault);
	return action->run(&client, given, argv + optind, argc - optind);
}
