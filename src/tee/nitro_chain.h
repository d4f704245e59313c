/* The certificates of a document of AWS Nitro, verified once and remembered. */
#ifndef TOBI_TEE_NITRO_CHAIN_H
#define TOBI_TEE_NITRO_CHAIN_H

#include "pki/memo.h"
#include "pki/pinned.h"
#include "tee/nitro_document.h"

enum { NITRO_NAME_MAX = 96 };

struct nitro_chain {
	struct memo_value head;
	EVP_PKEY *key;		   /* the leaf's; NULL: it cannot be read */
	char name[NITRO_NAME_MAX]; /* the leaf's common name */
	struct chain_window window;
	/* What does not hold, in words; "" where all is right. What could not be looked
	 * at because of an earlier one is NULL. */
	char path[160];
	const char *order, *profile;
};

/*
 * The chain of a document at its own time. Only a chain with which all is right is kept
 * in the memo, which may be NULL. memo_unref(&chain->head) it. TOBI_E_MEMORY, _CRYPTO; a
 * bad certificate is no error.
 */
TOBI_MUST_USE enum tobi_err nitro_chain_get(const struct nitro_document *document,
					    const struct key_pins *pins,
					    struct memo *memo,
					    struct nitro_chain **ret_chain,
					    struct tobi_fault *fault);

#endif
