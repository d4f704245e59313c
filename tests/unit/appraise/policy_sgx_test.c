/* What a policy says of SGX enclaves, over a whole appraisal of a quote. */
#include "appraise/policy_sgx.h"

#include "base/endian.h"
#include "tee/sgx_report.h"
#include "tests/bytes.h"
#include "tests/dcap_collateral.h"

struct world {
	struct dcap_scene scene;
	struct dcap_test_collateral collateral;
	struct tobi_result *result;
	bool without_root; /* the policy does not name the scene's */
};

static int setup(void **state)
{
	static struct world world;

	world = (struct world){0};
	dcap_scene_make(&world.scene);
	dcap_test_collateral_make(&world.scene, &world.collateral);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	tobi_result_free(((struct world *)*state)->result);
	return 0;
}

static void write_policy(const struct world *world, const char *more, struct writer *out)
{
	struct writer pem = wr_init(LIMIT_PEM);

	wr_printf(out, "version: 1\ntiers: [sgx]\nimages: [");
	for (size_t i = 0; i < 32; i++)
		wr_printf(out, "%02x", world->scene.body[64 + i]);
	wr_printf(out, "]\nallow: [no-nonce]\nidentity: {mode: any-instance}\n%s", more);
	if (world->without_root)
		return;
	dcap_scene_pem(&world->scene, DCAP_ROOT, &pem);
	wr_printf(out, "roots:\n- tier: sgx\n  anchors: |\n    ");
	for (size_t i = 0; i < pem.size; i++) {
		wr_u8(out, pem.ptr[i]);
		if (pem.ptr[i] == '\n')
			wr_printf(out, "    ");
	}
	wr_printf(out, "\n");
	wr_done(&pem);
}

static enum tobi_verdict appraise_under(struct world *world,
					const struct tobi_policy *policy)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct tobi_collateral *set = tobi_collateral_new();
	struct tobi_verify_request request = {.time = DCAP_NOW, .collateral = set};

	dcap_test_put(&world->scene, &world->collateral, set);
	dcap_scene_quote(&world->scene, &quote);
	request.evidence = wr_view(&quote);
	tobi_result_free(world->result);
	world->result = NULL;
	assert_int_equal(tobi_verify(policy, &request, &world->result, NULL), 0);
	tobi_collateral_free(set);
	wr_done(&quote);
	return tobi_result_verdict(world->result);
}

static struct tobi_policy *policy_of(const struct world *world, const char *more)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	write_policy(world, more, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "p.yaml", &policy, NULL), 0);
	wr_done(&yaml);
	return policy;
}

static enum tobi_verdict appraise(struct world *world, const char *more)
{
	struct tobi_policy *policy = policy_of(world, more);
	enum tobi_verdict verdict = appraise_under(world, policy);

	tobi_policy_free(policy);
	return verdict;
}

static bool allows(const struct world *world, const char *what)
{
	const char *text;

	for (size_t i = 0; (text = tobi_result_allowance(world->result, i)); i++) {
		if (strncmp(text, what, strlen(what)) == 0)
			return true;
	}
	return false;
}

static void test_policy_sgx__no_section__accepts(void **state)
{
	struct world *world = *state;

	assert_int_equal(appraise(world, ""), TOBI_ACCEPT);
	assert_string_equal(tobi_result_tier(world->result), "sgx");
	assert_false(allows(world, "PLATFORM KEYS"));
}

static void test_policy_sgx__root_that_it_does_not_name__refuses(void **state)
{
	struct world *world = *state;

	world->without_root = true;
	assert_int_equal(appraise(world, ""), TOBI_REFUSE);
	assert_int_equal(strncmp(tobi_result_reason(world->result), "DCAP-PCK-CHAIN", 14),
			 0);
}

static void use_kss(struct world *world)
{
	store_le(world->scene.body + 48, 8, SGX_INITTED | SGX_MODE64BIT | SGX_KSS);
	memset(world->scene.body + 32, 0x21, 16);
	memset(world->scene.body + 304, 0x23, 16);
	store_le(world->scene.body + 260, 2, 9);
}

