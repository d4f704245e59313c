/*
 * A fuzz target is one file: it says what one input does, and what good inputs look like.
 * entry.c makes a libFuzzer program of it, replay.c an ordinary test.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/writer.h"

/* Reads the input; true when it was accepted. Aborts when a property does not hold. */
bool fuzz_one(struct tobi_bytes input);

enum fuzz_seed {
	FUZZ_NO_SEED, /* there are no more */
	FUZZ_GOOD,    /* it must be accepted */
	FUZZ_BAD,     /* worth a start, but it is refused */
};
/* Appends seed 0, 1, 2, ... */
enum fuzz_seed fuzz_seed(unsigned number, struct writer *out);

/* Said of the code under test, not of the input. */
static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* What was read lies within what was given. */
static inline void must_be_inside(struct tobi_bytes part, struct tobi_bytes whole)
{
	must(part.size == 0 ||
	     (part.ptr >= whole.ptr && part.size <= whole.size &&
	      (size_t)(part.ptr - whole.ptr) <= whole.size - part.size));
}

static inline struct tobi_bytes text_of(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, __builtin_strlen(text)};
}

/* The first byte chooses, the rest is what is read. */
static inline uint8_t take_choice(struct tobi_bytes *input)
{
	uint8_t choice = input->size ? input->ptr[0] : 0;

	if (input->size) {
		input->ptr++;
		input->size--;
	}
	return choice;
}

/* An Ed25519 key, the same for the same number in every process: seeds that one process
 * has signed verify in another. EVP_PKEY_free() it. */
static inline EVP_PKEY *fuzz_key(uint8_t number)
{
	uint8_t raw[32] = {number};
	EVP_PKEY *key =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw));

	must(key != NULL);
	return key;
}

#endif
