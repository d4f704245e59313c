/* The list of the files that Linux measured (IMA), against a register. */
#ifndef TOBI_TEE_BOOT_IMA_H
#define TOBI_TEE_BOOT_IMA_H

#include "tee/boot_replay.h"

/* Records the rows BOOT-IMA-*, fills boot->ima in, and says of which register the list
 * is. Errors: TOBI_E_MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err
boot_ima_examine(struct boot_replay *replay, struct tobi_bytes bytes,
		 const struct boot_registers_shown *shown, struct checklist *list,
		 struct boot_claims *boot, struct tobi_fault *fault);

#endif
