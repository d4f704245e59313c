/* Examines a token of Arm CCA (fuzz/arm.h). */
#include "tee/cca.h"

#include "fuzz/arm.h"
#include "tests/cca_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	return arm_run(&tee_cca, input, (struct tobi_bytes){0});
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_cca cca;

	if (number >= 6)
		return FUZZ_NO_SEED;
	test_cca_make(&cca, (enum cca_generation)(number % 3));
	if (number == 3)
		cca.realm.damaged_signature = true;
	if (number == 4)
		cca.platform.key = cca.other_key;
	if (number == 5)
		test_claim_bytes(&cca.platform, 10, test_bytes_of(1, 32));
	arm_seed_key(cca.cpak, out);
	test_cca_write(&cca, out);
	test_cca_done(&cca);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
