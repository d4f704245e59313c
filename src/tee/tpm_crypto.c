/* Keys, names and signatures of a TPM, with OpenSSL. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/key_library.h"
#include "pki/signature.h"
#include "tee/tpm_structs.h"

enum {
	POINT_MAX = 1 + 2 * 48,
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
	EXPONENT_MIN = 65537
};

DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

/* Of a curve a point that is not on it is no key; its curves have no other small group
 * than that of one point, so nothing more is to be asked. */
static enum tobi_err key_of_parameters(const char *type, OSSL_PARAM_BLD *build,
				       EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key_library(), type, NULL);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;

	if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return fault_openssl(fault, "TPM key", "", "is no key");
	*ret_key = TAKE(key);
	return TOBI_OK;
}

/* An uncompressed point; a TPM may leave zeros in front of a number away. */
static bool write_point(const struct tpm_public *public, size_t size,
			uint8_t point[static POINT_MAX])
{
	if (public->x.size > size || public->y.size > size)
		return false;
	point[0] = 4;
	bytes_copy(point + 1 + size - public->x.size, public->x.size, public->x.ptr,
		   public->x.size);
	bytes_copy(point + 1 + 2 * size - public->y.size, public->y.size, public->y.ptr,
		   public->y.size);
	return true;
}

static enum tobi_err ecc_key(const struct tpm_public *public, EVP_PKEY **ret_key,
			     struct tobi_fault *fault)
{
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[POINT_MAX] = {0};
	const char *group;
	size_t size;

	switch (public->curve) {
	case TPM_CURVE_P256:
		group = "prime256v1";
		size = 32;
		break;
	case TPM_CURVE_P384:
		group = "secp384r1";
		size = 48;
		break;
	default:
		return fault_set(fault, TOBI_E_UNSUPPORTED, "TPM key", "curve",
				 "neither P-256 nor P-384");
	}
	if (!write_point(public, size, point))
		return fault_set(fault, TOBI_E_MALFORMED, "TPM key", "point",
				 "a number of it is too long");
	if (!build ||
	    !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group,
					     0) ||
	    !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					      1 + 2 * size))
		return fault_openssl(fault, "TPM key", "", "out of memory");
	return key_of_parameters("EC", build, ret_key, fault);
}

static enum tobi_err rsa_key(const struct tpm_public *public, EVP_PKEY **ret_key,
			     struct tobi_fault *fault)
{
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CLEANUP(BN_freep)
	BIGNUM *n = BN_bin2bn(public->modulus.ptr, (int)public->modulus.size, NULL);
	CLEANUP(BN_freep) BIGNUM *e = BN_new();
	uint32_t exponent = public->exponent ? public->exponent : 65537;

	if (public->bits < RSA_BITS_MIN || public->bits > RSA_BITS_MAX ||
	    public->bits != public->modulus.size * 8)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "TPM key", "bits",
				 "RSA keys have %d to %d here", RSA_BITS_MIN,
				 RSA_BITS_MAX);
	if (!build || !n || !e || !BN_set_word(e, exponent))
		return fault_openssl(fault, "TPM key", "", "out of memory");
	/* That the modulus has two primes is nobody's to see. */
	if (BN_num_bits(n) != (int)public->bits || !BN_is_odd(n) || !BN_is_odd(e) ||
	    exponent < EXPONENT_MIN)
		return fault_set(fault, TOBI_E_CRYPTO, "TPM key", "", "is no sound key");
	if (!OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		return fault_openssl(fault, "TPM key", "", "out of memory");
	return key_of_parameters("RSA", build, ret_key, fault);
}

enum tobi_err tpm_public_key(const struct tpm_public *public, EVP_PKEY **ret_key,
			     struct tobi_fault *fault)
{
	return public->type == TPM_ALG_ECC ? ecc_key(public, ret_key, fault)
					   : rsa_key(public, ret_key, fault);
}

bool tpm_key_is_supported(EVP_PKEY *key)
{
	char curve[32] = "";
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA"))
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve,
					      sizeof(curve), NULL) &&
	       (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0);
}

enum tobi_err tpm_spki_key(struct tobi_bytes spki, const char *object, EVP_PKEY **ret_key,
			   struct tobi_fault *fault)
{
	const unsigned char *at = spki.ptr;
	CLEANUP(EVP_PKEY_freep)
	EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &at, (long)spki.size, key_library(), NULL);

	ERR_clear_error();
	if (!key || at != spki.ptr + spki.size)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "it is no public key");
	if (!tpm_key_is_supported(key))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "it is not of P-256, P-384, or RSA of %d to %d bits",
				 RSA_BITS_MIN, RSA_BITS_MAX);
	*ret_key = TAKE(key);
	return TOBI_OK;
}

