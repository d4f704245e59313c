/*
 * Event logs that came beside evidence, against the registers that it proves: rows
 * BOOT-*, and claims->boot (boot_claims.h).
 *
 * For each kind of evidence with such registers: its verifier puts BOOT_CHECKS into its
 * table of checks and calls boot_examine() once it knows the registers' values. A log
 * that does not give those values gives no claims.
 */
#ifndef TOBI_TEE_BOOT_H
#define TOBI_TEE_BOOT_H

#include "tee/boot_claims.h"
#include "tee/event_log.h"
#include "tee/tee.h"

extern const struct check boot_check_read, boot_check_replay, boot_check_separators,
    boot_check_ima_read, boot_check_ima_replay, boot_check_ima_boot;

#define BOOT_CHECKS                                                                      \
	&boot_check_read, &boot_check_replay, &boot_check_separators,                    \
	    &boot_check_ima_read, &boot_check_ima_replay, &boot_check_ima_boot

/* What the evidence proves. */
struct boot_registers_shown {
	enum boot_registers kind;
	uint16_t algorithm; /* of the bank: TCG_SHA256 */
	/* By the number that the log has for it: PCR n is n, RTMR n is n + 1. Empty: the
	 * evidence does not show it, and nothing is proven of its events. */
	struct tobi_bytes values[EVENT_REGISTERS];
	/* Used in place of BOOT-LOG-READ and BOOT-LOG-REPLAY; or NULL. */
	const struct check *instead;
};

/*
 * Looks for logs among the pieces and the endorsements, and records the rows of
 * BOOT_CHECKS; where there is none they are not asked. Errors: TOBI_E_MEMORY, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err
boot_examine(const struct tee_request *request, const struct boot_registers_shown *shown,
	     struct checklist *list, struct tee_claims *claims, struct tobi_fault *fault);

/* Whether a piece is such a log: tee_verifier.takes. */
bool boot_is_log(struct tobi_bytes piece);

/* The logs that came. Borrowed. */
struct boot_logs {
	bool found;
	struct tobi_bytes log;
	bool has_ima;
	struct tobi_bytes ima;
};
/* Errors: TOBI_E_EXISTS for a second one, _MALFORMED for endorsements that are none. */
TOBI_MUST_USE enum tobi_err boot_logs_find(const struct tee_request *request,
					   struct boot_logs *ret_logs,
					   struct tobi_fault *fault);

#endif
