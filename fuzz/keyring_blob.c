/* Sealed secrets: what is read lies within, and opens only as it was sealed. */
#include "broker/keyring_blob.h"
#include "fuzz/fuzz.h"

static const uint8_t store_key[AEAD_KEY] = {7};

bool fuzz_one(struct tobi_bytes input)
{
	struct secret plain = {0};
	struct keyring_blob blob;
	enum tobi_err err;

	if (keyring_blob_parse(input, &blob, NULL))
		return false;
	must(blob.generation > 0);
	must_be_inside(blob.header, input);
	must_be_inside(blob.wrapped, input);
	must_be_inside(blob.body, input);
	must(blob.header.size + blob.wrapped.size + blob.body.size == input.size);
	err = keyring_blob_open(&blob, store_key, text_of("a context"), &plain, NULL);
	must(err == TOBI_OK || err == TOBI_E_SIGNATURE);
	must(err || bytes_equal(secret_view(&plain), text_of("a secret")));
	secret_done(&plain);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	if (number > 1)
		return FUZZ_NO_SEED;
	must(!keyring_blob_seal(number + 1, store_key, text_of("a context"),
				text_of("a secret"), out, NULL));
	return FUZZ_GOOD;
}
