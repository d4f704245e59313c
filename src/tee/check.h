/*
 * Recording checks. A check is a row of a const table; while evidence is examined each
 * one is recorded as passed or failed. Who reads the records and gives the verdict is
 * appraise/verdict.c alone.
 */
#ifndef TOBI_TEE_CHECK_H
#define TOBI_TEE_CHECK_H

#include <stdbool.h>

#include "base/arena.h"
#include "tobichi/verify.h"

struct check {
	const char *code;
	const char *proves;
	const char *source;
	const char *remedy;
};

enum { CHECKLIST_MAX = 384, CHECKLIST_SLOTS = 1024 };

struct check_record {
	const struct check *check;
	enum tobi_outcome outcome;
	const char *expected;
	const char *found;
};

struct checklist {
	struct arena *arena; /* for the texts */
	struct check_record records[CHECKLIST_MAX];
	size_t count;
	/* Where the record of a check is, plus one; 0: free. By the check's address, and
	 * on from there. */
	uint16_t slots[CHECKLIST_SLOTS];
};

/* Puts the check on the list as owed, with no record (TOBI_NOT_RUN). Twice is once. */
void check_owe(struct checklist *list, const struct check *check);
/* Records the outcome of an owed check; one that is not owed is added. A failed record
 * stays failed whatever is recorded later. Texts may be NULL. Returns passed. */
bool check_record(struct checklist *list, const struct check *check, bool passed,
		  const char *expected, const char *found);
/* The policy does not ask: shown, and owed no more. Does not change an outcome that was
 * recorded. */
void check_not_asked(struct checklist *list, const struct check *check, const char *why);
/* An owed check without a record is not owed after all: it is not asked. */
void check_waive(struct checklist *list, const struct check *check, const char *why);
/* Records bytes that must be equal, in hexadecimal. */
bool check_record_equal(struct checklist *list, const struct check *check,
			struct tobi_bytes expected, struct tobi_bytes found);

#endif
