/* Signatures over a fixed manifest: those that are read are in order, each once, and
 * written again give the same bytes. */
#include "fuzz/fuzz.h"
#include "image/signatures.h"

static const struct tobi_bytes manifest = {(const uint8_t *)"the manifest", 12};

bool fuzz_one(struct tobi_bytes input)
{
	struct signature list[LIMIT_SIGNERS];
	struct writer out = wr_init(LIMIT_SIGNATURES);
	struct tobi_fault fault = {0};
	size_t count = 0;

	if (signatures_parse(input, manifest, list, &count, &fault)) {
		must(fault.code != TOBI_OK);
		return false;
	}
	must(count <= LIMIT_SIGNERS);
	for (size_t i = 0; i < count; i++) {
		must_be_inside(list[i].spki, input);
		must_be_inside(list[i].cose, input);
		must(i == 0 ||
		     bytes_compare((struct tobi_bytes){list[i - 1].signer, SHA384_SIZE},
				   (struct tobi_bytes){list[i].signer, SHA384_SIZE}) < 0);
	}
	must(!signatures_write(list, count, NULL, manifest, &out, NULL));
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

/* With 0, 1, 2 and all signatures. */
enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const size_t counts[] = {0, 1, 2, LIMIT_SIGNERS};
	struct writer now = wr_init(LIMIT_SIGNATURES);
	struct signature list[LIMIT_SIGNERS];
	size_t count = 0;

	if (number >= 4)
		return FUZZ_NO_SEED;
	must(!signatures_write(NULL, 0, NULL, manifest, &now, NULL));
	for (size_t i = 0; i < counts[number]; i++) {
		EVP_PKEY *key = fuzz_key((uint8_t)(i + 1));
		struct writer more = wr_init(LIMIT_SIGNATURES);

		must(!signatures_parse(wr_view(&now), manifest, list, &count, NULL));
		must(!signatures_write(list, count, key, manifest, &more, NULL));
		wr_done(&now);
		now = more;
		EVP_PKEY_free(key);
	}
	wr_bytes(out, now.ptr, now.size);
	wr_done(&now);
	return FUZZ_GOOD;
}
