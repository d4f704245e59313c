/* What the list of decisions and the page of one have in common. */
#ifndef TOBI_BROKER_PAGE_DECISION_H
#define TOBI_BROKER_PAGE_DECISION_H

#include <stdbool.h>

#include "base/writer.h"
#include "log/leaf.h"

/* "accepted" or "refused". */
void page_decision_verdict(struct writer *out, const struct log_leaf *leaf);
/* A number in a path or a query: digits alone, and one that a log may have. */
bool page_decision_number(const char *text, uint64_t *ret_number);

#endif
