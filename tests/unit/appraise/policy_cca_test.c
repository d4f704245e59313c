/* The section cca of a policy: each key is asked, refuses alone, and is read strictly. */
#include <stdio.h>

#include "appraise/policy_cca.h"
#include "tests/alone.h"
#include "tests/cca_scene.h"

#define ID_1A "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
#define ID_1B "1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b"
#define INSTANCE "011d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
#define REALM_INSTANCE                                                                   \
	"014e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e"
#define SIGNER "5151515151515151515151515151515151515151515151515151515151515151"
#define RMM "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
#define REM_1 "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"

typedef void (*change_fn)(struct test_cca *cca);

static struct tobi_result *appraise(const char *section, change_fn change)
{
	struct test_cca cca;
	struct tobi_result *result;

	test_cca_make(&cca, CCA_REALM_2);
	cca.section = section;
	if (change)
		change(&cca);
	result = test_cca_appraise(&cca);
	test_cca_done(&cca);
	return result;
}

static void accepts(const char *section)
{
	expect_accepted(appraise(section, NULL));
}

/* ---- lifecycle ---- */

static void is_unknown(struct test_cca *cca)
{
	test_claim_int(&cca->platform, 2395, 0);
}
static void is_provisioning(struct test_cca *cca)
{
	test_claim_int(&cca->platform, 2395, 0x20ff);
}
static void is_reserved(struct test_cca *cca)
{
	test_claim_int(&cca->platform, 2395, 0x3100);
}
static void is_debugged(struct test_cca *cca)
{
	test_claim_int(&cca->platform, 2395, 0x4000);
}
static void is_debugged_and_allowed(struct test_cca *cca)
{
	is_debugged(cca);
	cca->allow = "debug";
}

static void test_policy_cca__lifecycle(void **state)
{
	struct tobi_result *result;

	(void)state;
	FAILS("POLICY-CCA-LIFECYCLE", appraise(NULL, is_unknown));
	FAILS("POLICY-CCA-LIFECYCLE", appraise(NULL, is_provisioning));
	FAILS("POLICY-CCA-LIFECYCLE", appraise(NULL, is_reserved));
	FAILS("POLICY-CCA-LIFECYCLE", appraise(NULL, is_debugged_and_allowed));
	FAILS("POLICY-CCA-LIFECYCLE", appraise("  lifecycle: [decommissioned]\n", NULL));
	result = appraise(NULL, is_debugged);
	ALSO_FAILS("POLICY-CCA-LIFECYCLE", result);
	ALSO_FAILS("POLICY-DEBUG", result);
	tobi_result_free(result);
	/* Allowed is it by two keys. */
	FAILS("POLICY-DEBUG",
	      appraise("  lifecycle: [secured, non-rot-debug]\n", is_debugged));
	expect_accepted(
	    appraise("  lifecycle: [non-rot-debug]\n", is_debugged_and_allowed));
	expect_accepted(appraise("  lifecycle: [provisioning]\n", is_provisioning));
	accepts("  lifecycle: [secured]\n");
}

/* ---- which platform ---- */

static void test_policy_cca__ids(void **state)
{
	(void)state;
	accepts("  implementation-ids: [\"" ID_1B "\", \"" ID_1A "\"]\n");
	FAILS("POLICY-CCA-IMPLEMENTATION",
	      appraise("  implementation-ids: [\"" ID_1B "\"]\n", NULL));
	accepts("  instance-ids: [\"" INSTANCE "\"]\n");
	FAILS("POLICY-CCA-INSTANCE",
	      appraise("  instance-ids: [\"" REALM_INSTANCE "\"]\n", NULL));
	accepts("  realm-instance-ids: [\"" REALM_INSTANCE "\"]\n");
	FAILS("POLICY-CCA-REALM-INSTANCE",
	      appraise("  realm-instance-ids: [\"" INSTANCE "\"]\n", NULL));
}

static void test_policy_cca__config(void **state)
{
	(void)state;
	accepts("  platform-configs: [cfcfcfce, cfcfcfcf]\n");
	FAILS("POLICY-CCA-CONFIG", appraise("  platform-configs: [cfcfcf]\n", NULL));
}

/* ---- components ---- */

#define ANY "    - signer: \"" SIGNER "\"\n"

static void has_one_of_another(struct test_cca *cca)
{
	cca->platform.components[2].signer = test_bytes_of(0x52, 32);
}
static void has_one_more(struct test_cca *cca)
{
	cca->platform.components[3] = (struct test_component){
	    "AP_BL33", NULL, NULL, test_bytes_of(0xa7, 32), test_bytes_of(0x52, 32)};
	cca->platform.component_count = 4;
}
static void lacks_the_rmm(struct test_cca *cca)
{
	cca->platform.components[1] = cca->platform.components[2];
	cca->platform.component_count = 2;
}
static void has_two_rmms(struct test_cca *cca)
{
	cca->platform.components[3] = cca->platform.components[1];
	cca->platform.components[3].value = test_bytes_of(0xa7, 32);
	cca->platform.component_count = 4;
}

