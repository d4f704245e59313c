/* The options of commands that ask a broker in attested TLS. */
#include <stdio.h>

#include "base/fault.h"
#include "cli/attested.h"
#include "cli/cli.h"

enum { TIMEOUT_MAX = 600 };

void attested_options_init(struct attested_options *options)
{
	*options = (struct attested_options){.platform = {.platform = "auto",
							  .privilege = UINT64_MAX,
							  .ak = UINT64_MAX,
							  .timeout = UINT64_MAX}};
}

bool attested_option(struct attested_options *options, int option, bool *ret_good)
{
	struct attest_options *platform = &options->platform;

	*ret_good = true;
	switch (option) {
	case 'b':
		options->target = optarg;
		break;
	case 'k':
		options->key = optarg;
		break;
	case 'p':
		options->policy = optarg;
		break;
	case 'c':
		*ret_good = !collateral_paths_add(&options->collateral, optarg);
		break;
	case 'P':
		platform->platform = optarg;
		break;
	case 'D':
		platform->device = optarg;
		break;
	case 'm':
		platform->metadata = optarg;
		break;
	case 'Q':
		platform->quotes = optarg;
		break;
	case 't':
		*ret_good = cli_read_number(optarg, TIMEOUT_MAX, &platform->timeout) &&
			    platform->timeout;
		break;
	case 'L':
		platform->logs = true;
		break;
	default:
		return false;
	}
	return true;
}

bool attested_options_name_a_broker(const struct attested_options *options)
{
	return options->target && (options->key || options->policy);
}

int attested_refused(const struct tobi_fault *fault)
{
	int status = cli_fail(fault);

	return fault->code == TOBI_E_REFUSED || fault->code == TOBI_E_DENIED
		   ? EXIT_REFUSED
		   : status;
}
