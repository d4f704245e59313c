#ifndef TOBI_TEE_NVIDIA_FACTS_H
#define TOBI_TEE_NVIDIA_FACTS_H

#include "tee/nvidia_claims.h"
#include "tee/tee.h"

/* Says what was found of the devices: of one or two in full, else in a line each. */
void nvidia_facts(const struct nvidia_claims *nvidia, struct arena *arena,
		  struct tee_claims *claims);

#endif
