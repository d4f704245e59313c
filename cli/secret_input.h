/* A secret that a command is given: never as an argument, which others can see. */
#ifndef CLI_SECRET_INPUT_H
#define CLI_SECRET_INPUT_H

#include "base/secret.h"

/* A file that only its owner may read, or "-": standard input. At most 1 MiB.
 * secret_done() it. */
TOBI_MUST_USE enum tobi_err cli_read_secret(const char *path, struct secret *ret_secret,
					    struct tobi_fault *fault);

#endif
