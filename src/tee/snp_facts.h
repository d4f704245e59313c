/* What a report of AMD SEV-SNP says, in lines for people. */
#ifndef TOBI_TEE_SNP_FACTS_H
#define TOBI_TEE_SNP_FACTS_H

#include "tee/snp_claims.h"
#include "tee/tee.h"

void snp_facts_add(struct tee_claims *claims, struct arena *arena,
		   const struct snp_claims *snp);

#endif
