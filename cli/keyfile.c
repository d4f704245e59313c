#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "cli/cli.h"

enum tobi_err cli_read_private_key(const char *path, EVP_PKEY **ret_key,
				   struct tobi_fault *fault)
{
	struct secret pem = {0};
	enum tobi_err err = file_read_secret(path, LIMIT_PEM, "key", &pem, fault);

	if (!err)
		err = key_read_private(secret_view(&pem), "key", ret_key, fault);
	secret_done(&pem);
	return err;
}

/* A file with a key, or with a certificate: of the latter only its key counts. */
static enum tobi_err read_pem(const char *path, const char *object, EVP_PKEY **ret_key,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = file_read(path, LIMIT_PEM, object, &pem, fault);
	X509 *leaf = NULL;
	BIO *bio;

	if (err)
		return err;
	err = key_read_public(wr_view(&pem), object, ret_key, fault);
	if (!err)
		return TOBI_OK;
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	if (bio)
		leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	*ret_key = leaf ? X509_get_pubkey(leaf) : NULL;
	X509_free(leaf);
	BIO_free(bio);
	ERR_clear_error();
	return *ret_key ? TOBI_OK : err;
}

enum tobi_err cli_read_key_hash(const char *value, const char *object,
				uint8_t ret_hash[static SHA384_SIZE],
				struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err;

	if (hex_read(value, ret_hash, SHA384_SIZE))
		return TOBI_OK;
	err = read_pem(value, object, &key, fault);
	return err ? err : key_spki_sha384(key, ret_hash, fault);
}
