/*
 * What each check of a refusal has expected and found. The leaf of a decision has the
 * checks' names and outcomes alone, for ever; this is beside the log, as long as the
 * decision's evidence is kept, for the owner who asks why.
 */
#ifndef TOBI_BROKER_DECISION_DETAILS_H
#define TOBI_BROKER_DECISION_DETAILS_H

#include "appraise/appraise.h"
#include "db/db.h"

enum { DETAILS_MAX = 256 << 10, DETAILS_CHECKS_MAX = 768, DETAILS_TEXT_MAX = 600 };

/* Of one check; texts may be empty, and are without control characters. Borrowed. */
struct decision_detail {
	struct tobi_bytes code; /* as the leaf has it: of the guest around with GUEST- */
	unsigned outcome;	/* enum tobi_outcome */
	struct tobi_bytes proves, expected, found;
	/* Of a check that failed or did not run. */
	struct tobi_bytes remedy, source;
};

/* Appends all checks of the result, and of the guest around; texts are cut at
 * DETAILS_TEXT_MAX. The writer's failure is the caller's to see. */
void decision_details_write(const struct tobi_result *result, struct writer *out);
typedef enum tobi_err decision_detail_each(void *context,
					   const struct decision_detail *detail,
					   struct tobi_fault *fault);
/* Not TOBI_OK of each ends it with that error. The decoder's errors, before any was
 * given to each. */
TOBI_MUST_USE enum tobi_err decision_details_read(struct tobi_bytes bytes,
						  decision_detail_each *each,
						  void *context,
						  struct tobi_fault *fault);

#endif
