/* The policy's section for AMD SEV-SNP: what it may say. */
#include "appraise/policy_snp.h"

#include "appraise/policy.h"
#include "base/limits.h"
#include "base/writer.h"
#include "tests/bytes.h"
#include "tests/check.h"

#define DIGEST                                                                           \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"               \
	"00112233445566778899aabbccddeeff"
#define ID "00112233445566778899aabbccddeeff"

static enum tobi_err parse(const char *section, struct tobi_policy **ret_policy,
			   struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	enum tobi_err err;

	wr_printf(&yaml,
		  "version: 1\ntiers: [snp]\nimages: [" DIGEST
		  "]\nidentity:\n  mode: any-instance\nsnp:\n%s",
		  section);
	err = tobi_policy_parse(wr_view(&yaml), "test", ret_policy, fault);
	wr_done(&yaml);
	return err;
}

static void test_policy_snp__every_key__is_taken(void **state)
{
	static const uint8_t milan[8] = {3, 0, 0, 0, 0, 0, 8, 115};
	static const uint8_t turin[8] = {1, 2, 3, 4, 0, 0, 0, 255};
	struct tobi_policy *policy = NULL;
	const struct policy_snp *snp;

	(void)state;
	assert_int_equal(
	    parse(
		"  crl: not-required\n  provisional-firmware: allowed\n"
		"  migration: allowed\n  max-vmpl: 3\n  min-abi: 1.51\n"
		"  min-firmware: 1.55.29\n  generations: [Milan, Turin]\n"
		"  refused-generations: [Genoa]\n  chips: [0011223344556677]\n"
		"  csp-ids: [CN=cloud.example]\n  keys: [vcek, vlek]\n"
		"  id-keys: [" DIGEST "]\n  author-keys: [" DIGEST "]\n"
		"  family-id: " ID "\n  image-id: " ID "\n"
		"  guest-policy: [no-smt, single-socket, no-cxl, aes-256-xts, rapl-off, "
		"ciphertext-hiding, no-page-swap]\n"
		"  platform: [alias-check, no-smt, ecc, tsme, rapl-off, "
		"ciphertext-hiding, no-tio]\n"
		"  mitigations: [0, 3, 63]\n"
		"  min-tcb:\n    - generation: Milan\n      boot-loader: 3\n      snp: "
		"8\n"
		"      microcode: 115\n"
		"  min-launch-tcb:\n    - generation: Turin\n      fmc: 1\n"
		"      boot-loader: 2\n      tee: 3\n      snp: 4\n      microcode: "
		"255\n",
		&policy, NULL),
	    0);
	snp = &policy->snp;
	assert_true(snp->without_crl && snp->provisional && snp->migration);
	assert_int_equal(snp->max_vmpl, 3);
	assert_true(snp->has_abi && snp->abi[0] == 1 && snp->abi[1] == 51);
	assert_true(snp->has_firmware && snp->firmware[0] == 1 &&
		    snp->firmware[1] == 55 && snp->firmware[2] == 29);
	assert_int_equal(snp->generations.count, 2);
	assert_int_equal(snp->refused_generations.count, 1);
	assert_int_equal(snp->chips.items[0].size, 8);
	assert_bytes_equal(snp->csps.items[0], text_bytes("CN=cloud.example"));
	assert_true(snp->has_keys && snp->vcek && snp->vlek);
	assert_int_equal(snp->id_keys.items[0].size, 48);
	assert_int_equal(snp->author_keys.items[0].size, 48);
	assert_int_equal(snp->family_id.size, 16);
	assert_int_equal(snp->image_id.size, 16);
	assert_true(snp->policy_set ==
		    (SNP_POLICY_SINGLE_SOCKET | SNP_POLICY_AES_256_XTS |
		     SNP_POLICY_RAPL_OFF | SNP_POLICY_HIDING | SNP_POLICY_NO_PAGE_SWAP));
	assert_true(snp->policy_clear == (SNP_POLICY_SMT | SNP_POLICY_CXL));
	assert_true(snp->platform_set ==
		    (SNP_PLATFORM_ALIAS_CHECK | SNP_PLATFORM_ECC | SNP_PLATFORM_TSME |
		     SNP_PLATFORM_RAPL_OFF | SNP_PLATFORM_HIDING));
	assert_true(snp->platform_clear == (SNP_PLATFORM_SMT | SNP_PLATFORM_TIO));
	assert_true(snp->mitigations == (UINT64_C(1) << 63 | 9));
	assert_memory_equal(snp->tcb.items[0].tcb, milan, sizeof(milan));
	assert_memory_equal(snp->launch_tcb.items[0].tcb, turin, sizeof(turin));
	tobi_policy_free(policy);
}

