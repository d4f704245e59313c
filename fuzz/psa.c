/* Examines a PSA token (fuzz/arm.h); a shared key is always given. */
#include "tee/psa.h"

#include "fuzz/arm.h"
#include "tests/psa_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	return arm_run(&tee_psa, input, test_bytes_of(0x5e, 32));
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_psa psa;

	if (number >= 6)
		return FUZZ_NO_SEED;
	test_psa_make(&psa, (enum psa_generation)(number % 3));
	if (number >= 3)
		test_psa_share_key(&psa);
	/* A MAC counts where no key is named. */
	arm_seed_key(number == 3 ? NULL : psa.key, out);
	test_psa_write(&psa, out);
	test_psa_done(&psa);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
