#include "image/oci_digest.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

bool oci_digest_parse(const char *text, struct oci_digest *ret_digest)
{
	struct oci_digest digest = {0};
	const char *hex = text + 7;

	if (strncmp(text, "sha256:", 7) == 0)
		digest.method = EVP_sha256();
	else if (strncmp(text, "sha512:", 7) == 0)
		digest.method = EVP_sha512();
	else
		return false;
	digest.size = (size_t)EVP_MD_get_size(digest.method);
	if (strlen(hex) != 2 * digest.size ||
	    strspn(hex, "0123456789abcdef") != 2 * digest.size ||
	    !hex_read(hex, digest.value, digest.size))
		return false;
	snprintf(digest.text, sizeof(digest.text), "%s", text);
	*ret_digest = digest;
	return true;
}

bool oci_digest_equal(const struct oci_digest *a, const struct oci_digest *b)
{
	return strcmp(a->text, b->text) == 0;
}

static enum tobi_err failed(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_CRYPTO, "digest", "", "it cannot be computed");
}

enum tobi_err oci_hash_init(const struct oci_digest *expected, struct oci_hash *ret_hash,
			    struct tobi_fault *fault)
{
	struct oci_hash hash = {.expected = expected};

	if (expected && expected->method) {
		hash.context = EVP_MD_CTX_new();
		if (!hash.context ||
		    EVP_DigestInit_ex(hash.context, expected->method, NULL) != 1) {
			oci_hash_done(&hash);
			return failed(fault);
		}
	}
	*ret_hash = hash;
	return TOBI_OK;
}

void oci_hash_done(struct oci_hash *hash)
{
	EVP_MD_CTX_free(hash->context);
	hash->context = NULL;
}

enum tobi_err oci_hash_add(struct oci_hash *hash, struct tobi_bytes bytes,
			   struct tobi_fault *fault)
{
	if (hash->context && EVP_DigestUpdate(hash->context, bytes.ptr, bytes.size) != 1)
		return failed(fault);
	return TOBI_OK;
}

enum tobi_err oci_hash_finish(struct oci_hash *hash, const char *object, const char *what,
			      struct tobi_fault *fault)
{
	uint8_t found[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned size = 0;

	if (!hash->context)
		return TOBI_OK;
	if (EVP_DigestFinal_ex(hash->context, found, &size) != 1)
		return failed(fault);
	if (bytes_equal((struct tobi_bytes){found, size},
			(struct tobi_bytes){hash->expected->value, hash->expected->size}))
		return TOBI_OK;
	hex_write((struct tobi_bytes){found, size}, hex, sizeof(hex));
	return fault_set(fault, TOBI_E_MISMATCH, object, what,
			 "it should be %.23s..., but it is %.16s...; fetch the image "
			 "again",
			 hash->expected->text, hex);
}
