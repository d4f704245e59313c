/*
 * UEFI variables in events, and the lists of Secure Boot.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, section 10.2.6
 * (UEFI_VARIABLE_DATA); UEFI 2.10, section 32.4.1 (EFI_SIGNATURE_LIST).
 */
#ifndef TOBI_TEE_BOOT_VARIABLE_H
#define TOBI_TEE_BOOT_VARIABLE_H

#include "tee/boot_claims.h"
#include "tee/event_log.h"

struct uefi_variable {
	struct tobi_bytes guid; /* 16 */
	struct tobi_bytes name; /* UTF-16LE */
	struct tobi_bytes data;
	struct tobi_bytes whole; /* all of them, as they are measured */
};

/* False for bytes that are none. More may follow: some loaders log a byte too many. */
bool uefi_variable_read(struct tobi_bytes bytes, struct uefi_variable *ret_variable);
/* Of the vendor that UEFI names for it: "SecureBoot", "PK", "KEK"; "db", "dbx". */
bool uefi_variable_is(const struct uefi_variable *variable, const char *name);
/* What a list has in it; false for bytes that are no lists of signatures. */
bool uefi_signatures_count(struct tobi_bytes data, size_t *ret_certificates,
			   size_t *ret_hashes);

#endif
