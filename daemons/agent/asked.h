/* What the service was asked and has not answered yet, in order: it answers in order, and
 * a FAULT does not say what it is about. */
#ifndef AGENT_ASKED_H
#define AGENT_ASKED_H

#include <stdbool.h>
#include <stddef.h>

enum asked_kind { ASKED_NOTHING, ASKED_REPORT, ASKED_KEY, ASKED_COUNTER };

enum { ASKED_MAX = 512 };

struct asked {
	unsigned char kinds[ASKED_MAX];
	size_t first, count;
};

/* False when there are too many. */
bool asked_put(struct asked *asked, enum asked_kind kind);
/* The oldest, which then is answered; ASKED_NOTHING when there is none. */
enum asked_kind asked_take(struct asked *asked);

#endif
