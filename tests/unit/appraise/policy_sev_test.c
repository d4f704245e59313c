#include "appraise/policy_sev.h"

#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/sev_scene.h"

static struct test_amd amd, unknown;
static struct test_sev good;

static int enter(void **state)
{
	(void)state;
	test_amd_make(&amd, 2048, TEST_KEY_ID_ROME);
	test_amd_make(&unknown, 2048, "000102030405060708090a0b0c0d0e0f");
	test_sev_make(&good, &amd);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_sev_done(&good);
	test_amd_done(&amd);
	test_amd_done(&unknown);
	return 0;
}

static struct tobi_result *appraise(const char *section)
{
	struct test_sev sev = good;

	sev.section = section;
	return test_sev_appraise(&sev);
}

static void test_policy_sev__generation__compared(void **state)
{
	struct test_sev sev;

	(void)state;
	expect_accepted(appraise("sev:\n  generations: [naples, rome]\n"));
	FAILS("POLICY-SEV-GENERATION",
	      appraise("sev:\n  generations: [naples, milan]\n"));
	test_sev_make(&sev, &unknown);
	expect_accepted(test_sev_appraise(&sev));
	sev.section = "sev:\n  generations: [naples, rome, milan]\n";
	FAILS("POLICY-SEV-GENERATION", test_sev_appraise(&sev));
	test_sev_done(&sev);
}

static void test_policy_sev__guest_policy__every_bit_owed(void **state)
{
	static const char *const missing[] = {"noks", "nosend", "domain", "sev"};
	char section[64];

	(void)state;
	expect_accepted(appraise("sev:\n  guest-policy: [nodbg, es]\n"));
	for (size_t i = 0; i < 4; i++) {
		snprintf(section, sizeof(section), "sev:\n  guest-policy: [es, %s]\n",
			 missing[i]);
		FAILS("POLICY-SEV-GUEST-POLICY", appraise(section));
	}
}

static void test_policy_sev__firmware__not_older(void **state)
{
	(void)state;
	expect_accepted(appraise("sev:\n  min-api: 0.22\n  min-build: 13\n"));
	expect_accepted(appraise("sev:\n  min-api: 0.17\n  min-build: 0\n"));
	FAILS("POLICY-SEV-API", appraise("sev:\n  min-api: 0.23\n"));
	FAILS("POLICY-SEV-API", appraise("sev:\n  min-api: 1.0\n"));
	FAILS("POLICY-SEV-BUILD", appraise("sev:\n  min-build: 14\n"));
}

static void test_policy_sev__owner__compared(void **state)
{
	char section[256], digits[65];
	uint8_t hash[SHA256_SIZE];
	struct test_sev sev = good;

	(void)state;
	assert_int_equal(key_spki_sha256(good.oca_key, hash, NULL), 0);
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, digits, sizeof(digits));
	snprintf(section, sizeof(section), "sev:\n  oca: [%064d, %s]\n", 1, digits);
	expect_accepted(appraise(section));
	sev.section = section;
	sev.no_oca = true; /* a name is owed, not only compared */
	FAILS("POLICY-SEV-OWNER", test_sev_appraise(&sev));
	snprintf(section, sizeof(section), "sev:\n  oca: [%064d]\n", 1);
	FAILS("POLICY-SEV-OWNER", appraise(section));
	sev.section = "sev:\n  owner: required\n";
	FAILS("POLICY-SEV-OWNER", test_sev_appraise(&sev));
	sev.no_oca = false;
	expect_accepted(test_sev_appraise(&sev));
}

/* Of a platform without a guest there is nothing that could fulfil them. */
static void test_policy_sev__nothing_measured__guest_rows_fail(void **state)
{
	struct test_sev sev = good;
	struct tobi_result *result;

	(void)state;
	sev.no_launch = true;
	sev.images = "";
	sev.section = "sev:\n  platform-only: allowed\n  guest-policy: [es]\n"
		      "  min-build: 0\n  min-api: 0.22\n";
	result = test_sev_appraise(&sev);
	ALSO_FAILS("POLICY-SEV-GUEST-POLICY", result);
	ALSO_FAILS("POLICY-SEV-BUILD", result);
	/* That is in the PEK, which the chip has signed. */
	assert_int_equal(outcome_of(result, "POLICY-SEV-API"), TOBI_PASSED);
	tobi_result_free(result);
}

