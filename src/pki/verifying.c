#include "pki/verifying.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/key_library.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

enum tobi_err verifying_make(EVP_PKEY *key, enum verifying_scheme scheme,
			     const EVP_MD *hash, struct verifying *ret_verifying,
			     struct tobi_fault *fault)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;

	if (!context)
		return fault_set(fault, TOBI_E_MEMORY, "signature", "", "out of memory");
	if (!EVP_PKEY_is_a(key, scheme == VERIFYING_ECDSA ? "EC" : "RSA") ||
	    EVP_DigestVerifyInit_ex(context, &key_context, EVP_MD_get0_name(hash),
				    key_library(), NULL, key, NULL) != 1 ||
	    (scheme == VERIFYING_RSAPSS &&
	     EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) <= 0))
		return fault_openssl(fault, "signature", "",
				     "the key makes no such ones");
	*ret_verifying = (struct verifying){scheme, hash, TAKE(context)};
	return TOBI_OK;
}

struct verifying verifying_usual(EVP_PKEY *key)
{
	struct verifying out = {0};
	bool rsa = EVP_PKEY_is_a(key, "RSA");
	bool long_hash = !rsa && EVP_PKEY_get_bits(key) > 256;

	if ((rsa || EVP_PKEY_is_a(key, "EC")) &&
	    verifying_make(key, rsa ? VERIFYING_RSASSA : VERIFYING_ECDSA,
			   long_hash ? EVP_sha384() : EVP_sha256(), &out, NULL))
		ERR_clear_error();
	return out;
}

void verifying_done(struct verifying *verifying)
{
	EVP_MD_CTX_free(verifying->context);
	*verifying = (struct verifying){0};
}

bool verifying_is(const struct verifying *verifying, enum verifying_scheme scheme,
		  const EVP_MD *hash)
{
	return verifying && verifying->context && verifying->scheme == scheme &&
	       verifying->hash == hash;
}

bool verifying_holds(const struct verifying *verifying, struct tobi_bytes signature,
		     struct tobi_bytes message)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = NULL;

	if (!verifying->context || !signature.size)
		return false;
	context = EVP_MD_CTX_new();
	if (!context || EVP_MD_CTX_copy_ex(context, verifying->context) != 1)
		return false;
	/* Else it verifies with yet another copy, so as to go on with this one. */
	EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE);
	return EVP_DigestVerify(context, signature.ptr, signature.size, message.ptr,
				message.size) == 1;
}
