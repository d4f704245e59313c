#include "pki/anchor_keys.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"

enum { RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 8192 };

DEFINE_CLEANUP(BIO *, BIO_free_all)

/* One block of a PEM text, as OpenSSL gives it. */
struct block {
	char *name, *header;
	unsigned char *bytes;
	long size;
};

static void block_done(struct block *block)
{
	OPENSSL_free(block->name);
	OPENSSL_free(block->header);
	OPENSSL_clear_free(block->bytes, (size_t)block->size);
}

static bool is_supported(EVP_PKEY *key)
{
	static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
	char curve[32] = "";
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	if (EVP_PKEY_is_a(key, "RSA"))
		return bits >= RSA_BITS_LEAST && bits <= RSA_BITS_MOST;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    !EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve,
					    sizeof(curve), NULL))
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(curve, curves[i]) == 0)
			return true;
	}
	return false;
}

static enum tobi_err add_key(const struct block *block, const char *object,
			     struct anchor_keys *keys, struct tobi_fault *fault)
{
	const unsigned char *at = block->bytes;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = d2i_PUBKEY(NULL, &at, block->size);
	enum tobi_err err;

	ERR_clear_error();
	if (!key || at != block->bytes + block->size)
		return fault_set(fault, TOBI_E_MALFORMED, object, "key",
				 "public key %zu cannot be read", keys->count + 1);
	if (!is_supported(key))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "key",
				 "public key %zu is not P-256, P-384, P-521, Ed25519, or "
				 "RSA of %d to %d bits",
				 keys->count + 1, RSA_BITS_LEAST, RSA_BITS_MOST);
	if (keys->count == ANCHOR_KEYS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "key",
				 "more than %d public keys", ANCHOR_KEYS_MAX);
	err = key_spki_sha256(key, keys->spki[keys->count], fault);
	if (err)
		return err;
	keys->verifying[keys->count] = verifying_usual(key);
	keys->keys[keys->count++] = TAKE(key);
	return TOBI_OK;
}

static enum tobi_err add_block(const struct block *block, const char *object,
			       struct anchor_keys *keys, struct tobi_fault *fault)
{
	if (strstr(block->name, "PRIVATE KEY"))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "key",
				 "this is a private key; give its public half alone");
	return strcmp(block->name, "PUBLIC KEY") == 0
		   ? add_key(block, object, keys, fault)
		   : TOBI_OK;
}

enum tobi_err anchor_keys_read(struct tobi_bytes pem, const char *object,
			       struct anchor_keys *ret_keys, struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	struct anchor_keys keys = {0};
	enum tobi_err err = TOBI_OK;

	if (pem.size > LIMIT_PEM)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_PEM);
	bio = BIO_new_mem_buf(pem.size ? (const void *)pem.ptr : "", (int)pem.size);
	if (!bio)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	while (!err) {
		struct block block = {0};

		ERR_clear_error();
		if (!PEM_read_bio(bio, &block.name, &block.header, &block.bytes,
				  &block.size)) {
			if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
				err = fault_set(fault, TOBI_E_MALFORMED, object, "key",
						"a block of it is not valid PEM");
			ERR_clear_error();
			break;
		}
		err = add_block(&block, object, &keys, fault);
		block_done(&block);
	}
	if (err)
		anchor_keys_done(&keys);
	else
		*ret_keys = keys;
	return err;
}

void anchor_keys_done(struct anchor_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		verifying_done(&keys->verifying[i]);
		EVP_PKEY_free(keys->keys[i]);
	}
	*keys = (struct anchor_keys){0};
}

EVP_PKEY *anchor_keys_find(const struct anchor_keys *keys,
			   const uint8_t spki[static SHA256_SIZE])
{
	for (size_t i = 0; keys && i < keys->count; i++) {
		if (bytes_equal((struct tobi_bytes){keys->spki[i], SHA256_SIZE},
				(struct tobi_bytes){spki, SHA256_SIZE}))
			return keys->keys[i];
	}
	return NULL;
}
