#include "codec/cose_key.h"

#include <string.h>

#include "base/secret.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/jose.h"
#include "codec/json.h"

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
	static const char *const curves[] = {"P-256", "P-384", "P-521",
					     "",      "",      "Ed25519"};
	unsigned curve = 0;

	while (curve < 6 && strcmp(curves[curve], name) != 0)
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
