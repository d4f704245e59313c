#include "tee/sev_certificate.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"
#include "codec/key_library.h"
#include "pki/signature.h"

#define OBJECT "SEV certificate"

enum {
	VERSION = 1,
	USAGE_AT = 8,
	AMD_USAGE_AT = 36,
	AMD_BITS_AT = 56,
	AMD_HEAD_SIZE = 64,
	KEY_SIZE = 1028,
	NUMBER_SIZE = 512, /* RSA's, and a signature's room */
	POINT_SIZE = 72,   /* of a coordinate, R, S */
	P256_SIZE = 32,
	P384_SIZE = 48,
	EXPONENT = 65537,
	DER_MAX = 2 * P384_SIZE + 16,
};

DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)

const char *sev_usage_name(uint32_t usage)
{
	switch (usage) {
	case SEV_ARK:
		return "ARK";
	case SEV_ASK:
		return "ASK";
	case SEV_OCA:
		return "OCA";
	case SEV_PEK:
		return "PEK";
	case SEV_PDH:
		return "PDH";
	case SEV_CEK:
		return "CEK";
	default:
		return "";
	}
}

static size_t amd_size(struct tobi_bytes bytes)
{
	uint32_t usage = load_u32le(bytes.ptr + AMD_USAGE_AT);
	uint32_t exponent = load_u32le(bytes.ptr + AMD_BITS_AT);
	uint32_t modulus = load_u32le(bytes.ptr + AMD_BITS_AT + 4);

	if ((usage != SEV_ARK && usage != SEV_ASK) || exponent != modulus)
		return 0;
	if (modulus == 2048)
		return SEV_AMD_2048_SIZE;
	return modulus == 4096 ? SEV_AMD_4096_SIZE : 0;
}

size_t sev_certificate_size(struct tobi_bytes bytes)
{
	uint32_t usage;
	size_t size;

	if (bytes.size < SEV_AMD_2048_SIZE || load_u32le(bytes.ptr) != VERSION)
		return 0;
	usage = load_u32le(bytes.ptr + USAGE_AT);
	size =
	    usage >= SEV_OCA && usage <= SEV_CEK ? SEV_CERTIFICATE_SIZE : amd_size(bytes);
	return size <= bytes.size ? size : 0;
}

/* What has no meaning is zero, so that one certificate has one form. */
static void skip_zeros(struct reader *rd, size_t size, const char *field)
{
	struct tobi_bytes bytes = rd_bytes(rd, size, field);

	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i]) {
			rd_fail(rd, TOBI_E_MALFORMED, field);
			return;
		}
	}
}

/* A number in more room than it needs. */
static struct tobi_bytes read_number(struct reader *rd, size_t size, size_t room,
				     const char *field)
{
	struct tobi_bytes number = rd_bytes(rd, size, field);

	skip_zeros(rd, room - size, field);
	return number;
}

static bool is_rsa(uint32_t algorithm)
{
	return algorithm == SEV_RSA_SHA256 || algorithm == SEV_RSA_SHA384;
}

static void read_point(struct reader *rd, struct sev_certificate *out)
{
	uint32_t curve = rd_u32le(rd, "curve");
	size_t size = curve == 1 ? P256_SIZE : P384_SIZE;

	if (curve != 1 && curve != 2)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "curve");
	out->curve = curve == 1 ? KEY_P256 : KEY_P384;
	out->x = read_number(rd, size, POINT_SIZE, "key");
	out->y = read_number(rd, size, POINT_SIZE, "key");
	skip_zeros(rd, KEY_SIZE - 4 - 2 * POINT_SIZE, "key");
}

static void read_rsa(struct reader *rd, struct sev_certificate *out)
{
	uint32_t bits = rd_u32le(rd, "modulus size");
	size_t size = bits == 2048 ? 256 : NUMBER_SIZE;

	if (bits != 2048 && bits != 4096)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "modulus size");
	out->exponent = read_number(rd, size, NUMBER_SIZE, "exponent");
	out->modulus = read_number(rd, size, NUMBER_SIZE, "modulus");
}

static void read_signature(struct reader *rd, struct sev_signature *out)
{
	out->usage = rd_u32le(rd, "signer");
	out->algorithm = rd_u32le(rd, "signature algorithm");
	out->value = rd_bytes(rd, NUMBER_SIZE, "signature");
}

