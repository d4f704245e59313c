/* The counter: an NV index that only grows, which no copy of a file turns back. */
#ifndef TOBI_ROOT_TPM_COUNTER_H
#define TOBI_ROOT_TPM_COUNTER_H

#include "root/tpm_objects.h"

/* Under a free index. It starts where the TPM says: no counter of a TPM starts below what
 * a removed one had. */
TOBI_MUST_USE enum tobi_err tpm_counter_make(struct tpm *tpm,
					     const uint8_t auth[static TPM_AUTH_SIZE],
					     struct tpm_object *ret_object,
					     struct tobi_fault *fault);
/* Opens the TPM of the record. */
TOBI_MUST_USE enum tobi_err tpm_counter_read(const struct tpm_record *record,
					     bool increment, uint64_t *ret_value,
					     struct tobi_fault *fault);

#endif
