#include "tee/sev.h"

#include "base/endian.h"
#include "collateral/collateral.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/sev_scene.h"

static struct test_amd rome, naples;
static struct test_sev good;

static int enter(void **state)
{
	(void)state;
	test_amd_make(&rome, 2048, TEST_KEY_ID_ROME);
	test_amd_make(&naples, 2048, "1bb987c359494606b174945601c9ea5b");
	test_sev_make(&good, &rome);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_sev_done(&good);
	test_amd_done(&rome);
	test_amd_done(&naples);
	return 0;
}

static const char *found_of(const char *code, const struct tobi_result *result)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		if (strcmp(tobi_result_check(result, i)->code, code) == 0)
			return tobi_result_check(result, i)->found;
	}
	return "";
}

static void test_sev__measured_launch__accepted_with_a_warning(void **state)
{
	struct tobi_result *result = test_sev_appraise(&good);

	(void)state;
	assert_string_equal(tobi_result_tier(result), "sev");
	expect_allowance(result, "SEV: without SNP");
	expect_accepted(result);
}

/* The sizes of Rome and later. */
static void test_sev__rsa_4096__accepted(void **state)
{
	struct test_amd large;
	struct test_sev sev;

	(void)state;
	test_amd_make(&large, 4096, TEST_KEY_ID_ROME);
	test_sev_make(&sev, &large);
	expect_accepted(test_sev_appraise(&sev));
	test_sev_done(&sev);
	test_amd_done(&large);
}

static void test_sev__root_that_nobody_trusts__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	sev.anchors = (const char *)naples.anchor.ptr;
	FAILS("SEV-ARK", test_sev_appraise(&sev));
	sev.anchors = ""; /* AMD's own count then */
	FAILS("SEV-ARK", test_sev_appraise(&sev));
}

static void test_sev__root_not_signed_by_itself__fails_alone(void **state)
{
	struct test_amd amd = rome;
	struct test_sev sev = good;

	(void)state;
	sev.amd = &amd;
	amd.ark[amd.size - 1] ^= 1;
	FAILS("SEV-ARK", test_sev_appraise(&sev));
	amd = rome;
	test_amd_sign(amd.ark, amd.size, amd.ask_key);
	FAILS("SEV-ARK", test_sev_appraise(&sev));
	amd = rome;
	amd.ark[20] ^= 1; /* names another issuer */
	test_amd_sign(amd.ark, amd.size, amd.ark_key);
	FAILS("SEV-ARK", test_sev_appraise(&sev));
}

static void test_sev__ask_not_of_the_root__fails_alone(void **state)
{
	struct test_amd amd = rome;
	struct test_sev sev = good;

	(void)state;
	sev.amd = &amd;
	test_amd_sign(amd.ask, amd.size, naples.ark_key);
	FAILS("SEV-ASK", test_sev_appraise(&sev));
	amd = rome;
	amd.ask[20] ^= 1;
	test_amd_sign(amd.ask, amd.size, amd.ark_key);
	FAILS("SEV-ASK", test_sev_appraise(&sev));
}

/* A chip of one generation, with AMD's certificates of another one. */
static void test_sev__cek_of_another_generation__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	sev.amd = &naples;
	sev.anchors = (const char *)naples.anchor.ptr;
	FAILS("SEV-CEK", test_sev_appraise(&sev));
}

static void test_sev__cek_signed_by_the_root__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.cek, 0, SEV_ASK, SEV_RSA_SHA256, rome.ark_key);
	FAILS("SEV-CEK", test_sev_appraise(&sev));
	sev = good;
	test_sev_sign(sev.cek, 0, SEV_ARK, SEV_RSA_SHA256, rome.ask_key);
	FAILS("SEV-CEK", test_sev_appraise(&sev));
}

static void test_sev__cek_with_another_hash__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	sev.cek[1044 + 5] ^= 1; /* RSA-SHA256 to RSA-SHA384 */
	FAILS("SEV-CEK", test_sev_appraise(&sev));
}

