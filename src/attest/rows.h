/* The rows of the table in attester.c. */
#ifndef TOBI_ATTEST_ROWS_H
#define TOBI_ATTEST_ROWS_H

#include "attest/attester.h"

extern const struct attester attester_gramine, attester_nsm, attester_azure, attester_tsm,
    attester_sev_guest, attester_tdx_guest, attester_tpm;

#endif
