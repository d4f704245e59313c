/*
 * Evidence from the field has the outcome that the list names, at the time that it names,
 * and no row is left out in silence.
 *
 * Usage: test-vectors-outcome [START-OF-PATH]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/vectors/claims.h"
#include "tests/vectors/stage.h"

static struct vectors vectors;
static size_t wrong;
static const char *only = "";

static void say(const struct stage *stage, const char *what, const char *expected,
		const char *found)
{
	print_message("%s: %s\n    expected  %s\n    found     %s\n", stage->row->path,
		      what, expected, found);
	wrong++;
}

/* As it is written in the table: "A B C". */
static void fails_of(const struct vector_case *what, char *ret_text, size_t room)
{
	size_t used = 0;

	ret_text[0] = 0;
	for (size_t i = 0; i < CASE_CODES && what->fails[i] && used < room; i++)
		used += (size_t)snprintf(ret_text + used, room - used, "%s%s",
					 used ? " " : "", what->fails[i]);
}

static void expect(const struct stage *stage, const char *what, const char *image,
		   const char *takes, const char *reasons)
{
	struct tobi_policy *policy = stage_policy(stage, image, takes);
	enum tobi_verdict verdict = *reasons ? TOBI_REFUSE : TOBI_ACCEPT;
	char found[1024];
	enum tobi_err err;

	if (!policy && strcmp(reasons, CASE_NO_POLICY) != 0)
		wrong++;
	if (!policy)
		return;
	/* Twice: the second time with what the policy remembers of the first. */
	for (int i = 0; i < 2; i++) {
		struct tobi_result *result =
		    stage_verify(stage, policy, stage->evidence, &err);

		stage_reasons(result, err, found, sizeof(found));
		if (tobi_result_verdict(result) != verdict || strcmp(found, reasons) != 0)
			say(stage, what, *reasons ? reasons : "accepted",
			    *found ? found : tobi_result_reason(result));
		else if (verdict == TOBI_ACCEPT)
			wrong += claims_compare(stage, result);
		tobi_result_free(result);
	}
	tobi_policy_free(policy);
}

/* What the list calls valid some policy takes, and nothing else; unless something is not
 * there, and the list says so too. */
static void expect_takable(const struct stage *stage)
{
	const char *said = stage->said->expected;
	const char *lacks = stage->what->lacks;
	bool valid = strncmp(said, "valid", 5) == 0 || strstr(said, ": valid") ||
		     strcmp(said, "trust anchor") == 0;

	if (lacks && !strstr(said, lacks) && !strstr(stage->said->notes, lacks))
		say(stage, "what is not there", lacks, said);
	if (valid != (stage->what->takes || lacks))
		say(stage, "a policy can take it", valid ? "yes" : "no",
		    "the table says otherwise");
}

static void run_case(const struct vector_case *what)
{
	char reasons[1024], other[2 * 64 + 1];
	struct stage stage;

	stage_make(&stage, &vectors, what);
	stage.row->use = "evidence";
	if (!strstr(stage.said->expected, what->says))
		say(&stage, "the list says", what->says, stage.said->expected);
	expect_takable(&stage);
	fails_of(what, reasons, sizeof(reasons));
	expect(&stage, "the default", *stage.image ? stage.image : STAGE_NO_IMAGE, "",
	       reasons);
	if (what->takes) {
		expect(&stage, "a policy that takes it as it is", stage.image,
		       what->takes, "");
		snprintf(other, sizeof(other), "%s", stage.image);
		other[0] = other[0] == '0' ? '1' : '0';
		if (what->differs)
			expect(&stage, "one that differs in one claim", stage.image,
			       what->differs, what->differs_code);
		else
			expect(&stage, "the same for another image", other, what->takes,
			       "POLICY-IMAGE");
	}
	stage_done(&stage);
}

static void test_vectors__each_row__has_its_outcome(void **state)
{
	const struct vector_case *what;

	(void)state;
	wrong = 0;
	for (size_t i = 0; (what = vector_case_at(i)); i++) {
		if (strncmp(what->path, only, strlen(only)) == 0)
			run_case(what);
	}
	assert_int_equal(wrong, 0);
}

static void test_vectors__no_row__is_left_out_in_silence(void **state)
{
	size_t used = 0, listed = 0;

	(void)state;
	wrong = 0;
	for (size_t i = 0; i < vectors.count; i++) {
		const struct vector_row *row = &vectors.rows[i];
		const struct vector_unused *unused = vector_unused_find(row->path);

		if (strncmp(row->path, only, strlen(only)) != 0)
			continue;
		if (row->use && unused && strcmp(unused->path, row->path) == 0) {
			print_message(
			    "%s is %s, and the list of what is not used has it\n",
			    row->path, row->use);
			wrong++;
		} else if (row->use) {
			used++;
		} else if (unused) {
			print_message("not used: %s: %s\n", row->path, unused->why);
			listed++;
		} else {
			print_message("%s: no case has it, and no reason is given\n",
				      row->path);
			wrong++;
		}
	}
	print_message("%zu rows used, %zu listed, of %zu\n", used, listed, vectors.count);
	assert_int_equal(wrong, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors__each_row__has_its_outcome),
	    cmocka_unit_test(test_vectors__no_row__is_left_out_in_silence),
	};
	int failed;

	if (argc > 1)
		only = argv[1];
	failed = vectors_run(&vectors, tests);
	vectors_close(&vectors);
	return failed;
}
