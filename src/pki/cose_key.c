#include "pki/cose_key.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/cose.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "pki/signature.h"

/* ---- reading ---- */

enum {
	LABEL_TYPE = 1,
	LABEL_ALG = 3,
	LABEL_CURVE = -1,
	LABEL_X = -2,
	LABEL_Y = -3,
	TYPE_OKP = 1,
	TYPE_EC2 = 2,
	CURVE_ED25519 = 6,
	ED25519_SIZE = 32,
	ENTRIES_MAX = 16,
	HALF_MAX = 66,
	UNCOMPRESSED = 4,
};

struct members {
	int64_t type, curve, alg;
	struct tobi_bytes x, y; /* y empty: compressed, or none */
};

static const struct curve {
	int64_t number, alg;
	size_t half;
} curves[] = {{1, COSE_ES256, 32}, {2, COSE_ES384, 48}, {3, COSE_ES512, HALF_MAX}};

static enum tobi_err parse(struct tobi_bytes item, const char *object,
			   struct members *key, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(item, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, ENTRIES_MAX, "COSE_Key");
	int64_t label = 0;

	while (cbor_map_int(&cbor, &map, &label, "label")) {
		if (label == LABEL_TYPE)
			key->type = cbor_int(&cbor, "kty");
		else if (label == LABEL_ALG)
			key->alg = cbor_int(&cbor, "alg");
		else if (label == LABEL_CURVE)
			key->curve = cbor_int(&cbor, "crv");
		else if (label == LABEL_X)
			key->x = cbor_bytes(&cbor, HALF_MAX, "x");
		else if (label == LABEL_Y && cbor_peek(&cbor) == CBOR_BYTES)
			key->y = cbor_bytes(&cbor, HALF_MAX, "y");
		else
			cbor_skip(&cbor, "COSE_Key");
	}
	return cbor_finish(&cbor, object, fault);
}

static enum tobi_err read_edwards(const struct members *key, const char *object,
				  EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	if (key->x.size != ED25519_SIZE || (key->alg && key->alg != COSE_EDDSA))
		return fault_set(fault, TOBI_E_MALFORMED, object, "COSE_Key",
				 "it is no key of Ed25519");
	*ret_key =
	    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->x.ptr, key->x.size);
	return *ret_key ? TOBI_OK
			: fault_openssl(fault, object, "COSE_Key", "cannot read the key");
}

static enum tobi_err read_point(const struct members *key, const struct curve *curve,
				const char *object, EVP_PKEY **ret_key,
				struct tobi_fault *fault)
{
	uint8_t point[1 + 2 * HALF_MAX] = {UNCOMPRESSED};

	if (key->x.size != curve->half || key->y.size != curve->half ||
	    (key->alg && key->alg != curve->alg))
		return fault_set(fault, TOBI_E_MALFORMED, object, "COSE_Key",
				 "both coordinates are needed, of %zu bytes, and no "
				 "other algorithm than the curve's",
				 curve->half);
	bytes_copy(point + 1, sizeof(point) - 1, key->x.ptr, curve->half);
	bytes_copy(point + 1 + curve->half, sizeof(point) - 1 - curve->half, key->y.ptr,
		   curve->half);
	return ec_key_read_sec1((struct tobi_bytes){point, 1 + 2 * curve->half}, object,
				ret_key, fault);
}

enum tobi_err cose_key_read(struct tobi_bytes item, const char *object,
			    EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	struct members key = {0};
	enum tobi_err err = parse(item, object, &key, fault);

	if (err)
		return err;
	if (key.type == TYPE_OKP && key.curve == CURVE_ED25519)
		return read_edwards(&key, object, ret_key, fault);
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (key.type == TYPE_EC2 && key.curve == curves[i].number)
			return read_point(&key, &curves[i], object, ret_key, fault);
	}
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "COSE_Key",
			 "only P-256, P-384, P-521 and Ed25519 are known here");
}

/* ---- writing ---- */

/* RFC 9053 section 7, RFC 8230 section 4: the members in their order, by JOSE's names. */
static const struct kind {
	const char *name;
	unsigned number;
	const char *members[3];
} kinds[] = {{"EC", 2, {"crv", "x", "y"}},
	     {"OKP", 1, {"crv", "x", NULL}},
	     {"RSA", 3, {"n", "e", NULL}}};

static unsigned curve_of(const char *name)
{
	static const char *const names[] = {"P-256", "P-384", "P-521", "", "", "Ed25519"};
	unsigned curve = 0;

	while (curve < 6 && strcmp(names[curve], name) != 0)
		curve++;
	return curve + 1;
}

static void write_member(struct writer *out, const char *name, const char *text)
{
	struct writer bytes = wr_init(1024);

	if (strcmp(name, "crv") == 0) {
		cbor_write_uint(out, curve_of(text));
		return;
	}
	if (base64url_read(bytes_of_text(text), "key", &bytes, NULL) && !out->err)
		out->err = TOBI_E_LIMIT;
	cbor_write_bytes(out, wr_view(&bytes));
	wr_done(&bytes);
}

enum tobi_err cose_key_write(struct writer *out, EVP_PKEY *key)
{
	json_t *jwk = jwk_write(key);
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	enum tobi_err err = TOBI_E_UNSUPPORTED;

	for (size_t i = 0; type && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t count = kinds[i].members[2] ? 3 : 2;

		if (strcmp(kinds[i].name, type) != 0)
			continue;
		cbor_write_map(out, 1 + count);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, kinds[i].number);
		for (size_t j = 0; j < count; j++) {
			const char *name = kinds[i].members[j];

			cbor_write_int(out, -1 - (int64_t)j);
			write_member(out, name,
				     json_string_value(json_object_get(jwk, name)));
		}
		err = wr_err(out);
	}
	json_decref(jwk);
	return err;
}
