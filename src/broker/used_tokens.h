/* Numbers of signed requests that were used: each counts once. */
#ifndef TOBI_BROKER_USED_TOKENS_H
#define TOBI_BROKER_USED_TOKENS_H

#include "pki/key.h"
#include "broker/broker.h"

enum {
	/* A clock may be that much behind the one of who signs. */
	USED_TOKENS_SKEW_SECONDS = 60,
	/* By then no token that is there now can count any more, whatever the clock says:
	 * the longest life and the skew, in milliseconds of a clock that nobody sets. */
	USED_TOKENS_QUIET_MS = 400 * 1000,
};

struct used_tokens *used_tokens_new(void);
void used_tokens_free(struct used_tokens *used);
/* For tests: another time than USED_TOKENS_QUIET_MS, from now on. */
void used_tokens_set_quiet(struct used_tokens *used, unsigned ms);

/* expires: what the token says. TOBI_E_EXISTS: it was used before. */
TOBI_MUST_USE enum tobi_err used_tokens_add(struct broker *broker,
					    const uint8_t id[static SHA256_SIZE],
					    int64_t expires, int64_t now,
					    struct tobi_fault *fault);

#endif
