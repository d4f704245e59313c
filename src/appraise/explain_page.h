/* The parts of the page that explains a result, one file each. */
#ifndef TOBI_APPRAISE_EXPLAIN_PAGE_H
#define TOBI_APPRAISE_EXPLAIN_PAGE_H

#include "appraise/explain.h"
#include "appraise/html.h"

extern const char explain_page_style[];

/* What this kind of hardware is, for who has never heard of it; nothing without claims.
 */
void explain_page_tier(const struct tobi_result *result, struct writer *out);
/* Each link from the root of trust to the program, with the check that proves it. */
void explain_page_chain(const struct tobi_result *result, struct writer *out);
/* What the evidence says, in groups. */
void explain_page_facts(const struct tobi_result *result, struct writer *out);
void explain_page_checks(const struct tobi_result *result, struct writer *out);

#endif