static struct test_sev platform_alone(void)
{
	struct test_sev sev = good;

	sev.no_launch = true;
	sev.images = "";
	sev.section = "sev:\n  platform-only: allowed\n";
	return sev;
}

/* A policy that lets the launch be missing lets nothing else be wrong. */
static void test_policy_sev__platform_only__every_link_owed(void **state)
{
	struct test_sev sev = platform_alone();
	struct test_amd changed = amd;

	(void)state;
	expect_accepted(test_sev_appraise(&sev));
	test_sev_sign(sev.pdh, 0, SEV_PEK, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-PDH", test_sev_appraise(&sev)); /* none may come, but no wrong one */
	sev = platform_alone();
	sev.no_pdh = true;
	expect_accepted(test_sev_appraise(&sev));
	sev.anchors = (const char *)unknown.anchor.ptr;
	FAILS("SEV-ARK", test_sev_appraise(&sev));
	sev.anchors = good.anchors;
	test_amd_sign(changed.ask, changed.size, unknown.ark_key);
	sev.amd = &changed;
	FAILS("SEV-ASK", test_sev_appraise(&sev));
	sev.amd = &amd;
	test_sev_sign(sev.cek, 0, SEV_ASK, SEV_RSA_SHA256, amd.ark_key);
	FAILS("SEV-CEK", test_sev_appraise(&sev));
	sev = platform_alone();
	sev.no_pdh = true;
	test_sev_sign(sev.pek, 1, SEV_CEK, SEV_ECDSA_SHA256, sev.oca_key);
	FAILS("SEV-PEK", test_sev_appraise(&sev));
	sev = platform_alone();
	sev.no_pdh = true;
	test_sev_sign(sev.oca, 0, SEV_OCA, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-OCA", test_sev_appraise(&sev));
	sev = platform_alone();
	sev.no_pdh = true;
	test_sev_sign(sev.pek, 0, SEV_OCA, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-OWNER", test_sev_appraise(&sev));
}

static void expect_refused(const char *tiers, const char *section, const char *field)
{
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "version: 1\ntiers: [%s]\nidentity:\n  mode: any-instance\n%s", tiers,
		 section);
	assert_int_equal(tobi_policy_parse(text_bytes(yaml), "test", &policy, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
}

static void test_policy_sev__wrong_keys__fail(void **state)
{
	(void)state;
	expect_refused("sev", "sev:\n  generations: [genoa]\n", "sev.generations");
	expect_refused("sev", "sev:\n  guest-policy: [NODBG]\n", "sev.guest-policy");
	expect_refused("sev", "sev:\n  min-api: 0\n", "sev.min-api");
	expect_refused("sev", "sev:\n  min-api: 0.017\n", "sev.min-api");
	expect_refused("sev", "sev:\n  min-api: 0.256\n", "sev.min-api");
	expect_refused("sev", "sev:\n  min-api: 0.17.1\n", "sev.min-api");
	expect_refused("sev", "sev:\n  min-build: 256\n", "sev.min-build");
	expect_refused("sev", "sev:\n  min-build: -1\n", "sev.min-build");
	expect_refused("sev", "sev:\n  min-build: 01\n", "sev.min-build");
	expect_refused("sev", "sev:\n  oca: [00]\n", "sev.oca");
	expect_refused("sev", "sev:\n  owner: any\n", "sev.owner");
	expect_refused("sev", "sev:\n  platform-only: yes\n", "sev.platform-only");
	expect_refused("sev", "sev:\n  colour: red\n", "");
	/* Without an image only where nothing but a platform can come. */
	expect_refused("sev", "sev:\n  generations: [rome]\n", "images");
	expect_refused("sev, snp", "sev:\n  platform-only: allowed\n", "images");
	/* A section for nobody would look like a check. */
	expect_refused("snp", "sev:\n  generations: [rome]\n", "sev");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_sev__generation__compared),
	    cmocka_unit_test(test_policy_sev__guest_policy__every_bit_owed),
	    cmocka_unit_test(test_policy_sev__firmware__not_older),
	    cmocka_unit_test(test_policy_sev__owner__compared),
	    cmocka_unit_test(test_policy_sev__nothing_measured__guest_rows_fail),
	    cmocka_unit_test(test_policy_sev__platform_only__every_link_owed),
	    cmocka_unit_test(test_policy_sev__wrong_keys__fail),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
