#include "pki/key_external.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <string.h>

#include "base/fault.h"

/* OpenSSL 3 has no other way to a key of one's own than a whole provider: methods of
 * EC_KEY are old, and work. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { ROOM = 256 };

DEFINE_CLEANUP(EC_KEY *, EC_KEY_free)
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

static struct key_external *external_of(const EC_KEY *key)
{
	return EC_KEY_get_ex_data(key, 0);
}

static ECDSA_SIG *to_signature(struct tobi_bytes raw)
{
	CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
	int half = (int)(raw.size / 2);
	CLEANUP(BN_freep) BIGNUM *r = BN_bin2bn(raw.ptr, half, NULL);
	CLEANUP(BN_freep) BIGNUM *s = BN_bin2bn(raw.ptr + half, half, NULL);

	if (!signature || !r || !s || ECDSA_SIG_set0(signature, r, s) != 1)
		return NULL;
	r = s = NULL; /* the signature's now */
	return TAKE(signature);
}

static ECDSA_SIG *sign_digest(const unsigned char *digest, int size, const BIGNUM *kinv,
			      const BIGNUM *r, EC_KEY *key)
{
	CLEANUP(wr_done) struct writer raw = wr_init(ROOM);
	struct key_external *external = external_of(key);
	size_t half = (size_t)(EC_GROUP_order_bits(EC_KEY_get0_group(key)) + 7) / 8;

	(void)kinv;
	(void)r;
	external->fault = (struct tobi_fault){0};
	if (external->sign(external->context, (struct tobi_bytes){digest, (size_t)size},
			   &raw, &external->fault))
		return NULL;
	if (wr_err(&raw) || raw.size != 2 * half) {
		fault_set(&external->fault, TOBI_E_CRYPTO, "signature", "",
			  "the device gave one of %zu bytes, not %zu", raw.size,
			  2 * half);
		return NULL;
	}
	return to_signature(wr_view(&raw));
}

static int sign_der(int type, const unsigned char *digest, int size,
		    unsigned char *signature, unsigned int *ret_size, const BIGNUM *kinv,
		    const BIGNUM *r, EC_KEY *key)
{
	CLEANUP(ECDSA_SIG_freep)
	ECDSA_SIG *pair = sign_digest(digest, size, kinv, r, key);
	int der_size;

	(void)type;
	if (!pair)
		return 0;
	der_size = i2d_ECDSA_SIG(pair, &signature);
	*ret_size = der_size > 0 ? (unsigned int)der_size : 0;
	return der_size > 0;
}

enum tobi_err key_external_new(EVP_PKEY *public_key, struct key_external *external,
			       EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = EVP_PKEY_new();
	CLEANUP(EC_KEY_freep) EC_KEY *ec = NULL;
	char group[32] = "";
	uint8_t point[ROOM];
	size_t size = 0;

	if (!EVP_PKEY_is_a(public_key, "EC") ||
	    EVP_PKEY_get_group_name(public_key, group, sizeof(group), NULL) != 1 ||
	    (strcmp(group, "prime256v1") != 0 && strcmp(group, "secp384r1") != 0))
		return fault_set(fault, TOBI_E_UNSUPPORTED, "key", "curve",
				 "a device's key is P-256 or P-384");
	external->method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	ec = EC_KEY_new_by_curve_name(OBJ_txt2nid(group));
	if (!key || !external->method || !ec ||
	    EVP_PKEY_get_octet_string_param(public_key,
					    OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
					    sizeof(point), &size) != 1 ||
	    EC_KEY_oct2key(ec, point, size, NULL) != 1 ||
	    EC_KEY_set_ex_data(ec, 0, external) != 1)
		return fault_openssl(fault, "key", "", "cannot take a device's key");
	EC_KEY_METHOD_set_sign(external->method, sign_der, NULL, sign_digest);
	/* The method comes first: the assignment looks whether it is OpenSSL's own. */
	if (EC_KEY_set_method(ec, external->method) != 1 ||
	    EVP_PKEY_assign(key, EVP_PKEY_EC, ec) != 1)
		return fault_openssl(fault, "key", "", "cannot take a device's key");
	ec = NULL; /* the key's now */
	*ret_key = TAKE(key);
	return TOBI_OK;
}

void key_external_done(struct key_external *external)
{
	if (external->method)
		EC_KEY_METHOD_free(external->method);
	external->method = NULL;
}
