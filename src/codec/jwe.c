#include "codec/jwe.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"

static const char object[] = "JWE";

enum {
	SHARED_MAX = 66, /* the x coordinate of P-521 */
	RSA_MIN = 2048,	 /* bits */
	TAG_SIZE = 16,
	HEADER_MAX = 1024,
	PROTECTED_MAX = 2 * HEADER_MAX,
	WRAPPED_MAX = 1024, /* RSA of 8192 bits */
	INFO_MAX = 64,
};

#define ECDH "ECDH-ES+A256KW"
#define OAEP "RSA-OAEP-256"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free)

static enum tobi_err crypto(struct tobi_fault *fault, const char *what)
{
	ERR_clear_error();
	return fault_set(fault, TOBI_E_CRYPTO, object, "", "%s", what);
}

static bool known_curve(EVP_PKEY *key, char *ret_group, size_t size)
{
	static const char *const known[] = {"prime256v1", "secp384r1", "secp521r1"};

	if (EVP_PKEY_get_group_name(key, ret_group, size, NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], ret_group) == 0)
			return true;
	}
	return false;
}

const char *jwe_algorithm(EVP_PKEY *receiver)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(receiver, "EC"))
		return known_curve(receiver, group, sizeof(group)) ? ECDH : NULL;
	if (EVP_PKEY_is_a(receiver, "RSA"))
		return EVP_PKEY_get_bits(receiver) >= RSA_MIN ? OAEP : NULL;
	return NULL;
}

/* ---- ECDH-ES+A256KW ---- */

/* That the peer's point is on its curve was seen when it was read, and these curves have
 * no other points: OpenSSL would work that out anew, at the cost of the agreement. */
static enum tobi_err agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t *ret_shared,
			   size_t *ret_size, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	size_t size = SHARED_MAX;

	if (!context || EVP_PKEY_derive_init(context) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(context, peer, 0) != 1 ||
	    EVP_PKEY_derive(context, ret_shared, &size) != 1)
		return crypto(fault, "no secret is shared with this key");
	*ret_size = size;
	return TOBI_OK;
}

/* AlgorithmID with its size, empty PartyUInfo and PartyVInfo, SuppPubInfo: bits. */
static size_t write_info(uint8_t ret_info[static INFO_MAX])
{
	const size_t name = strlen(ECDH);

	memset(ret_info, 0, INFO_MAX);
	store_be(ret_info, 4, name);
	bytes_copy(ret_info + 4, INFO_MAX - 4, ECDH, name);
	store_be(ret_info + 4 + name + 8, 4, 8 * (uint64_t)JWE_KEY_SIZE);
	return 4 + name + 8 + 4;
}

static enum tobi_err derive(uint8_t *shared, size_t size,
			    uint8_t ret_key[static JWE_KEY_SIZE],
			    struct tobi_fault *fault)
{
	CLEANUP(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
	CLEANUP(EVP_KDF_CTX_freep)
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	uint8_t info[INFO_MAX];
	const OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, shared, size),
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
					      write_info(info)),
	    OSSL_PARAM_construct_end(),
	};

	return context && EVP_KDF_derive(context, ret_key, JWE_KEY_SIZE, parameters) == 1
		   ? TOBI_OK
		   : crypto(fault, "no key is derived");
}

/* RFC 3394. */
static enum tobi_err wrap(const uint8_t *wrapping, const uint8_t *key, struct writer *out,
			  struct tobi_fault *fault)
{
	CLEANUP(EVP_CIPHER_CTX_freep)
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t wrapped[JWE_KEY_SIZE + 16];
	int size = 0, more = 0;

	if (!context)
		return crypto(fault, "out of memory");
	EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_EncryptInit_ex(context, EVP_aes_256_wrap(), NULL, wrapping, NULL) != 1 ||
	    EVP_EncryptUpdate(context, wrapped, &size, key, JWE_KEY_SIZE) != 1 ||
	    EVP_EncryptFinal_ex(context, wrapped + size, &more) != 1)
		return crypto(fault, "the key is not wrapped");
	wr_bytes(out, wrapped, (size_t)size + (size_t)more);
	return TOBI_OK;
}

static enum tobi_err wrap_by_ecdh(EVP_PKEY *receiver, const struct jwe_fresh *fresh,
				  struct writer *out, struct tobi_fault *fault)
{
	uint8_t shared[SHARED_MAX], wrapping[JWE_KEY_SIZE];
	size_t size = 0;
	enum tobi_err err = agree(fresh->ephemeral, receiver, shared, &size, fault);

	if (!err)
		err = derive(shared, size, wrapping, fault);
	if (!err)
		err = wrap(wrapping, fresh->key, out, fault);
	explicit_bzero(shared, sizeof(shared));
	explicit_bzero(wrapping, sizeof(wrapping));
	return err;
}

/* ---- RSA-OAEP-256 ---- */

static enum tobi_err wrap_by_rsa(EVP_PKEY *receiver, const uint8_t *key,
				 struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, receiver, NULL);
	uint8_t wrapped[WRAPPED_MAX];
	size_t size = sizeof(wrapped);

	if (!context || EVP_PKEY_encrypt_init(context) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) != 1 ||
	    EVP_PKEY_encrypt(context, wrapped, &size, key, JWE_KEY_SIZE) != 1)
		return crypto(fault, "the key is not encrypted");
	wr_bytes(out, wrapped, size);
	return TOBI_OK;
}

