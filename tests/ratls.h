/* Certificates with evidence, as others write them: any key, extensions of any kind in
 * any order, and what is wrong with them. For tests. */
#ifndef TESTS_RATLS_H
#define TESTS_RATLS_H

#include "pki/cert.h"
#include "tests/evidence.h"
#include "token/claims_buffer.h"
#include "token/ratls.h"

enum test_key { TEST_P256, TEST_P384, TEST_RSA2048, TEST_RSA1024 };
EVP_PKEY *test_key_make(enum test_key kind);

struct test_extension {
	const struct extension_name *name;
	struct tobi_bytes value;
	bool critical;
};

enum { TEST_EXTENSIONS = 4 };

struct test_leaf {
	EVP_PKEY *key;
	struct test_extension extensions[TEST_EXTENSIONS];
	size_t extension_count;
	bool extensions_first; /* before the usual ones */
	int64_t from, to;      /* 0: around TEST_NOW */
	const char *dns;       /* subject alternative name; or NULL */
	bool unknown_critical; /* an extension that nobody knows */
	bool spoiled;	       /* its signature */
	bool version_1;
	const struct writer *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
};
/* DER, appended. */
void test_leaf_write(const struct test_leaf *leaf, struct writer *out);

/* The scene's claims-buffer becomes one for this key, with the hash that is asked for.
 * before and after: encoded entries ("\x65key_0\x41\xaa"), how many, around it. */
struct test_claims {
	enum claims_hash hash;
	struct tobi_bytes nonce; /* or empty */
	const char *before, *after;
	unsigned before_count, after_count;
};
void test_claims_write(EVP_PKEY *key, const struct test_claims *claims,
		       struct writer *out);
/* A quote, or another kind, with these 64 bytes of report data: filler otherwise. */
void test_quote_write(unsigned version, bool tdx, const uint8_t report_data[static 64],
		      struct writer *out);

#endif
