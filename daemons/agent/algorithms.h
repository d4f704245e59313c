/*
 * OpenSSL's own tables: texts of its errors, and for each kind of algorithm what its
 * provider has. They are made at the first use of a kind, hold nothing secret, and are
 * most of what OpenSSL allocates.
 */
#ifndef AGENT_ALGORITHMS_H
#define AGENT_ALGORITHMS_H

#include "tobichi/error.h"

/* Makes them all now, while nothing random has been taken. */
TOBI_MUST_USE enum tobi_err algorithms_load(struct tobi_fault *fault);
/* True when the state of OpenSSL's random generators is in the key memory. */
bool algorithms_random_is_hidden(void);

#endif
