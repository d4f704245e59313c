/* The registers that a log makes, against those that the evidence shows. */
#ifndef TOBI_TEE_BOOT_REPLAY_H
#define TOBI_TEE_BOOT_REPLAY_H

#include "tee/boot.h"

struct boot_replay {
	struct event_replay replay;
	int locality; /* of the start */
	bool located; /* the log says so */
	/* Registers that the IMA log brought to what the evidence shows. */
	bool by_ima[EVENT_REGISTERS];
};

void boot_replay_done(struct boot_replay *replay);
/* All events. Errors: those of reading, TOBI_E_UNSUPPORTED, _MALFORMED, _CRYPTO. */
TOBI_MUST_USE enum tobi_err boot_replay_log(struct boot_replay *replay,
					    struct tobi_bytes log,
					    const struct boot_registers_shown *shown,
					    struct tobi_fault *fault);
/* Fills in which registers no log explains, of those that may be extended later on.
 * Errors: TOBI_E_MISMATCH, _CRYPTO. */
TOBI_MUST_USE enum tobi_err boot_replay_compare(struct boot_replay *replay,
						const struct boot_registers_shown *shown,
						uint32_t *ret_unexplained,
						struct tobi_fault *fault);

#endif
