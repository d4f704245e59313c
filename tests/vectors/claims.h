/* What evidence says is what others have read in it: expected.json of its folder. */
#ifndef TESTS_VECTORS_CLAIMS_H
#define TESTS_VECTORS_CLAIMS_H

#include "tests/vectors/stage.h"

/* How many claims are not those that the folder's expected.json has; they are printed. */
size_t claims_compare(const struct stage *stage, const struct tobi_result *result);

#endif
