#include "bench/bare_release.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "tests/check.h"

enum { REPORT_SIGNED = 672 };

void bare_release_make(struct bare_release *bare)
{
	static const struct bare_part parts[BARE_PARTS] = {
	    {BARE_P384, 1, REPORT_SIGNED, true}};
	EVP_PKEY *guest = EVP_EC_gen("P-256");
	size_t size = 0;

	bare_make(&bare->report, parts);
	bare->token_key = EVP_EC_gen("P-256");
	assert_int_equal(EVP_PKEY_get_octet_string_param(guest, OSSL_PKEY_PARAM_PUB_KEY,
							 bare->guest, sizeof(bare->guest),
							 &size),
			 1);
	EVP_PKEY_free(guest);
}

void bare_release_done(struct bare_release *bare)
{
	bare_done(&bare->report);
	EVP_PKEY_free(bare->token_key);
}

/* A point that is on its curve. */
static EVP_PKEY *load_guest(const struct bare_release *bare)
{
	char group[] = "prime256v1";
	OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
					      (void *)(uintptr_t)bare->guest,
					      sizeof(bare->guest)),
	    OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
	EVP_PKEY_CTX_free(context);
	return key;
}

/* A JWE's: a new key, agreement, key derivation, key wrap; and three AES-GCM: of the
 * secret's own key, of the secret as it is stored, and the JWE's. */
static void encrypt_to(EVP_PKEY *guest)
{
	EVP_PKEY *own = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *agreement = EVP_PKEY_CTX_new(own, NULL);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t shared[66], key[32], wrapped[64], plain[32] = {0}, point[65];
	size_t size = sizeof(shared), point_size = 0;
	int length = 0;

	EVP_PKEY_derive_init(agreement);
	EVP_PKEY_derive_set_peer_ex(agreement, guest, 0);
	assert_int_equal(EVP_PKEY_derive(agreement, shared, &size), 1);
	SHA256(shared, size, key);
	EVP_CIPHER_CTX_set_flags(cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	EVP_EncryptInit_ex(cipher, EVP_aes_256_wrap(), NULL, key, NULL);
	assert_int_equal(
	    EVP_EncryptUpdate(cipher, wrapped, &length, plain, sizeof(plain)), 1);
	for (unsigned i = 0; i < 3; i++) {
		EVP_CIPHER_CTX_reset(cipher);
		EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, key);
		EVP_EncryptUpdate(cipher, wrapped, &length, plain, sizeof(plain));
		EVP_EncryptFinal_ex(cipher, wrapped, &length);
	}
	assert_int_equal(EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY,
							 point, sizeof(point),
							 &point_size),
			 1);
	EVP_CIPHER_CTX_free(cipher);
	EVP_PKEY_CTX_free(agreement);
	EVP_PKEY_free(own);
}

static void sign_token(const struct bare_release *bare, const uint8_t *text, size_t size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t signature[128];
	size_t signed_size = sizeof(signature);

	EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, bare->token_key);
	assert_int_equal(EVP_DigestSign(md, signature, &signed_size, text, size), 1);
	EVP_MD_CTX_free(md);
}

/* An id and its HMAC for the challenge, and the HMAC again; the hashes that bind (SHA-384
 * of the nonce and the key, twice); the token's signature; the digest of the evidence and
 * the log's hash; the guest's key and the JWE; the report's own signature. Of the log's
 * heads each batch of decisions has one, so that it is none for each release. */
static void one(const struct bare_release *bare)
{
	uint8_t id[16], mac[32], hash[64], text[1184] = {0};
	unsigned size = sizeof(mac);
	EVP_PKEY *guest;

	RAND_bytes(id, sizeof(id));
	for (unsigned i = 0; i < 2; i++) {
		HMAC(EVP_sha256(), text, 32, id, sizeof(id), mac, &size);
		SHA384(text, 512, hash);
	}
	SHA384(text, sizeof(text), hash);
	SHA384(text, sizeof(text), hash);
	sign_token(bare, text, sizeof(text));
	guest = load_guest(bare);
	encrypt_to(guest);
	EVP_PKEY_free(guest);
}

double bare_release_run(const struct bare_release *bare, size_t count)
{
	double us = 0;

	for (size_t i = 0; i < count; i++) {
		double start = bare_now();

		one(bare);
		us += bare_now() - start;
		us += bare_run(&bare->report, false);
	}
	return us / (double)count;
}
