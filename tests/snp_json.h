/* A report of SEV-SNP in the JSON that clients of Confidential Containers send: what
 * virtee's library (Rust, serde) writes. For tests, by a reading of their own. */
#ifndef TESTS_SNP_JSON_H
#define TESTS_SNP_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "tobichi/bytes.h"

/* turin: the layout of TCBs that starts with the FMC. json_decref() it. */
json_t *snp_json_report(const uint8_t report[static 1184], bool turin);
/* {"attestation_report", "cert_chain"}: leaf, ASK, ARK, as they are given. */
json_t *snp_json_evidence(const uint8_t report[static 1184], bool turin,
			  const struct tobi_bytes *certificates, size_t count);
json_t *snp_json_numbers(struct tobi_bytes bytes);

#endif
