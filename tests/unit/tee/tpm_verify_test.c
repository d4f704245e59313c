/* A quote under rows of whoever asks. */
#include "tee/tpm_verify.h"

#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/quote_scene.h"

static const struct check rows[5] = {{.code = "X-TYPE"},
				     {.code = "X-SIGNATURE"},
				     {.code = "X-NONCE"},
				     {.code = "X-SELECTION"},
				     {.code = "X-PCRS"}};
static const struct tpm_quoted_rows quoted_rows = {&rows[0], &rows[1], &rows[2], &rows[3],
						   &rows[4]};

static struct {
	struct quote_scene scene;
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	struct writer quote, signature;
} world;

static void make(enum quote_key kind)
{
	quote_scene_make(&world.scene, kind);
	world.arena = arena_init(1 << 20);
	world.list = (struct checklist){.arena = &world.arena};
	for (size_t i = 0; i < 5; i++)
		check_owe(&world.list, &rows[i]);
	world.claims = (struct tee_claims){0};
	world.quote = wr_init(4096);
	world.signature = wr_init(4096);
}

static void done(void)
{
	wr_done(&world.quote);
	wr_done(&world.signature);
	arena_done(&world.arena);
	quote_scene_done(&world.scene);
}

static struct tpm_quoted quoted(void)
{
	world.quote.size = world.signature.size = 0;
	quote_scene_quote(&world.scene, &world.quote);
	quote_scene_sign(&world.scene, world.scene.ak, wr_view(&world.quote), false,
			 &world.signature);
	return (struct tpm_quoted){.attest = wr_view(&world.quote),
				   .signature = wr_view(&world.signature),
				   .key = world.scene.ak,
				   .expected_extra = world.scene.extra,
				   .banks = world.scene.banks,
				   .bank_count = QUOTE_BANKS};
}

static enum tobi_err verify(const struct tpm_quoted *one)
{
	return tpm_quoted_verify(one, &quoted_rows, &world.list, &world.claims, NULL);
}

static void expect_outcomes(enum tobi_outcome type, enum tobi_outcome signature,
			    enum tobi_outcome nonce, enum tobi_outcome selection,
			    enum tobi_outcome pcrs)
{
	const enum tobi_outcome outcomes[5] = {type, signature, nonce, selection, pcrs};

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(outcome_in(&world.list, rows[i].code), outcomes[i]);
}

static void test_tpm_quoted_verify__right__fills_the_claims(void **state)
{
	struct tpm_quoted one;
	const struct tpm_claims *tpm;

	(void)state;
	make(QUOTE_RSA);
	one = quoted();
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_PASSED);
	tpm = world.claims.tpm;
	assert_int_equal(tpm->bank_count, 2);
	assert_int_equal(tpm->selected[0], 0xffff);
	assert_int_equal(tpm->selected[1], 0xff);
	assert_bytes_equal(world.claims.pcrs[7], world.scene.banks[0].pcrs[7]);
	/* What came, and was not quoted, is no claim. */
	assert_int_equal(tpm->banks[0].pcrs[16].size, 0);
	assert_null(tpm_claims_bank(tpm, TPM_ALG_SHA1));
	assert_int_equal(tpm->clock, world.scene.clock);
	assert_int_equal(tpm->firmware, world.scene.firmware);
	assert_int_equal(tpm->resets, world.scene.resets);
	assert_int_equal(tpm->restarts, world.scene.restarts);
	assert_true(tpm->safe);
	assert_bytes_equal(tpm->extra, world.scene.extra);
	done();
}

/* A second quote adds its banks, and must not say another thing. */
static void test_tpm_quoted_verify__two_quotes__are_added(void **state)
{
	struct tpm_quoted one;

	(void)state;
	make(QUOTE_P256);
	world.scene.selection_count = 1;
	one = quoted();
	assert_int_equal(verify(&one), TOBI_OK);
	world.scene.selections[0] = (struct tpm_selection){TPM_ALG_SHA1, 1};
	one = quoted();
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_PASSED);
	assert_non_null(tpm_claims_bank(world.claims.tpm, TPM_ALG_SHA1));
	world.scene.values[2][0][0] ^= 1;
	one = quoted();
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_FAILED, TOBI_PASSED);
	done();
}

