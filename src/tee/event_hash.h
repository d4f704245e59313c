/*
 * The hashes of TCG logs, by their numbers: one context for many digests, since a log has
 * hundreds of small ones.
 *
 * Source: TCG Algorithm Registry 1.34, table 3.
 */
#ifndef TOBI_TEE_EVENT_HASH_H
#define TOBI_TEE_EVENT_HASH_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum {
	EVENT_DIGEST_MAX = 64,
	TCG_SHA1 = 0x0004,
	TCG_SHA256 = 0x000b,
	TCG_SHA384 = 0x000c,
	TCG_SHA512 = 0x000d,
};

struct event_hash {
	uint16_t algorithm; /* TCG_SHA384 */
	size_t size;
	EVP_MD_CTX *ctx; /* owned */
};

/* 0 for a hash that is not known here. */
size_t event_hash_size(uint16_t algorithm);
/* "SHA-384"; "an unknown hash". */
const char *event_hash_name(uint16_t algorithm);
/* event_hash_done() it. Errors: TOBI_E_UNSUPPORTED, _CRYPTO. */
TOBI_MUST_USE enum tobi_err event_hash_start(uint16_t algorithm, const char *object,
					     struct event_hash *ret_hash,
					     struct tobi_fault *fault);
void event_hash_done(struct event_hash *hash);
/* Of the parts, one behind the other; out may be one of them. False when the library
 * fails. */
TOBI_MUST_USE bool event_hash_run(const struct event_hash *hash,
				  const struct tobi_bytes *parts, size_t count,
				  uint8_t out[static EVENT_DIGEST_MAX]);
/* Whether the digest is that of the bytes; false for one of another size. */
bool event_hash_is(const struct event_hash *hash, struct tobi_bytes digest,
		   struct tobi_bytes bytes);

#endif
