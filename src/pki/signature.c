#include "pki/signature.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/der.h"
#include "codec/key_library.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

enum { HALF_MAX = 48, UNCOMPRESSED = 4 };

static const struct {
	size_t half;
	const char *group;
} curves[] = {{32, "P-256"}, {48, "P-384"}, {66, "P-521"}};

enum tobi_err ec_key_read_sec1(struct tobi_bytes point, const char *object,
			       EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key_library(), "EC", NULL);
	char group[] = "P-256";
	OSSL_PARAM parameters[3];
	EVP_PKEY *key = NULL; /* OpenSSL would fill in the key that it finds there */
	size_t curve = 0;

	while (curve < 3 && point.size != 1 + 2 * curves[curve].half)
		curve++;
	if (curve == 3 || point.ptr[0] != UNCOMPRESSED)
		return fault_set(fault, TOBI_E_MALFORMED, object, "key",
				 "its %zu bytes are no point of P-256, P-384 or P-521, "
				 "uncompressed",
				 point.size);
	bytes_copy(group, sizeof(group), curves[curve].group, sizeof(group));
	parameters[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	parameters[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr, point.size);
	parameters[2] = OSSL_PARAM_construct_end();
	/* It refuses a point that is not on the curve. */
	if (!context || EVP_PKEY_fromdata_init(context) != 1)
		return fault_openssl(fault, object, "key", "cannot read keys");
	if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_MALFORMED, object, "key",
				 "it is no point on the curve");
	}
	*ret_key = key;
	return TOBI_OK;
}

enum tobi_err ec_key_read(enum key_kind kind, struct tobi_bytes point, const char *object,
			  EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	uint8_t encoded[1 + 2 * HALF_MAX] = {UNCOMPRESSED};
	size_t half = kind == KEY_P256 ? 32 : HALF_MAX;

	if ((kind != KEY_P256 && kind != KEY_P384) || point.size != 2 * half)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "key",
				 "no point of a known curve has %zu bytes", point.size);
	bytes_copy(encoded + 1, sizeof(encoded) - 1, point.ptr, point.size);
	return ec_key_read_sec1((struct tobi_bytes){encoded, 1 + point.size}, object,
				ret_key, fault);
}

/* A number in DER is as short as can be, and begins with a zero where it would else be
 * negative. */
static size_t put_number(struct tobi_bytes number, uint8_t *out)
{
	size_t zero;

	while (number.size && number.ptr[0] == 0)
		number = (struct tobi_bytes){number.ptr + 1, number.size - 1};
	zero = !number.size || number.ptr[0] & 0x80;
	out[0] = DER_INTEGER;
	out[1] = (uint8_t)(zero + number.size);
	out[2] = 0;
	bytes_copy(out + 2 + zero, number.size, number.ptr, number.size);
	return 2 + zero + number.size;
}

size_t ecdsa_to_der(struct tobi_bytes r, struct tobi_bytes s,
		    uint8_t ret_der[static ECDSA_DER_MAX])
{
	uint8_t numbers[ECDSA_DER_MAX];
	size_t size, head = 2;

	if (r.size > ECDSA_NUMBER_MAX || s.size > ECDSA_NUMBER_MAX)
		return 0;
	size = put_number(r, numbers);
	size += put_number(s, numbers + size);
	ret_der[0] = DER_SEQUENCE;
	if (size > 0x7f)
		ret_der[head++ - 1] = 0x81;
	ret_der[head - 1] = (uint8_t)size;
	bytes_copy(ret_der + head, ECDSA_DER_MAX - head, numbers, size);
	return head + size;
}

/* There are more curves of these sizes. */
static bool is_of_curve(EVP_PKEY *key, size_t half)
{
	const char *wanted = half == 32 ? SN_X9_62_prime256v1 : SN_secp384r1;
	char name[32];
	size_t size;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, name, sizeof(name), &size) == 1 &&
	       strcmp(name, wanted) == 0;
}

/* Of r and s as they are; 0 where there is no such signature. */
static size_t raw_to_der(struct tobi_bytes signature,
			 uint8_t ret_der[static ECDSA_DER_MAX])
{
	size_t half = signature.size / 2;

	return ecdsa_to_der((struct tobi_bytes){signature.ptr, half},
			    (struct tobi_bytes){signature.ptr + half, half}, ret_der);
}

bool ec_signature_holds_by(const struct verifying *verifying, struct tobi_bytes message,
			   struct tobi_bytes signature)
{
	uint8_t der[ECDSA_DER_MAX];
	size_t size;
	bool good;

	if (!verifying->context || verifying->scheme != VERIFYING_ECDSA ||
	    signature.size != 2 * (size_t)EVP_MD_get_size(verifying->hash))
		return false;
	size = raw_to_der(signature, der);
	good =
	    size && verifying_holds(verifying, (struct tobi_bytes){der, size}, message);
	ERR_clear_error();
	return good;
}

bool ec_signature_holds(EVP_PKEY *key, struct tobi_bytes message,
			struct tobi_bytes signature)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t half = signature.size / 2;
	uint8_t der[ECDSA_DER_MAX];
	size_t size;
	bool good;

	if (!md || signature.size % 2 || (half != 32 && half != HALF_MAX) ||
	    !is_of_curve(key, half))
		return false;
	size = raw_to_der(signature, der);
	good = size &&
	       EVP_DigestVerifyInit_ex(md, NULL, half == 32 ? "SHA256" : "SHA384",
				       key_library(), NULL, key, NULL) == 1 &&
	       EVP_DigestVerify(md, der, size, message.ptr, message.size) == 1;
	ERR_clear_error();
	return good;
}