static void test_policy_cca__components(void **state)
{
	static const char any[] = "  components:\n" ANY;
	static const char rmm[] = "  components:\n"
				  "    - type: RMM\n      value: \"" RMM "\"\n"
				  "    - type: RSE_BL2\n      signer: \"" SIGNER "\"\n"
				  "    - type: HW_CONFIG\n      signer: \"" SIGNER "\"\n"
				  "      version: \"1.2\"\n";

	(void)state;
	accepts(any);
	FAILS("POLICY-CCA-COMPONENTS", appraise(any, has_one_of_another));
	FAILS("POLICY-CCA-COMPONENTS", appraise(any, has_one_more));
	accepts(rmm);
	FAILS("POLICY-CCA-COMPONENTS", appraise(rmm, has_one_more));
	FAILS("POLICY-CCA-COMPONENTS", appraise(rmm, lacks_the_rmm));
	FAILS("POLICY-CCA-COMPONENTS", appraise(rmm, has_two_rmms));
	/* By its version. */
	FAILS("POLICY-CCA-COMPONENTS",
	      appraise("  components:\n    - signer: \"" SIGNER "\"\n"
		       "      version: \"1.3\"\n",
		       NULL));
	/* By its type. */
	FAILS("POLICY-CCA-COMPONENTS",
	      appraise("  components:\n    - type: RMM\n      signer: \"" SIGNER "\"\n",
		       NULL));
}

/* ---- the realm ---- */

static void says_shared(struct test_cca *cca)
{
	test_claim_int(&cca->realm, 44243, 0);
}

static void test_policy_cca__realm(void **state)
{
	struct test_cca cca;

	(void)state;
	accepts("  rems:\n    - {index: 1, value: \"" REM_1 "\"}\n");
	FAILS("POLICY-CCA-REMS",
	      appraise("  rems:\n    - {index: 0, value: \"" REM_1 "\"}\n", NULL));
	accepts("  hash-algorithms: [sha-512, sha-256]\n");
	FAILS("POLICY-CCA-HASH", appraise("  hash-algorithms: [sha-512]\n", NULL));
	accepts("  mec: private\n");
	FAILS("POLICY-CCA-MEC", appraise("  mec: private\n", says_shared));
	expect_accepted(appraise(NULL, says_shared));
	test_cca_make(&cca, CCA_LEGACY); /* which does not tell */
	cca.section = "  mec: private\n";
	FAILS("POLICY-CCA-MEC", test_cca_appraise(&cca));
	test_cca_done(&cca);
}

/* The personalisation value is what the launch has fixed. */
static void test_policy_cca__personalisation__is_the_config_id(void **state)
{
	struct test_cca cca;
	char more[256];

	(void)state;
	test_cca_make(&cca, CCA_REALM_1);
	for (int right = 0; right < 2; right++) {
		const char *byte = right ? "99" : "98";
		size_t used = (size_t)snprintf(more, sizeof(more), "config-id: \"");

		for (int i = 0; i < 64; i++)
			used += (size_t)snprintf(more + used, sizeof(more) - used, "%s",
						 byte);
		snprintf(more + used, sizeof(more) - used, "\"\n");
		cca.more = more;
		if (right)
			expect_accepted(test_cca_appraise(&cca));
		else
			FAILS("POLICY-CONFIG", test_cca_appraise(&cca));
	}
	test_cca_done(&cca);
}

/* ---- reading it ---- */

static void refuses_to_read(const char *section, const char *field)
{
	struct test_cca cca;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_cca_make(&cca, CCA_LEGACY);
	cca.section = section;
	assert_int_equal(test_cca_try(&cca, &result, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
	test_cca_done(&cca);
}

static void test_policy_cca__what_is_no_rule__is_an_error(void **state)
{
	(void)state;
	refuses_to_read("  lifecycle: [locked]\n", "cca.lifecycle");
	refuses_to_read("  implementation-ids: [\"1a\"]\n", "cca.implementation-ids");
	refuses_to_read("  implementation-ids: [\"" INSTANCE "\"]\n",
			"cca.implementation-ids");
	refuses_to_read("  instance-ids: [\"" ID_1A "\"]\n", "cca.instance-ids");
	refuses_to_read("  realm-instance-ids: [\"zz\"]\n", "cca.realm-instance-ids");
	refuses_to_read("  platform-configs: [xy]\n", "cca.platform-configs");
	refuses_to_read("  components:\n    - type: RMM\n", "cca.components");
	refuses_to_read("  components:\n    - value: \"aabb\"\n", "cca.components.value");
	refuses_to_read("  components:\n    - signer: \"aabb\"\n",
			"cca.components.signer");
	refuses_to_read("  mec: shared\n", "cca.mec");
	refuses_to_read("  hash-algorithms: [md5]\n", "cca.hash-algorithms");
	refuses_to_read("  rems:\n    - {index: 4, value: \"" REM_1 "\"}\n",
			"cca.rems.index");
	refuses_to_read("  rems:\n    - {index: 1, value: \"" REM_1 "\"}\n"
			"    - {index: 1, value: \"" REM_1 "\"}\n",
			"cca.rems.index");
	refuses_to_read("  rems:\n    - {index: 1, value: \"aa\"}\n", "cca.rems.value");
	refuses_to_read("  moon: 1\n", "");
}

static void test_policy_cca__without_the_tier__is_an_error(void **state)
{
	static const char yaml[] =
	    "version: 1\ntiers: [snp]\nimages: [\"" ID_1A "\"]\n"
	    "identity: {mode: any-instance}\ncca: {mec: private}\n";
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(
	    tobi_policy_parse((struct tobi_bytes){(const uint8_t *)yaml, strlen(yaml)},
			      "cca", &policy, &fault),
	    TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "cca");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_cca__lifecycle),
	    cmocka_unit_test(test_policy_cca__ids),
	    cmocka_unit_test(test_policy_cca__config),
	    cmocka_unit_test(test_policy_cca__components),
	    cmocka_unit_test(test_policy_cca__realm),
	    cmocka_unit_test(test_policy_cca__personalisation__is_the_config_id),
	    cmocka_unit_test(test_policy_cca__what_is_no_rule__is_an_error),
	    cmocka_unit_test(test_policy_cca__without_the_tier__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
