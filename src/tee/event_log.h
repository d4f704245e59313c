/*
 * The log of what firmware and boot loaders measured (TCG): of a TPM's PCRs, or of a TDX
 * guest's RTMRs (CCEL). Replaying it must give the registers; the log itself proves
 * nothing.
 *
 * Of an event the digest is proven by the replay, and nothing else: not its type, nor its
 * data, unless the digest is the data's own (event_data_is_proven()).
 *
 * A log begins with an event that names its hashes; an older one has none such, and one
 * SHA-1 digest in each event.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, section 10; TCG EFI Platform
 * Specification 1.22, section 7; UEFI 2.10, section 38 (CC_EVENT); docs/PROTOCOL.md
 * sections 14.2 and 14.11.
 */
#ifndef TOBI_TEE_EVENT_LOG_H
#define TOBI_TEE_EVENT_LOG_H

#include <stdbool.h>

#include "base/reader.h"
#include "tee/event_hash.h"

enum {
	EVENT_BANKS_MAX = 8,
	EVENT_REGISTERS = 24,
	LIMIT_EVENTS = 16384,
	CCEL_TABLE_SIZE = 56,
};

/* Types (TCG PFP, section 10.4.1). */
enum {
	EVENT_POST_CODE = 0x01,
	EVENT_NO_ACTION = 0x03,
	EVENT_SEPARATOR = 0x04,
	EVENT_ACTION = 0x05,
	EVENT_TAG = 0x06,
	EVENT_S_CRTM_CONTENTS = 0x07,
	EVENT_S_CRTM_VERSION = 0x08,
	EVENT_IPL = 0x0d,
};
#define EVENT_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EVENT_EFI_VARIABLE_BOOT 0x80000002u
#define EVENT_EFI_APPLICATION 0x80000003u
#define EVENT_EFI_BOOT_DRIVER 0x80000004u
#define EVENT_EFI_RUNTIME_DRIVER 0x80000005u
#define EVENT_EFI_ACTION 0x80000007u
#define EVENT_EFI_VARIABLE_BOOT2 0x8000000cu
#define EVENT_EFI_VARIABLE_AUTHORITY 0x800000e0u

struct event_digest {
	uint16_t algorithm; /* TCG_SHA384 */
	struct tobi_bytes value;
};

/* Spans borrow from the log. */
struct event {
	uint32_t index; /* the PCR; in a CCEL 0 is MRTD and 1 to 4 are RTMR0 to 3 */
	uint32_t type;
	struct event_digest digests[EVENT_BANKS_MAX];
	size_t digest_count;
	struct tobi_bytes data;
};

struct event_log {
	struct reader rd;
	struct {
		uint16_t algorithm, size;
	} banks[EVENT_BANKS_MAX];
	size_t bank_count;
	bool sha1_only; /* of the older form */
	size_t read;	/* events so far */
	size_t filled;	/* from here on there is nothing but filling */
};

/* Whether the bytes start as a log does, of either form. */
bool event_log_starts(struct tobi_bytes bytes);
/* Reads the event that names the banks, which is none of those that follow; a log of
 * SHA-1 alone has none. Errors: TOBI_E_TRUNCATED, _MALFORMED, _LIMIT; _UNSUPPORTED for
 * what starts as no log does. */
TOBI_MUST_USE enum tobi_err event_log_open(struct tobi_bytes bytes, const char *object,
					   struct event_log *ret_log,
					   struct tobi_fault *fault);
/* The next event. False at the end, which is the end of the bytes or of what is filled
 * (then only 0xff or only zeros follow), and after a failure: event_log_finish() tells.
 */
bool event_log_next(struct event_log *log, struct event *ret_event);
TOBI_MUST_USE enum tobi_err event_log_finish(const struct event_log *log,
					     const char *object,
					     struct tobi_fault *fault);
/* The event's digest of a bank; empty when it has none. */
struct tobi_bytes event_digest_of(const struct event *event, uint16_t algorithm);
/* Whether the digest is that of the data, so that the data is proven as well. */
bool event_data_is_proven(const struct event *event, const struct event_hash *hash);

/* Registers as a log makes them. */
struct event_replay {
	struct event_hash hash;
	uint8_t registers[EVENT_REGISTERS][EVENT_DIGEST_MAX];
	bool extended[EVENT_REGISTERS];
	size_t events;
};

/* Of one bank. Registers start at zero; TPMs alone have other starts (section 9.4.5),
 * which are the caller's to set before event_replay_add(). event_replay_done() it.
 * Errors: TOBI_E_UNSUPPORTED, _CRYPTO. */
TOBI_MUST_USE enum tobi_err event_replay_start(struct event_replay *replay,
					       uint16_t algorithm, const char *object,
					       struct tobi_fault *fault);
void event_replay_done(struct event_replay *replay);
/* register = hash(register, digest). False when the library fails. */
TOBI_MUST_USE bool event_replay_extend(struct event_replay *replay, unsigned index,
				       struct tobi_bytes digest);
struct tobi_bytes event_replay_register(const struct event_replay *replay,
					unsigned index);
/* EV_NO_ACTION extends nothing. Errors: TOBI_E_MALFORMED for a register that there is
 * not, or an event without a digest of the bank; _CRYPTO. */
TOBI_MUST_USE enum tobi_err event_replay_add(struct event_replay *replay,
					     const struct event *event,
					     const char *object,
					     struct tobi_fault *fault);

/* The ACPI table that tells where a CCEL lies. */
struct ccel_table {
	uint8_t type, subtype; /* 2: TDX */
	uint64_t log_size;
};

bool ccel_table_starts(struct tobi_bytes bytes);
/* Errors: TOBI_E_TRUNCATED, _TRAILING, _MALFORMED (its sum, its length). */
TOBI_MUST_USE enum tobi_err ccel_table_read(struct tobi_bytes bytes, const char *object,
					    struct ccel_table *ret_table,
					    struct tobi_fault *fault);

#endif
