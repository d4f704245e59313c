/*
 * Evidence from the field, cut short at every length and with a bit of every byte turned:
 * never a crash, and never accepted, but for what nobody has signed.
 *
 * Usage: test-vectors-damage [START-OF-PATH]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/vectors/stage.h"

enum { WHOLE = 8 << 10, STEP = 61 };

/* Every byte of the first evidence of a kind, some of each other; fewer where each takes
 * long. */
#if defined(__SANITIZE_ADDRESS__)
enum { FIRST_STEP = 7, OTHER_STEP = 67 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { FIRST_STEP = 7, OTHER_STEP = 67 };
#else
enum { FIRST_STEP = 1, OTHER_STEP = 7 };
#endif
#else
enum { FIRST_STEP = 1, OTHER_STEP = 7 };
#endif

static struct vectors vectors;
static const char *only = "";

static bool is_accepted(const struct stage *stage, const struct tobi_policy *policy,
			struct tobi_bytes evidence)
{
	enum tobi_err err;
	struct tobi_result *result = stage_verify(stage, policy, evidence, &err);
	bool accepted = tobi_result_verdict(result) == TOBI_ACCEPT;

	assert_int_equal(result == NULL, err != TOBI_OK);
	tobi_result_free(result);
	return accepted;
}

/* The evidence as it is, with all that belongs to it. */
static bool is_whole(const struct vector_case *what)
{
	return !what->instead && !what->anchors &&
	       strncmp(what->path, only, strlen(only)) == 0;
}

static struct tobi_policy *best_policy(const struct stage *stage)
{
	const char *takes = stage->what->takes;

	/* A policy names something that may run. */
	return stage_policy(stage, *stage->image || takes ? stage->image : STAGE_NO_IMAGE,
			    takes ? takes : "");
}

static size_t cut(const struct vector_case *what)
{
	struct tobi_policy *policy;
	size_t accepted = 0, count = 0;
	struct stage stage;

	stage_make(&stage, &vectors, what);
	policy = best_policy(&stage);
	assert_non_null(policy);
	for (size_t size = 0; size + what->loose < stage.evidence.size;
	     size += size < WHOLE ? 1 : STEP) {
		count++;
		if (is_accepted(&stage, policy,
				(struct tobi_bytes){stage.evidence.ptr, size})) {
			if (accepted++ == 0)
				print_message("%s is accepted with %zu bytes\n",
					      what->path, size);
		}
	}
	print_message("%s: %zu lengths\n", what->path, count);
	tobi_policy_free(policy);
	stage_done(&stage);
	return accepted;
}

static void test_vectors__cut_short__is_not_accepted(void **state)
{
	const struct vector_case *what;
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; (what = vector_case_at(i)); i++)
		accepted += is_whole(what) ? cut(what) : 0;
	assert_int_equal(accepted, 0);
}

static bool is_free(const struct vector_case *what, size_t place)
{
	for (size_t i = 0; i < CASE_FREE && what->free[i].size; i++) {
		if (place - what->free[i].from < what->free[i].size)
			return true;
	}
	return false;
}

static size_t turn(const struct vector_case *what, size_t step)
{
	struct tobi_policy *policy;
	size_t accepted = 0, count = 0;
	struct stage stage;
	uint8_t *copy;

	stage_make(&stage, &vectors, what);
	policy = best_policy(&stage);
	assert_non_null(policy);
	copy = malloc(stage.evidence.size);
	assert_non_null(copy);
	memcpy(copy, stage.evidence.ptr, stage.evidence.size);
	for (size_t i = 0; i + what->loose < stage.evidence.size; i += step) {
		if (is_free(what, i))
			continue;
		count++;
		copy[i] ^= (uint8_t)(1 << (what->text ? i % 5 : i * 5 % 8));
		if (is_accepted(&stage, policy,
				(struct tobi_bytes){copy, stage.evidence.size})) {
			if (accepted++ == 0)
				print_message("%s is accepted with byte %zu changed\n",
					      what->path, i);
		}
		copy[i] = stage.evidence.ptr[i];
	}
	/* So that it was the change. */
	if (!is_accepted(&stage, policy, stage.evidence)) {
		print_message("%s is not accepted as it is\n", what->path);
		accepted++;
	}
	print_message("%s: %zu bytes\n", what->path, count);
	free(copy);
	tobi_policy_free(policy);
	stage_done(&stage);
	return accepted;
}

static void test_vectors__a_bit_turned__is_not_accepted(void **state)
{
	const char *tier = "";
	const struct vector_case *what;
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; (what = vector_case_at(i)); i++) {
		if (!is_whole(what) || !what->takes)
			continue;
		accepted +=
		    turn(what, strcmp(what->tier, tier) == 0 ? OTHER_STEP : FIRST_STEP);
		tier = what->tier;
	}
	assert_int_equal(accepted, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors__cut_short__is_not_accepted),
	    cmocka_unit_test(test_vectors__a_bit_turned__is_not_accepted),
	};
	int failed;

	if (argc > 1)
		only = argv[1];
	failed = vectors_run(&vectors, tests);
	vectors_close(&vectors);
	return failed;
}
