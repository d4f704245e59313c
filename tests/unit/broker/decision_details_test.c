/* What the checks of a refusal have found is kept for its owner, as long as its evidence.
 */
#include "broker/decision_details.h"

#include "broker/evidence.h"
#include "tests/page_world.h"

enum { CHECKS = 128 };

struct kept {
	size_t count;
	struct decision_detail details[CHECKS];
};

static enum tobi_err take(void *context, const struct decision_detail *detail,
			  struct tobi_fault *fault)
{
	struct kept *kept = context;

	(void)fault;
	assert_true(kept->count < CHECKS);
	kept->details[kept->count++] = *detail;
	return TOBI_OK;
}

/* Of the scene's evidence; wrong: the policy names another nonce's. */
static struct tobi_result *appraise(bool wrong)
{
	struct presented presented = {.evidence = wr_view(&page.evidence),
				      .nonce = wrong ? text_bytes("another nonce of it")
						     : page.scene.given_nonce};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;

	assert_int_equal(tobi_policy_parse(wr_view(&page.policy), "p", &policy, NULL), 0);
	assert_int_equal(
	    broker_appraise(policy, NULL, &presented, page.now, &result, NULL), 0);
	tobi_policy_free(policy);
	return result;
}

static void test_decision_details__written__are_read(void **state)
{
	struct tobi_result *result = appraise(true);
	struct writer out = wr_init(DETAILS_MAX);
	struct kept kept = {0};
	size_t failed = 0;

	(void)state;
	decision_details_write(result, &out);
	assert_int_equal(wr_err(&out), 0);
	assert_int_equal(decision_details_read(wr_view(&out), take, &kept, NULL), 0);
	assert_int_equal(kept.count, tobi_result_check_count(result));
	for (size_t i = 0; i < kept.count; i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);
		const struct decision_detail *detail = &kept.details[i];

		assert_bytes_equal(detail->code, text_bytes(check->code));
		assert_int_equal(detail->outcome, check->outcome);
		assert_bytes_equal(detail->proves, text_bytes(check->proves));
		assert_bytes_equal(detail->expected, text_bytes(check->expected));
		assert_bytes_equal(detail->found, text_bytes(check->found));
		if (check->outcome != TOBI_FAILED && check->outcome != TOBI_NOT_RUN)
			continue;
		assert_bytes_equal(detail->remedy, text_bytes(check->remedy));
		assert_bytes_equal(detail->source, text_bytes(check->source));
		failed++;
	}
	assert_true(failed > 0);
	wr_done(&out);
	tobi_result_free(result);
}

static void test_decision_details__guest__has_its_word(void **state)
{
	struct tobi_result *result = appraise(false);
	struct writer out = wr_init(DETAILS_MAX);
	struct kept kept = {0};

	(void)state;
	result->guest = appraise(true);
	decision_details_write(result, &out);
	assert_int_equal(decision_details_read(wr_view(&out), take, &kept, NULL), 0);
	assert_int_equal(kept.count, tobi_result_check_count(result) +
					 tobi_result_check_count(result->guest));
	assert_memory_equal(kept.details[kept.count - 1].code.ptr, "GUEST-", 6);
	wr_done(&out);
	tobi_result_free(result);
}

/* Cut, damaged, or longer: an error, and nothing of it was used. */
static void test_decision_details__damaged__nothing_is_given(void **state)
{
	struct tobi_result *result = appraise(true);
	struct writer out = wr_init(DETAILS_MAX);
	struct kept kept = {0};

	(void)state;
	decision_details_write(result, &out);
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_true(decision_details_read(block_view(cut), take, &kept, NULL));
		assert_int_equal(kept.count, 0);
		block_done(cut);
	}
	wr_u8(&out, 0);
	assert_int_equal(decision_details_read(wr_view(&out), take, &kept, NULL),
			 TOBI_E_TRAILING);
	assert_int_equal(kept.count, 0);
	wr_done(&out);
	tobi_result_free(result);
}

static void test_decision_details__odd__are_refused(void **state)
{
	struct kept kept = {0};

	(void)state;
	/* A check with six fields; with an outcome that is none; one that is no text. */
	assert_int_equal(
	    decision_details_read(BYTES(0x81, 0x86, 0x61, 'A', 2, 0x60, 0x60, 0x60, 0x60),
				  take, &kept, NULL),
	    TOBI_E_MALFORMED);
	assert_true(decision_details_read(
	    BYTES(0x81, 0x87, 0x61, 'A', 4, 0x60, 0x60, 0x60, 0x60, 0x60), take, &kept,
	    NULL));
	assert_true(decision_details_read(
	    BYTES(0x81, 0x87, 0x61, 0xff, 2, 0x60, 0x60, 0x60, 0x60, 0x60), take, &kept,
	    NULL));
	assert_int_equal(kept.count, 0);
	assert_int_equal(decision_details_read(BYTES(0x81, 0x87, 0x61, 'A', 2, 0x60, 0x60,
						     0x60, 0x60, 0x60),
					       take, &kept, NULL),
			 0);
	assert_int_equal(kept.count, 1);
	assert_int_equal(decision_details_read(BYTES(0x80), take, &kept, NULL), 0);
}