static void test_sev__signature_in_a_slot_that_is_empty__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.cek, 1, SEV_OCA, SEV_ECDSA_SHA256, sev.oca_key);
	FAILS("SEV-CEK", test_sev_appraise(&sev));
	sev = good;
	sev.cek[2083] = 1;
	FAILS("SEV-CEK", test_sev_appraise(&sev));
	sev = good;
	sev.pdh[2083] = 1;
	FAILS("SEV-PDH", test_sev_appraise(&sev));
	sev = good;
	sev.oca[2083] = 1;
	FAILS("SEV-OCA", test_sev_appraise(&sev));
}

static void test_sev__pek_not_of_the_chip__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.pek, 1, SEV_CEK, SEV_ECDSA_SHA256, sev.oca_key);
	FAILS("SEV-PEK", test_sev_appraise(&sev));
	sev = good; /* both slots are the chip's, and none the owner's */
	sev.no_oca = true;
	test_sev_sign(sev.pek, 0, SEV_CEK, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-PEK", test_sev_appraise(&sev));
}

static void test_sev__pek_slots_in_either_order__accepted(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.pek, 0, SEV_CEK, SEV_ECDSA_SHA256, sev.cek_key);
	test_sev_sign(sev.pek, 1, SEV_OCA, SEV_ECDSA_SHA256, sev.oca_key);
	expect_accepted(test_sev_appraise(&sev));
	sev = good;
	test_sev_sign(sev.oca, 1, SEV_OCA, SEV_ECDSA_SHA256, sev.oca_key);
	memset(sev.oca + 1044, 0, 520);
	store_le(sev.oca + 1044, 4, SEV_NONE);
	expect_accepted(test_sev_appraise(&sev));
}

static void test_sev__owner_that_did_not_sign__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.pek, 0, SEV_OCA, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-OWNER", test_sev_appraise(&sev));
	sev = good; /* an OCA of somebody else: it has signed itself */
	test_sev_certificate(sev.oca, SEV_OCA, SEV_ECDSA_SHA256, sev.pdh_key);
	test_sev_sign(sev.oca, 0, SEV_OCA, SEV_ECDSA_SHA256, sev.pdh_key);
	FAILS("SEV-OWNER", test_sev_appraise(&sev));
}

static void test_sev__owner_not_signed_by_itself__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.oca, 0, SEV_OCA, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-OCA", test_sev_appraise(&sev));
}

static void test_sev__owner_with_rsa__accepted(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_certificate(sev.oca, SEV_OCA, SEV_RSA_SHA256, rome.ask_key);
	test_sev_sign(sev.oca, 0, SEV_OCA, SEV_RSA_SHA256, rome.ask_key);
	test_sev_sign(sev.pek, 0, SEV_OCA, SEV_RSA_SHA256, rome.ask_key);
	expect_accepted(test_sev_appraise(&sev));
	sev.pek[1044 + 8 + 256] = 1; /* a number larger than the key */
	FAILS("SEV-OWNER", test_sev_appraise(&sev));
}

static void test_sev__no_owner__not_asked(void **state)
{
	struct test_sev sev = good;
	struct tobi_result *result;

	(void)state;
	sev.no_oca = true;
	result = test_sev_appraise(&sev);
	assert_int_equal(outcome_of(result, "SEV-OCA"), TOBI_NOT_ASKED);
	assert_int_equal(outcome_of(result, "SEV-OWNER"), TOBI_NOT_ASKED);
	expect_accepted(result);
}

static void test_sev__session_key_of_another__fails_alone(void **state)
{
	struct test_sev sev = good;

	(void)state;
	test_sev_sign(sev.pdh, 0, SEV_PEK, SEV_ECDSA_SHA256, sev.cek_key);
	FAILS("SEV-PDH", test_sev_appraise(&sev));
	sev = good;
	sev.no_pdh = true; /* to whom did the owner send the key? */
	FAILS("SEV-PDH", test_sev_appraise(&sev));
}

