/*
 * The log of what firmware and boot loaders measured (TCG): of a TPM's PCRs, or of a TDX
 * guest's RTMRs (CCEL). Replaying it must give the registers; the log itself proves
 * nothing.
 *
 * Of an event the digest is proven by the replay, and nothing else: not its type, nor its
 * data, unless the digest is the data's own (event_data_is_proven()).
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, section 10; UEFI 2.10, section 38
 * (CC_EVENT); docs/PROTOCOL.md section 14.2.
 */
#ifndef TOBI_TEE_EVENT_LOG_H
#define TOBI_TEE_EVENT_LOG_H

#include <stdbool.h>

#include "base/reader.h"

enum {
	EVENT_BANKS_MAX = 8,
	EVENT_DIGEST_MAX = 64,
	EVENT_REGISTERS = 24,
	LIMIT_EVENTS = 16384,
	CCEL_TABLE_SIZE = 56,
	TCG_SHA256 = 0x000b,
	TCG_SHA384 = 0x000c,
};

/* Types (TCG PFP, section 10.4.1). */
enum {
	EVENT_NO_ACTION = 0x03,
	EVENT_SEPARATOR = 0x04,
	EVENT_ACTION = 0x05,
};
#define EVENT_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EVENT_EFI_VARIABLE_BOOT 0x80000002u
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
	size_t read;   /* events so far */
	size_t filled; /* from here on there is nothing but filling */
};

/* Whether the bytes start as a log with several banks does. */
bool event_log_starts(struct tobi_bytes bytes);
/* Reads the first event, which names the banks. Errors: TOBI_E_TRUNCATED, _MALFORMED,
 * _LIMIT; _UNSUPPORTED for a log of SHA-1 alone. */
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
bool event_data_is_proven(const struct event *event, uint16_t algorithm);

/* Registers as a log makes them. */
struct event_replay {
	uint16_t algorithm;
	size_t digest_size;
	uint8_t registers[EVENT_REGISTERS][EVENT_DIGEST_MAX];
	bool extended[EVENT_REGISTERS];
	size_t events;
};

/* Of one bank, SHA-256 or SHA-384. Registers start at zero; TPMs alone have other starts
 * (section 9.4.5), which are their verifier's to set before event_replay_add(). Errors:
 * TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err event_replay_start(struct event_replay *replay,
					       uint16_t algorithm, const char *object,
					       struct tobi_fault *fault);
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
