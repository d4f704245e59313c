/* What a client of the key-broker protocol may say before it has shown anything: both
 * messages, a cookie, init-data, a key and what it is bound to. */
#include "broker/kbs_request.h"

#include <string.h>

#include "base/limits.h"
#include "broker/kbs_init_data.h"
#include "codec/json.h"
#include "codec/jwe.h"
#include "fuzz/fuzz.h"

enum { FIRST, SECOND, COOKIE, INIT_DATA, KEY, KINDS };

static bool first(struct tobi_bytes input)
{
	enum kbs_tee tee = KBS_TEE_NONE;

	if (kbs_request_read(input, &tee, NULL))
		return false;
	must(tee != KBS_TEE_NONE && kbs_tee_name(tee)[0]);
	return true;
}

static bool second(struct tobi_bytes input)
{
	struct kbs_attestation found = {0};
	uint8_t data[KBS_REPORT_DATA_SIZE];

	if (kbs_attestation_read(input, &found, NULL))
		return false;
	must(found.nonce && found.additional && json_is_object(found.jwk) &&
	     json_is_object(found.primary));
	if (!kbs_binding_primary(found.nonce, found.jwk, found.additional, data, NULL))
		must(!kbs_binding_devices(found.nonce, found.jwk, data, NULL));
	kbs_attestation_done(&found);
	return true;
}

static bool cookie(struct tobi_bytes input)
{
	struct kbs_session session, again;
	char *text = strndup(input.size ? (const char *)input.ptr : "", input.size);
	bool good;

	must(text != NULL);
	good = kbs_session_cookie(text, &session);
	if (good) {
		must(strstr(text, session.text) != NULL);
		must(kbs_session_read(session.text, &again));
		must(session.issued >= 0 && kbs_tee_name(session.tee)[0]);
	}
	free(text);
	return good;
}

static bool init_data(struct tobi_bytes input)
{
	struct kbs_init_data found = {0};
	json_t *json = json_pack("{s:s, s:s%}", "format", "toml", "body",
				 input.size ? (const char *)input.ptr : "", input.size);
	bool good = json && !kbs_init_data_read(json, &found, NULL);

	if (good)
		must(found.size == 32 || found.size == 48 || found.size == 64);
	json_decref(json);
	return good;
}

/* A key that is taken can be encrypted to. */
static bool key(struct tobi_bytes input)
{
	struct writer out = wr_init(1 << 16);
	json_t *json = NULL;
	EVP_PKEY *found = NULL;
	bool good = !json_parse(input, LIMIT_KBS_BODY, "key", &json, NULL) &&
		    !kbs_key_read(json, &found, NULL);

	if (good)
		must(jwe_algorithm(found) != NULL);
	if (good && EVP_PKEY_is_a(found, "EC"))
		must(!jwe_encrypt(found, text_of("x"), &out, NULL));
	EVP_PKEY_free(found);
	json_decref(json);
	wr_done(&out);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	static bool (*const kinds[KINDS])(struct tobi_bytes) = {first, second, cookie,
								init_data, key};
	uint8_t choice = take_choice(&input);

	return kinds[choice % KINDS](input);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const seeds[KINDS] = {
	    [FIRST] = "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":"
		      "{\"supported-hash-algorithms\":[\"sha384\"]}}",
	    [SECOND] =
		"{\"init-data\":null,\"runtime-data\":{\"nonce\":\"bm9uY2U=\",\"tee-"
		"pubkey\":{\"kty\":\"EC\"}},\"tee-evidence\":{\"primary_evidence\":{},"
		"\"additional_evidence\":\"\"}}",
	    [COOKIE] = "a=b; kbs-session-id=00713fb30001ed1f786ccc2d84e31faf; c=d",
	    [INIT_DATA] =
		"# c\nversion = \"0.1.0\"\nalgorithm='sha384'\n[data]\n\"a\" = 1",
	    [KEY] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":"
		    "\"rOy3DyWZGju2zGna07LFolgPlokBDrgF-JENNSyLD-c\",\"y\":"
		    "\"W2G4oFImrmBHkuETU0CjwzVmX5bx3Ho7BlnqhAbbJHc\"}"};

	if (number >= KINDS)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)number);
	wr_printf(out, "%s", seeds[number]);
	return FUZZ_GOOD;
}
