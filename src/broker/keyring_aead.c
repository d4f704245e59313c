#include "broker/keyring_aead.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "pki/key.h"

#define OBJECT "sealed secret"

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

/* Sets key, nonce and what is bound. */
static bool start(EVP_CIPHER_CTX *context, bool seal, const uint8_t *key,
		  const uint8_t *nonce, struct tobi_bytes bound)
{
	int ignored = 0;

	return context && bound.size <= INT_MAX &&
	       EVP_CipherInit_ex2(context, EVP_aes_256_gcm(), key, nonce, seal, NULL) ==
		   1 &&
	       (!bound.size || EVP_CipherUpdate(context, NULL, &ignored, bound.ptr,
						(int)bound.size) == 1);
}

enum tobi_err aead_seal(const uint8_t key[static AEAD_KEY], struct tobi_bytes bound,
			struct tobi_bytes plain, struct writer *out,
			struct tobi_fault *fault)
{
	CLEANUP(EVP_CIPHER_CTX_freep)
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t *to = wr_reserve(out, plain.size + AEAD_MORE);
	int size = 0, more = 0;

	if (wr_err(out))
		return fault_set(fault, wr_err(out), OBJECT, "", "%s",
				 tobi_err_text(wr_err(out)));
	if (plain.size > INT_MAX - AEAD_MORE)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "too large");
	if (RAND_bytes(to, AEAD_NONCE) != 1 || !start(context, true, key, to, bound) ||
	    (plain.size && EVP_EncryptUpdate(context, to + AEAD_NONCE, &size, plain.ptr,
					     (int)plain.size) != 1) ||
	    EVP_EncryptFinal_ex(context, to + AEAD_NONCE + size, &more) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG,
				to + AEAD_NONCE + plain.size) != 1)
		return fault_openssl(fault, OBJECT, "", "it cannot be sealed");
	return TOBI_OK;
}

enum tobi_err aead_open(const uint8_t key[static AEAD_KEY], struct tobi_bytes bound,
			struct tobi_bytes sealed, uint8_t *ret_plain,
			struct tobi_fault *fault)
{
	CLEANUP(EVP_CIPHER_CTX_freep)
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	const size_t size = sealed.size < AEAD_MORE ? 0 : sealed.size - AEAD_MORE;
	uint8_t tag[AEAD_TAG];
	int written = 0, more = 0;

	if (sealed.size < AEAD_MORE)
		return fault_set(fault, TOBI_E_TRUNCATED, OBJECT, "", "it is too short");
	if (sealed.size > INT_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "too large");
	bytes_copy(tag, sizeof(tag), sealed.ptr + AEAD_NONCE + size, AEAD_TAG);
	if (!start(context, false, key, sealed.ptr, bound) ||
	    (size && EVP_DecryptUpdate(context, ret_plain, &written,
				       sealed.ptr + AEAD_NONCE, (int)size) != 1) ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) != 1)
		return fault_openssl(fault, OBJECT, "", "it cannot be opened");
	if (EVP_DecryptFinal_ex(context, ret_plain + written, &more) != 1) {
		explicit_bzero(ret_plain, size);
		return fault_set(fault, TOBI_E_SIGNATURE, OBJECT, "",
				 "it was changed, or is of another key or place");
	}
	return TOBI_OK;
}
