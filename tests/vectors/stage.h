/* One row of the list on stage: its collateral, its pieces, a policy; and the verdict. */
#ifndef TESTS_VECTORS_STAGE_H
#define TESTS_VECTORS_STAGE_H

#include <jansson.h>

#include "tests/vectors/cases.h"
#include "tests/vectors/manifest.h"
#include "tobichi/verify.h"

enum { STAGE_PIECES = 16, STAGE_BESIDE = 24 };

/* That no evidence has. */
#define STAGE_NO_IMAGE "5555555555555555555555555555555555555555555555555555555555555555"

struct stage {
	struct vectors *vectors;
	const struct vector_case *what;
	struct vector_row *row;	 /* the evidence */
	struct vector_row *said; /* whose outcome it is: the evidence's, or that of what
				  * stands in place of something beside it */
	int64_t time;
	struct tobi_bytes evidence;
	struct vector_row *beside[STAGE_BESIDE]; /* in the next two */
	size_t beside_count;
	struct tobi_collateral *collateral;
	struct tobi_bytes pieces[STAGE_PIECES];
	size_t piece_count;
	struct tobi_bytes anchors; /* PEM, or empty */
	json_t *expected;	   /* expected.json of the folder, or NULL */
	char image[2 * 64 + 1];	   /* what a policy names */
	uint8_t nonce[64], secret[16];
	size_t nonce_size, secret_size;
};

void stage_make(struct stage *stage, struct vectors *vectors,
		const struct vector_case *what);
void stage_done(struct stage *stage);
/* The same with some of those beside the evidence alone. It borrows from the other: only
 * tobi_collateral_free() its collateral. */
void stage_select(const struct stage *stage,
		  bool (*wanted)(const struct vector_row *row, const void *context),
		  const void *context, struct stage *ret_stage);
/* Something beside the evidence, borrowed: true where it is collateral, else a piece. */
bool stage_add(struct stage *stage, struct tobi_bytes bytes, const char *name);
/* A member by path, "pck.fmspc"; NULL when there is none. */
const json_t *stage_expected(const struct stage *stage, const char *path);

/* The policy of the row's tier for this image, which takes what `takes` says ("": no
 * weakness). NULL when it cannot be read; why is printed. */
struct tobi_policy *stage_policy(const struct stage *stage, const char *image,
				 const char *takes);
/* What the policy says of these bytes at the row's time, from a block of their size: a
 * result or an error. */
struct tobi_result *stage_verify(const struct stage *stage,
				 const struct tobi_policy *policy,
				 struct tobi_bytes evidence, enum tobi_err *ret_err);
/* The codes of all that has not passed, or the name of the error: "A B C". */
void stage_reasons(const struct tobi_result *result, enum tobi_err err, char *ret_text,
		   size_t room);

#endif