#define FAMILY "sgx: {family-id: 23232323232323232323232323232323}\n"
#define PRODUCT "sgx: {ext-product-id: 21212121212121212121212121212121}\n"

static void test_policy_sgx__each_rule_kept__accepts(void **state)
{
	struct world *world = *state;

	use_kss(world);
	assert_int_equal(appraise(world, FAMILY), TOBI_ACCEPT);
	assert_int_equal(appraise(world, PRODUCT), TOBI_ACCEPT);
	assert_int_equal(appraise(world, "sgx: {min-config-svn: 9}\n"), TOBI_ACCEPT);
	assert_int_equal(appraise(world, "sgx: {min-config-svn: 0}\n"), TOBI_ACCEPT);
}

static void test_policy_sgx__key_of_the_platform_named__accepts_and_says_so(void **state)
{
	struct world *world = *state;

	world->scene.body[48] |= SGX_PROVISION_KEY;
	assert_int_equal(appraise(world, "sgx: {attributes: [provision-key]}\n"),
			 TOBI_ACCEPT);
	assert_true(allows(world, "PLATFORM KEYS"));
	world->scene.body[48] |= SGX_EINITTOKEN_KEY;
	assert_int_equal(appraise(world, "sgx: {attributes: [provision-key]}\n"),
			 TOBI_REFUSE);
	assert_false(allows(world, "PLATFORM KEYS"));
	assert_int_equal(
	    appraise(world, "sgx: {attributes: [provision-key, launch-key]}\n"),
	    TOBI_ACCEPT);
}

/* What a policy has verified before counts only for what it was verified of. */
static void test_policy_sgx__known_and_then_revoked__refuses(void **state)
{
	static const enum dcap_scene_role roles[] = {DCAP_PCK, DCAP_CA, DCAP_TCB_SIGNER};
	struct world *world = *state;
	struct tobi_policy *policy = policy_of(world, "");

	for (size_t i = 0; i < 3; i++) {
		struct dcap_scene_crl *list =
		    roles[i] == DCAP_PCK ? &world->scene.pck_crl : &world->scene.root_crl;

		assert_int_equal(appraise_under(world, policy), TOBI_ACCEPT);
		assert_int_equal(appraise_under(world, policy), TOBI_ACCEPT);
		list->revoked[0] = world->scene.certificates[roles[i]].serial;
		assert_int_equal(appraise_under(world, policy), TOBI_REFUSE);
		list->revoked[0] = 0;
	}
	world->collateral.tcb.document.damage_signature = true;
	assert_int_equal(appraise_under(world, policy), TOBI_REFUSE);
	tobi_policy_free(policy);
}

/* The signer is known from the other document, but this one came with another chain. */
static void test_policy_sgx__documents_with_two_chains__each_is_verified(void **state)
{
	struct world *world = *state;

	world->collateral.qe.document.chain_count = 1;
	assert_int_equal(appraise(world, ""), TOBI_REFUSE);
	assert_int_equal(
	    strncmp(tobi_result_reason(world->result), "DCAP-QE-IDENTITY", 16), 0);
}

struct failure {
	const char *code, *more;
	void (*damage)(struct world *world);
};
#define FAILS(code, more, damage)                                                        \
	{                                                                                \
		code, more, damage                                                       \
	}

static void another_family(struct world *world)
{
	use_kss(world);
	world->scene.body[304] ^= 1;
}
static void another_product(struct world *world)
{
	use_kss(world);
	world->scene.body[32] ^= 1;
}
static void older_configuration(struct world *world)
{
	use_kss(world);
	world->scene.body[260]--;
}
static void without_kss(struct world *world)
{
	use_kss(world);
	world->scene.body[48] &= (uint8_t)~SGX_KSS;
}
static void provision_key(struct world *world)
{
	world->scene.body[48] |= SGX_PROVISION_KEY;
}
static void launch_key(struct world *world)
{
	world->scene.body[48] |= SGX_EINITTOKEN_KEY;
}
static void debug(struct world *world)
{
	world->scene.body[48] |= SGX_DEBUG;
}

