#include "pki/key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/key_library.h"

enum { POINT_UNCOMPRESSED = 4 };

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free)

enum tobi_err fault_openssl(struct tobi_fault *fault, const char *object,
			    const char *field, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	fault_set(fault, TOBI_E_CRYPTO, object, field, "%s: %s", what,
		  reason ? reason : "no reason given");
	ERR_clear_error();
	return TOBI_E_CRYPTO;
}

enum tobi_err key_new(enum key_kind kind, EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	EVP_PKEY *key;

	switch (kind) {
	case KEY_P256:
		key = EVP_EC_gen("P-256");
		break;
	case KEY_P384:
		key = EVP_EC_gen("P-384");
		break;
	case KEY_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	default:
		return fault_set(fault, TOBI_E_ARGUMENT, "key", "kind", "not known");
	}
	if (!key)
		return fault_openssl(fault, "key", "", "cannot make a key");
	*ret_key = key;
	return TOBI_OK;
}

/* Only what Tobichi signs with: the rest would fail later and less clearly. */
static bool is_supported(EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

static enum tobi_err check_supported(EVP_PKEY *key, const char *object,
				     struct tobi_fault *fault)
{
	if (!is_supported(key))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "key",
				 "the key is not P-256, P-384 or Ed25519; make one with "
				 "`tobichi keygen`");
	/* One key has one encoding, and so one id. */
	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_set_utf8_string_param(
		key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
		OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
		return fault_openssl(fault, object, "key", "cannot set its encoding");
	return TOBI_OK;
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_password(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static enum tobi_err open_pem(struct tobi_bytes pem, const char *object, BIO **ret_bio,
			      struct tobi_fault *fault)
{
	if (pem.size > LIMIT_PEM)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_PEM);
	*ret_bio = BIO_new_mem_buf(pem.size ? (const void *)pem.ptr : "", (int)pem.size);
	if (!*ret_bio)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	return TOBI_OK;
}

enum tobi_err key_read_private(struct tobi_bytes pem, const char *object,
			       EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err = open_pem(pem, object, &bio, fault);

	if (err)
		return err;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	ERR_clear_error();
	if (!key)
		return fault_set(fault, TOBI_E_MALFORMED, object, "key",
				 "no private key in PEM without a password");
	err = check_supported(key, object, fault);
	if (err)
		return err;
	*ret_key = TAKE(key);
	return TOBI_OK;
}

enum tobi_err key_read_public(struct tobi_bytes pem, const char *object,
			      EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err = open_pem(pem, object, &bio, fault);

	if (err)
		return err;
	key = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	ERR_clear_error();
	if (!key && !key_read_private(pem, object, &key, NULL))
		ERR_clear_error();
	if (!key)
		return fault_set(fault, TOBI_E_MALFORMED, object, "key",
				 "no public key in PEM");
	err = check_supported(key, object, fault);
	if (err)
		return err;
	*ret_key = TAKE(key);
	return TOBI_OK;
}

static enum tobi_err take_bio(BIO *bio, int ok, struct writer *out,
			      struct tobi_fault *fault)
{
	char *data = NULL;
	long size = BIO_get_mem_data(bio, &data);

	if (ok != 1 || size < 0)
		return fault_openssl(fault, "key", "", "cannot write the key");
	wr_bytes(out, data, (size_t)size);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), "key", "", "no room for the key");
	return TOBI_OK;
}

enum tobi_err key_write_private(EVP_PKEY *key, struct writer *out,
				struct tobi_fault *fault)
{
	/* A "secure" BIO wipes its buffer when it is freed. */
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio)
		return fault_set(fault, TOBI_E_MEMORY, "key", "", "out of memory");
	return take_bio(
	    bio, PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), out,
	    fault);
}

enum tobi_err key_write_public(EVP_PKEY *key, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio)
		return fault_set(fault, TOBI_E_MEMORY, "key", "", "out of memory");
	return take_bio(bio, PEM_write_bio_PUBKEY(bio, key), out, fault);
}

enum tobi_err key_read_spki(struct tobi_bytes der, const char *object, EVP_PKEY **ret_key,
			    struct tobi_fault *fault)
{
	const unsigned char *at = der.ptr;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer again = wr_init(LIMIT_CERTIFICATE);
	enum tobi_err err;

