/* The prepared statements of one connection, by their texts and the kinds of their
 * values; the one that was not used for longest makes room. */
#ifndef TOBI_DB_STATEMENTS_H
#define TOBI_DB_STATEMENTS_H

#include "db/backend.h"

struct statement {
	uint64_t hash, used;
	char *text;
	uint8_t *kinds; /* of the values, count of them */
	size_t count;
	bool busy;     /* its rows are being read */
	void *handle;  /* the backend's; NULL: not prepared */
	char name[16]; /* never used twice by a connection */
};

struct statements {
	struct statement slots[DB_STATEMENTS];
	uint64_t clock, made;
	/* Ends what handle stands for. */
	void (*end)(void *context, struct statement *statement);
	void *context;
};

/* One with that text: prepared, or with handle NULL for the caller to fill in. NULL when
 * memory is out, or all are busy. Not one that is busy. */
struct statement *statements_get(struct statements *set, const char *text,
				 const struct db_value *values, size_t count);
/* It could not be prepared, or is of no use any more. */
void statements_drop(struct statements *set, struct statement *statement);
void statements_done(struct statements *set);

#endif
