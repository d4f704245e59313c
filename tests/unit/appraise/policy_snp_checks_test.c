/* What a policy asks of evidence of AMD SEV-SNP: each of its checks, failing alone. */
#include <stdio.h>

#include "appraise/policy_snp.h"
#include "tests/check.h"
#include "tests/snp_scene.h"

#define ZEROS_48                                                                         \
	"000000000000000000000000000000000000000000000000000000000000000000000000000000" \
	"00"                                                                             \
	"0000000000000000"

#define ONES_48                                                                          \
	"111111111111111111111111111111111111111111111111111111111111111111111111111111" \
	"11"                                                                             \
	"1111111111111111"

#define ONES_16 "11111111111111111111111111111111"
#define TWOS_16 "22222222222222222222222222222222"
#define HOST_DATA_31 "48484848484848484848484848484848484848484848484848484848484848"

typedef void (*change)(struct snp_scene *scene);

#define CHANGE(name, ...)                                                                \
	static void name(struct snp_scene *scene)                                        \
	{                                                                                \
		(void)scene;                                                             \
		__VA_ARGS__;                                                             \
	}
CHANGE(as_it_is)
CHANGE(of_turin, snp_scene_product(scene, "Turin"))
CHANGE(of_a_vlek, snp_scene_vlek(scene))
CHANGE(of_a_vlek_that_shows_its_chip, snp_scene_vlek(scene);
       memset(scene->report + 0x1a0, 0x11, 48); memset(scene->report + 0x1d0, 0x22, 16))
CHANGE(of_vmpl_1, snp_scene_set(scene, 0x30, 4, 1))
CHANGE(that_may_move, snp_scene_set(scene, 8, 8, 0x70133))
CHANGE(of_version_5, snp_scene_set(scene, 0, 4, 5); snp_scene_set(scene, 0x1f8, 8, 0x0b);
       snp_scene_set(scene, 0x200, 8, 0x0b))
CHANGE(mitigated_since_launch, of_version_5(scene); snp_scene_set(scene, 0x1f8, 8, 3))
CHANGE(mitigated_at_launch_only, of_version_5(scene); snp_scene_set(scene, 0x200, 8, 3))
CHANGE(with_svn_2, snp_scene_set(scene, 4, 4, 2))
CHANGE(with_family, scene->report[0x10] = 0xfa)
CHANGE(with_image, scene->report[0x20] = 0x1a)
CHANGE(with_a_newer_build, snp_scene_set(scene, 0x1e8, 1, 0x1e))
CHANGE(with_a_newer_minor, snp_scene_set(scene, 0x1e9, 1, 0x38))
CHANGE(with_a_newer_major, snp_scene_set(scene, 0x1ea, 1, 2))
CHANGE(that_may_be_debugged, snp_scene_set(scene, 8, 8, 0xb0133))
CHANGE(of_another_measurement, scene->report[0x90 + 47] ^= 1)
CHANGE(with_another_nonce, scene->report[0x50 + 18] ^= 1)
CHANGE(with_more_than_the_nonce, scene->report[0x50 + 63] = 1)
CHANGE(with_newer_microcode, scene->report[0x38 + 7]++)
CHANGE(launched_on_older, scene->report[0x1f0 + 7]--)

/* The ID and author keys' digests are of the scene's keys, and so of this process. */
static char key_policy[512];
static void names_more(struct snp_scene *scene, size_t offset, const char *key,
		       const char *more)
{
	struct writer block = wr_init(8192);
	char digest[97];

	snp_scene_set(scene, 0x48, 4, 1);
	snp_scene_id_block(scene, &block);
	hex_write((struct tobi_bytes){scene->report + offset, 48}, digest,
		  sizeof(digest));
	snprintf(key_policy, sizeof(key_policy), "snp:\n  %s: [%s]\n%s", key, digest,
		 more);
	scene->policy = key_policy;
	wr_done(&block);
}
static void names_keys(struct snp_scene *scene, size_t offset, const char *key)
{
	names_more(scene, offset, key, "");
}
/* The keys of the whole policy: signers. */
static void signed_by(struct snp_scene *scene, size_t offset)
{
	struct writer block = wr_init(8192);
	char digest[97];

	snp_scene_set(scene, 0x48, 4, 1);
	snp_scene_id_block(scene, &block);
	hex_write((struct tobi_bytes){scene->report + offset, 48}, digest,
		  sizeof(digest));
	snprintf(key_policy, sizeof(key_policy), "signers: [\"%s\"]\n", digest);
	scene->policy = key_policy;
	wr_done(&block);
}
CHANGE(signed_by_its_id_key, signed_by(scene, 0xe0))
CHANGE(signed_by_its_author, signed_by(scene, 0x110))
CHANGE(signed_by_an_author_that_is_not_in_force, signed_by(scene, 0x110);
       snp_scene_set(scene, 0x48, 4, 0))