static void test_tpm_quoted_verify__without_a_key__has_no_signature(void **state)
{
	struct tpm_quoted one;

	(void)state;
	make(QUOTE_P256);
	one = quoted();
	one.key = NULL;
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_NOT_RUN, TOBI_PASSED, TOBI_PASSED, TOBI_PASSED);
	done();
}

static void test_tpm_quoted_verify__the_digest_alone__has_no_values(void **state)
{
	struct tpm_quoted one;

	(void)state;
	make(QUOTE_P256);
	one = quoted();
	one.bank_count = 0;
	one.digest_alone = true;
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_NOT_RUN,
			TOBI_NOT_RUN);
	assert_int_equal(world.claims.tpm->banks[0].pcrs[0].size, 0);
	done();
	make(QUOTE_P256);
	one = quoted();
	one.bank_count = 0;
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_FAILED, TOBI_NOT_RUN);
	done();
}

static void test_tpm_quoted_verify__wrong__fails_its_row(void **state)
{
	static const uint8_t other[32];
	struct tpm_quoted one;

	(void)state;
	make(QUOTE_P256);
	one = quoted();
	one.expected_extra = (struct tobi_bytes){other, sizeof(other)};
	one.key = world.scene.other;
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_FAILED, TOBI_FAILED, TOBI_PASSED, TOBI_PASSED);
	done();
	make(QUOTE_P256);
	world.scene.damage_digest = true;
	world.scene.magic++;
	one = quoted();
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_FAILED, TOBI_PASSED, TOBI_PASSED, TOBI_PASSED, TOBI_FAILED);
	done();
	/* SHA-1 signs nothing here. */
	make(QUOTE_RSA);
	one = quoted();
	world.signature.ptr[3] = TPM_ALG_SHA1;
	assert_int_equal(verify(&one), TOBI_OK);
	expect_outcomes(TOBI_PASSED, TOBI_FAILED, TOBI_PASSED, TOBI_PASSED, TOBI_FAILED);
	done();
}

static void test_tpm_quoted_verify__cut_short__is_an_error(void **state)
{
	struct tpm_quoted one, cut;

	(void)state;
	make(QUOTE_P256);
	one = cut = quoted();
	for (size_t size = 0; size < one.attest.size; size++) {
		cut.attest.size = size;
		assert_int_not_equal(verify(&cut), TOBI_OK);
	}
	cut = one;
	for (size_t size = 0; size < one.signature.size; size++) {
		cut.signature.size = size;
		assert_int_not_equal(verify(&cut), TOBI_OK);
	}
	expect_outcomes(TOBI_NOT_RUN, TOBI_NOT_RUN, TOBI_NOT_RUN, TOBI_NOT_RUN,
			TOBI_NOT_RUN);
	done();
}

static enum tobi_err read(struct tobi_bytes bytes)
{
	struct tpm_signature signature;

	return tpm_signature_read(bytes, world.scene.ak, 0, 0, &signature, NULL);
}

static void test_tpm_signature_read__der__is_exact(void **state)
{
	struct writer der = wr_init(512);

	(void)state;
	make(QUOTE_P256);
	world.scene.bare_signature = true;
	quote_scene_sign(&world.scene, world.scene.ak, text_bytes("x"), false, &der);
	assert_int_equal(read(wr_view(&der)), TOBI_OK);
	for (size_t size = 0; size < der.size; size++)
		assert_int_not_equal(read((struct tobi_bytes){der.ptr, size}), TOBI_OK);
	wr_u8(&der, 0);
	assert_int_not_equal(read(wr_view(&der)), TOBI_OK);
	/* A negative number. */
	assert_int_not_equal(read(BYTES(0x30, 6, 2, 1, 0x80, 2, 1, 1)), TOBI_OK);
	assert_int_equal(read(BYTES(0x30, 6, 2, 1, 1, 2, 1, 1)), TOBI_OK);
	wr_done(&der);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_quoted_verify__right__fills_the_claims),
	    cmocka_unit_test(test_tpm_quoted_verify__two_quotes__are_added),
	    cmocka_unit_test(test_tpm_quoted_verify__without_a_key__has_no_signature),
	    cmocka_unit_test(test_tpm_quoted_verify__the_digest_alone__has_no_values),
	    cmocka_unit_test(test_tpm_quoted_verify__wrong__fails_its_row),
	    cmocka_unit_test(test_tpm_quoted_verify__cut_short__is_an_error),
	    cmocka_unit_test(test_tpm_signature_read__der__is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
