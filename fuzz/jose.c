/* A JWS that is accepted has three parts, of which the signed ones are those of the
 * input; a key in it is public and is written and read as the same key. */
#include "codec/jose.h"

#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct jws jws = {0};
	EVP_PKEY *again = NULL;
	json_t *jwk;

	if (jws_parse(input, "token", &jws, NULL))
		return false;
	must_be_inside(jws.signed_bytes, input);
	must(jws.alg != COSE_NONE && jws.signature.size);
	if (jws.jwk) {
		jwk = jwk_write(jws.jwk);
		must(jwk != NULL && !json_object_get(jwk, "d"));
		must(!jwk_read(jwk, "key", &again, NULL));
		must(EVP_PKEY_eq(jws.jwk, again) == 1);
		EVP_PKEY_free(again);
		json_decref(jwk);
	}
	jws_done(&jws);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	EVP_PKEY *key = fuzz_key((uint8_t)number);
	struct jws_headers headers = {.typ = "JWT", .cty = "x/y"};
	struct cose_signer signer;
	struct tobi_bytes certificate = text_of("certificate");

	if (number > 2) {
		EVP_PKEY_free(key);
		return FUZZ_NO_SEED;
	}
	if (number == 1)
		headers.jwk = jwk_write(key);
	if (number == 2) {
		headers.x5chain = &certificate;
		headers.x5chain_count = 1;
	}
	must(!cose_signer_for_key(key, &signer, NULL));
	must(!jws_write(out, &signer, &headers, text_of("{\"a\":1}"), NULL));
	json_decref(headers.jwk);
	EVP_PKEY_free(key);
	return FUZZ_GOOD;
}