CHANGE(signed_by_nobody, scene->policy = "signers: [\"" ZEROS_48 "\"]\n")
CHANGE(that_names_another_family, with_family(scene);
       names_more(scene, 0xe0, "id-keys",
		  "  family-id: fb000000000000000000000000000000\n"))
CHANGE(that_names_its_family, with_family(scene);
       names_more(scene, 0x110, "author-keys",
		  "  family-id: fa000000000000000000000000000000\n"))
CHANGE(that_names_another_image, with_image(scene);
       names_more(scene, 0xe0, "id-keys",
		  "  image-id: 1b000000000000000000000000000000\n"))
CHANGE(that_names_its_svn, with_svn_2(scene);
       names_more(scene, 0xe0, "id-keys", "min-svn: 2\n"))
CHANGE(that_names_a_newer_svn, with_svn_2(scene);
       names_more(scene, 0xe0, "id-keys", "min-svn: 3\n"))
CHANGE(that_names_its_id_key, names_keys(scene, 0xe0, "id-keys"))
CHANGE(that_names_its_author_key, names_keys(scene, 0x110, "author-keys"))
CHANGE(that_names_an_author_that_is_not_in_force, names_keys(scene, 0x110, "author-keys");
       snp_scene_set(scene, 0x48, 4, 0))

struct row {
	const char *code; /* NULL: accepted */
	const char *policy;
	change make;
};
#define FAILS(code, policy, make)                                                        \
	{                                                                                \
		code, "snp:\n  " policy "\n", make                                       \
	}
#define PASSES(policy, make)                                                             \
	{                                                                                \
		NULL, "snp:\n  " policy "\n", make                                       \
	}

