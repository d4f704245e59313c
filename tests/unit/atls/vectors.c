#include "tests/unit/atls/vectors.h"

#include "tests/check.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/hex.h"

size_t vector_read(const char *hex, uint8_t *ret_out, size_t room)
{
	size_t size = strlen(hex) / 2;

	assert_true(size <= room);
	assert_true(hex_read(hex, ret_out, size));
	return size;
}

static void expand_label(const uint8_t *secret, const char *label, const uint8_t *over,
			 uint8_t ret_key[static 32])
{
	CLEANUP(wr_done) struct writer info = wr_init(512);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";

	wr_uint_be(&info, 32, 2);
	wr_u8(&info, (uint8_t)(6 + strlen(label)));
	wr_printf(&info, "tls13 %s", label);
	wr_u8(&info, 32);
	wr_bytes(&info, over, 32);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
					      (void *)(uintptr_t)secret, 32),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.ptr, info.size),
	    OSSL_PARAM_construct_end(),
	};
	assert_int_equal(EVP_KDF_derive(context, ret_key, 32, params), 1);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

void vector_exporter(const uint8_t secret[static 32], const char *label,
		     const uint8_t ctx[static 32], uint8_t ret_key[static 32])
{
	uint8_t nothing[32], hashed[32], derived[32];

	assert_int_equal(
	    hash_sha256((struct tobi_bytes){(const uint8_t *)"", 0}, nothing), 0);
	assert_int_equal(hash_sha256((struct tobi_bytes){ctx, 32}, hashed), 0);
	expand_label(secret, label, nothing, derived);
	expand_label(derived, "exporter", hashed, ret_key);
}

enum tobi_err vector_export(void *context, const char *label,
			    const uint8_t over[static 32], uint8_t ret_key[static 32],
			    struct tobi_fault *fault)
{
	(void)fault;
	vector_exporter(context, label, over, ret_key);
	return TOBI_OK;
}
