/* Whom seal and counter are for, from their options. */
#ifndef CLI_SEAL_POLICY_H
#define CLI_SEAL_POLICY_H

#include "tobichi/seal.h"

struct seal_policy {
	struct tobi_seal_policy policy;
	uint8_t signer[48];
};

/* to: "image", "signer" or NULL; signer: hexadecimal or NULL. The result borrows from
 * ret_policy. EXIT_ACCEPTED or EXIT_ERROR. */
int seal_policy_read(const char *command, const char *to, const char *signer,
		     struct seal_policy *ret_policy);
/* What was said no to is a refusal; the rest is an error. */
int seal_fail(const struct tobi_fault *fault);

#endif