static void test_policy_snp__what_is_no_value__names_its_key(void **state)
{
	static const struct {
		const char *section, *field;
	} cases[] = {
	    {"  crl: no\n", "snp.crl"},
	    {"  provisional-firmware: yes\n", "snp.provisional-firmware"},
	    {"  migration: maybe\n", "snp.migration"},
	    {"  max-vmpl: 4\n", "snp.max-vmpl"},
	    {"  max-vmpl: 00\n", "snp.max-vmpl"},
	    {"  max-vmpl: -1\n", "snp.max-vmpl"},
	    {"  min-abi: 1\n", "snp.min-abi"},
	    {"  min-abi: 1.256\n", "snp.min-abi"},
	    {"  min-abi: 1.55.3\n", "snp.min-abi"},
	    {"  min-abi: 1.\n", "snp.min-abi"},
	    {"  min-firmware: 1.55\n", "snp.min-firmware"},
	    {"  min-firmware: 1.55.99999\n", "snp.min-firmware"},
	    {"  generations: [Rome]\n", "snp.generations"},
	    {"  generations: [Venice]\n", "snp.generations"},
	    {"  refused-generations: [milan]\n", "snp.refused-generations"},
	    {"  chips: [0011]\n", "snp.chips"},
	    {"  keys: [vcek, vmrk]\n", "snp.keys"},
	    {"  id-keys: [" ID "]\n", "snp.id-keys"},
	    {"  author-keys: [" ID "]\n", "snp.author-keys"},
	    {"  family-id: 00\n", "snp.family-id"},
	    {"  image-id: " DIGEST "\n", "snp.image-id"},
	    {"  guest-policy: [debug]\n", "snp.guest-policy"},
	    {"  platform: [smt]\n", "snp.platform"},
	    {"  mitigations: [64]\n", "snp.mitigations"},
	    {"  min-tcb:\n    - generation: Rome\n", "snp.min-tcb"},
	    {"  min-tcb:\n    - generation: Milan\n      fmc: 1\n", "snp.min-tcb"},
	    {"  min-tcb:\n    - generation: Milan\n      snp: 256\n", "snp.min-tcb"},
	    {"  min-tcb:\n    - generation: Milan\n    - generation: Milan\n",
	     "snp.min-tcb"},
	    {"  min-launch-tcb:\n    - generation: Milan\n      tee: x\n",
	     "snp.min-launch-tcb"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};

		print_message("%s", cases[i].section);
		assert_int_equal(parse(cases[i].section, &policy, &fault),
				 TOBI_E_MALFORMED);
		assert_string_equal(fault.field, cases[i].field);
	}
}

static void test_policy_snp__unknown_key__fails(void **state)
{
	struct tobi_policy *policy = NULL;

	(void)state;
	assert_int_equal(parse("  chip: [0011223344556677]\n", &policy, NULL),
			 TOBI_E_MALFORMED);
	assert_null(policy);
}

static void test_policy_snp__without_its_tier__fails(void **state)
{
	static const char text[] =
	    "version: 1\ntiers: [tdx]\nimages: [" DIGEST
	    "]\nidentity:\n  mode: any-instance\nsnp:\n  max-vmpl: 0\n";
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(tobi_policy_parse(text_bytes(text), "test", &policy, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "snp");
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_policy_snp__every_key__is_taken),
	    TEST(test_policy_snp__what_is_no_value__names_its_key),
	    TEST(test_policy_snp__unknown_key__fails),
	    TEST(test_policy_snp__without_its_tier__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
