/* Writes tokens of Arm CCA and PSA under keys of its own, with policies that accept them,
 * for tests from the command line: arm FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/cca_scene.h"
#include "tests/check.h"
#include "tests/psa_scene.h"

static void put(const char *name, mode_t mode, struct tobi_bytes bytes)
{
	if (file_write(name, mode, bytes, "output", NULL))
		abort();
}

static void put_writer(const char *name, struct writer *text)
{
	put(name, 0644, wr_view(text));
	text->size = 0;
}

static void cca_files(struct writer *out)
{
	static const char *const names[] = {"cca-legacy", "cca-1", "cca-2"};
	struct test_cca cca;

	for (int i = 0; i < CCA_GENERATIONS; i++) {
		char name[32];

		test_cca_make(&cca, (enum cca_generation)i);
		test_cca_write(&cca, out);
		put_writer(names[i], out);
		cca.section = "  components:\n    - signer: "
			      "\"5151515151515151515151515151515151515151515151515151515"
			      "151515151\"\n  implementation-ids: [\"1a1a1a1a1a1a1a1a1a1a"
			      "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\"]\n";
		test_cca_policy(&cca, out);
		snprintf(name, sizeof(name), "%s.yaml", names[i]);
		put_writer(name, out);
		if (i < 2) {
			test_cca_done(&cca);
			continue;
		}
		test_claim_int(&cca.platform, 2395, 0x4000);
		test_cca_write(&cca, out);
		put_writer("cca-debug", out);
		test_claim_int(&cca.platform, 2395, 0x3000);
		test_claim_bytes(&cca.platform, 10, test_bytes_of(1, 32));
		test_cca_write(&cca, out);
		put_writer("cca-unbound", out);
		test_cca_done(&cca);
	}
}

static void psa_files(struct writer *out)
{
	static const char *const names[] = {"psa-tfm", "psa-2", "psa-1"};
	struct test_psa psa;

	for (int i = 0; i < PSA_GENERATIONS; i++) {
		char name[32];

		test_psa_make(&psa, (enum psa_generation)i);
		test_psa_write(&psa, out);
		put_writer(names[i], out);
		test_psa_policy(&psa, out);
		snprintf(name, sizeof(name), "%s.yaml", names[i]);
		put_writer(name, out);
		if (i == 0) {
			test_psa_share_key(&psa);
			test_psa_write(&psa, out);
			put_writer("psa-mac", out);
			test_psa_policy(&psa, out);
			put_writer("psa-mac.yaml", out);
			put("shared", 0600, psa.given_secret);
		}
		test_psa_done(&psa);
	}
}

static void test_write(void **state)
{
	struct writer out = wr_init(LIMIT_EVIDENCE);

	(void)state;
	cca_files(&out);
	psa_files(&out);
	wr_done(&out);
}

/* Its steps assert, as those of a test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {cmocka_unit_test(test_write)};

	if (argc != 2 || chdir(argv[1])) {
		fprintf(stderr, "usage: arm FOLDER\n");
		return 2;
	}
	return cmocka_run_group_tests(steps, NULL, NULL);
}
