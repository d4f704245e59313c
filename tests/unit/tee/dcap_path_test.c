/* Where the platform's certificate is found, for quotes that bring no chain of it. */
#include "tee/dcap_path.h"

#include "tests/unit/tee/dcap_world.h"

static struct tobi_bytes pem_of(struct world *world, const enum dcap_scene_role *roles,
				size_t count)
{
	world->pem.size = 0;
	for (size_t i = 0; i < count; i++)
		dcap_scene_pem(&world->scene, roles[i], &world->pem);
	return wr_view(&world->pem);
}

static const enum dcap_scene_role whole[] = {DCAP_PCK, DCAP_CA, DCAP_ROOT};
static const unsigned without_chain[] = {1, 2, 3, 4, 7};

static void test_dcap_examine__no_chain_and_nothing_beside__told(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 5; i++) {
		world->scene.certification = without_chain[i];
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
		assert_int_equal(outcome(world, "DCAP-QUOTE-SIGNATURE"), TOBI_PASSED);
		if (without_chain[i] != 4)
			assert_non_null(
			    strstr(found(world, "DCAP-PCK-CHAIN"),
				   "no PCK certificate came beside the quote"));
	}
}

static void test_dcap_examine__no_chain__pieces_help(void **state)
{
	struct world *world = *state;
	struct tobi_bytes pieces[2] = {BYTES('l', 'o', 'g'), {0}};

	world->request.pieces = pieces;
	world->request.piece_count = 2;
	for (size_t i = 0; i < 5; i++) {
		pieces[1] = pem_of(world, whole, 3);
		world->scene.certification = without_chain[i];
		make_and_examine(world);
		assert_true(all_passed(world));
	}
}

static void test_dcap_examine__no_chain__collateral_helps(void **state)
{
	struct world *world = *state;
	struct dcap_scene other = world->scene;
	struct collateral_item item = {.kind = COLLATERAL_PCK, .name = ""};

	/* Another platform's, before and behind. */
	other.certificates[DCAP_PCK].key = DCAP_KEY_OTHER;
	for (unsigned i = 0; i < 3; i++) {
		world->pem.size = 0;
		dcap_scene_pem(i == 1 ? &world->scene : &other, DCAP_PCK, &world->pem);
		dcap_scene_pem(&world->scene, DCAP_CA, &world->pem);
		dcap_scene_pem(&world->scene, DCAP_ROOT, &world->pem);
		item.data = wr_view(&world->pem);
		assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	}
	for (size_t i = 0; i < 5; i++) {
		world->scene.certification = without_chain[i];
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_PASSED);
		/* A leaf of its own has issuers in no item. */
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"),
				 without_chain[i] == 4 ? TOBI_FAILED : TOBI_PASSED);
	}
}

static void test_dcap_examine__leaf_alone__issuers_among_the_certificates(void **state)
{
	struct world *world = *state;
	struct collateral_item item = {.kind = COLLATERAL_CERTIFICATE, .name = ""};

	for (size_t i = 1; i < 3; i++) {
		item.data = pem_of(world, &whole[i], 1);
		assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	}
	world->scene.certification = DCAP_PCK_LEAF;
	make_and_examine(world);
	assert_true(all_passed(world));
}

static void test_dcap_examine__certificate_of_another_platform__told(void **state)
{
	struct world *world = *state;
	struct dcap_scene other = world->scene;
	struct tobi_bytes piece;

	other.certificates[DCAP_PCK].key = DCAP_KEY_OTHER;
	dcap_scene_pem(&other, DCAP_PCK, &world->pem);
	dcap_scene_pem(&other, DCAP_CA, &world->pem);
	dcap_scene_pem(&other, DCAP_ROOT, &world->pem);
	piece = wr_view(&world->pem);
	world->request.pieces = &piece;
	world->request.piece_count = 1;
	world->scene.certification = DCAP_PPID_RSA3072;
	make_and_examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_NOT_RUN);
	assert_non_null(strstr(found(world, "DCAP-PCK-CHAIN"), "is of its platform"));
}

/* The quote names another than the one whose key signed the report: a clear PPID, and a
 * PCE-ID in each form. */
static void
test_dcap_examine__certificate_that_the_quote_does_not_name__none(void **state)
{
	static const unsigned named[] = {1, 1, 2, 3};
	struct world *world = *state;

	for (size_t i = 0; i < 4; i++) {
		struct dcap_scene other = world->scene;
		struct tobi_bytes piece;

		if (i == 0)
			other.pck.ppid[15] ^= 1;
		else
			other.pck.pce_id[1] ^= 1;
		world->pem.size = 0;
		for (size_t j = 0; j < 3; j++)
			dcap_scene_pem(&other, whole[j], &world->pem);
		piece = wr_view(&world->pem);
		world->request.pieces = &piece;
		world->request.piece_count = 1;
		world->scene.certification = named[i];
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
		assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_NOT_RUN);
	}
}

/* A quote with a whole chain takes no help: what is in it is what counts. */
static void test_dcap_examine__chain_without_a_root__pieces_do_not_help(void **state)
{
	struct world *world = *state;
	struct tobi_bytes piece = pem_of(world, whole, 3);

	world->request.pieces = &piece;
	world->request.piece_count = 1;
	world->scene.chain_count = 2;
	make_and_examine(world);
	expect_alone(world, "DCAP-PCK-CHAIN");
}

static void test_dcap_examine__known_with_help__not_without(void **state)
{
	struct world *world = *state;
	struct tobi_bytes piece = pem_of(world, whole, 3);

	world->request.memo = memo_new();
	world->request.pieces = &piece;
	world->request.piece_count = 1;
	world->scene.certification = DCAP_PPID_RSA3072;
	make_and_examine(world);
	assert_true(all_passed(world));
	examine(world);
	assert_true(all_passed(world));
	world->request.piece_count = 0;
	examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_examine__no_chain_and_nothing_beside__told),
	    TEST(test_dcap_examine__no_chain__pieces_help),
	    TEST(test_dcap_examine__no_chain__collateral_helps),
	    TEST(test_dcap_examine__leaf_alone__issuers_among_the_certificates),
	    TEST(test_dcap_examine__certificate_of_another_platform__told),
	    TEST(test_dcap_examine__certificate_that_the_quote_does_not_name__none),
	    TEST(test_dcap_examine__chain_without_a_root__pieces_do_not_help),
	    TEST(test_dcap_examine__known_with_help__not_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
