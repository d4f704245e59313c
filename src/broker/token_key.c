#include "broker/token_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define OBJECT "token key"

enum { HALF = 32, SEED_SIZE = 2 * HALF, POINT_SIZE = 65 };

DEFINE_CLEANUP(EC_GROUP *, EC_GROUP_free)
DEFINE_CLEANUP(EC_POINT *, EC_POINT_free)
DEFINE_CLEANUP(BIGNUM *, BN_clear_free)
DEFINE_CLEANUP(BN_CTX *, BN_CTX_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

/* FIPS 186-5 section A.2.1: more bits than the order has, modulo the order less one, and
 * one more: no scalar is likelier than another. */
static bool make_scalar(const uint8_t seed[static SEED_SIZE], const EC_GROUP *group,
			BN_CTX *room, BIGNUM *ret_scalar)
{
	CLEANUP(BN_clear_freep) BIGNUM *most = BN_dup(EC_GROUP_get0_order(group));
	CLEANUP(BN_clear_freep) BIGNUM *wide = BN_secure_new();

	if (!most || !wide || !BN_sub_word(most, 1) || !BN_bin2bn(seed, SEED_SIZE, wide))
		return false;
	BN_set_flags(wide, BN_FLG_CONSTTIME);
	BN_set_flags(ret_scalar, BN_FLG_CONSTTIME);
	return BN_mod(ret_scalar, wide, most, room) && BN_add_word(ret_scalar, 1);
}

static bool make_point(const EC_GROUP *group, const BIGNUM *scalar, BN_CTX *room,
		       uint8_t ret_point[static POINT_SIZE])
{
	CLEANUP(EC_POINT_freep) EC_POINT *point = EC_POINT_new(group);

	return point && EC_POINT_mul(group, point, scalar, NULL, NULL, room) == 1 &&
	       EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret_point,
				  POINT_SIZE, room) == POINT_SIZE;
}

static EVP_PKEY *make_key(const BIGNUM *scalar, const uint8_t point[static POINT_SIZE])
{
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *parts = NULL;
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (!build || !context ||
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					    "prime256v1", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					     POINT_SIZE) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1)
		return NULL;
	parts = OSSL_PARAM_BLD_to_param(build);
	if (!parts || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parts) != 1)
		return NULL;
	return key;
}

static EVP_PKEY *from_seed(const uint8_t seed[static SEED_SIZE])
{
	CLEANUP(EC_GROUP_freep)
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	CLEANUP(BN_CTX_freep) BN_CTX *room = BN_CTX_secure_new();
	CLEANUP(BN_clear_freep) BIGNUM *scalar = BN_secure_new();
	uint8_t point[POINT_SIZE];

	if (!group || !room || !scalar || !make_scalar(seed, group, room, scalar) ||
	    !make_point(group, scalar, room, point))
		return NULL;
	return make_key(scalar, point);
}

enum tobi_err token_key_derive(struct keyring *keyring, EVP_PKEY **ret_key,
			       struct tobi_fault *fault)
{
	uint8_t seed[SEED_SIZE];
	EVP_PKEY *key = NULL;
	enum tobi_err err = keyring_derive(keyring, "token key, first half", seed, fault);

	if (!err)
		err =
		    keyring_derive(keyring, "token key, second half", seed + HALF, fault);
	if (!err) {
		key = from_seed(seed);
		if (!key)
			err = fault_openssl(fault, OBJECT, "", "it cannot be made");
	}
	explicit_bzero(seed, sizeof(seed));
	if (!err)
		*ret_key = key;
	return err;
}
