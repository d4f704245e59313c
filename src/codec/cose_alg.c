#include "codec/cose_alg.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/fault.h"
#include "codec/key_library.h"

/* RFC 9053 §2, with the curves of our profile; RFC 8230 §2 for PS256 and PS384. */
static const struct cose_alg_row rows[] = {
    {COSE_ES256, "EC", "prime256v1", "SHA256", 32},
    {COSE_ES384, "EC", "secp384r1", "SHA384", 48},
    {COSE_ES512, "EC", "secp521r1", "SHA512", 66},
    {COSE_EDDSA, "ED25519", NULL, NULL, 0},
    {COSE_PS256, "RSA", NULL, "SHA256", 0},
    {COSE_PS384, "RSA", NULL, "SHA384", 0},
};

/* RFC 7518 section 3.3: verifiers of others sign so; COSE has no use for it here. */
const struct cose_alg_row cose_alg_rs256 = {COSE_RS256, "RSA", NULL, "SHA256", 0};

DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

const struct cose_alg_row *cose_alg_find(int64_t alg)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].alg == alg)
			return &rows[i];
	}
	return NULL;
}

bool cose_alg_fits(const struct cose_alg_row *row, EVP_PKEY *key)
{
	char group[32] = "";

	if (!EVP_PKEY_is_a(key, row->key))
		return false;
	if (!row->group)
		return true;
	return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, row->group) == 0;
}

const struct cose_alg_row *cose_alg_for_key(EVP_PKEY *key)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].alg != COSE_PS256 && rows[i].alg != COSE_PS384 &&
		    cose_alg_fits(&rows[i], key))
			return &rows[i];
	}
	return NULL;
}

enum tobi_err cose_ecdsa_to_raw(struct tobi_bytes der, size_t half, struct writer *out,
				struct tobi_fault *fault)
{
	const unsigned char *at = der.ptr;
	CLEANUP(ECDSA_SIG_freep)
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)der.size);
	uint8_t *raw = signature ? wr_reserve(out, 2 * half) : NULL;

	if (!raw ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)half) != (int)half ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + half, (int)half) !=
		(int)half) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_CRYPTO, "signature", "",
				 "cannot encode it");
	}
	return TOBI_OK;
}

enum tobi_err cose_ecdsa_to_der(struct tobi_bytes raw, size_t half, uint8_t **ret_der,
				size_t *ret_size, struct tobi_fault *fault)
{
	CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
	CLEANUP(BN_freep) BIGNUM *r = BN_bin2bn(raw.ptr, (int)half, NULL);
	CLEANUP(BN_freep) BIGNUM *s = BN_bin2bn(raw.ptr + half, (int)half, NULL);
	unsigned char *der = NULL;
	int size;

	if (!signature || !r || !s)
		return fault_set(fault, TOBI_E_MEMORY, "signature", "", "out of memory");
	if (ECDSA_SIG_set0(signature, r, s) == 1)
		r = s = NULL; /* the signature owns them now */
	size = i2d_ECDSA_SIG(signature, &der);
	if (size <= 0) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_CRYPTO, "signature", "",
				 "cannot encode it");
	}
	*ret_der = der;
	*ret_size = (size_t)size;
	return TOBI_OK;
}

static bool set_padding(const struct cose_alg_row *row, EVP_PKEY_CTX *context)
{
	if (row->alg != COSE_PS256 && row->alg != COSE_PS384)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify_bytes(const struct cose_alg_row *row, EVP_PKEY *key,
			 struct tobi_bytes signature, struct tobi_bytes message)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = NULL;

	return md &&
	       EVP_DigestVerifyInit_ex(md, &context, row->digest, key_library(), NULL,
				       key, NULL) == 1 &&
	       set_padding(row, context) &&
	       EVP_DigestVerify(md, signature.ptr, signature.size, message.ptr,
				message.size) == 1;
}

enum tobi_err cose_alg_verify(const struct cose_alg_row *row, EVP_PKEY *key,
			      struct tobi_bytes signature, struct tobi_bytes message,
			      const char *object, struct tobi_fault *fault)
{
	uint8_t *der = NULL;
	enum tobi_err err;
	bool valid;

	if (!row || !cose_alg_fits(row, key))
		return fault_set(fault, TOBI_E_SIGNATURE, object, "alg",
				 "the key is not of the kind that the algorithm needs");
	if (row->half && signature.size != 2 * row->half)
		return fault_set(fault, TOBI_E_SIGNATURE, object, "signature",
				 "it has %zu bytes, not %zu", signature.size,
				 2 * row->half);
	if (row->half) {
		err =
		    cose_ecdsa_to_der(signature, row->half, &der, &signature.size, fault);
		if (err)
			return err;
		signature.ptr = der;
	}
	valid = verify_bytes(row, key, signature, message);
	OPENSSL_free(der);
	ERR_clear_error();
	if (!valid)
		return fault_set(fault, TOBI_E_SIGNATURE, object, "signature",
				 "it was not made by this key over this content");
	return TOBI_OK;
}
