/* CoRIM documents for tests, written down in short: see corim_diag(). */
#ifndef TESTS_CORIM_SCENE_H
#define TESTS_CORIM_SCENE_H

#include "corim/signed.h"

/*
 * Appends CBOR, item by item, from words: m2 a map of two, a3 an array, t506 a tag, 12
 * and -72 numbers, "text" (~ for a blank), h00ff bytes, T F N, and % for bytes of an
 * argument (const struct tobi_bytes *).
 */
void corim_diag(struct writer *out, const char *words, ...);

/* What surrounds the triples; texts NULL: not there. */
struct corim_frame {
	const char *triples;  /* words of the map of triples */
	const char *profile;  /* words of the item */
	const char *validity; /* words of the map */
	const char *more;     /* words of entries over 5: count of them below */
	size_t more_count;
};
/* A document, tag 501; arguments are those of the triples. */
void corim_frame(struct writer *out, const struct corim_frame *frame,
		 const struct tobi_bytes *first, const struct tobi_bytes *second);
/* Signed by the key, which goes with it. */
void corim_frame_sign(struct writer *out, struct tobi_bytes corim, EVP_PKEY *key,
		      const struct corim_validity *validity);
/* Read; the test fails when it cannot be. */
struct corim *corim_frame_read(const struct corim_frame *frame,
			       const struct tobi_bytes *first,
			       const struct tobi_bytes *second);

#endif
