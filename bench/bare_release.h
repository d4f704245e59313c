/* What no broker can do without to give out a secret by the key-broker protocol: the
 * cryptography alone, by the same OpenSSL, with the broker's own keys loaded. */
#ifndef BENCH_BARE_RELEASE_H
#define BENCH_BARE_RELEASE_H

#include "bench/bare.h"

struct bare_release {
	struct bare report; /* its P-384 signature, of a processor that is known */
	EVP_PKEY *token_key;
	uint8_t guest[65]; /* the guest's public key, as a point */
};

void bare_release_make(struct bare_release *bare);
void bare_release_done(struct bare_release *bare);
/* Microseconds of this thread on a core for so many, each. */
double bare_release_run(const struct bare_release *bare, size_t count);

#endif