/* Whether the key is of the one kind that its holder may have. */
static bool fits(uint32_t usage, uint32_t algorithm)
{
	bool ecdsa = algorithm == SEV_ECDSA_SHA256 || algorithm == SEV_ECDSA_SHA384;

	if (usage == SEV_PDH)
		return algorithm == SEV_ECDH_SHA256 || algorithm == SEV_ECDH_SHA384;
	return ecdsa || (usage == SEV_OCA && is_rsa(algorithm));
}

static enum tobi_err parse_platform(struct tobi_bytes bytes, struct sev_certificate *out,
				    struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);

	if (rd_u32le(&rd, "version") != VERSION)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "version");
	out->api_major = rd_u8(&rd, "API major");
	out->api_minor = rd_u8(&rd, "API minor");
	skip_zeros(&rd, 2, "reserved");
	out->usage = rd_u32le(&rd, "usage");
	out->algorithm = rd_u32le(&rd, "algorithm");
	if (!rd_failed(&rd) && !fits(out->usage, out->algorithm))
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "algorithm");
	if (is_rsa(out->algorithm))
		read_rsa(&rd, out);
	else
		read_point(&rd, out);
	out->body = (struct tobi_bytes){bytes.ptr, rd_offset(&rd)};
	read_signature(&rd, &out->signatures[0]);
	read_signature(&rd, &out->signatures[1]);
	return rd_finish(&rd, OBJECT, fault);
}

static enum tobi_err parse_amd(struct tobi_bytes bytes, struct sev_certificate *out,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	uint32_t exponent_bits, modulus_bits;
	size_t size;

	if (rd_u32le(&rd, "version") != VERSION)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "version");
	out->key_id = rd_bytes(&rd, SEV_KEY_ID_SIZE, "key id");
	out->certifying_id = rd_bytes(&rd, SEV_KEY_ID_SIZE, "certifying id");
	out->usage = rd_u32le(&rd, "usage");
	skip_zeros(&rd, 16, "reserved");
	exponent_bits = rd_u32le(&rd, "exponent size");
	modulus_bits = rd_u32le(&rd, "modulus size");
	if (exponent_bits != modulus_bits ||
	    (modulus_bits != 2048 && modulus_bits != 4096))
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "modulus size");
	size = modulus_bits == 4096 ? NUMBER_SIZE : 256;
	out->algorithm = size == 256 ? SEV_RSA_SHA256 : SEV_RSA_SHA384;
	out->exponent = rd_bytes(&rd, size, "exponent");
	out->modulus = rd_bytes(&rd, size, "modulus");
	out->body = (struct tobi_bytes){bytes.ptr, rd_offset(&rd)};
	/* It is made by a key of the same size. */
	out->signatures[0].usage = SEV_ARK;
	out->signatures[0].algorithm = out->algorithm;
	out->signatures[0].value = rd_bytes(&rd, size, "signature");
	out->signatures[1].usage = SEV_NONE;
	return rd_finish(&rd, OBJECT, fault);
}

/* A little-endian 65537. */
static bool is_usual_exponent(struct tobi_bytes exponent)
{
	uint64_t low = load_le(exponent.ptr, 8);

	for (size_t i = 8; i < exponent.size; i++) {
		if (exponent.ptr[i])
			return false;
	}
	return low == EXPONENT;
}

enum tobi_err sev_certificate_parse(struct tobi_bytes bytes,
				    struct sev_certificate *ret_certificate,
				    struct tobi_fault *fault)
{
	struct sev_certificate out = {.bytes = bytes};
	uint32_t usage =
	    bytes.size >= USAGE_AT + 4 ? load_u32le(bytes.ptr + USAGE_AT) : 0;
	enum tobi_err err = usage >= SEV_OCA && usage <= SEV_CEK
				? parse_platform(bytes, &out, fault)
				: parse_amd(bytes, &out, fault);

	if (!err && out.usage != SEV_ARK && out.usage != SEV_ASK &&
	    !(out.usage >= SEV_OCA && out.usage <= SEV_CEK))
		err = fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "usage",
				"a key for something that is not known here");
	if (!err && out.exponent.size && !is_usual_exponent(out.exponent))
		err = fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "exponent",
				"it is not %d", EXPONENT);
	if (!err)
		*ret_certificate = out;
	return err;
}

static void reverse(struct tobi_bytes from, uint8_t *to)
{
	for (size_t i = 0; i < from.size; i++)
		to[i] = from.ptr[from.size - 1 - i];
}

