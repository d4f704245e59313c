/* The table of store keys: what is in a row, reading and adding rows. */
#ifndef TOBI_BROKER_KEYRING_ROWS_H
#define TOBI_BROKER_KEYRING_ROWS_H

#include "broker/keyring_provider.h"
#include "db/db.h"

struct key_row {
	uint64_t generation;
	char provider[32], wrap_key[KEY_ID_MAX + 1];
	struct writer wrapped; /* owned */
};

struct key_rows {
	struct key_row *rows; /* heap, in the order of generations */
	size_t count;
};

void key_rows_done(struct key_rows *rows);
/* Those from generation first on. TOBI_E_MALFORMED, _LIMIT: the table is damaged. */
TOBI_MUST_USE enum tobi_err key_rows_read(struct db *db, uint64_t first,
					  struct key_rows *ret_rows,
					  struct tobi_fault *fault);
/* The newest generation; 0: there is none. */
TOBI_MUST_USE enum tobi_err key_rows_newest(struct db *db, uint64_t *ret_generation,
					    struct tobi_fault *fault);
/* All of them in one transaction. TOBI_E_EXISTS: one of them is there. replace: the rows
 * that are there are these, wrapped anew. */
TOBI_MUST_USE enum tobi_err key_rows_write(struct db *db, const struct key_rows *rows,
					   bool replace, struct tobi_fault *fault);

#endif
