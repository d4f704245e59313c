/* The checks from the root to the quote's signature: each fails alone when what it is
 * about is wrong, and all else was signed again. */
#include "base/secret.h"
#include "tests/unit/tee/dcap_world.h"

/* ---- what is right ---- */

static void test_dcap_examine__each_version_and_ca__all_pass(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 12; i++) {
		static const enum dcap_body kinds[] = {DCAP_SGX, DCAP_TD10, DCAP_TD15};
		const unsigned version = 3 + i / 2 % 3;
		const enum dcap_body kind = version == 5   ? kinds[i / 6 + i % 2]
					    : version == 4 ? kinds[i % 2]
							   : DCAP_SGX;

		dcap_scene_make(&world->scene);
		if (i % 2)
			dcap_scene_processor(&world->scene);
		dcap_scene_kind(&world->scene, version, kind);
		make_and_examine(world);
		assert_true(all_passed(world));
		assert_string_equal(world->dcap->ca, i % 2 ? "processor" : "platform");
	}
}

static void test_dcap_examine__all_pass__the_platform_is_told(void **state)
{
	struct world *world = *state;

	make_and_examine(world);
	assert_true(world->dcap->has_pck);
	assert_ptr_equal(world->claims.dcap, world->dcap);
	assert_bytes_equal(world->claims.hardware,
			   ((struct tobi_bytes){world->scene.pck.ppid, 16}));
	assert_memory_equal(world->dcap->pck.components, world->scene.pck.components, 16);
	assert_null(world->claims.in_grace);
	assert_true(world->claims.fact_count > 8);
}

static void test_dcap_examine__chain_in_each_order__all_pass(void **state)
{
	static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const enum dcap_scene_role roles[] = {DCAP_PCK, DCAP_CA, DCAP_ROOT};
	struct world *world = *state;

	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 3; j++)
			world->scene.chain[j] = roles[orders[i][j]];
		make_and_examine(world);
		assert_true(all_passed(world));
	}
}

/* The root's key counts: what its certificate says beside it may change. */
static void test_dcap_examine__another_certificate_of_the_root__all_pass(void **state)
{
	struct world *world = *state;

	world->scene.certificates[DCAP_ROOT].serial = 99;
	world->scene.certificates[DCAP_ROOT].not_after += 7;
	make_and_examine(world);
	assert_true(all_passed(world));
}

static void test_dcap_examine__in_the_grace_of_a_list__told(void **state)
{
	struct world *world = *state;

	world->request.time = world->scene.root_crl.next_update;
	make_and_examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-REVOCATION"), TOBI_FAILED);
	world->request.grace = 10;
	make_and_examine(world);
	assert_true(all_passed(world));
	assert_non_null(world->claims.in_grace);
}

/* ---- what is wrong ---- */

static void report_of_another(struct world *world)
{
	world->scene.qe_signer = DCAP_KEY_OTHER;
}
static void report_signature_damaged(struct world *world)
{
	world->scene.damage_qe_signature = true;
}
static void report_of_another_key(struct world *world)
{
	memset(world->scene.qe_report + 320, 0x44, 64);
	world->scene.keep_report_data = true;
}
static void quote_of_another(struct world *world)
{
	world->scene.signer = DCAP_KEY_OTHER;
}
static void quote_signature_damaged(struct world *world)
{
	world->scene.damage_signature = true;
}
static void key_is_no_point(struct world *world)
{
	world->scene.bad_point = true;
}

static const struct failure failures[] = {
    FAILS("DCAP-QE-SIGNATURE", report_of_another),
    FAILS("DCAP-QE-SIGNATURE", report_signature_damaged),
    FAILS("DCAP-QE-BINDING", report_of_another_key),
    FAILS("DCAP-QUOTE-SIGNATURE", quote_of_another),
    FAILS("DCAP-QUOTE-SIGNATURE", quote_signature_damaged),
};

static void test_dcap_examine__one_thing_wrong__that_check_alone_fails(void **state)
{
	expect_each(state, failures, sizeof(failures) / sizeof(failures[0]));
}

