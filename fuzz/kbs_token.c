/* A token that is accepted is of this broker, in its time, and names a session. */
#include "broker/kbs_token.h"

#include <string.h>

#include "codec/jose.h"
#include "fuzz/fuzz.h"

enum { NOW = 1900000000 };

static struct broker *broker_of(EVP_PKEY *key)
{
	static struct broker broker;

	broker.setup.token_key = key;
	broker.setup.name = "fuzz";
	return &broker;
}

bool fuzz_one(struct tobi_bytes input)
{
	EVP_PKEY *key = fuzz_key(1);
	struct kbs_session session;
	struct jws jws = {0};
	char *text = strndup(input.size ? (const char *)input.ptr : "", input.size);
	bool good = !kbs_token_read(broker_of(key), text, NOW, &session, NULL);

	if (good) {
		must(!jws_parse(text_of(text), "token", &jws, NULL));
		must(!jws_verify(&jws, key, "token", NULL));
		must(memmem(jws.payload.ptr, jws.payload.size, session.text,
			    strlen(session.text)) != NULL);
		jws_done(&jws);
	}
	free(text);
	EVP_PKEY_free(key);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	EVP_PKEY *key = fuzz_key(number == 1 ? 2 : 1);
	json_t *jwk = json_pack("{s:s}", "kty", "EC");
	const struct kbs_init_data none = {.size = 0};
	struct kbs_session session;
	struct kbs_token token = {.session = &session,
				  .issued = number == 2 ? NOW - 600 : NOW,
				  .expires = number == 2 ? NOW - 300 : NOW + 300,
				  .nonce = "bm9uY2U=",
				  .jwk = jwk,
				  .bound = text_of("bound"),
				  .init_data = &none};

	if (number < 3) {
		must(kbs_session_read("00713fb30001ed1f786ccc2d84e31faf", &session));
		must(!kbs_token_write(broker_of(key), &token, out, NULL));
	}
	json_decref(jwk);
	EVP_PKEY_free(key);
	return number == 0 ? FUZZ_GOOD : number < 3 ? FUZZ_BAD : FUZZ_NO_SEED;
}
