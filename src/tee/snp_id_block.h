/*
 * The ID block and ID authentication of AMD SEV-SNP (AMD 56860, SNP_LAUNCH_FINISH): who
 * says what the guest is. They come beside a report, which has the digests of their keys.
 */
#ifndef TOBI_TEE_SNP_ID_BLOCK_H
#define TOBI_TEE_SNP_ID_BLOCK_H

#include "tee/snp_report.h"
#include "tee/tee.h"

extern const struct check snp_check_id_block, snp_check_author_key;

/* By its size: tee_verifier.takes. */
bool snp_id_block_is(struct tobi_bytes piece);
/* Records both checks; not asked where neither an ID block (96 bytes) nor an ID
 * authentication (4096 bytes), nor the one before the other, is among the pieces. */
void snp_id_block_examine(const struct tee_request *request,
			  const struct snp_report *report, struct checklist *list);

#endif
