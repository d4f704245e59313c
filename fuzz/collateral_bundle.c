/* A bundle: what is read has a signature that holds, and written again by the same key is
 * the same list. */
#include "collateral/bundle.h"
#include "fuzz/fuzz.h"
#include "tests/vendor_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct bundle_about about = {0};
	struct tobi_fault fault = {0};
	const struct collateral_item *item;

	must(set != NULL);
	if (bundle_read(input, "bundle", set, &about, &fault)) {
		must(fault.code != TOBI_OK && collateral_count(set) == 0);
		tobi_collateral_free(set);
		return false;
	}
	must(about.count == collateral_count(set));
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		must(item->bundled);
		must(bytes_equal((struct tobi_bytes){item->signer, SHA384_SIZE},
				 (struct tobi_bytes){about.signer, SHA384_SIZE}));
	}
	tobi_collateral_free(set);
	return true;
}

/* None, one, all. Ed25519 signs the same bytes each time, the documents do not: their
 * keys are new in every process. */
enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct vendor_scene scene;
	const struct writer *const documents[] = {&scene.root_crl, &scene.sgx_tcb_info,
						  &scene.tcb_chain, &scene.amd_chain,
						  &scene.vcek_der};
	struct tobi_collateral *set;
	EVP_PKEY *key;

	if (number > 2)
		return FUZZ_NO_SEED;
	set = tobi_collateral_new();
	key = fuzz_key(1);
	must(set != NULL);
	vendor_scene_make(&scene, 1900000000);
	for (size_t i = 0; i < (number == 2 ? 5 : number); i++)
		must(!tobi_collateral_add(set, wr_view(documents[i]), "seed", NULL));
	must(!bundle_write(set, key, 1900000000, out, NULL));
	vendor_scene_done(&scene);
	tobi_collateral_free(set);
	EVP_PKEY_free(key);
	return FUZZ_GOOD;
}
