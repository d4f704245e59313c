/* Whole appraisals of signed tokens, results and bundles: the signer is the fuzzer's own,
 * so that every damage under the signature is one that the signer made. The first byte
 * says what the rest is: claims of a JWT or a CWT to sign, or bytes as they are. */
#include "base/limits.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"
#include "pki/anchor_keys.h"
#include "tee/ear.h"
#include "tee/eat.h"
#include "pki/key.h"
#include "token/ear.h"

enum { TIME = 1900000000, AS_JWT = 1, AS_CWT = 2 };

static void sign(EVP_PKEY *key, bool is_jwt, struct tobi_bytes payload,
		 struct writer *out)
{
	struct cose_signer signer;
	struct jws_headers jws = {0};
	struct cose_headers cose = {0};

	must(!cose_signer_for_key(key, &signer, NULL));
	if (is_jwt)
		must(!jws_write(out, &signer, &jws, payload, NULL));
	else
		must(!cose_write(out, &signer, &cose, payload, false, NULL));
}

static bool examine(const struct tee_verifier *verifier, struct tobi_bytes token,
		    const struct anchor_keys *keys)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist *list = arena_alloc(&arena, sizeof(*list));
	struct tee_claims *claims = arena_alloc(&arena, sizeof(*claims));
	const struct tee_request request = {
	    .evidence = token, .keys = keys, .time = TIME};
	bool good;

	list->arena = &arena;
	good = !verifier->examine(&request, list, claims, NULL);
	for (size_t i = 0; good && i < list->count; i++)
		good = list->records[i].outcome == TOBI_PASSED ||
		       list->records[i].outcome == TOBI_NOT_ASKED;
	must(!good || claims->tier);
	arena_done(&arena);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	EVP_PKEY *key = fuzz_key(1);
	struct anchor_keys keys = {.keys = {key}, .count = 1};
	struct writer token = wr_init(4 << 20);
	uint8_t choice = take_choice(&input) % 3;
	const struct tee_verifier *verifier;
	bool good = false;

	must(!key_spki_sha256(key, keys.spki[0], NULL));
	if (choice && input.size <= LIMIT_TOKEN)
		sign(key, choice == AS_JWT, input, &token);
	else
		wr_bytes(&token, input.ptr, input.size);
	verifier = tee_verifier_recognise(wr_view(&token));
	if (verifier == &tee_ear || verifier == &tee_eat)
		good = examine(verifier, wr_view(&token), &keys);
	wr_done(&token);
	EVP_PKEY_free(key);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const claims[] = {
	    "{\"eat_profile\":\"p\",\"eat_nonce\":\"AAAAAAAAAAA\",\"swname\":\"a\","
	    "\"submods\":{\"a\":{\"swname\":\"b\",\"submods\":{\"c\":{}}}}}",
	    "{\"eat_profile\":\"" EAR_PROFILE_NEW "\",\"iat\":1900000000,"
	    "\"ear_verifier_id\":{\"developer\":\"a\",\"build\":\"b\"},\"submods\":{"
	    "\"a\":{"
	    "\"ear_status\":\"affirming\",\"ear_trustworthiness_vector\":{\"hardware\":2}"
	    "}}"
	    "}",
	    "{\"eat_profile\":\"" EAR_PROFILE_TRUSTEE "\",\"iat\":1900000000,"
	    "\"ear.verifier-id\":{\"developer\":\"a\",\"build\":\"b\"},\"submods\":{"
	    "\"a\":{"
	    "\"ear.status\":\"affirming\",\"ear.appraisal-policy-id\":\"d\"}}}"};
	/* Wrappers in the place of submodules: nobody has proven them. */
	static const char *const wrapped[] = {
	    "{\"eat_profile\":\"p\",\"submods\":{\"a\":[\"application/eat+jwt\",\"AAAA\","
	    "4]}}",
	    "{\"eat_profile\":\"p\",\"submods\":{\"a\":{\"b\":{\"c\":[263,\"AAAA\"]}},"
	    "\"d\":"
	    "{\"__cmwc_t\":\"t\",\"e\":[\"a/b\",\"\"]}},\"cmw\":[\"a/b\",\"AAAA\"]}"};
	/* {266: {"a": 263(h'01'), "b": ["a/b", h'01', 4], "c": {"d": [263, h'01']}}} */
	static const uint8_t tagged[] = {
	    0xa1, 0x19, 0x01, 0x0a, 0xa3, 0x61, 'a',  0xda, 0x63, 0x74, 0x02, 0x09,
	    0x41, 0x01, 0x61, 'b',  0x83, 0x63, 'a',  '/',  'b',  0x41, 0x01, 0x04,
	    0x61, 'c',	0xa1, 0x61, 'd',  0x82, 0x19, 0x01, 0x07, 0x41, 0x01};
	EVP_PKEY *key = fuzz_key(1);
	struct ear_content content = {.issued = TIME,
				      .developer = "a",
				      .build = "b",
				      .submod = "s",
				      .status = EAR_AFFIRMING,
				      .policy = "p",
				      .key = key};

	if (number < 3) {
		wr_u8(out, AS_JWT);
		wr_printf(out, "%s", claims[number]);
	} else if (number == 3) {
		wr_u8(out, AS_CWT);
		must(!ear_write_cbor(&content, out, NULL));
	} else if (number == 4) {
		wr_u8(out, 0);
		sign(key, true, text_of(claims[0]), out);
	} else if (number < 7) {
		wr_u8(out, AS_JWT);
		wr_printf(out, "%s", wrapped[number - 5]);
	} else if (number == 7) {
		wr_u8(out, AS_CWT);
		wr_bytes(out, tagged, sizeof(tagged));
	}
	EVP_PKEY_free(key);
	if (number > 7)
		return FUZZ_NO_SEED;
	return number > 4 ? FUZZ_BAD : FUZZ_GOOD;
}