static void test_sev__certificates_missing__fail(void **state)
{
	struct test_sev sev = good;
	struct tobi_result *result;

	(void)state;
	sev.no_cek = true;
	result = test_sev_appraise(&sev);
	ALSO_FAILS("SEV-FORMAT", result);
	assert_string_equal(found_of("SEV-FORMAT", result), "the CEK did not come");
	ALSO_FAILS("SEV-CEK", result);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
	sev = good;
	sev.no_pek = true;
	result = test_sev_appraise(&sev);
	ALSO_FAILS("SEV-FORMAT", result);
	assert_string_equal(found_of("SEV-FORMAT", result), "the PEK did not come");
	tobi_result_free(result);
	sev = good;
	sev.no_amd = true;
	result = test_sev_appraise(&sev);
	ALSO_FAILS("SEV-ARK", result);
	ALSO_FAILS("SEV-ASK", result);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
}

/* What was launched is then not known, either; but nothing else is wrong. */
static void expect_not_measured(struct tobi_result *result)
{
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);
		bool not_known = strcmp(check->code, "SEV-MEASUREMENT") == 0 ||
				 strcmp(check->code, "POLICY-IMAGE") == 0;

		assert_true(not_known == (check->outcome == TOBI_FAILED));
		assert_int_not_equal(check->outcome, TOBI_NOT_RUN);
	}
	tobi_result_free(result);
}

/* Each of what goes in. */
static void test_sev__another_launch__fails(void **state)
{
	struct test_sev sev = good;

	(void)state;
	sev.launch.measure[31] ^= 1;
	expect_not_measured(test_sev_appraise(&sev));
	sev = good;
	sev.launch.mnonce[0] ^= 1;
	expect_not_measured(test_sev_appraise(&sev));
	sev = good;
	sev.launch.policy ^= SEV_POLICY_ES;
	expect_not_measured(test_sev_appraise(&sev));
	sev = good;
	sev.launch.build++;
	expect_not_measured(test_sev_appraise(&sev));
	sev = good;
	sev.launch.api_major++;
	expect_not_measured(test_sev_appraise(&sev));
	sev = good;
	sev.launch.api_minor++;
	expect_not_measured(test_sev_appraise(&sev));
	sev = good;
	sev.tik[15] ^= 1;
	expect_not_measured(test_sev_appraise(&sev));
}

static void test_sev__another_image__fails(void **state)
{
	struct test_sev sev = good;
	struct tobi_result *result;

	(void)state;
	sev.digest[0] ^= 1; /* of the policy; the measurement is of the old one */
	result = test_sev_appraise(&sev);
	ALSO_FAILS("SEV-MEASUREMENT", result);
	ALSO_FAILS("POLICY-IMAGE", result);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
}

static void test_sev__one_of_several_images__accepted(void **state)
{
	struct test_sev sev = good;
	char images[512], digits[65] = "";

	(void)state;
	hex_write((struct tobi_bytes){sev.digest, 32}, digits, sizeof(digits));
	snprintf(images, sizeof(images), "images: [%096d, %064d, %s, %064d]\n", 1, 2,
		 digits, 3);
	sev.images = images;
	expect_accepted(test_sev_appraise(&sev));
}

/* No launch was shown, or no key for it: nothing of a guest is proven. */
static void test_sev__unmeasured__fails(void **state)
{
	struct test_sev sev = good;
	struct tobi_result *result;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sev.no_launch = i == 0;
		sev.no_tik = i == 1;
		result = test_sev_appraise(&sev);
		ALSO_FAILS("SEV-MEASUREMENT", result);
		ALSO_FAILS("POLICY-IMAGE", result);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
	}
}

static void test_sev__platform_only__by_name_and_said(void **state)
{
	struct test_sev sev = good;
	struct tobi_result *result;

	(void)state;
	sev.no_launch = true;
	sev.section = "sev:\n  platform-only: allowed\n";
	sev.images = "";
	result = test_sev_appraise(&sev);
	assert_int_equal(outcome_of(result, "SEV-MEASUREMENT"), TOBI_NOT_ASKED);
	assert_int_equal(outcome_of(result, "POLICY-DEBUG"), TOBI_NOT_ASKED);
	expect_allowance(result, "PLATFORM ONLY");
	expect_accepted(result);
	sev.no_pdh = true; /* PEK alone will do */
	expect_accepted(test_sev_appraise(&sev));
	sev = good; /* a launch that came is looked at all the same */
	sev.section = "sev:\n  platform-only: allowed\n";
	sev.launch.measure[0] ^= 1;
	result = test_sev_appraise(&sev);
	ALSO_FAILS("SEV-MEASUREMENT", result);
	tobi_result_free(result);
	sev = good; /* an image that is named is owed */
	sev.section = "sev:\n  platform-only: allowed\n";
	sev.no_launch = true;
	FAILS("POLICY-IMAGE", test_sev_appraise(&sev));
}