/* The hash that is right, and one byte of it or of the zeros behind it that is not. */
static void test_dcap_examine__each_byte_of_the_binding__counts(void **state)
{
	struct world *world = *state;
	struct dcap_quote quote;

	make_and_examine(world);
	assert_int_equal(dcap_quote_read(wr_view(&world->quote), "quote", &quote, NULL),
			 TOBI_OK);
	bytes_copy(world->scene.qe_report + 320, 64, quote.qe_report.ptr + 320, 64);
	world->scene.keep_report_data = true;
	make_and_examine(world);
	assert_true(all_passed(world));
	for (size_t i = 0; i < 64; i++) {
		world->scene.qe_report[320 + i] ^= 1;
		make_and_examine(world);
		expect_alone(world, "DCAP-QE-BINDING");
		world->scene.qe_report[320 + i] ^= 1;
	}
	/* It is of the authentication data, too: of each byte, and of how many. */
	world->scene.qe_auth[31] ^= 1;
	make_and_examine(world);
	expect_alone(world, "DCAP-QE-BINDING");
	world->scene.qe_auth[31] ^= 1;
	world->scene.qe_auth_size++;
	make_and_examine(world);
	expect_alone(world, "DCAP-QE-BINDING");
}

/* The report is of this key, and so is the signature that cannot be checked. */
static void test_dcap_examine__key_that_is_no_point__signature_fails(void **state)
{
	struct world *world = *state;

	key_is_no_point(world);
	make_and_examine(world);
	expect_alone(world, "DCAP-QUOTE-SIGNATURE");
}

static void test_dcap_examine__chain_without_a_leaf__told(void **state)
{
	struct world *world = *state;

	world->scene.chain[0] = DCAP_CA;
	make_and_examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_NOT_RUN);
	assert_non_null(
	    strstr(found(world, "DCAP-PCK-CHAIN"), "Intel SGX PCK Certificate"));
}

static void test_dcap_examine__text_in_the_chain__chain_fails(void **state)
{
	struct world *world = *state;

	world->scene.between = "and\n";
	make_and_examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	world->scene.between = NULL;
	world->scene.after = "x";
	make_and_examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
}

/* ---- the memo ---- */

static void test_dcap_examine__known__same_claims(void **state)
{
	struct world *world = *state;

	world->request.memo = memo_new();
	make_and_examine(world);
	assert_true(all_passed(world));
	examine(world);
	assert_true(all_passed(world));
	assert_true(world->dcap->has_pck);
	assert_memory_equal(world->dcap->pck.fmspc, world->scene.pck.fmspc, 6);
	assert_string_equal(world->dcap->ca, "platform");
}

static void test_dcap_examine__known__the_quote_is_checked_all_the_same(void **state)
{
	struct world *world = *state;

	world->request.memo = memo_new();
	make_and_examine(world);
	world->quote.ptr[100] ^= 1;
	examine(world);
	expect_alone(world, "DCAP-QUOTE-SIGNATURE");
}

/* The one list alone: a root's list that is signed again is another one, too. */
static void put_list(struct world *world, enum collateral_kind kind)
{
	const bool root = kind == COLLATERAL_INTEL_ROOT_CRL;
	struct writer list = wr_init(LIMIT_CRL);
	const char *name = strstr(world->scene.pck_crl.issuer_name, "Processor")
			       ? "processor"
			       : "platform";
	struct collateral_item item = {.kind = kind, .name = root ? "" : name};

	dcap_scene_list(root ? &world->scene.root_crl : &world->scene.pck_crl, &list);
	item.data = wr_view(&list);
	assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	wr_done(&list);
}

static void test_dcap_examine__known__a_change_of_one_list_counts(void **state)
{
	struct world *world = *state;

	world->request.memo = memo_new();
	make_and_examine(world);
	assert_true(all_passed(world));
	leaf_revoked(world);
	put_list(world, COLLATERAL_PCK_CRL);
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->scene.pck_crl.revoked[2] = 0;
	put_list(world, COLLATERAL_PCK_CRL);
	examine(world);
	assert_true(all_passed(world));
	ca_revoked(world);
	put_list(world, COLLATERAL_INTEL_ROOT_CRL);
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
}

/* Which of two lists of one issuer counts is the time's to say, in whatever order the
 * times are asked for. */
static void test_dcap_examine__known__each_time_has_its_own_list(void **state)
{
	struct world *world = *state;
	const int64_t later = DCAP_NOW + 2 * DCAP_DAY;

	world->request.memo = memo_new();
	make_and_examine(world);
	world->scene.pck_crl.this_update = later;
	leaf_revoked(world);
	put_list(world, COLLATERAL_PCK_CRL);
	examine(world);
	assert_true(all_passed(world));
	world->request.time = later;
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->request.time = DCAP_NOW;
	examine(world);
	assert_true(all_passed(world));
}

