/* Identities of quoting enclaves: no report matches one from which it differs. */
#include "tee/dcap_qe.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/dcap_collateral.h"

static void compare(const struct dcap_qe_identity *identity)
{
	uint8_t bytes[SGX_REPORT_SIZE] = {0};
	struct sgx_report report;

	bytes_copy(bytes + 16, 4, identity->miscselect, 4);
	bytes_copy(bytes + 48, 16, identity->attributes, 16);
	bytes_copy(bytes + 128, 32, identity->signer, 32);
	bytes[256] = (uint8_t)identity->product;
	bytes[257] = (uint8_t)(identity->product >> 8);
	must(!sgx_report_read((struct tobi_bytes){bytes, sizeof(bytes)}, "report",
			      &report, NULL));
	must(!dcap_qe_differs(identity, &report) || report.flags & SGX_DEBUG);
	bytes[128 + identity->product % 32] ^= 1;
	must(dcap_qe_differs(identity, &report) != NULL);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(1 << 20);
	struct dcap_qe_identity identity;
	bool good = !dcap_qe_identity_read(input, &arena, &identity, NULL);

	if (good) {
		must(identity.levels.count > 0);
		for (size_t i = 1; i < identity.levels.count; i++)
			must(identity.levels.items[i].svn <
			     identity.levels.items[i - 1].svn);
		compare(&identity);
	}
	arena_done(&arena);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct dcap_test_collateral documents;
	struct dcap_scene scene;

	if (number > 1)
		return FUZZ_NO_SEED;
	dcap_scene_make(&scene);
	if (number)
		dcap_scene_kind(&scene, 4, DCAP_TD10);
	dcap_test_collateral_make(&scene, &documents);
	dcap_test_identity_value(&documents.qe, out);
	return FUZZ_GOOD;
}
