/*
 * Intel's signed documents: {"tcbInfo":{...},"signature":"..."} and the same for
 * "enclaveIdentity". What is signed is the value's bytes as they were served; these
 * bytes, and no others, are what is read.
 *
 * Source: Intel PCS API v4; docs/PROTOCOL.md section 14.2.
 */
#ifndef TOBI_TEE_DCAP_JSON_H
#define TOBI_TEE_DCAP_JSON_H

#include <stdbool.h>

#include "base/arena.h"
#include "codec/json.h"

enum { DCAP_SIGNATURE_SIZE = 64, DCAP_ADVISORIES_MAX = 64, DCAP_LEVELS_MAX = 128 };

struct dcap_envelope {
	struct tobi_bytes signed_part; /* borrowed */
	uint8_t signature[DCAP_SIGNATURE_SIZE];
};

/* Exactly the member of this name and "signature", in either order; blanks may stand
 * between, and blanks and zeros behind. Errors: TOBI_E_MALFORMED, _TRAILING, _TRUNCATED.
 */
TOBI_MUST_USE enum tobi_err dcap_envelope_read(struct tobi_bytes bytes,
					       const char *member, const char *object,
					       struct dcap_envelope *ret_envelope,
					       struct tobi_fault *fault);

/* In the order of Intel's table; which is better than which is dcap_tcb.h's. */
enum dcap_status {
	DCAP_UP_TO_DATE,
	DCAP_SW_HARDENING_NEEDED,
	DCAP_CONFIGURATION_NEEDED,
	DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	DCAP_TD_RELAUNCH_ADVISED, /* never in a document: it is worked out */
	DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
	DCAP_OUT_OF_DATE,
	DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED,
	DCAP_REVOKED,
	DCAP_STATUSES,
};

/* "UpToDate". */
const char *dcap_status_name(enum dcap_status status);
/* False for a name that is none. */
bool dcap_status_find(const char *name, enum dcap_status *ret_status);

/* What a document says of one level. In an arena. */
struct dcap_advice {
	enum dcap_status status;
	int64_t date; /* seconds since 1970 */
	const char *const *advisories;
	size_t advisory_count;
};

/*
 * The getters of a document: each fails with the name of the member and what is wrong.
 * Failure is sticky: after the first, every getter returns zero.
 */
struct dcap_reader {
	const char *object;
	struct arena *arena;
	struct tobi_fault *fault;
	enum tobi_err err;
};

void dcap_fail(struct dcap_reader *rd, const char *name, const char *what);
/* What the array's members must be is the caller's to check; NULL after failure. */
const json_t *dcap_array(struct dcap_reader *rd, const json_t *object, const char *name,
			 size_t max);
const json_t *dcap_object(struct dcap_reader *rd, const json_t *object, const char *name);
/* Printable ASCII, at most LIMIT_NAME; "" after failure. Not a copy. */
const char *dcap_text(struct dcap_reader *rd, const json_t *object, const char *name);
/* An integer from 0 to max; a float is none. */
uint64_t dcap_number(struct dcap_reader *rd, const json_t *object, const char *name,
		     uint64_t max);
/* 2 * size hexadecimal digits of either case. */
void dcap_hex(struct dcap_reader *rd, const json_t *object, const char *name,
	      uint8_t *out, size_t size);
/* 2025-06-19T10:32:27Z, and a day that there is. */
int64_t dcap_date(struct dcap_reader *rd, const json_t *object, const char *name);
/* tcbStatus, tcbDate, advisoryIDs. */
struct dcap_advice dcap_advice(struct dcap_reader *rd, const json_t *level);

#endif
