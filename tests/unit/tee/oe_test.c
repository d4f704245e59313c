/* Evidence of Open Enclave under a root of its own: the quote in it is examined as it is
 * alone, and its claims are the ones that it was made for. */
#include "tee/oe.h"

#include "appraise/appraise.h"
#include "pki/key.h"
#include "tests/bytes.h"
#include "tests/oe.h"
#include "tests/tdx_run.h"

#undef FAILS /* that of a result is meant */
#include "tests/alone.h"

enum { SGX_REPORT_DATA = 320 };

struct world {
	struct tdx_run run;
	struct writer claims, quote, evidence;
	bool other_claims;     /* follow the quote */
	bool longer_data;      /* behind the hash in the report data */
	bool damage_signature; /* of the quote */
	const char *nonce;
};

static void world_make(struct world *world, enum dcap_body kind)
{
	*world = (struct world){.claims = wr_init(4096),
				.quote = wr_init(LIMIT_EVIDENCE),
				.evidence = wr_init(LIMIT_EVIDENCE),
				.nonce = "12345678"};
	tdx_run_init(&world->run);
	tdx_run_kind(&world->run, kind == DCAP_SGX ? 3 : 4, kind);
	oe_claim_write("nonce", text_bytes("12345678"), &world->claims);
}

static void world_done(struct world *world)
{
	tdx_run_done(&world->run);
	wr_done(&world->claims);
	wr_done(&world->quote);
	wr_done(&world->evidence);
}

static void write_evidence(struct world *world, bool tdx)
{
	uint8_t *data = world->run.scene.body + SGX_REPORT_DATA;

	if (!tdx) {
		memset(data, 0, 64);
		assert_int_equal(hash_sha256(wr_view(&world->claims), data), 0);
		data[40] = world->longer_data;
	}
	world->run.scene.damage_signature = world->damage_signature;
	dcap_scene_quote(&world->run.scene, &world->quote);
	if (world->other_claims)
		world->claims.ptr[world->claims.size - 1] ^= 1;
	oe_evidence_write(wr_view(&world->quote),
			  tdx ? (struct tobi_bytes){0} : wr_view(&world->claims), tdx,
			  &world->evidence);
}

static struct tobi_result *appraise(struct world *world, bool tdx)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_collateral *set = tobi_collateral_new();
	struct tobi_verify_request request = {.time = DCAP_NOW, .collateral = set};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	write_evidence(world, tdx);
	dcap_test_put(&world->run.scene, &world->run.collateral, set);
	tdx_run_policy(&world->run, "", &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "oe", &policy, NULL), 0);
	request.evidence = wr_view(&world->evidence);
	request.nonce = text_bytes(world->nonce);
	if (tdx) {
		request.nonce.ptr = world->run.scene.body + 520;
		request.nonce.size = 64;
	}
	if (tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	wr_done(&yaml);
	return result;
}

static void test_oe__right_evidence__accepts(void **state)
{
	struct world world;
	struct tobi_result *result;

	(void)state;
	world_make(&world, DCAP_SGX);
	result = appraise(&world, false);
	assert_string_equal(result->kind, "oe-evidence");
	assert_string_equal(result->claims.tier, "sgx");
	assert_int_equal(outcome_of(result, "OE-CLAIMS"), TOBI_PASSED);
	expect_accepted(result);
	world_done(&world);
}

static void test_oe__tdx__has_no_claims(void **state)
{
	struct world world;
	struct tobi_result *result;

	(void)state;
	world_make(&world, DCAP_TD10);
	result = appraise(&world, true);
	assert_string_equal(result->kind, "oe-tdx-evidence");
	assert_int_equal(outcome_of(result, "OE-CLAIMS"), TOBI_NOT_ASKED);
	expect_accepted(result);
	world_done(&world);
}

static void test_oe__other_claims__refuse(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, DCAP_SGX);
	world.other_claims = true;
	world.nonce = "12345679";
	FAILS("OE-CLAIMS", appraise(&world, false));
	world_done(&world);
	world_make(&world, DCAP_SGX);
	world.longer_data = true;
	FAILS("OE-CLAIMS", appraise(&world, false));
	world_done(&world);
}

static void test_oe__another_nonce_or_quote__refuses(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, DCAP_SGX);
	world.nonce = "12345679";
	FAILS("CLAIMS-NONCE", appraise(&world, false));
	world_done(&world);
	world_make(&world, DCAP_SGX);
	world.damage_signature = true;
	FAILS("DCAP-QUOTE-SIGNATURE", appraise(&world, false));
	world_done(&world);
}

/* A program may put there what it likes: it is the nonce as it is. */
static void test_oe__claims_that_are_no_list__are_the_nonce(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, DCAP_SGX);
	world.claims.size = 0;
	wr_bytes(&world.claims, "87654321", 8);
	world.nonce = "87654321";
	expect_accepted(appraise(&world, false));
	world_done(&world);
}

static void test_oe__format_without_a_quote__is_an_error(void **state)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist *list = arena_alloc(&arena, sizeof(*list));
	struct tee_claims *claims = arena_alloc(&arena, sizeof(*claims));
	uint8_t bytes[28 + 8] = {3,    0,    0,	   0,	 0x09, 0x26, 0x8c,
				 0x33, 0x6e, 0x0b, 0x45, 0xe5, 0x8a, 0x27,
				 0x15, 0x64, 0x4d, 0x0e, 0xf8, 0x9a, 8};
	struct tee_request request = {.evidence = {bytes, sizeof(bytes)}};

	(void)state;
	list->arena = &arena;
	assert_true(tee_oe_sgx.recognise(request.evidence));
	assert_int_equal(tee_oe_sgx.examine(&request, list, claims, NULL),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(outcome_in(list, "OE-CLAIMS"), TOBI_NOT_RUN);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_oe__right_evidence__accepts),
	    cmocka_unit_test(test_oe__tdx__has_no_claims),
	    cmocka_unit_test(test_oe__other_claims__refuse),
	    cmocka_unit_test(test_oe__another_nonce_or_quote__refuses),
	    cmocka_unit_test(test_oe__claims_that_are_no_list__are_the_nonce),
	    cmocka_unit_test(test_oe__format_without_a_quote__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
