/*
 * What this test knows of each row of the list beside what the list says: which files
 * belong together, which checks stand for the outcome that is named, which policy takes
 * the weakness of the evidence.
 */
#ifndef TESTS_VECTORS_CASES_H
#define TESTS_VECTORS_CASES_H

#include <stdbool.h>
#include <stddef.h>

enum { CASE_FILES = 8, CASE_CODES = 24, CASE_FREE = 5, CASE_WITHOUT = 3 };

/* In a policy: those that expected.json names. */
#define CASE_ADVISORIES "@advisories"

/* In place of the checks that fail: no policy can be read with such a root. */
#define CASE_NO_POLICY "no-policy"

/* A row that is evidence, or a change of one (replaces). */
struct vector_case {
	const char *path;
	const char *tier;
	const char
	    *says; /* stands in column 8: this is the outcome that was understood */
	/* The evidence is a part of the file: bytes before it and behind it. */
	size_t offset, cut;
	/* It is text: another case of a letter may be the same evidence. */
	bool text;
	/* How many bytes at the end nobody has signed. */
	size_t loose;
	const char *also[CASE_FILES]; /* rows that it needs, of other folders */
	/* A row in place of those of its folder. */
	const char *without[CASE_WITHOUT], *instead;
	/* A row that the policy names as its root; NULL: none, but the built-in ones. */
	const char *anchors;
	/* A row with the public key that the policy names, of kinds that have no vendor's
	 * root; the outcome is the evidence's own. */
	const char *key;
	/* The time, where the list has another one for the evidence. */
	const char *at;
	/* What the policy must name: hexadecimal, or its name in expected.json; "" for
	 * evidence of a platform on which nothing runs. */
	const char *image;
	/* A policy that asks for the image and takes nothing else refuses for exactly
	 * these; "TRUNCATED", ...: the error, where it cannot be read. */
	const char *fails[CASE_CODES];
	/* What a policy says to take it as it is (YAML); NULL: no policy can. */
	const char *takes;
	/* Where there is no image: what it says for another one, and the check. */
	const char *differs, *differs_code;
	/* Why no policy can take it although it is genuine, as the list says it. */
	const char *lacks;
	/* Bytes that may change, for nobody has signed them. */
	struct {
		size_t from, size;
	} free[CASE_FREE];
	const char *secret; /* hexadecimal */
};

/* Of all kinds, table by table; NULL past the end. */
const struct vector_case *vector_case_at(size_t index);
/* Tables, whose last row has no path. */
extern const struct vector_case vector_cases_arm[], vector_cases_tpm[];
extern const struct vector_case vector_cases_arm[], vector_cases_nvidia[];

/* A row, or all whose path starts so (ends in '*'), that no case needs, and why. */
struct vector_unused {
	const char *path, *why;
};
extern const struct vector_unused vector_unused[];
const struct vector_unused *vector_unused_find(const char *path);

#endif
