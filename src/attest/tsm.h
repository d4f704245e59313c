/* What the files of configfs-tsm say. */
#ifndef TOBI_ATTEST_TSM_H
#define TOBI_ATTEST_TSM_H

#include <stdbool.h>

#include "tobichi/bytes.h"

/* Decimal digits, and line ends. */
bool tsm_number(struct tobi_bytes text, uint64_t *ret_number);
/* The kind of evidence of a provider: "tdx-quote"; NULL for one that is not known. */
const char *tsm_kind(struct tobi_bytes provider);

#endif
