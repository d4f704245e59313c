#include <string.h>

#include "cli/cli.h"
#include "cli/seal_policy.h"

static const struct option long_options[] = {{"to", required_argument, NULL, 't'},
					     {"signer", required_argument, NULL, 's'},
					     {"quiet", no_argument, NULL, 'q'},
					     {NULL, 0, NULL, 0}};

static int count(const struct tobi_seal_policy *policy, const char *what,
		 const char *name, bool quiet)
{
	struct tobi_counter counter = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err;

	err = strcmp(what, "read") == 0
		  ? tobi_counter_read(policy, name, &counter, &fault)
		  : tobi_counter_increment(policy, name, &counter, &fault);
	if (err)
		return seal_fail(&fault);
	if (!counter.anchored && !quiet)
		fputs("tobichi: the counter is kept in a file: a restored backup is not "
		      "noticed\n",
		      stderr);
	printf("%llu\n", (unsigned long long)counter.value);
	return fflush(stdout) == EOF ? cli_error("cannot write to the standard output")
				     : EXIT_ACCEPTED;
}

int cmd_counter(int argc, char **argv)
{
	const char *to = NULL, *signer = NULL;
	struct seal_policy policy;
	bool quiet = false;
	int option, status;

	optind = 1;
	while ((option = getopt_long(argc, argv, "q", long_options, NULL)) != -1) {
		switch (option) {
		case 't':
			to = optarg;
			break;
		case 's':
			signer = optarg;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			return cli_usage("counter", "there is no such option");
		}
	}
	if (argc - optind != 2 ||
	    (strcmp(argv[optind], "read") != 0 && strcmp(argv[optind], "increment") != 0))
		return cli_usage("counter", "it needs read or increment, and a name");
	status = seal_policy_read("counter", to, signer, &policy);
	return status ? status
		      : count(&policy.policy, argv[optind], argv[optind + 1], quiet);
}
