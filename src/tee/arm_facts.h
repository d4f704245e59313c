/* What Arm's tokens say, for people and for reference values. */
#ifndef TOBI_TEE_ARM_FACTS_H
#define TOBI_TEE_ARM_FACTS_H

#include "tee/arm_claims.h"
#include "tee/tee.h"

/* The device and its state. */
void arm_facts_device(const struct arm_claims *claims, struct arena *arena,
		      struct tee_claims *out);
/* A line for each measured component. */
void arm_facts_components(const struct arm_claims *claims, struct arena *arena,
			  struct tee_claims *out);
/* Whose keys reference values may name (draft-fdb-rats-psa-endorsements, section 3). */
struct tee_environment arm_environment(const struct arm_claims *claims);
/* The components, as reference values name them. */
void arm_measurements(const struct arm_claims *claims, struct arena *arena,
		      struct tee_claims *out);
/* The registered number of a hash of that size. */
uint64_t arm_digest_algorithm(size_t size);

#endif
