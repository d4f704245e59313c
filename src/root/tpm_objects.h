/* What stays in a TPM: looking for it by handle and name, putting it there, removing it.
 * What needs the owner wants ESYS_TR_RH_OWNER's authorisation to be set. */
#ifndef TOBI_ROOT_TPM_OBJECTS_H
#define TOBI_ROOT_TPM_OBJECTS_H

#include "root/tpm_record.h"
#include "root/tpm_session.h"

/* Where ours are: PROTOCOL.md section 7.3. */
enum {
	TPM_STORAGE_USUAL = 0x81000001, /* of the TCG's provisioning guidance */
	TPM_PERSISTENT_FIRST = 0x81005400,
	TPM_NV_FIRST = 0x01815400,
	TPM_RANGE = 256,
};

/* The object under this handle, which must have this name: TOBI_E_MISMATCH otherwise,
 * TOBI_E_NOT_FOUND when there is none. what names it in faults. */
TOBI_MUST_USE enum tobi_err tpm_find(struct tpm *tpm, const struct tpm_object *object,
				     const char *what, ESYS_TR *ret_object,
				     struct tobi_fault *fault);
/* Fills in the name. */
TOBI_MUST_USE enum tobi_err tpm_name_of(struct tpm *tpm, ESYS_TR object,
					struct tpm_object *ret_object,
					struct tobi_fault *fault);
/* The first handle of ours from first on that is not taken. TOBI_E_LIMIT: none. */
TOBI_MUST_USE enum tobi_err tpm_free_handle(struct tpm *tpm, uint32_t first,
					    uint32_t *ret_handle,
					    struct tobi_fault *fault);
/* Gives a transient object, which is held, the handle, or when that is 0 a free one. */
TOBI_MUST_USE enum tobi_err tpm_persist(struct tpm *tpm, ESYS_TR transient,
					uint32_t handle, const char *what,
					struct tpm_object *ret_object,
					ESYS_TR *ret_persistent,
					struct tobi_fault *fault);
/* Removes it, if it is there and has this name. Best effort. */
void tpm_remove(struct tpm *tpm, const struct tpm_object *object);
/* All of ours that have this authPolicy. Best effort. */
void tpm_remove_tagged(struct tpm *tpm, const uint8_t tag[static TPM_TAG_SIZE]);

#endif
