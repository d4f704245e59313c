/* The logs of what has started on this machine, which explain what hardware measured. */
#ifndef TOBI_ATTEST_LOGS_H
#define TOBI_ATTEST_LOGS_H

#include "attest/attester.h"

/* Those that are there; what cannot be read is left out, and the note says so. */
TOBI_MUST_USE enum tobi_err logs_add(const struct attest_request *request,
				     struct attest_output *output,
				     struct tobi_fault *fault);

#endif
