#include "tests/jwe_open.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "tests/bytes.h"

EVP_PKEY *jwe_open_key(const char *group, struct tobi_bytes private, struct tobi_bytes x,
		       struct tobi_bytes y)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *number = BN_bin2bn(private.ptr, (int)private.size, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 2 * 66] = {4};
	OSSL_PARAM *parameters;
	EVP_PKEY *key = NULL;

	bytes_copy(point + 1, sizeof(point) - 1, x.ptr, x.size);
	bytes_copy(point + 1 + x.size, sizeof(point) - 1 - x.size, y.ptr, y.size);
	assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(
			     builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
			 1);
	assert_int_equal(OSSL_PARAM_BLD_push_octet_string(builder,
							  OSSL_PKEY_PARAM_PUB_KEY, point,
							  1 + x.size + y.size),
			 1);
	assert_int_equal(
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, number), 1);
	parameters = OSSL_PARAM_BLD_to_param(builder);
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters),
			 1);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	BN_free(number);
	EVP_PKEY_CTX_free(context);
	return key;
}

bool jwe_open_member(const json_t *json, const char *name, struct writer *out)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text && !base64url_read(text_bytes(text), name, out, NULL) && !wr_err(out);
}

/* SHA-256 over a counter, the secret and what RFC 7518 section 4.6.2 says. */
static void concat_kdf(const uint8_t *shared, size_t size, uint8_t ret_key[static 32])
{
	static const uint8_t tail[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
	static const uint8_t head[] = {0, 0, 0, 14};
	static const char name[] = "ECDH-ES+A256KW";
	uint8_t text[256] = {0, 0, 0, 1};
	size_t at = 4;

	bytes_copy(text + at, sizeof(text) - at, shared, size);
	at += size;
	bytes_copy(text + at, sizeof(text) - at, head, sizeof(head));
	at += sizeof(head);
	bytes_copy(text + at, sizeof(text) - at, name, strlen(name));
	at += strlen(name);
	bytes_copy(text + at, sizeof(text) - at, tail, sizeof(tail));
	SHA256(text, at + sizeof(tail), ret_key);
}

static bool unwrap(const uint8_t *wrapping, struct tobi_bytes wrapped, uint8_t *ret_key)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t key[64];
	int size = 0, more = 0;
	bool good;

	EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	good =
	    wrapped.size == 40 &&
	    EVP_DecryptInit_ex(context, EVP_aes_256_wrap(), NULL, wrapping, NULL) == 1 &&
	    EVP_DecryptUpdate(context, key, &size, wrapped.ptr, 40) == 1 &&
	    EVP_DecryptFinal_ex(context, key + size, &more) == 1 && size + more == 32;
	EVP_CIPHER_CTX_free(context);
	if (good)
		bytes_copy(ret_key, 32, key, 32);
	return good;
}

static bool key_by_ecdh(const json_t *header, EVP_PKEY *receiver,
			struct tobi_bytes wrapped, uint8_t *ret_key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(receiver, NULL);
	uint8_t shared[66], wrapping[32];
	size_t size = sizeof(shared);
	EVP_PKEY *peer = NULL;
	bool good = !jwk_read(json_object_get(header, "epk"), "epk", &peer, NULL) &&
		    EVP_PKEY_derive_init(context) == 1 &&
		    EVP_PKEY_derive_set_peer(context, peer) == 1 &&
		    EVP_PKEY_derive(context, shared, &size) == 1;

	if (good) {
		concat_kdf(shared, size, wrapping);
		good = unwrap(wrapping, wrapped, ret_key);
	}
	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(context);
	return good;
}

static bool key_by_rsa(EVP_PKEY *receiver, struct tobi_bytes wrapped, uint8_t *ret_key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(receiver, NULL);
	uint8_t key[1024];
	size_t size = sizeof(key);
	bool good =
	    EVP_PKEY_decrypt_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
	    EVP_PKEY_decrypt(context, key, &size, wrapped.ptr, wrapped.size) == 1 &&
	    size == 32;

	EVP_PKEY_CTX_free(context);
	if (good)
		bytes_copy(ret_key, 32, key, 32);
	return good;
}

static bool open_content(const uint8_t *key, const char *protected, struct tobi_bytes iv,
			 struct tobi_bytes sealed, struct writer *tag, struct writer *out)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t *plain = wr_reserve(out, sealed.size + 1);
	int size = 0, more = 0;
	bool good =
	    plain && iv.size == 12 && tag->size == 16 &&
	    EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv.ptr) == 1 &&
	    EVP_DecryptUpdate(context, NULL, &size, (const uint8_t *)protected,
			      (int)strlen(protected)) == 1 &&
	    EVP_DecryptUpdate(context, plain, &size, sealed.ptr, (int)sealed.size) == 1 &&
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag->ptr) == 1 &&
	    EVP_DecryptFinal_ex(context, plain + size, &more) == 1;

	EVP_CIPHER_CTX_free(context);
	out->size--;
	return good;
}

bool jwe_open(struct tobi_bytes message, EVP_PKEY *receiver, struct writer *out)
{
	struct writer header_text = wr_init(4096), wrapped = wr_init(4096);
	struct writer iv = wr_init(64), sealed = wr_init(LIMIT_SECRET), tag = wr_init(64);
	json_t *json = json_loadb((const char *)message.ptr, message.size, 0, NULL);
	const char *protected = json_string_value(json_object_get(json, "protected"));
	json_t *header = NULL;
	uint8_t key[32];
	bool good = jwe_open_member(json, "protected", &header_text) &&
		    jwe_open_member(json, "encrypted_key", &wrapped) &&
		    jwe_open_member(json, "iv", &iv) &&
		    jwe_open_member(json, "ciphertext", &sealed) &&
		    jwe_open_member(json, "tag", &tag);

	if (good)
		header =
		    json_loadb((const char *)header_text.ptr, header_text.size, 0, NULL);
	good = header && (json_object_get(header, "epk")
			      ? key_by_ecdh(header, receiver, wr_view(&wrapped), key)
			      : key_by_rsa(receiver, wr_view(&wrapped), key));
	good = good &&
	       open_content(key, protected, wr_view(&iv), wr_view(&sealed), &tag, out);
	json_decref(header);
	json_decref(json);
	wr_done(&header_text);
	wr_done(&wrapped);
	wr_done(&iv);
	wr_done(&sealed);
	wr_done(&tag);
	return good;
}