/* ---- in the log ---- */

static uint64_t append(const char *owner, bool accepted, struct tobi_result *result)
{
	const struct decision decision = {.kind = DECISION_RELEASE,
					  .time = page.now,
					  .accepted = accepted,
					  .channel = "kbs",
					  .principal = owner,
					  .resource = "red/key/db",
					  .action = "release",
					  .evidence = wr_view(&page.evidence),
					  .result = result};
	uint64_t index = 0;

	assert_int_equal(decision_log_append(page.broker->log, &decision, &index, NULL),
			 0);
	return index;
}

static enum tobi_err find(const char *owner, uint64_t index, int64_t later)
{
	struct writer out = wr_init(DETAILS_MAX);
	struct kept kept = {0};
	enum tobi_err err = decision_log_details(page.broker->log, owner, index,
						 page.now + later, &out, NULL);

	if (!err) {
		assert_int_equal(decision_details_read(wr_view(&out), take, &kept, NULL),
				 0);
		assert_true(kept.count > 5);
	}
	wr_done(&out);
	return err;
}

static void test_decision_log_details__refusal__for_its_owner(void **state)
{
	struct tobi_result *wrong = appraise(true), *right = appraise(false);
	uint64_t refused = append("alice", false, wrong);
	uint64_t given = append("alice", true, right),
		 nobodys = append(NULL, false, wrong);
	uint64_t bare = append("alice", false, NULL);

	(void)state;
	assert_int_equal(find("alice", refused, 0), 0);
	assert_int_equal(find("bob", refused, 0), TOBI_E_NOT_FOUND);
	assert_int_equal(find(NULL, refused, 0), TOBI_E_NOT_FOUND);
	assert_int_equal(find("alice", given, 0), TOBI_E_NOT_FOUND);
	assert_int_equal(find("alice", bare, 0), TOBI_E_NOT_FOUND);
	assert_int_equal(find(NULL, nobodys, 0), 0);
	assert_int_equal(find("alice", nobodys, 0), TOBI_E_NOT_FOUND);
	assert_int_equal(find("alice", UINT64_MAX, 0), TOBI_E_NOT_FOUND);
	tobi_result_free(wrong);
	tobi_result_free(right);
}

static void test_decision_log_details__as_long_as_evidence(void **state)
{
	struct tobi_result *wrong = appraise(true);
	uint64_t refused = append("alice", false, wrong);
	struct decision_log *log = page.broker->log;

	(void)state;
	assert_int_equal(find("alice", refused, DECISION_RETENTION - 1), 0);
	assert_int_equal(find("alice", refused, DECISION_RETENTION), TOBI_E_NOT_FOUND);
	assert_int_equal(decision_log_retention_set(log, "alice", 60, NULL), 0);
	assert_int_equal(find("alice", refused, 59), 0);
	assert_int_equal(find("alice", refused, 60), TOBI_E_NOT_FOUND);
	assert_int_equal(decision_log_sweep(log, page.now + 59, NULL, NULL), 0);
	assert_int_equal(db_world_number("SELECT count(*) FROM log_details", NO_VALUES),
			 1);
	assert_int_equal(decision_log_sweep(log, page.now + 60, NULL, NULL), 0);
	assert_int_equal(db_world_number("SELECT count(*) FROM log_details", NO_VALUES),
			 0);
	/* Who wants nothing kept has nothing kept. */
	assert_int_equal(decision_log_retention_set(log, "alice", 0, NULL), 0);
	assert_int_equal(find("alice", append("alice", false, wrong), 0),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(db_world_number("SELECT count(*) FROM log_details", NO_VALUES),
			 0);
	tobi_result_free(wrong);
}

#define IN_WORLD(test)                                                                   \
	cmocka_unit_test_setup_teardown(test, page_world_enter, page_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    IN_WORLD(test_decision_details__written__are_read),
	    IN_WORLD(test_decision_details__guest__has_its_word),
	    IN_WORLD(test_decision_details__damaged__nothing_is_given),
	    IN_WORLD(test_decision_details__odd__are_refused),
	    IN_WORLD(test_decision_log_details__refusal__for_its_owner),
	    IN_WORLD(test_decision_log_details__as_long_as_evidence),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
