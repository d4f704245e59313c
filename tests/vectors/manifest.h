/*
 * Evidence from the field: a folder with a list of it, MANIFEST.tsv, that says of each
 * file what it is, when it counts and what should come of it. The folder is not part of
 * this tree: TOBICHI_VECTORS names it, or it is ../shared/vectors.
 */
#ifndef TESTS_VECTORS_MANIFEST_H
#define TESTS_VECTORS_MANIFEST_H

#include "base/writer.h"
#include "tests/check.h"

struct vector_row {
	const char *path; /* below the folder */
	const char *tee, *kind;
	const char *expected, *notes; /* columns 8 and 10 */
	int64_t time;		      /* 0: the format has no dates */
	struct writer file;	      /* read when it is first asked for */
	const char *use;	      /* what came of it in this run; NULL: nothing yet */
};

struct vectors {
	const char *folder;
	struct writer text;
	struct vector_row *rows;
	size_t count;
};

/* False when there is no such folder. The test fails when the list cannot be read. */
bool vectors_open(struct vectors *vectors);
void vectors_close(struct vectors *vectors);
/* Seconds since 1970 of "2026-05-17T12:00:00Z"; 0 for "-". */
int64_t vectors_time(const char *text);
/* The test fails when there is no such row. */
struct vector_row *vectors_find(struct vectors *vectors, const char *path);
struct tobi_bytes vectors_bytes(const struct vectors *vectors, struct vector_row *row);
/* Whether a row's file is directly in the folder of another's. */
bool vectors_beside(const struct vector_row *row, const struct vector_row *other);
/* Runs cmocka tests over the list: main()'s status, 77 without the folder. */
#define vectors_run(vectors, tests)                                                      \
	(vectors_open(vectors) ? cmocka_run_group_tests(tests, NULL, NULL)               \
			       : vectors_missing())
int vectors_missing(void);

#endif
