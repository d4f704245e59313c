/*
 * Counters that only go up, for who must notice an old copy of its own data: one file in
 * the platform's folder (docs/PROTOCOL.md section 12), authenticated by a key of the seal
 * root, and where the root's hardware has a counter, anchored to that.
 *
 * The file alone stops nobody from putting an old file back. So each file names the value
 * of the hardware's counter that belongs to it, and is written before that counter moves:
 * a file is good when it names the present value, or the next one, whose step then was
 * interrupted. Of a value that anybody was told there is one file only: see settle().
 */
#ifndef TOBI_ROOT_COUNTERS_H
#define TOBI_ROOT_COUNTERS_H

#include <stdbool.h>

#include "base/limits.h"
#include "pki/key.h"
#include "tobichi/bytes.h"

#define COUNTERS_FILE "counters"
#define COUNTERS_LOCK "counters.lock"
/* What the file's key is derived from: no CBOR map, as the infos of seal keys are. */
#define COUNTERS_KEY_INFO "tobichi counters/1"

enum { COUNTER_OWNER_SIZE = 32, COUNTER_NAME_SIZE = 64, COUNTERS_KEY_SIZE = 32 };

struct counters_setup {
	const char *folder;
	uint8_t key[COUNTERS_KEY_SIZE];
	/* The hardware's counter: gives the value, after one step when it is to
	 * increment. NULL: there is none. */
	enum tobi_err (*anchor)(void *context, bool increment, uint64_t *ret_value,
				struct tobi_fault *fault);
	void *context;
	/* Replaces the file, and returns when it will survive a power cut. NULL: on the
	 * disk, as it should be; tests have their own. */
	enum tobi_err (*write)(const char *path, struct tobi_bytes bytes,
			       struct tobi_fault *fault);
};

struct counters;
struct root;

/* For an open root, which is used as long as what is opened with this; wipe the key
 * afterwards. */
TOBI_MUST_USE enum tobi_err counters_setup_of(struct root *root, const char *folder,
					      struct counters_setup *ret_setup,
					      struct tobi_fault *fault);
/* When a platform is made: the first file, where the root's hardware has a counter. */
TOBI_MUST_USE enum tobi_err counters_make(struct root *root, const char *folder,
					  struct tobi_fault *fault);

/* An empty file. TOBI_E_EXISTS when there is one. */
TOBI_MUST_USE enum tobi_err counters_create(const struct counters_setup *setup,
					    struct tobi_fault *fault);
/* The same counters for a platform whose keys have moved: to's file replaces from's. None
 * in from: none in to. */
TOBI_MUST_USE enum tobi_err counters_move(const struct counters_setup *from,
					  const struct counters_setup *to,
					  struct tobi_fault *fault);
/* Reads and checks. Without a file all counters are zero, unless there is an anchor: then
 * TOBI_E_NOT_FOUND. TOBI_E_MISMATCH for a file that was changed, is of another platform,
 * or is an old one. TOBI_E_EXISTS while somebody else has it open: each would write over
 * what the other has counted. */
TOBI_MUST_USE enum tobi_err counters_open(const struct counters_setup *setup,
					  struct counters **ret_counters,
					  struct tobi_fault *fault);
void counters_free(struct counters *counters); /* wipes the key */

bool counters_are_anchored(const struct counters *counters);
/* name: 1 to 64 bytes without a zero. */
TOBI_MUST_USE enum tobi_err counters_read(struct counters *counters,
					  const uint8_t owner[static COUNTER_OWNER_SIZE],
					  struct tobi_bytes name, uint64_t *ret_value,
					  struct tobi_fault *fault);
/* The new value; it is on the disk. After a failure it is not certain whether it counted,
 * and the file is read again first the next time. TOBI_E_LIMIT when there are too many.
 */
TOBI_MUST_USE enum tobi_err
counters_increment(struct counters *counters,
		   const uint8_t owner[static COUNTER_OWNER_SIZE], struct tobi_bytes name,
		   uint64_t *ret_value, struct tobi_fault *fault);

#endif
