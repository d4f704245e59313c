#include "bench/bare.h"

#include <time.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "tests/check.h"

double bare_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static EVP_PKEY *make_key(enum bare_kind kind)
{
	switch (kind) {
	case BARE_P256:
		return EVP_EC_gen("P-256");
	case BARE_P384:
		return EVP_EC_gen("P-384");
	case BARE_RSA2048:
		return EVP_RSA_gen(2048);
	case BARE_RSA3072:
		return EVP_RSA_gen(3072);
	case BARE_RSA4096:
		return EVP_RSA_gen(4096);
	}
	return NULL;
}

void bare_make(struct bare *bare, const struct bare_part *parts)
{
	*bare = (struct bare){0};
	for (size_t i = 0; i < BARE_PARTS && parts[i].count; i++) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();
		bool small = parts[i].kind == BARE_P256 || parts[i].kind == BARE_RSA2048;

		assert_true(parts[i].size <= sizeof(bare->message));
		bare->parts[i] = parts[i];
		bare->signed_parts[i].key = make_key(parts[i].kind);
		bare->signed_parts[i].digest = small ? EVP_sha256() : EVP_sha384();
		bare->signed_parts[i].size = sizeof(bare->signed_parts[i].signature);
		assert_int_equal(EVP_DigestSignInit(md, NULL,
						    bare->signed_parts[i].digest, NULL,
						    bare->signed_parts[i].key),
				 1);
		assert_int_equal(EVP_DigestSign(md, bare->signed_parts[i].signature,
						&bare->signed_parts[i].size,
						bare->message, parts[i].size),
				 1);
		EVP_MD_CTX_free(md);
	}
}

void bare_done(struct bare *bare)
{
	for (size_t i = 0; i < BARE_PARTS; i++)
		EVP_PKEY_free(bare->signed_parts[i].key);
}

static void check(const struct bare *bare, size_t part)
{
	for (unsigned i = 0; i < bare->parts[part].count; i++) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();

		assert_int_equal(EVP_DigestVerifyInit(md, NULL,
						      bare->signed_parts[part].digest,
						      NULL, bare->signed_parts[part].key),
				 1);
		assert_int_equal(EVP_DigestVerify(md, bare->signed_parts[part].signature,
						  bare->signed_parts[part].size,
						  bare->message, bare->parts[part].size),
				 1);
		EVP_MD_CTX_free(md);
	}
}

double bare_run(const struct bare *bare, bool own_only)
{
	double start = bare_now();

	for (size_t i = 0; i < BARE_PARTS; i++) {
		if (bare->parts[i].own || !own_only)
			check(bare, i);
	}
	return bare_now() - start;
}

double bare_run_kind(const struct bare *bare, enum bare_kind kind)
{
	double start = bare_now();

	for (size_t i = 0; i < BARE_PARTS; i++) {
		if (bare->parts[i].kind == kind)
			check(bare, i);
	}
	return bare_now() - start;
}