static const struct row rows[] = {
    PASSES("generations: [Genoa, Milan]", as_it_is),
    PASSES("generations: [Turin]", of_turin),
    PASSES("refused-generations: [Turin]", as_it_is),
    FAILS("POLICY-SNP-GENERATION", "generations: [Genoa, Turin]", as_it_is),
    FAILS("POLICY-SNP-GENERATION", "refused-generations: [Milan]", as_it_is),
    FAILS("POLICY-SNP-GENERATION", "refused-generations: [Turin]", of_turin),
    PASSES("keys: [vcek]", as_it_is),
    PASSES("keys: [vcek, vlek]", of_a_vlek),
    FAILS("POLICY-SNP-KEY", "keys: [vlek]", as_it_is),
    FAILS("POLICY-SNP-KEY", "keys: [vcek]", of_a_vlek),
    PASSES("csp-ids: [CN=cloud.example]", of_a_vlek),
    FAILS("POLICY-SNP-CSP", "csp-ids: [CN=cloud.exampl]", of_a_vlek),
    FAILS("POLICY-SNP-CSP", "csp-ids: [CN=cloud.example]", as_it_is),
    PASSES("chips: [0000000000000000, a0a1a2a3a4a5a6a7]", of_turin),
    FAILS("POLICY-SNP-CHIP", "chips: [0000000000000000]", of_turin),
    FAILS("POLICY-SNP-CHIP", "chips: [a0a1a2a3a4a5a6a7]", as_it_is),
    FAILS("POLICY-SNP-CHIP", "chips: [a0a1a2a3a4a5a6a7]", of_a_vlek),
    PASSES("chips: [" ONES_48 TWOS_16 "]", of_a_vlek_that_shows_its_chip),
    FAILS("POLICY-SNP-CHIP", "chips: [" ONES_48 ONES_16 "]",
	  of_a_vlek_that_shows_its_chip),
    PASSES("min-tcb:\n    - generation: Milan\n      boot-loader: 4\n      tee: 1\n"
	   "      snp: 24\n      microcode: 213",
	   as_it_is),
    FAILS("POLICY-SNP-TCB", "min-tcb:\n    - generation: Milan\n      boot-loader: 5",
	  as_it_is),
    FAILS("POLICY-SNP-TCB", "min-tcb:\n    - generation: Milan\n      microcode: 214",
	  as_it_is),
    FAILS("POLICY-SNP-TCB", "min-tcb:\n    - generation: Genoa\n      microcode: 1",
	  as_it_is),
    PASSES("min-tcb:\n    - generation: Turin\n      fmc: 1\n      boot-loader: 2\n"
	   "      tee: 3\n      snp: 4\n      microcode: 71",
	   of_turin),
    FAILS("POLICY-SNP-TCB", "min-tcb:\n    - generation: Turin\n      fmc: 2", of_turin),
    PASSES("min-launch-tcb:\n    - generation: Milan\n      microcode: 212",
	   launched_on_older),
    FAILS("POLICY-SNP-LAUNCH-TCB",
	  "min-launch-tcb:\n    - generation: Milan\n      microcode: 213",
	  launched_on_older),
    PASSES("min-firmware: 1.55.29", as_it_is),
    PASSES("min-firmware: 1.54.255", as_it_is),
    FAILS("POLICY-SNP-FIRMWARE", "min-firmware: 1.55.30", as_it_is),
    FAILS("POLICY-SNP-FIRMWARE", "min-firmware: 1.56.0", as_it_is),
    FAILS("POLICY-SNP-FIRMWARE", "min-firmware: 2.0.0", as_it_is),
    FAILS("POLICY-SNP-PROVISIONAL", "max-vmpl: 0", with_a_newer_build),
    FAILS("POLICY-SNP-PROVISIONAL", "provisional-firmware: refused",
	  with_newer_microcode),
    FAILS("POLICY-SNP-PROVISIONAL", "max-vmpl: 0", with_a_newer_minor),
    FAILS("POLICY-SNP-PROVISIONAL", "max-vmpl: 0", with_a_newer_major),
    PASSES("provisional-firmware: allowed", with_newer_microcode),
    PASSES("provisional-firmware: allowed", with_a_newer_build),
    FAILS("POLICY-SNP-VMPL", "crl: required", of_vmpl_1),
    FAILS("POLICY-SNP-VMPL", "max-vmpl: 0", of_vmpl_1),
    PASSES("max-vmpl: 1", of_vmpl_1),
    FAILS("POLICY-SNP-MIGRATION", "migration: refused", that_may_move),
    PASSES("migration: allowed", that_may_move),
    PASSES("min-abi: 1.51", as_it_is),
    FAILS("POLICY-SNP-ABI", "min-abi: 1.52", as_it_is),
    FAILS("POLICY-SNP-ABI", "min-abi: 2.0", as_it_is),
    FAILS("POLICY-SNP-GUEST-POLICY", "guest-policy: [no-smt]", as_it_is),
    FAILS("POLICY-SNP-GUEST-POLICY", "guest-policy: [single-socket]", as_it_is),
    PASSES("guest-policy: [no-cxl]", as_it_is),
    FAILS("POLICY-SNP-PLATFORM", "platform: [no-smt]", as_it_is),
    FAILS("POLICY-SNP-PLATFORM", "platform: [alias-check, tsme]", as_it_is),
    PASSES("platform: [alias-check, ecc]", as_it_is),
    PASSES("mitigations: [0, 1, 3]", of_version_5),
    FAILS("POLICY-SNP-MITIGATIONS", "mitigations: [2]", of_version_5),
    FAILS("POLICY-SNP-MITIGATIONS", "mitigations: [3]", mitigated_since_launch),
    FAILS("POLICY-SNP-MITIGATIONS", "mitigations: [3]", mitigated_at_launch_only),
    FAILS("POLICY-SNP-MITIGATIONS", "mitigations: [0]", as_it_is),
    PASSES("crl: required", that_names_its_id_key),
    PASSES("crl: required", that_names_its_author_key),
    FAILS("POLICY-SNP-AUTHOR-KEY", "crl: required",
	  that_names_an_author_that_is_not_in_force),
    FAILS("POLICY-SNP-ID-KEY", "id-keys: [" ONES_48 "]", as_it_is),
    FAILS("POLICY-SNP-ID-KEY", "family-id: fa000000000000000000000000000000",
	  with_family),
    FAILS("POLICY-SNP-ID-KEY", "image-id: 1a000000000000000000000000000000", with_image),
    FAILS("POLICY-SNP-ID-KEY", "crl: required\nmin-svn: 2", with_svn_2),
    FAILS("POLICY-SNP-ID-KEY", "id-keys: [" ZEROS_48 "]", as_it_is),
    FAILS("POLICY-SNP-FAMILY-ID", "crl: required", that_names_another_family),
    FAILS("POLICY-SNP-IMAGE-ID", "crl: required", that_names_another_image),
    PASSES("crl: required", that_names_its_family),
    PASSES("crl: required", that_names_its_svn),
    FAILS("POLICY-SVN", "crl: required", that_names_a_newer_svn),
    PASSES("crl: required", signed_by_its_id_key),
    PASSES("crl: required", signed_by_its_author),
    FAILS("POLICY-SIGNER", "crl: required", signed_by_an_author_that_is_not_in_force),
    FAILS("POLICY-SIGNER", "crl: required", signed_by_nobody),
    FAILS("POLICY-DEBUG", "crl: required", that_may_be_debugged),
    FAILS("POLICY-IMAGE", "crl: required", of_another_measurement),
    PASSES("crl: required\nconfig-id: \"" HOST_DATA_31 "48\"", as_it_is),
    FAILS("POLICY-CONFIG", "crl: required\nconfig-id: \"" HOST_DATA_31 "49\"", as_it_is),
    FAILS("CLAIMS-NONCE", "crl: required", with_another_nonce),
    FAILS("CLAIMS-NONCE", "crl: required", with_more_than_the_nonce),
};

