#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "codec/key_library.h"

enum {
	UNCOMPRESSED = 4,
	HALF_MAX = 66,
	MODULUS_MIN = 256,
	MODULUS_MAX = 1024,
	OKP_SIZE = 32
};

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

static const struct curve {
	const char *name;  /* in a JWK */
	const char *group; /* OpenSSL's */
	size_t half;
} curves[] = {
    {"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};

static enum tobi_err wrong(const char *object, const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, "jwk", "%s", what);
}

/* base64url of a member; empty where it is none. */
static void read_member(const json_t *jwk, const char *name, struct writer *out)
{
	const char *text = json_string_value(json_object_get(jwk, name));

	if (!text || base64url_read(bytes_of_text(text), "jwk", out, NULL))
		out->size = 0;
}

static EVP_PKEY *make(const char *type, OSSL_PARAM *parameters)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key_library(), type, NULL);
	EVP_PKEY *key = NULL;

	if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	ERR_clear_error();
	return key;
}

static EVP_PKEY *read_ec(const json_t *jwk)
{
	const char *name = json_string_value(json_object_get(jwk, "crv"));
	CLEANUP(wr_done) struct writer point = wr_init(1 + 2 * HALF_MAX);
	CLEANUP(wr_done) struct writer x = wr_init(HALF_MAX), y = wr_init(HALF_MAX);
	OSSL_PARAM parameters[3];
	char group[16];

	for (size_t i = 0; name && i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(curves[i].name, name) != 0)
			continue;
		read_member(jwk, "x", &x);
		read_member(jwk, "y", &y);
		if (x.size != curves[i].half || y.size != curves[i].half)
			return NULL;
		wr_u8(&point, UNCOMPRESSED);
		wr_bytes(&point, x.ptr, x.size);
		wr_bytes(&point, y.ptr, y.size);
		if (wr_err(&point))
			return NULL;
		bytes_copy(group, sizeof(group), curves[i].group,
			   strlen(curves[i].group) + 1);
		parameters[0] = OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
		parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
								  point.ptr, point.size);
		parameters[2] = OSSL_PARAM_construct_end();
		return make("EC", parameters);
	}
	return NULL;
}

static EVP_PKEY *read_okp(const json_t *jwk)
{
	const char *name = json_string_value(json_object_get(jwk, "crv"));
	CLEANUP(wr_done) struct writer x = wr_init(OKP_SIZE);
	EVP_PKEY *key = NULL;

	read_member(jwk, "x", &x);
	if (name && strcmp(name, "Ed25519") == 0 && x.size == OKP_SIZE)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.ptr, x.size);
	ERR_clear_error();
	return key;
}

DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)

static EVP_PKEY *read_rsa(const json_t *jwk)
{
	CLEANUP(wr_done) struct writer n = wr_init(MODULUS_MAX), e = wr_init(8);
	CLEANUP(BN_freep) BIGNUM *modulus = NULL;
	CLEANUP(BN_freep) BIGNUM *exponent = NULL;
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *parameters = NULL;

	read_member(jwk, "n", &n);
	read_member(jwk, "e", &e);
	if (!builder || n.size < MODULUS_MIN / 2 || e.size == 0)
		return NULL;
	modulus = BN_bin2bn(n.ptr, (int)n.size, NULL);
	exponent = BN_bin2bn(e.ptr, (int)e.size, NULL);
	if (!modulus || !exponent ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
		return NULL;
	parameters = OSSL_PARAM_BLD_to_param(builder);
	return parameters ? make("RSA", parameters) : NULL;
}

static const struct {
	const char *type;
	EVP_PKEY *(*read)(const json_t *jwk);
} kinds[] = {{"EC", read_ec}, {"OKP", read_okp}, {"RSA", read_rsa}};

enum tobi_err jwk_read(const json_t *jwk, const char *object, EVP_PKEY **ret_key,
		       struct tobi_fault *fault)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));

	if (json_object_get(jwk, "d") || json_object_get(jwk, "k"))
		return wrong(object, "it has a private part", fault);
	for (size_t i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = NULL;

		if (strcmp(kinds[i].type, type) != 0)
			continue;
		key = kinds[i].read(jwk);
		if (!key)
			return wrong(object, "it is no public key of its kind", fault);
		*ret_key = key;
		return TOBI_OK;
	}
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "jwk",
			 "the key is not EC, OKP or RSA");
}

static json_t *number_of(EVP_PKEY *key, const char *name, size_t size)
{
	CLEANUP(BN_freep) BIGNUM *number = NULL;
	CLEANUP(wr_done) struct writer text = wr_init(4 * MODULUS_MAX);
	uint8_t bytes[MODULUS_MAX];

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		return NULL;
	if (size == 0)
		size = (size_t)BN_num_bytes(number);
	if (size > sizeof(bytes) || BN_bn2binpad(number, bytes, (int)size) != (int)size)
		return NULL;
	base64url_write(&text, (struct tobi_bytes){bytes, size});
	return json_stringn((const char *)text.ptr, text.size);
}

static json_t *text_of(const uint8_t *bytes, size_t size)
{
	return json_base64url((struct tobi_bytes){bytes, size}, 4 * MODULUS_MAX);
}

/* The point as it is kept, uncompressed: OpenSSL works both coordinates out anew for each
 * of them that it is asked for. NULL when it is kept otherwise. */
static json_t *write_point(EVP_PKEY *key, const char *name, size_t half)
{
	uint8_t point[1 + 2 * HALF_MAX];
	size_t size = 0;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
					    sizeof(point), &size) != 1 ||
	    size != 1 + 2 * half || point[0] != UNCOMPRESSED)
		return NULL;
	return json_pack("{s:s, s:s, s:o, s:o}", "crv", name, "kty", "EC", "x",
			 text_of(point + 1, half), "y", text_of(point + 1 + half, half));
}

static json_t *write_ec(EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		json_t *jwk;

		if (strcmp(curves[i].group, group) != 0)
			continue;
		jwk = write_point(key, curves[i].name, curves[i].half);
		if (jwk)
			return jwk;
		return json_pack(
		    "{s:s, s:s, s:o, s:o}", "crv", curves[i].name, "kty", "EC", "x",
		    number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, curves[i].half), "y",
		    number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, curves[i].half));
	}
	return NULL;
}

static json_t *write_okp(EVP_PKEY *key)
{
	CLEANUP(wr_done) struct writer text = wr_init(64);
	uint8_t bytes[OKP_SIZE];
	size_t size = sizeof(bytes);

	if (EVP_PKEY_get_raw_public_key(key, bytes, &size) != 1)
		return NULL;
	base64url_write(&text, (struct tobi_bytes){bytes, size});
	return json_pack("{s:s, s:s, s:o}", "crv", "Ed25519", "kty", "OKP", "x",
			 json_stringn((const char *)text.ptr, text.size));
}

json_t *jwk_write(EVP_PKEY *key)
{
	json_t *jwk = NULL;

	if (EVP_PKEY_is_a(key, "EC"))
		jwk = write_ec(key);
	else if (EVP_PKEY_is_a(key, "ED25519"))
		jwk = write_okp(key);
	else if (EVP_PKEY_is_a(key, "RSA"))
		jwk = json_pack("{s:o, s:s, s:o}", "e",
				number_of(key, OSSL_PKEY_PARAM_RSA_E, 0), "kty", "RSA",
				"n", number_of(key, OSSL_PKEY_PARAM_RSA_N, 0));
	ERR_clear_error();
	return jwk;
}
