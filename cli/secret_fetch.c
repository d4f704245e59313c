#include "cli/secret_fetch.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/attested.h"
#include "cli/broker_client.h"
#include "cli/cli.h"
#include "cli/guard.h"

#define COMMAND_NAME "secret fetch"

enum { TIMEOUT_MAX = 600 };

struct fetch_options {
	struct attested_options attested;
	const char *out;
	uint64_t version; /* 0: the newest */
};

static const struct option known[] = {{"broker", required_argument, NULL, 'b'},
				      {"broker-key", required_argument, NULL, 'k'},
				      {"broker-policy", required_argument, NULL, 'p'},
				      {"collateral", required_argument, NULL, 'c'},
				      {"output", required_argument, NULL, 'o'},
				      {"version", required_argument, NULL, 'v'},
				      {"platform", required_argument, NULL, 'P'},
				      {"device", required_argument, NULL, 'D'},
				      {"metadata", required_argument, NULL, 'm'},
				      {"quote-service", required_argument, NULL, 'q'},
				      {"timeout", required_argument, NULL, 't'},
				      {"logs", no_argument, NULL, 'L'},
				      {NULL, 0, NULL, 0}};

/* False for a wrong value. */
static bool take_option(struct fetch_options *options, int option)
{
	struct attested_options *attested = &options->attested;
	const char **const texts[] = {
	    ['b'] = &attested->target,
	    ['k'] = &attested->key,
	    ['p'] = &attested->policy,
	    ['o'] = &options->out,
	    ['P'] = &attested->platform.platform,
	    ['D'] = &attested->platform.device,
	    ['m'] = &attested->platform.metadata,
	    ['q'] = &attested->platform.quotes,
	};

	if (option == 'c')
		return !collateral_paths_add(&attested->collateral, optarg);
	if (option == 'v')
		return cli_read_number(optarg, INT64_MAX, &options->version) &&
		       options->version;
	if (option == 't')
		return cli_read_number(optarg, TIMEOUT_MAX,
				       &attested->platform.timeout) &&
		       attested->platform.timeout;
	if (option == 'L')
		attested->platform.logs = true;
	else
		*texts[option] = optarg;
	return true;
}

/* What to do, in the words of who asked. */
static enum tobi_err judge(const char *name, int status, struct tobi_fault *fault)
{
	if (status == 200)
		return TOBI_OK;
	if (status == 403)
		return fault_set(
		    fault, TOBI_E_REFUSED, "broker", "",
		    "it does not release %.200s to this machine: its owner's "
		    "log says why (tobichi log follow --entries)",
		    name);
	return fault_set(fault, TOBI_E_PROTOCOL, "broker", "",
			 "it answers with status %d", status);
}

/* Never onto a screen, where it would stay. */
static enum tobi_err put(const char *out, struct tobi_bytes secret,
			 struct tobi_fault *fault)
{
	if (strcmp(out, "-") == 0)
		return fd_write_all(STDOUT_FILENO, secret, "output", fault);
	return file_write(out, 0600, secret, "output", fault);
}

static int run(struct fetch_options *options, const char *name)
{
	CLEANUP(wr_done) struct writer secret = wr_init(0);
	char path[LIMIT_PATH];
	const struct attested_request request = {
	    .method = "GET", .path = path, .reply_limit = LIMIT_SECRET};
	struct tobi_fault fault = {0};
	int status = 0;
	enum tobi_err err;

	snprintf(path, sizeof(path), "/v1/secret/%s", name);
	if (options->version)
		snprintf(path, sizeof(path), "/v1/secret/%s?version=%" PRIu64, name,
			 options->version);
	err = guard_memory(&fault);
	if (!err)
		err =
		    attested_ask(&options->attested, &request, &status, &secret, &fault);
	if (!err)
		err = judge(name, status, &fault);
	if (!err)
		err = put(options->out, wr_view(&secret), &fault);
	if (err == TOBI_E_REFUSED || err == TOBI_E_DENIED) {
		IGNORE(cli_fail(&fault));
		return EXIT_REFUSED;
	}
	return err ? cli_fail(&fault) : EXIT_ACCEPTED;
}

int secret_fetch(int argc, char **argv)
{
	struct fetch_options options = {.attested.platform = {.platform = "auto",
							      .privilege = UINT64_MAX,
							      .ak = UINT64_MAX,
							      .timeout = UINT64_MAX}};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == '?' || !take_option(&options, option))
			return cli_usage(COMMAND_NAME, "an option or its value is wrong");
	}
	if (argc - optind != 1 || !broker_is_name(argv[optind], 3, 3))
		return cli_usage(COMMAND_NAME, "it needs REPOSITORY/TYPE/TAG");
	if (!options.attested.target ||
	    (!options.attested.key && !options.attested.policy))
		return cli_usage(COMMAND_NAME, "it needs --broker HOST:PORT, and "
					       "--broker-key or --broker-policy");
	if (!options.out)
		return cli_usage(COMMAND_NAME,
				 "it needs --output FILE, or - for standard output");
	if (strcmp(options.out, "-") == 0 && isatty(STDOUT_FILENO))
		return cli_usage(COMMAND_NAME,
				 "a secret is not shown on a terminal: --output FILE");
	return run(&options, argv[optind]);
}