/* ---- the message ---- */

static enum tobi_err write_header(EVP_PKEY *ephemeral, struct writer *out,
				  struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *jwk = NULL;
	enum tobi_err err = TOBI_OK;

	wr_printf(out, "{\"alg\":\"%s\",\"enc\":\"A256GCM\"", ephemeral ? ECDH : OAEP);
	if (ephemeral) {
		jwk = jwk_write(ephemeral);
		if (!jwk)
			return crypto(fault, "the ephemeral key is not written");
		wr_printf(out, ",\"epk\":");
		err = json_write(jwk, false, out, fault);
	}
	wr_u8(out, '}');
	return err;
}

static enum tobi_err seal(const struct jwe_fresh *fresh, struct tobi_bytes additional,
			  struct tobi_bytes plain, struct writer *out,
			  uint8_t ret_tag[static TAG_SIZE], struct tobi_fault *fault)
{
	CLEANUP(EVP_CIPHER_CTX_freep)
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t *sealed = plain.size ? wr_reserve(out, plain.size) : NULL;
	int size = 0;

	if (wr_err(out))
		return fault_set(fault, wr_err(out), object, "", "no room");
	if (!context ||
	    EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, fresh->key, fresh->iv) !=
		1 ||
	    EVP_EncryptUpdate(context, NULL, &size, additional.ptr,
			      (int)additional.size) != 1 ||
	    (sealed &&
	     EVP_EncryptUpdate(context, sealed, &size, plain.ptr, (int)plain.size) != 1))
		return crypto(fault, "the content is not encrypted");
	if (EVP_EncryptFinal_ex(context, ret_tag, &size) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, ret_tag) != 1)
		return crypto(fault, "the content is not authenticated");
	return TOBI_OK;
}

static void write_member(struct writer *out, const char *before, struct tobi_bytes bytes)
{
	wr_printf(out, "%s", before);
	base64url_write(out, bytes);
}

enum tobi_err jwe_write(EVP_PKEY *receiver, const struct jwe_fresh *fresh,
			struct tobi_bytes plain, struct writer *out,
			struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer header = wr_init(HEADER_MAX);
	CLEANUP(wr_done) struct writer protected = wr_init(PROTECTED_MAX);
	CLEANUP(wr_done) struct writer wrapped = wr_init(WRAPPED_MAX);
	CLEANUP(wr_done) struct writer sealed = wr_init(LIMIT_SECRET);
	uint8_t tag[TAG_SIZE];
	enum tobi_err err;

	if (plain.size > LIMIT_SECRET)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_SECRET);
	err = write_header(fresh->ephemeral, &header, fault);
	if (!err)
		err = fresh->ephemeral
			  ? wrap_by_ecdh(receiver, fresh, &wrapped, fault)
			  : wrap_by_rsa(receiver, fresh->key, &wrapped, fault);
	if (err)
		return err;
	base64url_write(&protected, wr_view(&header));
	if (wr_err(&protected) || wr_err(&wrapped))
		return fault_set(fault, TOBI_E_LIMIT, object, "", "no room");
	err = seal(fresh, wr_view(&protected), plain, &sealed, tag, fault);
	if (err)
		return err;
	wr_printf(out, "{\"protected\":\"");
	wr_bytes(out, protected.ptr, protected.size);
	write_member(out, "\",\"encrypted_key\":\"", wr_view(&wrapped));
	write_member(out, "\",\"iv\":\"", (struct tobi_bytes){fresh->iv, JWE_IV_SIZE});
	write_member(out, "\",\"ciphertext\":\"", wr_view(&sealed));
	write_member(out, "\",\"tag\":\"", (struct tobi_bytes){tag, TAG_SIZE});
	wr_printf(out, "\"}");
	return wr_err(out) ? fault_set(fault, wr_err(out), object, "", "no room")
			   : TOBI_OK;
}

enum tobi_err jwe_encrypt(EVP_PKEY *receiver, struct tobi_bytes plain, struct writer *out,
			  struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ephemeral = NULL;
	const char *algorithm = jwe_algorithm(receiver);
	struct jwe_fresh fresh = {0};
	char group[32] = "";
	enum tobi_err err;

	if (!algorithm)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "the key is not of P-256, P-384, P-521, nor RSA of 2048 "
				 "bits or more");
	if (known_curve(receiver, group, sizeof(group))) {
		ephemeral = EVP_EC_gen(group);
		fresh.ephemeral = ephemeral;
		if (!ephemeral)
			return crypto(fault, "no ephemeral key is made");
	}
	if (RAND_bytes(fresh.key, JWE_KEY_SIZE) != 1 ||
	    RAND_bytes(fresh.iv, JWE_IV_SIZE) != 1)
		return crypto(fault, "no random bytes");
	err = jwe_write(receiver, &fresh, plain, out, fault);
	explicit_bzero(fresh.key, sizeof(fresh.key));
	return err;
}
