/* What is written for an image: the same each time, and met by evidence of it alone. */
#include "corim/write.h"

#include "corim/match.h"
#include "pki/key.h"
#include "tee/measure.h"
#include "tests/bytes.h"

static const uint8_t id[SHA384_SIZE] = {1, 2, 3};
static const struct corim_image image = {.name = {(const uint8_t *)"web", 3},
					 .image_id = {id, sizeof(id)},
					 .svn = 3,
					 .product = 7};

static void test_corim_write__the_same_image__gives_the_same_bytes(void **state)
{
	struct writer first = wr_init(8192), second = wr_init(8192);

	(void)state;
	assert_int_equal(corim_write_image(&image, &first, NULL), 0);
	assert_int_equal(corim_write_image(&image, &second, NULL), 0);
	assert_bytes_equal(wr_view(&first), wr_view(&second));
	wr_done(&first);
	wr_done(&second);
}

static struct corim_outcome match(const struct tee_claims *from, struct arena *arena)
{
	struct writer bytes = wr_init(8192);
	struct tee_claims claims = *from;
	struct corim *corim = NULL;
	struct corim_source source = {0};
	struct corim_evidence evidence;
	struct corim_outcome outcome = {0};

	assert_int_equal(corim_write_image(&image, &bytes, NULL), 0);
	assert_int_equal(corim_read(wr_view(&bytes), "test", &corim, NULL), 0);
	source.corim = corim;
	tee_measure(&claims, arena);
	evidence = (struct corim_evidence){&claims.environment, claims.measurements,
					   claims.measurement_count};
	assert_int_equal(corim_match(&source, 1, &evidence, arena, &outcome, NULL), 0);
	if (outcome.matched)
		assert_true(corim_covers_image(&outcome, &evidence));
	corim_free(corim);
	wr_done(&bytes);
	return outcome;
}

static void test_corim_write__evidence_of_the_image__matches(void **state)
{
	static const uint8_t other[SHA384_SIZE] = {9};
	const struct tee_claims good = {
	    .tier = "soft", .image_id = {id, sizeof(id)}, .svn = 3, .product = 7};
	struct tee_claims bad = good;
	struct arena arena = arena_init(4 << 20);
	struct corim_outcome outcome = match(&good, &arena);

	(void)state;
	assert_int_equal(outcome.matched, 1);
	/* Its name is endorsed for it. */
	assert_true(outcome.claims[outcome.claim_count - 1].endorsed);
	assert_string_equal(outcome.claims[outcome.claim_count - 1].measurement.name,
			    "web");
	bad.image_id.ptr = other;
	outcome = match(&bad, &arena);
	assert_int_equal(outcome.matched, 0);
	assert_false(outcome.claims[outcome.claim_count - 1].endorsed);
	bad = good;
	bad.svn = 4;
	assert_int_equal(match(&bad, &arena).matched, 0);
	bad = good;
	bad.product = 8;
	assert_int_equal(match(&bad, &arena).matched, 0);
	bad = good;
	bad.debug = true;
	assert_int_equal(match(&bad, &arena).matched, 0);
	arena_done(&arena);
}

static void test_corim_write__no_image_id__is_refused(void **state)
{
	const struct corim_image none = {.name = image.name};
	struct writer bytes = wr_init(8192);

	(void)state;
	assert_int_equal(corim_write_image(&none, &bytes, NULL), TOBI_E_ARGUMENT);
	wr_done(&bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_corim_write__the_same_image__gives_the_same_bytes),
	    cmocka_unit_test(test_corim_write__evidence_of_the_image__matches),
	    cmocka_unit_test(test_corim_write__no_image_id__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