static void test_sev__debug__fails_alone_unless_allowed(void **state)
{
	struct test_sev sev = good;

	(void)state;
	sev.launch.policy = SEV_POLICY_ES;
	assert_int_equal(sev_launch_measure(&sev.launch, (struct tobi_bytes){sev.tik, 16},
					    (struct tobi_bytes){sev.digest, 32},
					    sev.launch.measure),
			 0);
	FAILS("POLICY-DEBUG", test_sev_appraise(&sev));
	sev.allow = "no-nonce, debug";
	expect_accepted(test_sev_appraise(&sev));
}

/* There is no place for claims in it: in a session it proves nothing of the peer. */
static void test_sev__claims__fail(void **state)
{
	struct writer chain = wr_init(LIMIT_EVIDENCE);
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	struct tee_request request = {.claims_buffer = BYTES(1), .time = SEV_TEST_NOW};

	(void)state;
	test_sev_chain(&good, &chain);
	request.evidence = wr_view(&chain);
	assert_int_equal(tee_sev.examine(&request, &list, &claims, NULL), 0);
	LIST_FAILS("SEV-BINDING", &list);
	arena_done(&arena);
	wr_done(&chain);
}

static void test_sev__evidence_in_pieces__accepted(void **state)
{
	struct writer launch = wr_init(4096), amd = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;
	struct tobi_bytes pieces[6] = {{good.pek, sizeof(good.pek)},
				       {good.cek, sizeof(good.cek)},
				       {good.oca, sizeof(good.oca)},
				       {good.pek, sizeof(good.pek)}};

	(void)state;
	test_sev_launch(&good, &launch);
	/* Those of another generation are there, too. */
	wr_bytes(&amd, naples.ask, naples.size);
	wr_bytes(&amd, naples.ark, naples.size);
	wr_bytes(&amd, rome.ark, rome.size);
	wr_bytes(&amd, rome.ask, rome.size);
	pieces[4] = wr_view(&amd);
	pieces[5] = wr_view(&launch);
	assert_int_equal(test_sev_verify(&good,
					 (struct tobi_bytes){good.pdh, sizeof(good.pdh)},
					 pieces, 6, &result, NULL),
			 0);
	expect_accepted(result);
	wr_done(&launch);
	wr_done(&amd);
}

static void test_sev__two_of_a_kind__fails(void **state)
{
	struct test_sev sev = good;
	struct writer chain = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	test_sev_chain(&sev, &chain);
	sev.pdh[1500] ^= 1;
	wr_bytes(&chain, sev.pdh, sizeof(sev.pdh));
	assert_int_equal(test_sev_verify(&sev, wr_view(&chain), NULL, 0, &result, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "PDH");
	wr_done(&chain);
}

static void test_sev__amd_from_collateral__accepted(void **state)
{
	struct writer yaml = wr_init(LIMIT_POLICY), chain = wr_init(LIMIT_EVIDENCE),
		      launch = wr_init(4096), amd = wr_init(LIMIT_EVIDENCE);
	struct tobi_collateral *set = tobi_collateral_new();
	struct collateral_item item = {.kind = COLLATERAL_SEV};
	struct tobi_verify_request request = {.time = SEV_TEST_NOW,
					      .collateral = set,
					      .secret = {good.tik, sizeof(good.tik)}};
	struct test_sev sev = good;
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_bytes piece;

	(void)state;
	sev.no_amd = true;
	test_sev_policy(&sev, &yaml);
	test_sev_chain(&sev, &chain);
	test_sev_launch(&sev, &launch);
	wr_bytes(&amd, rome.ask, rome.size);
	wr_bytes(&amd, rome.ark, rome.size);
	wr_bytes(&amd, good.oca, sizeof(good.oca)); /* somebody's: left alone */
	item.data = wr_view(&amd);
	assert_int_equal(collateral_put(set, &item, NULL), 0);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, NULL), 0);
	piece = wr_view(&launch);
	request.evidence = wr_view(&chain);
	request.pieces = &piece;
	request.piece_count = 1;
	for (size_t i = 0; i < 2; i++) { /* the second time what is remembered */
		assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
		expect_accepted(result);
	}
	/* What is remembered is of these certificates, and of no others. */
	chain.ptr[chain.size - SEV_CERTIFICATE_SIZE + 1052] ^= 1; /* of the PDH */
	assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	wr_done(&yaml);
	wr_done(&chain);
	wr_done(&launch);
	wr_done(&amd);
}

