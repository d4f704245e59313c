/* A COSE_Sign1 that is read borrows from the input only; its signature is verified over
 * the payload, and never over another one. The first byte chooses how it is read. */
#include "codec/cbor.h"
#include "codec/cose.h"
#include "fuzz/fuzz.h"

static const struct tobi_bytes detached = {(const uint8_t *)"payload", 7};
static const struct tobi_bytes none = {0};

static bool verify(const struct cose_sign1 *sign1)
{
	EVP_PKEY *key = fuzz_key(1);
	struct tobi_bytes payload = sign1->payload.ptr ? sign1->payload : detached;
	bool valid = !cose_verify(sign1, key, none, payload, "token", NULL);

	if (valid) {
		must(cose_verify(sign1, key, text_of("x"), payload, "token", NULL) ==
		     TOBI_E_SIGNATURE);
		must(cose_verify(sign1, key, none, text_of("other"), "token", NULL) ==
			 TOBI_E_SIGNATURE ||
		     bytes_equal_text(payload, "other"));
	}
	EVP_PKEY_free(key);
	return valid;
}

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t choice = take_choice(&input);
	struct cose_sign1 sign1;
	struct tobi_fault fault = {0};
	enum tobi_err err =
	    cose_parse(input, choice & 1, choice & 2 ? COSE_TAG_OPTIONAL : COSE_TAGGED,
		       "token", &sign1, &fault);

	if (err) {
		must(fault.code == err && fault.has_offset && fault.offset <= input.size);
		return false;
	}
	must(sign1.alg != COSE_NONE && sign1.x5chain_count <= LIMIT_COSE_CHAIN);
	must_be_inside(sign1.protected_bytes, input);
	must_be_inside(sign1.payload, input);
	must_be_inside(sign1.signature, input);
	must_be_inside(sign1.content_type, input);
	must_be_inside(sign1.kid, input);
	for (size_t i = 0; i < sign1.x5chain_count; i++)
		must_be_inside(sign1.x5chain[i], input);
	return verify(&sign1);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const struct tobi_bytes chain[] = {text_of("leaf"), text_of("issuer")};
	const struct cose_headers headers = {.content_type = number & 1 ? "a/b" : NULL,
					     .x5chain = chain,
					     .x5chain_count = number % 3};
	EVP_PKEY *key = fuzz_key(1);
	struct cose_signer signer;

	if (number < 6) {
		wr_u8(out, (uint8_t)(number & 3));
		must(!cose_signer_for_key(key, &signer, NULL));
		must(!cose_write(out, &signer, &headers, detached, number > 2, NULL));
	}
	EVP_PKEY_free(key);
	return number < 6 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
