/* What a start was, for people. */
#ifndef TOBI_TEE_BOOT_FACTS_H
#define TOBI_TEE_BOOT_FACTS_H

#include "tee/boot_claims.h"
#include "tee/tee.h"

void boot_facts_add(const struct boot_claims *boot, struct arena *arena,
		    struct tee_claims *claims);

#endif
