/* The counters' file, as bytes. */
#ifndef TOBI_ROOT_COUNTERS_FILE_H
#define TOBI_ROOT_COUNTERS_FILE_H

#include "base/writer.h"
#include "root/counters.h"

struct counter_entry {
	uint8_t owner[COUNTER_OWNER_SIZE];
	uint8_t name[COUNTER_NAME_SIZE]; /* zeros after it */
	uint64_t value;			 /* not zero */
};

struct counters_table {
	bool anchored;
	uint64_t anchor;	       /* zero when it is not anchored */
	struct counter_entry *entries; /* LIMIT_COUNTERS of them; ascending */
	size_t count;
};

enum {
	COUNTER_ENTRY_SIZE = COUNTER_OWNER_SIZE + COUNTER_NAME_SIZE + 8,
	COUNTERS_HEADER_SIZE = 24,
	COUNTERS_MAC_SIZE = 32,
	COUNTERS_FILE_MAX = COUNTERS_HEADER_SIZE + LIMIT_COUNTERS * COUNTER_ENTRY_SIZE +
			    COUNTERS_MAC_SIZE,
};

TOBI_MUST_USE enum tobi_err
counters_file_write(const struct counters_table *table,
		    const uint8_t key[static COUNTERS_KEY_SIZE], struct writer *out,
		    struct tobi_fault *fault);
/* Fills in table, whose entries are the caller's. The code is checked before anything
 * else is looked at: TOBI_E_MISMATCH. */
TOBI_MUST_USE enum tobi_err
counters_file_parse(struct tobi_bytes bytes, const uint8_t key[static COUNTERS_KEY_SIZE],
		    struct counters_table *table, struct tobi_fault *fault);
/* What follows the check; for the fuzzer too. */
TOBI_MUST_USE enum tobi_err counters_table_parse(struct tobi_bytes bytes,
						 struct counters_table *table,
						 struct tobi_fault *fault);
/* By owner, then by name. */
int counter_compare(const struct counter_entry *a, const struct counter_entry *b);

#endif