	if (der.size == 0 || der.size > LIMIT_CERTIFICATE)
		return fault_set(fault, TOBI_E_LIMIT, object, "key",
				 "empty or too large");
	key = d2i_PUBKEY(NULL, &at, (long)der.size);
	ERR_clear_error();
	if (!key)
		return fault_set(fault, TOBI_E_MALFORMED, object, "key",
				 "not a SubjectPublicKeyInfo");
	if (at != der.ptr + der.size)
		return fault_at(fault, TOBI_E_TRAILING, object, "key",
				(uint64_t)(at - der.ptr),
				"there are bytes after the key");
	err = check_supported(key, object, fault);
	if (!err)
		err = key_spki(key, &again, fault);
	if (!err && !bytes_equal(wr_view(&again), der))
		err = fault_set(fault, TOBI_E_MALFORMED, object, "key",
				"it is not in the one encoding that this key has");
	if (err)
		return err;
	*ret_key = TAKE(key);
	return TOBI_OK;
}

/* What stands before the point in the DER of each curve (RFC 5480): OpenSSL's encoder
 * takes as long to find out as a P-256 signature takes to verify. */
static bool write_known_spki(EVP_PKEY *key, struct writer *out)
{
	static const uint8_t p256[] = {
	    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
	static const uint8_t p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
				       0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
	char group[32] = "";
	uint8_t point[1 + 2 * 48];
	size_t size = 0;
	bool is_p256, is_p384;

	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    point, sizeof(point), &size) != 1 ||
	    point[0] != POINT_UNCOMPRESSED)
		return false;
	is_p256 = strcmp(group, "prime256v1") == 0 && size == 1 + 2 * 32;
	is_p384 = strcmp(group, "secp384r1") == 0 && size == 1 + 2 * 48;
	if (!is_p256 && !is_p384)
		return false;
	wr_bytes(out, is_p256 ? p256 : p384, is_p256 ? sizeof(p256) : sizeof(p384));
	wr_bytes(out, point, size);
	return true;
}

enum tobi_err key_spki(EVP_PKEY *key, struct writer *out, struct tobi_fault *fault)
{
	unsigned char *der = NULL;
	int size;

	if (write_known_spki(key, out))
		return wr_err(out) ? fault_set(fault, wr_err(out), "key", "",
					       "no room for the key")
				   : TOBI_OK;
	ERR_clear_error();
	size = i2d_PUBKEY(key, &der);
	if (size <= 0)
		return fault_openssl(fault, "key", "", "cannot encode the public key");
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), "key", "", "no room for the key");
	return TOBI_OK;
}

static enum tobi_err spki_hash(EVP_PKEY *key,
			       enum tobi_err (*hash)(struct tobi_bytes, uint8_t *),
			       uint8_t *ret_hash, struct tobi_fault *fault)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	enum tobi_err err = key_spki(key, &der, fault);

	if (!err && hash(wr_view(&der), ret_hash))
		err = fault_openssl(fault, "key", "", "cannot hash the public key");
	wr_done(&der);
	return err;
}

enum tobi_err key_spki_sha256(EVP_PKEY *key, uint8_t ret_hash[static SHA256_SIZE],
			      struct tobi_fault *fault)
{
	return spki_hash(key, hash_sha256, ret_hash, fault);
}

enum tobi_err key_spki_sha384(EVP_PKEY *key, uint8_t ret_hash[static SHA384_SIZE],
			      struct tobi_fault *fault)
{
	return spki_hash(key, hash_sha384, ret_hash, fault);
}

enum tobi_err hash_sha256(struct tobi_bytes bytes, uint8_t ret_hash[static SHA256_SIZE])
{
	return EVP_Digest(bytes.ptr, bytes.size, ret_hash, NULL, key_library_sha256(),
			  NULL) == 1
		   ? TOBI_OK
		   : TOBI_E_CRYPTO;
}

enum tobi_err hash_sha384(struct tobi_bytes bytes, uint8_t ret_hash[static SHA384_SIZE])
{
	return EVP_Digest(bytes.ptr, bytes.size, ret_hash, NULL, key_library_sha384(),
			  NULL) == 1
		   ? TOBI_OK
		   : TOBI_E_CRYPTO;
}

enum tobi_err hkdf_sha256(struct tobi_bytes secret, struct tobi_bytes info,
			  uint8_t *ret_key, size_t size)
{
	CLEANUP(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	CLEANUP(EVP_KDF_CTX_freep)
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    /* OpenSSL takes parameters as void *, and does not write to these. */
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
					      (void *)(uintptr_t)secret.ptr, secret.size),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
					      (void *)(uintptr_t)info.ptr, info.size),
	    OSSL_PARAM_construct_end(),
	};

	if (!context || EVP_KDF_derive(context, ret_key, size, params) != 1) {
		ERR_clear_error();
		return TOBI_E_CRYPTO;
	}
	return TOBI_OK;
}