static void test_sev__truncated_or_longer__never_accepted(void **state)
{
	struct writer chain = wr_init(LIMIT_EVIDENCE), launch = wr_init(4096);
	struct tobi_bytes piece;

	(void)state;
	test_sev_chain(&good, &chain);
	test_sev_launch(&good, &launch);
	piece = wr_view(&launch);
	wr_u8(&chain, 0);
	for (size_t size = 0; size <= chain.size; size += size % 2084 < 2080 ? 13 : 1) {
		struct tobi_result *result = NULL;
		struct block block;

		if (size == chain.size - 1) /* all of it, which is good */
			continue;
		block = block_new((struct tobi_bytes){chain.ptr, size});
		if (!test_sev_verify(&good, block_view(block), &piece, 1, &result, NULL))
			assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
		block_done(block);
	}
	wr_done(&chain);
	wr_done(&launch);
}

static void test_sev__truncated_piece__fails(void **state)
{
	struct writer chain = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes piece = {rome.ark, 576};
	struct tobi_result *result = NULL;

	(void)state;
	test_sev_chain(&good, &chain);
	assert_int_equal(
	    test_sev_verify(&good, wr_view(&chain), &piece, 1, &result, NULL),
	    TOBI_E_MALFORMED);
	wr_done(&chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sev__measured_launch__accepted_with_a_warning),
	    cmocka_unit_test(test_sev__rsa_4096__accepted),
	    cmocka_unit_test(test_sev__root_that_nobody_trusts__fails_alone),
	    cmocka_unit_test(test_sev__root_not_signed_by_itself__fails_alone),
	    cmocka_unit_test(test_sev__ask_not_of_the_root__fails_alone),
	    cmocka_unit_test(test_sev__cek_of_another_generation__fails_alone),
	    cmocka_unit_test(test_sev__cek_signed_by_the_root__fails_alone),
	    cmocka_unit_test(test_sev__cek_with_another_hash__fails_alone),
	    cmocka_unit_test(test_sev__signature_in_a_slot_that_is_empty__fails_alone),
	    cmocka_unit_test(test_sev__pek_not_of_the_chip__fails_alone),
	    cmocka_unit_test(test_sev__pek_slots_in_either_order__accepted),
	    cmocka_unit_test(test_sev__owner_that_did_not_sign__fails_alone),
	    cmocka_unit_test(test_sev__owner_not_signed_by_itself__fails_alone),
	    cmocka_unit_test(test_sev__owner_with_rsa__accepted),
	    cmocka_unit_test(test_sev__no_owner__not_asked),
	    cmocka_unit_test(test_sev__session_key_of_another__fails_alone),
	    cmocka_unit_test(test_sev__certificates_missing__fail),
	    cmocka_unit_test(test_sev__another_launch__fails),
	    cmocka_unit_test(test_sev__another_image__fails),
	    cmocka_unit_test(test_sev__one_of_several_images__accepted),
	    cmocka_unit_test(test_sev__unmeasured__fails),
	    cmocka_unit_test(test_sev__platform_only__by_name_and_said),
	    cmocka_unit_test(test_sev__debug__fails_alone_unless_allowed),
	    cmocka_unit_test(test_sev__claims__fail),
	    cmocka_unit_test(test_sev__evidence_in_pieces__accepted),
	    cmocka_unit_test(test_sev__two_of_a_kind__fails),
	    cmocka_unit_test(test_sev__amd_from_collateral__accepted),
	    cmocka_unit_test(test_sev__truncated_or_longer__never_accepted),
	    cmocka_unit_test(test_sev__truncated_piece__fails),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
