/* What was handed over beside the evidence, and is of no use: often it is the wrong file,
 * or one for another option. */
#ifndef TOBI_APPRAISE_BESIDE_H
#define TOBI_APPRAISE_BESIDE_H

#include "appraise/appraise.h"

/* Why nothing of this result could use the piece; NULL where something may have. */
const char *beside_why_unused(const struct tobi_result *result, struct tobi_bytes piece);

#endif
