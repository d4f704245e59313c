/* Keys: private or public PEM, or a SubjectPublicKeyInfo. What is read has an encoding
 * that gives the same key. The first byte chooses the form. */
#include "fuzz/fuzz.h"
#include "pki/key.h"
#include "base/limits.h"

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t choice = take_choice(&input) % 3;
	EVP_PKEY *key = NULL, *again = NULL;
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	enum tobi_err err = choice == 0	  ? key_read_private(input, "key", &key, NULL)
			    : choice == 1 ? key_read_public(input, "key", &key, NULL)
					  : key_read_spki(input, "key", &key, NULL);

	must((key != NULL) == (err == TOBI_OK));
	if (key) {
		must(!key_spki(key, &der, NULL));
		must(!key_read_spki(wr_view(&der), "key", &again, NULL));
		must(EVP_PKEY_eq(key, again) == 1);
	}
	wr_done(&der);
	EVP_PKEY_free(key);
	EVP_PKEY_free(again);
	return !err;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	EVP_PKEY *key = NULL;

	if (number >= 9)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)(number % 3));
	must(!key_new((enum key_kind)(number / 3), &key, NULL));
	if (number % 3 == 0)
		must(!key_write_private(key, out, NULL));
	else if (number % 3 == 1)
		must(!key_write_public(key, out, NULL));
	else
		must(!key_spki(key, out, NULL));
	EVP_PKEY_free(key);
	return FUZZ_GOOD;
}