static void test_dcap_examine__known__a_change_of_anything_else_counts(void **state)
{
	struct world *world = *state;

	world->request.memo = memo_new();
	make_and_examine(world);
	assert_true(all_passed(world));
	leaf_revoked(world);
	dcap_scene_put_crls(&world->scene, world->set);
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->scene.pck_crl.revoked[2] = 0;
	dcap_scene_put_crls(&world->scene, world->set);
	examine(world);
	assert_true(all_passed(world));
	world->request.time = world->scene.pck_crl.next_update;
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->request.time = world->scene.pck_crl.this_update - 1;
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->request.time = CERTIFICATE(DCAP_PCK)->not_after;
	examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	world->request.time = DCAP_NOW;
	world->request.baseline = DCAP_NOW;
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->request.baseline = 0;
	other_root(world);
	examine(world);
	expect_alone(world, "DCAP-PCK-CHAIN");
}

/* A list in its grace is one for those who allow it, whoever asked before. */
static void test_dcap_examine__known__another_grace_counts(void **state)
{
	struct world *world = *state;

	world->request.memo = memo_new();
	world->request.time = world->scene.pck_crl.next_update;
	world->request.grace = 10;
	make_and_examine(world);
	assert_true(all_passed(world));
	world->request.grace = 0;
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
	world->request.grace = 10;
	examine(world);
	assert_true(all_passed(world));
}

static void test_dcap_examine__known__under_the_other_ca__its_list_counts(void **state)
{
	struct world *world = *state;

	world->request.memo = memo_new();
	dcap_scene_processor(&world->scene);
	make_and_examine(world);
	assert_true(all_passed(world));
	leaf_revoked(world);
	put_list(world, COLLATERAL_PCK_CRL);
	examine(world);
	expect_alone(world, "DCAP-PCK-REVOCATION");
}

/* What did not hold is asked anew each time, and no half of it is remembered. */
static void test_dcap_examine__failed__never_known(void **state)
{
	static const struct failure broken[] = {
	    FAILS("DCAP-QE-SIGNATURE", report_of_another),
	    FAILS("DCAP-QE-BINDING", report_of_another_key),
	    FAILS("DCAP-QUOTE-SIGNATURE", key_is_no_point),
	    FAILS("DCAP-PCK-CHAIN", other_root),
	    FAILS("DCAP-PCK-REVOCATION", ca_revoked),
	    FAILS("DCAP-PCK-REVOCATION", leaf_revoked),
	};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct world *world = *state;

		world->request.memo = memo_new();
		broken[i].damage(world);
		make_and_examine(world);
		expect_alone(world, broken[i].code);
		examine(world);
		expect_alone(world, broken[i].code);
		teardown(state);
		setup(state);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_examine__each_version_and_ca__all_pass),
	    TEST(test_dcap_examine__all_pass__the_platform_is_told),
	    TEST(test_dcap_examine__chain_in_each_order__all_pass),
	    TEST(test_dcap_examine__another_certificate_of_the_root__all_pass),
	    TEST(test_dcap_examine__in_the_grace_of_a_list__told),
	    TEST(test_dcap_examine__one_thing_wrong__that_check_alone_fails),
	    TEST(test_dcap_examine__each_byte_of_the_binding__counts),
	    TEST(test_dcap_examine__key_that_is_no_point__signature_fails),
	    TEST(test_dcap_examine__chain_without_a_leaf__told),
	    TEST(test_dcap_examine__text_in_the_chain__chain_fails),
	    TEST(test_dcap_examine__known__same_claims),
	    TEST(test_dcap_examine__known__the_quote_is_checked_all_the_same),
	    TEST(test_dcap_examine__known__a_change_of_one_list_counts),
	    TEST(test_dcap_examine__known__each_time_has_its_own_list),
	    TEST(test_dcap_examine__known__a_change_of_anything_else_counts),
	    TEST(test_dcap_examine__known__another_grace_counts),
	    TEST(test_dcap_examine__known__under_the_other_ca__its_list_counts),
	    TEST(test_dcap_examine__failed__never_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