static const struct failure failures[] = {
    FAILS("POLICY-SGX-FAMILY", FAMILY, another_family),
    FAILS("POLICY-SGX-FAMILY", FAMILY, without_kss),
    FAILS("POLICY-SGX-EXT-PRODUCT", PRODUCT, another_product),
    FAILS("POLICY-SGX-EXT-PRODUCT", PRODUCT, without_kss),
    FAILS("POLICY-SGX-CONFIG-SVN", "sgx: {min-config-svn: 9}\n", older_configuration),
    FAILS("POLICY-SGX-CONFIG-SVN", "sgx: {min-config-svn: 0}\n", without_kss),
    FAILS("POLICY-SGX-ATTRIBUTES", "", provision_key),
    FAILS("POLICY-SGX-ATTRIBUTES", "", launch_key),
    FAILS("POLICY-SGX-ATTRIBUTES", "sgx: {attributes: [launch-key]}\n", provision_key),
    FAILS("POLICY-DEBUG", "", debug),
};

static void test_policy_sgx__one_rule_broken__that_check_alone_fails(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct world *world = *state;

		failures[i].damage(world);
		assert_int_equal(appraise(world, failures[i].more), TOBI_REFUSE);
		for (size_t j = 0; j < tobi_result_check_count(world->result); j++) {
			const struct tobi_check_result *check =
			    tobi_result_check(world->result, j);

			if (strcmp(check->code, failures[i].code) == 0)
				assert_int_equal(check->outcome, TOBI_FAILED);
			else
				assert_true(check->outcome == TOBI_PASSED ||
					    check->outcome == TOBI_NOT_ASKED);
		}
		teardown(state);
		setup(state);
	}
}

/* What can be debugged is whatever its host makes of it: so this is told first. */
static void test_policy_debug__all_else_wrong_too__is_the_reason(void **state)
{
	struct world *world = *state;

	debug(world);
	assert_int_equal(appraise(world, "min-svn: 65535\n"), TOBI_REFUSE);
	assert_memory_equal(tobi_result_reason(world->result), "POLICY-DEBUG:", 13);
}

static void test_policy_sgx_take__wrong_values__named(void **state)
{
	static const struct {
		const char *tiers, *section, *field;
	} bad[] = {
	    {"sgx", "sgx: {family-id: 23}\n", "sgx.family-id"},
	    {"sgx", "sgx: {ext-product-id: 2121212121212121212121212121212g}\n",
	     "sgx.ext-product-id"},
	    {"sgx", "sgx: {min-config-svn: 65536}\n", "sgx.min-config-svn"},
	    {"sgx", "sgx: {min-config-svn: 01}\n", "sgx.min-config-svn"},
	    {"sgx", "sgx: {min-config-svn: -1}\n", "sgx.min-config-svn"},
	    {"sgx", "sgx: {attributes: [debug]}\n", "sgx.attributes"},
	    {"tdx", "sgx: {min-config-svn: 1}\n", "sgx"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct writer yaml = wr_init(LIMIT_POLICY);
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};

		wr_printf(&yaml,
			  "version: 1\ntiers: [%s]\nimages: [%064d]\n"
			  "identity: {mode: any-instance}\n%s",
			  bad[i].tiers, 0, bad[i].section);
		assert_int_equal(
		    tobi_policy_parse(wr_view(&yaml), "p.yaml", &policy, &fault),
		    TOBI_E_MALFORMED);
		assert_string_equal(fault.field, bad[i].field);
		wr_done(&yaml);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_policy_sgx__no_section__accepts),
	    TEST(test_policy_sgx__root_that_it_does_not_name__refuses),
	    TEST(test_policy_sgx__each_rule_kept__accepts),
	    TEST(test_policy_sgx__key_of_the_platform_named__accepts_and_says_so),
	    TEST(test_policy_sgx__known_and_then_revoked__refuses),
	    TEST(test_policy_sgx__documents_with_two_chains__each_is_verified),
	    TEST(test_policy_sgx__one_rule_broken__that_check_alone_fails),
	    TEST(test_policy_debug__all_else_wrong_too__is_the_reason),
	    TEST(test_policy_sgx_take__wrong_values__named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
