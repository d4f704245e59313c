#include "cli/seal_policy.h"

#include <string.h>

#include "base/hex.h"
#include "cli/cli.h"

int seal_policy_read(const char *command, const char *to, const char *signer,
		     struct seal_policy *ret_policy)
{
	*ret_policy = (struct seal_policy){0};
	if (to && strcmp(to, "signer") == 0)
		ret_policy->policy.to = TOBI_SEAL_TO_SIGNER;
	else if (to && strcmp(to, "image") != 0)
		return cli_usage(command, "--to is image or signer, not '%s'", to);
	if (!signer)
		return EXIT_ACCEPTED;
	if (ret_policy->policy.to != TOBI_SEAL_TO_SIGNER)
		return cli_usage(command, "--signer goes with --to signer");
	if (strlen(signer) != 2 * sizeof(ret_policy->signer) ||
	    !hex_read(signer, ret_policy->signer, sizeof(ret_policy->signer)))
		return cli_usage(command, "--signer is a signer id: 96 hexadecimal "
					  "digits");
	ret_policy->policy.signer =
	    (struct tobi_bytes){ret_policy->signer, sizeof(ret_policy->signer)};
	return EXIT_ACCEPTED;
}

int seal_fail(const struct tobi_fault *fault)
{
	cli_fail(fault);
	return fault->code == TOBI_E_DENIED || fault->code == TOBI_E_MISMATCH
		   ? EXIT_REFUSED
		   : EXIT_ERROR;
}
