/*
 * A signed head: what the log's key says that the log is, at a time. Two heads of one
 * size with two roots are the proof of a fork.
 *
 * COSE_Sign1, content type application/tobichi-log-head, over a CBOR map; the key is in
 * it, so that whoever knows the key's id needs no other file (docs/PROTOCOL.md 18.4).
 */
#ifndef TOBI_LOG_HEAD_H
#define TOBI_LOG_HEAD_H

#include "log/tree.h"
#include "pki/key.h"

enum { LOG_NAME_MAX = 128, LOG_HEAD_MAX = 1024 };

struct log_head {
	struct tobi_bytes name; /* of the log; of a head that was read, borrowed */
	uint64_t size;
	struct log_hash root;
	int64_t time;		  /* seconds since 1970: when it was signed */
	uint8_t key[SHA384_SIZE]; /* of its SubjectPublicKeyInfo; log_head_sign() finds it
				   */
};

/* Appends at most LOG_HEAD_MAX bytes. TOBI_E_ARGUMENT for a name that is empty, too long
 * or no text; TOBI_E_UNSUPPORTED for a key that is not P-256, P-384 or Ed25519; _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err log_head_sign(const struct log_head *head, EVP_PKEY *key,
					  struct writer *out, struct tobi_fault *fault);

/*
 * Only what its key has signed is given out. key: SHA-384 of the key that must have, or
 * NULL for whoever sees the log for the first time and is about to keep ret_head->key.
 * Errors: the decoder's, TOBI_E_LIMIT, TOBI_E_UNSUPPORTED; TOBI_E_SIGNATURE when it was
 * signed by another key, or changed.
 */
TOBI_MUST_USE enum tobi_err log_head_read(struct tobi_bytes bytes, const uint8_t *key,
					  struct log_head *ret_head,
					  struct tobi_fault *fault);
/* The same for who has the key, and its id: it is not read from the head once more. */
TOBI_MUST_USE enum tobi_err log_head_read_own(struct tobi_bytes bytes, EVP_PKEY *key,
					      const uint8_t id[static SHA384_SIZE],
					      struct log_head *ret_head,
					      struct tobi_fault *fault);

#endif
