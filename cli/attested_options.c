/* The options of commands that ask a broker in attested TLS. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "cli/attested.h"
#include "cli/cli.h"

enum { TIMEOUT_MAX = 600, VMPL_MAX = 3 };

void attested_options_init(struct attested_options *options)
{
	*options = (struct attested_options){.platform = {.platform = "auto",
							  .privilege = UINT64_MAX,
							  .ak = UINT64_MAX,
							  .timeout = UINT64_MAX}};
}

/* NULL, or what is wrong. */
static const char *take_number(struct attest_options *platform, int option)
{
	if (option == 'v')
		return cli_read_number(optarg, VMPL_MAX, &platform->privilege)
			   ? NULL
			   : "--privilege needs a VMPL, 0 to 3";
	return cli_read_number(optarg, TIMEOUT_MAX, &platform->timeout) &&
		       platform->timeout
		   ? NULL
		   : "--timeout needs seconds, 1 to 600";
}

bool attested_option(struct attested_options *options, int option, const char **ret_wrong)
{
	struct attest_options *platform = &options->platform;
	const struct {
		int option;
		const char **to;
	} texts[] = {
	    {'b', &options->target},  {'k', &options->key},
	    {'p', &options->policy},  {'A', &options->ca},
	    {'n', &options->name},    {'P', &platform->platform},
	    {'D', &platform->device}, {'m', &platform->metadata},
	    {'Q', &platform->quotes},
	};

	*ret_wrong = NULL;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].option != option)
			continue;
		*texts[i].to = optarg;
		return true;
	}
	if (option == 'c')
		*ret_wrong = collateral_paths_add(&options->collateral, optarg);
	else if (option == 't' || option == 'v')
		*ret_wrong = take_number(platform, option);
	else if (option == 'L')
		platform->logs = true;
	else
		return false;
	return true;
}

const char *attested_options_lack(const struct attested_options *options)
{
	if (!options->target)
		return "it needs --broker HOST:PORT, its listener of attested TLS";
	if (strstr(options->target, "://") || strpbrk(options->target, " \t\r\n/"))
		return "--broker is HOST:PORT here, and no URL";
	if (!options->key && !options->policy && !options->ca)
		return "whoever answers at --broker is not the broker for that: give "
		       "--broker-key, --broker-policy or --ca";
	if (options->name && !options->ca && !options->policy)
		return "--name is of a certificate: --ca or --broker-policy says whose";
	return NULL;
}

int attested_refused(const struct tobi_fault *fault)
{
	int status = cli_fail(fault);

	return fault->code == TOBI_E_REFUSED || fault->code == TOBI_E_DENIED
		   ? EXIT_REFUSED
		   : status;
}
