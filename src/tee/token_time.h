/* When a token of others counts: RFC 7519 section 4.1, RFC 8392 section 3.1. */
#ifndef TOBI_TEE_TOKEN_TIME_H
#define TOBI_TEE_TOKEN_TIME_H

#include "tee/tee.h"

/* Seconds since 1970; 0: the token does not say. */
struct token_times {
	int64_t issued, not_before, expires;
};

/* Records the row: neither made nor beginning in the future, but for a minute in which
 * clocks may differ, and not expired. */
void token_time_examine(const struct tee_request *request,
			const struct token_times *times, const struct check *check,
			struct checklist *list);
/* "2026-11-26T12:00:00Z"; NULL without memory. */
const char *token_time_text(struct arena *arena, int64_t seconds);

#endif
