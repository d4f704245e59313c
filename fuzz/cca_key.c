/* A realm's key, in the form that the first byte chooses: what is read is a key of one of
 * three curves. */
#include "fuzz/fuzz.h"
#include "tee/cca_key.h"
#include "tests/cca_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	enum cca_key_form form = take_choice(&input) & 1 ? CCA_KEY_COSE : CCA_KEY_POINT;
	struct tobi_fault fault = {0};
	EVP_PKEY *key = NULL;
	enum tobi_err err = cca_key_read(input, form, &key, &fault);
	int bits;

	must(err == fault.code && (err == TOBI_OK) == (key != NULL));
	if (err)
		return false;
	bits = EVP_PKEY_get_bits(key);
	must(bits == 256 || bits == 384 || bits == 521);
	EVP_PKEY_free(key);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_cca cca;

	if (number >= 4)
		return FUZZ_NO_SEED;
	test_cca_make(&cca, number & 1 ? CCA_REALM_1 : CCA_LEGACY);
	wr_u8(out, (uint8_t)(number & 1));
	if (number >= 2)
		cca.realm_key.ptr[cca.realm_key.size - 1] ^= 1;
	wr_bytes(out, cca.realm_key.ptr, cca.realm_key.size);
	test_cca_done(&cca);
	return number < 2 ? FUZZ_GOOD : FUZZ_BAD;
}
