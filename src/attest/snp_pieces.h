/* What is in the certificate table of a host, as pieces beside a report. */
#ifndef TOBI_ATTEST_SNP_PIECES_H
#define TOBI_ATTEST_SNP_PIECES_H

#include "attest/attester.h"

/* A table that cannot be read is left out, and the note says so: the host wrote it, and
 * a report counts without it. One of zeros is none. */
TOBI_MUST_USE enum tobi_err snp_pieces_add(struct tobi_bytes table,
					   struct attest_output *output,
					   struct tobi_fault *fault);

#endif