static enum tobi_err rsa_key(const struct sev_certificate *certificate,
			     EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key_library(), "RSA", NULL);
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *parameters = NULL;
	CLEANUP(BN_freep)
	BIGNUM *modulus =
	    BN_lebin2bn(certificate->modulus.ptr, (int)certificate->modulus.size, NULL);
	CLEANUP(BN_freep) BIGNUM *exponent = BN_new();
	EVP_PKEY *key = NULL;

	if (modulus && BN_num_bits(modulus) != (int)certificate->modulus.size * 8)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "modulus",
				 "it is shorter than it says");
	if (!context || !build || !modulus || !exponent ||
	    BN_set_word(exponent, EXPONENT) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
		return fault_openssl(fault, OBJECT, "key", "cannot read it");
	parameters = OSSL_PARAM_BLD_to_param(build);
	if (!parameters || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		return fault_openssl(fault, OBJECT, "key", "cannot read it");
	*ret_key = key;
	return TOBI_OK;
}

enum tobi_err sev_certificate_key(const struct sev_certificate *certificate,
				  EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	uint8_t point[2 * P384_SIZE];
	size_t size = certificate->x.size;

	if (certificate->modulus.size)
		return rsa_key(certificate, ret_key, fault);
	reverse(certificate->x, point);
	reverse(certificate->y, point + size);
	return ec_key_read(certificate->curve, (struct tobi_bytes){point, 2 * size},
			   OBJECT, ret_key, fault);
}

static const char *hash_of(uint32_t algorithm)
{
	return algorithm & 0x100 ? "SHA384" : "SHA256";
}

static bool verify(EVP_PKEY *key, uint32_t algorithm, struct tobi_bytes signature,
		   struct tobi_bytes body)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = NULL; /* md's */
	bool good =
	    md &&
	    EVP_DigestVerifyInit_ex(md, &context, hash_of(algorithm), key_library(), NULL,
				    key, NULL) == 1 &&
	    (!is_rsa(algorithm) ||
	     (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
	      EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestVerify(md, signature.ptr, signature.size, body.ptr, body.size) == 1;

	ERR_clear_error();
	return good;
}

static bool is_zero(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

static bool rsa_holds(EVP_PKEY *key, const struct sev_signature *signature,
		      struct tobi_bytes body)
{
	uint8_t value[NUMBER_SIZE];
	size_t size = (size_t)EVP_PKEY_get_size(key);

	if (!EVP_PKEY_is_a(key, "RSA") || size > signature->value.size ||
	    !is_zero((struct tobi_bytes){signature->value.ptr + size,
					 signature->value.size - size}))
		return false;
	reverse((struct tobi_bytes){signature->value.ptr, size}, value);
	return verify(key, signature->algorithm, (struct tobi_bytes){value, size}, body);
}

static bool ecdsa_holds(EVP_PKEY *key, const struct sev_signature *signature,
			struct tobi_bytes body)
{
	CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *numbers = ECDSA_SIG_new();
	CLEANUP(BN_freep) BIGNUM *r = NULL;
	CLEANUP(BN_freep) BIGNUM *s = NULL;
	const size_t numbers_size = (size_t)2 * POINT_SIZE;
	uint8_t der[DER_MAX], *end = der;
	int size;

	if (!numbers || !EVP_PKEY_is_a(key, "EC") ||
	    signature->value.size != NUMBER_SIZE ||
	    !is_zero((struct tobi_bytes){signature->value.ptr + numbers_size,
					 NUMBER_SIZE - numbers_size}))
		return false;
	r = BN_lebin2bn(signature->value.ptr, POINT_SIZE, NULL);
	s = BN_lebin2bn(signature->value.ptr + POINT_SIZE, POINT_SIZE, NULL);
	/* Larger ones are no signature, and have no room. */
	if (!r || !s || BN_num_bytes(r) > P384_SIZE || BN_num_bytes(s) > P384_SIZE ||
	    ECDSA_SIG_set0(numbers, r, s) != 1)
		return false;
	r = s = NULL;
	size = i2d_ECDSA_SIG(numbers, &end);
	return size > 0 && verify(key, signature->algorithm,
				  (struct tobi_bytes){der, (size_t)size}, body);
}

bool sev_signature_holds(EVP_PKEY *key, const struct sev_signature *signature,
			 struct tobi_bytes body)
{
	switch (signature->algorithm) {
	case SEV_RSA_SHA256:
	case SEV_RSA_SHA384:
		return rsa_holds(key, signature, body);
	case SEV_ECDSA_SHA256:
	case SEV_ECDSA_SHA384:
		return ecdsa_holds(key, signature, body);
	default:
		return false;
	}
}
