#include "algorithms.h"

#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/fault.h"
#include "keymem.h"

enum tobi_err algorithms_load(struct tobi_fault *fault)
{
	const uint64_t settings = OPENSSL_INIT_NO_LOAD_CONFIG |
				  OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
				  OPENSSL_INIT_LOAD_SSL_STRINGS;
	EVP_MD *md;
	EVP_CIPHER *cipher;
	EVP_MAC *mac;
	EVP_KDF *kdf;
	EVP_RAND *random;
	EVP_KEYMGMT *keys;
	EVP_KEYEXCH *exchange;
	EVP_SIGNATURE *signature;
	OSSL_ENCODER *encoder;
	OSSL_DECODER *decoder;
	bool good = OPENSSL_init_ssl(settings, NULL) == 1;

	/* To fetch one makes the table of its kind. */
	good = (md = EVP_MD_fetch(NULL, "SHA256", NULL)) && good;
	good = (cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) && good;
	good = (mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) && good;
	good = (kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL)) && good;
	good = (random = EVP_RAND_fetch(NULL, "CTR-DRBG", NULL)) && good;
	good = (keys = EVP_KEYMGMT_fetch(NULL, "EC", NULL)) && good;
	good = (exchange = EVP_KEYEXCH_fetch(NULL, "ECDH", NULL)) && good;
	good = (signature = EVP_SIGNATURE_fetch(NULL, "ECDSA", NULL)) && good;
	good = (encoder = OSSL_ENCODER_fetch(NULL, "EC", NULL)) && good;
	good = (decoder = OSSL_DECODER_fetch(NULL, "EC", NULL)) && good;
	EVP_MD_free(md);
	EVP_CIPHER_free(cipher);
	EVP_MAC_free(mac);
	EVP_KDF_free(kdf);
	EVP_RAND_free(random);
	EVP_KEYMGMT_free(keys);
	EVP_KEYEXCH_free(exchange);
	EVP_SIGNATURE_free(signature);
	OSSL_ENCODER_free(encoder);
	OSSL_DECODER_free(decoder);
	return good ? TOBI_OK
		    : fault_set(fault, TOBI_E_CRYPTO, "key memory", "",
				"OpenSSL lacks an algorithm");
}

bool algorithms_random_is_hidden(void)
{
	return keymem_holds(RAND_get0_primary(NULL)) &&
	       keymem_holds(RAND_get0_public(NULL)) &&
	       keymem_holds(RAND_get0_private(NULL));
}
