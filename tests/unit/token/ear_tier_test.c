#include "tests/check.h"
#include "token/ear.h"

/* The ends of each tier, on both sides of zero. */
static void test_ear_tier_of__ends_of_each_tier(void **state)
{
	static const struct {
		int value;
		enum ear_tier tier;
	} cases[] = {
	    {-128, EAR_CONTRAINDICATED},
	    {-97, EAR_CONTRAINDICATED},
	    {-96, EAR_WARNING},
	    {-33, EAR_WARNING},
	    {-32, EAR_AFFIRMING},
	    {-2, EAR_AFFIRMING},
	    {-1, EAR_NONE},
	    {0, EAR_NONE},
	    {1, EAR_NONE},
	    {2, EAR_AFFIRMING},
	    {31, EAR_AFFIRMING},
	    {32, EAR_WARNING},
	    {95, EAR_WARNING},
	    {96, EAR_CONTRAINDICATED},
	    {127, EAR_CONTRAINDICATED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ear_tier_of(cases[i].value) != cases[i].tier)
			fail_msg("%d", cases[i].value);
	}
}

static void test_ear_tier_read__names__and_no_others(void **state)
{
	static const enum ear_tier tiers[] = {EAR_NONE, EAR_AFFIRMING, EAR_WARNING,
					      EAR_CONTRAINDICATED};
	enum ear_tier tier = EAR_WARNING;

	(void)state;
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		assert_true(ear_tier_read(ear_tier_name(tiers[i]), &tier));
		assert_int_equal(tier, tiers[i]);
	}
	tier = EAR_WARNING;
	assert_false(ear_tier_read("Affirming", &tier));
	assert_false(ear_tier_read("", &tier));
	assert_int_equal(tier, EAR_WARNING);
	/* A number that is no tier has no better name. */
	assert_string_equal(ear_tier_name((enum ear_tier)3), "none");
}

static void test_ear_vector_worst__a_claim_that_is_not_there__does_not_count(void **state)
{
	struct ear_vector vector = {0};

	(void)state;
	vector.values[AR4SI_HARDWARE] = 96;
	assert_int_equal(ear_vector_worst(&vector), EAR_NONE);
	vector.has[AR4SI_CONFIGURATION] = true;
	vector.values[AR4SI_CONFIGURATION] = 2;
	assert_int_equal(ear_vector_worst(&vector), EAR_AFFIRMING);
	/* "None" among claims raises nothing, and lowers nothing. */
	vector.has[AR4SI_FILES] = true;
	assert_int_equal(ear_vector_worst(&vector), EAR_AFFIRMING);
	vector.has[AR4SI_SOURCES] = true;
	vector.values[AR4SI_SOURCES] = -33;
	assert_int_equal(ear_vector_worst(&vector), EAR_WARNING);
	vector.has[AR4SI_HARDWARE] = true;
	assert_int_equal(ear_vector_worst(&vector), EAR_CONTRAINDICATED);
}

static void test_ear_value_meaning__of_its_claim(void **state)
{
	(void)state;
	assert_string_equal(ear_value_meaning(AR4SI_HARDWARE, 2), "genuine");
	assert_string_equal(ear_value_meaning(AR4SI_RUNTIME, 32), "isolated only");
	assert_string_equal(ear_value_meaning(AR4SI_EXECUTABLES, 33), "not recognised");
	for (int claim = 0; claim < AR4SI_CLAIMS; claim++) {
		assert_string_equal(ear_value_meaning((enum ar4si_claim)claim, 99),
				    "cryptographic validation failed");
		assert_string_equal(ear_value_meaning((enum ar4si_claim)claim, 50),
				    "a word of its own");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ear_tier_of__ends_of_each_tier),
	    cmocka_unit_test(test_ear_tier_read__names__and_no_others),
	    cmocka_unit_test(
		test_ear_vector_worst__a_claim_that_is_not_there__does_not_count),
	    cmocka_unit_test(test_ear_value_meaning__of_its_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
