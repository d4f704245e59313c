#include "tee/event_hash.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"

static const EVP_MD *md_of(uint16_t algorithm)
{
	switch (algorithm) {
	case TCG_SHA1:
		return EVP_sha1();
	case TCG_SHA256:
		return EVP_sha256();
	case TCG_SHA384:
		return EVP_sha384();
	case TCG_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

size_t event_hash_size(uint16_t algorithm)
{
	const EVP_MD *md = md_of(algorithm);

	return md ? (size_t)EVP_MD_get_size(md) : 0;
}

const char *event_hash_name(uint16_t algorithm)
{
	switch (algorithm) {
	case TCG_SHA1:
		return "SHA-1";
	case TCG_SHA256:
		return "SHA-256";
	case TCG_SHA384:
		return "SHA-384";
	case TCG_SHA512:
		return "SHA-512";
	default:
		return "an unknown hash";
	}
}

enum tobi_err event_hash_start(uint16_t algorithm, const char *object,
			       struct event_hash *ret_hash, struct tobi_fault *fault)
{
	const EVP_MD *md = md_of(algorithm);
	EVP_MD_CTX *ctx;

	if (!md)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "algorithmId",
				 "only SHA-1, SHA-256, SHA-384 and SHA-512 are replayed "
				 "here");
	ctx = EVP_MD_CTX_new();
	/* The library looks its implementation up once, here. */
	if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		return fault_openssl(fault, object, "algorithmId", "cannot hash");
	}
	*ret_hash = (struct event_hash){algorithm, (size_t)EVP_MD_get_size(md), ctx};
	return TOBI_OK;
}

void event_hash_done(struct event_hash *hash)
{
	EVP_MD_CTX_free(hash->ctx);
	*hash = (struct event_hash){0};
}

bool event_hash_run(const struct event_hash *hash, const struct tobi_bytes *parts,
		    size_t count, uint8_t out[static EVENT_DIGEST_MAX])
{
	bool good = EVP_DigestInit_ex(hash->ctx, NULL, NULL) == 1;

	for (size_t i = 0; i < count && good; i++)
		good = EVP_DigestUpdate(hash->ctx, parts[i].ptr, parts[i].size) == 1;
	return good && EVP_DigestFinal_ex(hash->ctx, out, NULL) == 1;
}

bool event_hash_is(const struct event_hash *hash, struct tobi_bytes digest,
		   struct tobi_bytes bytes)
{
	uint8_t made[EVENT_DIGEST_MAX];

	return digest.size == hash->size && event_hash_run(hash, &bytes, 1, made) &&
	       bytes_equal(digest, (struct tobi_bytes){made, hash->size});
}
