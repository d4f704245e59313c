#include "corim/key.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "pki/anchor_keys.h"
#include "pki/chain.h"
#include "pki/cose_key.h"

static bool is_pem(struct tobi_bytes text)
{
	static const char start[] = "-----BEGIN ";

	return text.size > sizeof(start) &&
	       memmem(text.ptr, text.size, start, sizeof(start) - 1) != NULL;
}

/* DER in base64, with or without PEM's lines: with them, so that one reader is enough. */
static enum tobi_err as_pem(struct tobi_bytes text, const char *label, const char *object,
			    struct writer *out, struct tobi_fault *fault)
{
	if (is_pem(text)) {
		wr_bytes(out, text.ptr, text.size);
		wr_u8(out, '\n');
	} else {
		wr_printf(out, "-----BEGIN %s-----\n", label);
		for (size_t at = 0; at < text.size; at += 64) {
			size_t left = text.size - at;

			wr_bytes(out, text.ptr + at, left < 64 ? left : 64);
			wr_u8(out, '\n');
		}
		wr_printf(out, "-----END %s-----\n", label);
	}
	return wr_err(out)
		   ? fault_set(fault, wr_err(out), object, "key", "the key is too large")
		   : TOBI_OK;
}

static enum tobi_err open_pkix(struct tobi_bytes text, const char *object,
			       EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	struct anchor_keys keys = {0};
	enum tobi_err err = as_pem(text, "PUBLIC KEY", object, &pem, fault);

	if (!err)
		err = anchor_keys_read(wr_view(&pem), object, &keys, fault);
	if (!err && keys.count != 1)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "key",
				"it must be one public key");
	if (!err) {
		EVP_PKEY_up_ref(keys.keys[0]);
		*ret_key = keys.keys[0];
	}
	anchor_keys_done(&keys);
	return err;
}

static enum tobi_err open_certificate(struct tobi_bytes der, const char *object,
				      EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	enum tobi_err err = chain_read_certificate(der, object, &certificate, fault);

	if (err)
		return err;
	*ret_key = X509_get_pubkey(certificate);
	return *ret_key ? TOBI_OK
			: fault_openssl(fault, object, "key",
					"the certificate's key cannot be read");
}

static enum tobi_err open_pem_certificate(struct tobi_bytes text, const char *object,
					  EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[1];
	size_t count = 0;
	enum tobi_err err = as_pem(text, "CERTIFICATE", object, &pem, fault);

	if (!err)
		err = chain_read_pem(wr_view(&pem), object, &der, list, 1, &count, fault);
	if (!err && count != 1)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "key",
				"it must be one certificate");
	return err ? err : open_certificate(list[0], object, ret_key, fault);
}

enum tobi_err corim_key_open(const struct corim_key *key, const char *object,
			     EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	switch (key->tag) {
	case CORIM_KEY_PKIX:
		return open_pkix(key->value, object, ret_key, fault);
	case CORIM_KEY_CERTIFICATE:
		return open_pem_certificate(key->value, object, ret_key, fault);
	case CORIM_KEY_COSE:
		return cose_key_read(key->value, object, ret_key, fault);
	case CORIM_KEY_DER_CERTIFICATE:
		return open_certificate(key->value, object, ret_key, fault);
	default:
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "key",
				 "tag %llu holds no key itself",
				 (unsigned long long)key->tag);
	}
}

static bool is_thumbprint(const struct corim_key *key, EVP_PKEY *other)
{
	uint8_t hash[SHA384_SIZE];

	if (key->algorithm == TEE_SHA256)
		return !key_spki_sha256(other, hash, NULL) &&
		       bytes_equal(key->value, (struct tobi_bytes){hash, SHA256_SIZE});
	return key->algorithm == TEE_SHA384 && !key_spki_sha384(other, hash, NULL) &&
	       bytes_equal(key->value, (struct tobi_bytes){hash, SHA384_SIZE});
}

bool corim_key_is(const struct corim_key *key, EVP_PKEY *other)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *own = NULL;
	bool same;

	if (key->tag == CORIM_KEY_THUMBPRINT)
		return is_thumbprint(key, other);
	same = !corim_key_open(key, "key", &own, NULL) && EVP_PKEY_eq(own, other) == 1;
	ERR_clear_error();
	return same;
}
