/* Bare signature checks, with keys that are loaded: what verifying cannot do without. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum bare_kind { BARE_P256, BARE_P384, BARE_RSA2048, BARE_RSA3072, BARE_RSA4096 };

/* So many signatures of a kind over so many bytes each. */
struct bare_part {
	enum bare_kind kind;
	unsigned count;
	size_t size;
	bool own; /* the evidence's own: there is another one in the next piece */
};

enum { BARE_PARTS = 8, BARE_MESSAGE = 16 << 10 };

struct bare {
	struct bare_part parts[BARE_PARTS];
	struct {
		EVP_PKEY *key;
		const EVP_MD *digest;
		uint8_t signature[512];
		size_t size;
	} signed_parts[BARE_PARTS];
	uint8_t message[BARE_MESSAGE];
};

/* parts: count 0 at the end. */
void bare_make(struct bare *bare, const struct bare_part *parts);
void bare_done(struct bare *bare);
/* Microseconds of all, or of the evidence's own. */
double bare_run(const struct bare *bare, bool own_only);
/* The same, of the parts of one kind only. */
double bare_run_kind(const struct bare *bare, enum bare_kind kind);
/* Of this thread's own time on a core, which neighbours do not lengthen; microseconds. */
double bare_now(void);

#endif
