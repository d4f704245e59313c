/* The forms of an explanation; tobi_result_write() (tobichi/verify.h) chooses one. */
#ifndef TOBI_APPRAISE_EXPLAIN_H
#define TOBI_APPRAISE_EXPLAIN_H

#include "appraise/appraise.h"
#include "base/writer.h"

enum { LIMIT_EXPLANATION = 4 << 20 };

/* What a tier keeps out, in one line. */
const char *explain_tier(const char *tier);
/* An allowance of the policy that this result has used: NULL past the end. */
const char *explain_allowance(const struct tobi_result *result, size_t index);
/* Where the platform's keys are and who launched: appended; nothing without claims. */
void explain_platform(const struct tobi_result *result, struct writer *out);
/* The protections that the evidence does not claim, by name; nothing for none. */
void explain_lacks(const struct tobi_result *result, struct writer *out);
/* "passed", "failed", "not-run", "not-asked". */
const char *explain_outcome(enum tobi_outcome outcome);
/* What to do about a check that failed or did not run. The list is in the order in which
 * one check needs another: what did not run behind one that failed waits for that. */
const char *explain_remedy(const struct check_record *record, bool failed_before);

/* Each appends to out; failure is the writer's (sticky). Text from outside is escaped. */
void explain_text(const struct tobi_result *result, bool color, struct writer *out);
void explain_html(const struct tobi_result *result, struct writer *out);
/* An EAR claims-set, unsigned. TOBI_E_MEMORY only. */
TOBI_MUST_USE enum tobi_err explain_json(const struct tobi_result *result,
					 struct writer *out, struct tobi_fault *fault);

/* What was written, terminated and on the heap; object names it in faults. */
TOBI_MUST_USE enum tobi_err explain_hand_over(struct writer *out, const char *object,
					      char **ret_text, struct tobi_fault *fault);

#endif