bool tpm_public_is_resident(const struct tpm_public *public)
{
	const uint32_t needed =
	    TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_SENSITIVE_ORIGIN | TPM_SIGN;

	return (public->attributes & (needed | TPM_DECRYPT)) == needed;
}

bool tpm_public_is_ak(const struct tpm_public *public)
{
	return tpm_public_is_resident(public) && public->attributes & TPM_RESTRICTED;
}

bool tpm_public_is_ek(const struct tpm_public *public)
{
	const uint32_t needed = TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_SENSITIVE_ORIGIN |
				TPM_RESTRICTED | TPM_DECRYPT;

	return (public->attributes & (needed | TPM_SIGN)) == needed;
}

static const struct {
	unsigned hash;
	const char *name;
	size_t size;
} hashes[] = {
    {TPM_ALG_SHA1, "sha1", 20},
    {TPM_ALG_SHA256, "sha256", 32},
    {TPM_ALG_SHA384, "sha384", 48},
    {TPM_ALG_SHA512, "sha512", 64},
};

size_t tpm_hash_size(unsigned hash)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (hashes[i].hash == hash)
			return hashes[i].size;
	}
	return 0;
}

const char *tpm_hash_name(unsigned hash)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (hashes[i].hash == hash)
			return hashes[i].name;
	}
	return NULL;
}

unsigned tpm_hash_named(const char *name)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (strcmp(hashes[i].name, name) == 0)
			return hashes[i].hash;
	}
	return TPM_ALG_NULL;
}

static const EVP_MD *strong_hash(unsigned hash)
{
	switch (hash) {
	case TPM_ALG_SHA256:
		return EVP_sha256();
	case TPM_ALG_SHA384:
		return EVP_sha384();
	case TPM_ALG_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

enum tobi_err tpm_hash(unsigned hash, struct tobi_bytes bytes,
		       uint8_t ret_hash[static TPM_HASH_MAX])
{
	const EVP_MD *digest = strong_hash(hash);

	if (!digest)
		return TOBI_E_UNSUPPORTED;
	return EVP_Digest(bytes.ptr, bytes.size, ret_hash, NULL, digest, NULL) == 1
		   ? TOBI_OK
		   : TOBI_E_CRYPTO;
}

enum tobi_err tpm_name(struct tobi_bytes public_bytes, unsigned name_alg,
		       uint8_t ret_name[static TPM_STRUCT_NAME_MAX], size_t *ret_size,
		       struct tobi_fault *fault)
{
	enum tobi_err err = tpm_hash(name_alg, public_bytes, ret_name + 2);

	ret_name[0] = (uint8_t)(name_alg >> 8);
	ret_name[1] = (uint8_t)name_alg;
	*ret_size = 2 + tpm_hash_size(name_alg);
	return err ? fault_set(fault, err, "TPM key", "name",
			       "its hash is none of SHA-256, SHA-384, SHA-512")
		   : TOBI_OK;
}

static enum verifying_scheme scheme_of(const struct tpm_signature *signature)
{
	return signature->alg == TPM_ALG_ECDSA	  ? VERIFYING_ECDSA
	       : signature->alg == TPM_ALG_RSAPSS ? VERIFYING_RSAPSS
						  : VERIFYING_RSASSA;
}

enum tobi_err tpm_signature_verify(const struct tpm_signature *signature, EVP_PKEY *key,
				   const struct verifying *made,
				   struct tobi_bytes message, struct tobi_fault *fault)
{
	CLEANUP(verifying_done) struct verifying own = {0};
	const EVP_MD *hash = strong_hash(signature->hash);
	enum tobi_err err = TOBI_OK;
	uint8_t der[ECDSA_DER_MAX];
	struct tobi_bytes bytes = signature->rsa;

	if (!hash)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "TPM signature", "hash",
				 "none of SHA-256, SHA-384, SHA-512");
	if (!verifying_is(made, scheme_of(signature), hash)) {
		err = verifying_make(key, scheme_of(signature), hash, &own, fault);
		made = &own;
	}
	if (err == TOBI_E_MEMORY)
		return err;
	if (signature->alg == TPM_ALG_ECDSA)
		bytes = (struct tobi_bytes){
		    der, ecdsa_to_der(signature->r, signature->s, der)};
	if (!err && verifying_holds(made, bytes, message))
		return TOBI_OK;
	fault_openssl(fault, "TPM signature", "", "does not verify");
	return fault_set(fault, TOBI_E_SIGNATURE, "TPM signature", "",
			 "it does not verify");
}
