/*
 * A report of AMD SEV-SNP in the JSON of virtee's library (Rust, serde), as clients of
 * Confidential Containers send it (docs/PROTOCOL.md section 18.1.4). It is put together
 * to the bytes that the hardware signed, so that any slip fails at the signature.
 */
#ifndef TOBI_BROKER_KBS_SNP_H
#define TOBI_BROKER_KBS_SNP_H

#include "broker/kbs_lists.h"
#include "tee/snp_report.h"

/* Members that are not known are passed over; of the later ones each may be absent, and
 * is then zero. lists: what was read ahead of it, or NULL. TOBI_E_MALFORMED naming the
 * member. */
TOBI_MUST_USE enum tobi_err kbs_snp_read(const json_t *json,
					 const struct kbs_lists *lists,
					 uint8_t ret_report[static SNP_REPORT_SIZE],
					 struct tobi_fault *fault);
/* A list of numbers from 0 to 255, exactly size of them. */
TOBI_MUST_USE enum tobi_err
kbs_numbers_read(const json_t *list, const struct kbs_lists *lists, const char *field,
		 size_t size, uint8_t *ret_bytes, struct tobi_fault *fault);
/* Whether it is a list, of anything; and how long. */
bool kbs_is_list(const json_t *list, const struct kbs_lists *lists, size_t *ret_size);

#endif
