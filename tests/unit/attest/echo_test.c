/* What evidence is bound to, before it is handed on: read where its kind has it. */
#include "attest/echo.h"

#include "base/cleanup.h"
#include "tests/bytes.h"
#include "tests/cca_scene.h"
#include "tests/check.h"

struct world {
	struct test_cca cca;
	struct attest_request request;
	uint8_t asked[ATTEST_DATA_SIZE]; /* the same */
	struct writer token;
	struct tobi_fault fault;
};

/* A realm that was asked for the request's bytes. */
static void make(struct world *world, enum cca_generation generation)
{
	*world = (struct world){.request.data_size = ATTEST_DATA_SIZE,
				.token = wr_init(LIMIT_EVIDENCE)};
	for (unsigned i = 0; i < ATTEST_DATA_SIZE; i++)
		world->request.data[i] = world->asked[i] = (uint8_t)(i + 1);
	test_cca_make(&world->cca, generation);
	test_claim_bytes(&world->cca.realm, 10,
			 (struct tobi_bytes){world->asked, ATTEST_DATA_SIZE});
}

static void done(struct world *world)
{
	wr_done(&world->token);
	test_cca_done(&world->cca);
}

static enum tobi_err check(struct world *world)
{
	wr_done(&world->token);
	world->token = wr_init(LIMIT_EVIDENCE);
	test_cca_write(&world->cca, &world->token);
	return echo_check("cca-token", wr_view(&world->token), &world->request,
			  &world->fault);
}

static void test_echo__cca_of_each_profile__is_the_realms_challenge(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CCA_GENERATIONS; i++) {
		struct world world;

		make(&world, (enum cca_generation)i);
		assert_int_equal(check(&world), TOBI_OK);
		world.request.data[63] ^= 1;
		assert_int_equal(check(&world), TOBI_E_MISMATCH);
		done(&world);
	}
}

/* The bytes are in the token, in a claim that whoever made the realm may choose. */
static void test_echo__cca_with_the_bytes_elsewhere__is_a_mismatch(void **state)
{
	static const int64_t elsewhere[] = {44235, 75000};
	struct world world;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make(&world, CCA_REALM_2);
		test_claim_bytes(&world.cca.realm, 10, test_bytes_of(0x4e, 64));
		test_claim_bytes(&world.cca.realm, elsewhere[i],
				 (struct tobi_bytes){world.asked, ATTEST_DATA_SIZE});
		assert_int_equal(check(&world), TOBI_E_MISMATCH);
		done(&world);
	}
	make(&world, CCA_REALM_2);
	test_claim_bytes(&world.cca.realm, 10, test_bytes_of(0x4e, 64));
	test_claim_bytes(&world.cca.platform, 10,
			 (struct tobi_bytes){world.asked, ATTEST_DATA_SIZE});
	assert_int_equal(check(&world), TOBI_E_MISMATCH);
	done(&world);
}

static void test_echo__cca_without_a_challenge_of_its_size__is_a_mismatch(void **state)
{
	struct world world;

	(void)state;
	make(&world, CCA_REALM_1);
	test_claim_bytes(&world.cca.realm, 10, (struct tobi_bytes){world.asked, 32});
	assert_int_equal(check(&world), TOBI_E_MISMATCH);
	test_claim_text(&world.cca.realm, 10, "a challenge");
	assert_int_equal(check(&world), TOBI_E_MISMATCH);
	test_claim_remove(&world.cca.realm, 10);
	assert_int_equal(check(&world), TOBI_E_MISMATCH);
	done(&world);
}

static void test_echo__cca_that_is_no_token__is_an_error(void **state)
{
	struct world world;
	struct tobi_bytes whole;

	(void)state;
	make(&world, CCA_LEGACY);
	assert_int_equal(check(&world), TOBI_OK);
	whole = wr_view(&world.token);
	for (size_t size = 0; size < whole.size; size++)
		assert_int_not_equal(echo_check("cca-token",
						(struct tobi_bytes){whole.ptr, size},
						&world.request, NULL),
				     TOBI_OK);
	world.cca.trailing = 1;
	assert_int_equal(check(&world), TOBI_E_TRAILING);
	world.cca.trailing = 0;
	world.cca.without_realm = true;
	assert_int_equal(check(&world), TOBI_E_MALFORMED);
	/* The bytes alone. */
	assert_int_not_equal(
	    echo_check("cca-token", (struct tobi_bytes){world.asked, ATTEST_DATA_SIZE},
		       &world.request, NULL),
	    TOBI_OK);
	done(&world);
}

static void test_echo__kind_without_a_rule__is_unsupported(void **state)
{
	struct attest_request request = {.data_size = ATTEST_DATA_SIZE};

	(void)state;
	assert_int_equal(echo_check("psa-token", text_bytes("evidence"), &request, NULL),
			 TOBI_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_echo__cca_of_each_profile__is_the_realms_challenge),
	    cmocka_unit_test(test_echo__cca_with_the_bytes_elsewhere__is_a_mismatch),
	    cmocka_unit_test(
		test_echo__cca_without_a_challenge_of_its_size__is_a_mismatch),
	    cmocka_unit_test(test_echo__cca_that_is_no_token__is_an_error),
	    cmocka_unit_test(test_echo__kind_without_a_rule__is_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
