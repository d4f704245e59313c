/* A whole appraisal of a platform of AMD SEV and a launch on it, under a root of the
 * tests' own. */
#include "fuzz/raw.h"
#include "tests/sev_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t tik[SEV_TIK_SIZE];

	for (size_t i = 0; i < sizeof(tik); i++) /* as the scene has it */
		tik[i] = (uint8_t)(0x40 + i);
	return fuzz_raw(input, SEV_TEST_NOW, (struct tobi_bytes){tik, sizeof(tik)});
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_amd amd;
	struct test_sev sev;

	if (number > 3)
		return FUZZ_NO_SEED;
	test_amd_make(&amd, 2048, TEST_KEY_ID_ROME);
	test_sev_make(&sev, &amd);
	if (number == 1) {
		sev.section = "sev:\n  platform-only: allowed\n  generations: [rome]\n";
		sev.images = "";
	}
	if (number == 2)
		sev.section = "sev:\n  guest-policy: [nodbg]\n  min-api: 0.17\n";
	if (number == 3)
		test_sev_sign(sev.pdh, 0, SEV_PEK, SEV_ECDSA_SHA256, sev.cek_key);
	test_sev_policy(&sev, out);
	wr_u8(out, 0);
	if (number != 1)
		test_sev_launch(&sev, out);
	wr_u8(out, 0);
	test_sev_chain(&sev, out);
	test_sev_done(&sev);
	test_amd_done(&amd);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
