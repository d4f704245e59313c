/* A result as an EAR: the trustworthiness vector of each tier, signed or not. */
#ifndef TOBI_APPRAISE_EAR_RESULT_H
#define TOBI_APPRAISE_EAR_RESULT_H

#include "appraise/appraise.h"
#include "token/ear.h"

/* The name of the attester among the submodules, of which there is one. */
#define EAR_SUBMOD "enclave"
#define EAR_BUILD "tobichi " TOBICHI_VERSION

struct ear_vector ear_result_vector(const struct tobi_result *result);
/* The worst of the vector; what was refused is contraindicated. */
enum ear_tier ear_result_status(const struct tobi_result *result,
				const struct ear_vector *vector);

#endif