static void show(const struct tobi_result *result)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome == TOBI_FAILED || check->outcome == TOBI_NOT_RUN)
			print_error("%s: expected %s, found %s\n", check->code,
				    check->expected, check->found);
	}
}

static size_t count_failed(const struct tobi_result *result, const char *code,
			   bool *ret_named)
{
	size_t failed = 0;

	*ret_named = false;
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		failed += check->outcome == TOBI_FAILED || check->outcome == TOBI_NOT_RUN;
		*ret_named |= check->outcome == TOBI_FAILED && code &&
			      strcmp(check->code, code) == 0;
	}
	return failed;
}

static void test_policy_snp_check__asked__fails_alone_or_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct snp_scene scene;
		struct tobi_result *result;
		bool named;
		size_t failed;

		print_message("%zu: %s", i, row->policy);
		snp_scene_make(&scene);
		scene.policy = row->policy;
		row->make(&scene);
		result = snp_scene_verify(&scene);
		failed = count_failed(result, row->code, &named);
		if (failed != (row->code != NULL))
			show(result);
		assert_int_equal(failed, row->code ? 1 : 0);
		assert_int_equal(named, row->code != NULL);
		assert_int_equal(tobi_result_verdict(result),
				 row->code ? TOBI_REFUSE : TOBI_ACCEPT);
		tobi_result_free(result);
		snp_scene_done(&scene);
	}
}

static bool has_allowance(const struct tobi_result *result, const char *start)
{
	const char *text;

	for (size_t i = 0; (text = tobi_result_allowance(result, i)); i++) {
		if (strncmp(text, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

/* What a policy lets pass is said, where there is something to let pass. */
static void test_policy_snp_allowance__used__is_said(void **state)
{
	static const struct {
		const char *policy, *said;
		change make;
	} cases[] = {
	    {"snp:\n  provisional-firmware: allowed\n", "PROVISIONAL FIRMWARE",
	     with_newer_microcode},
	    {"snp:\n  migration: allowed\n", "MIGRATION", that_may_move},
	    {"snp:\n  max-vmpl: 2\n", "VMPL", of_vmpl_1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int used = 0; used < 2; used++) {
			struct snp_scene scene;
			struct tobi_result *result;

			snp_scene_make(&scene);
			scene.policy = cases[i].policy;
			if (used)
				cases[i].make(&scene);
			result = snp_scene_verify(&scene);
			assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
			assert_int_equal(has_allowance(result, cases[i].said), used);
			tobi_result_free(result);
			snp_scene_done(&scene);
		}
	}
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_policy_snp_check__asked__fails_alone_or_passes),
	    TEST(test_policy_snp_allowance__used__is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
