/* Evidence is kept as its owner says; its digest stays in the leaf. */
#include "broker/decision_inside.h"
#include "log/leaf.h"
#include "tests/log_world.h"

enum { DAY = 24 * 3600 };

static void append(const char *owner, int64_t time, const char *evidence)
{
	struct decision decision = log_world_decision(owner, time);

	decision.evidence = text_bytes(evidence);
	assert_int_equal(decision_log_append(log_world.log, &decision, NULL, NULL), 0);
}

static enum tobi_err find(const char *owner, int64_t now, const char *evidence)
{
	uint8_t digest[SHA384_SIZE];
	struct writer out = wr_init(1024);
	enum tobi_err err;

	assert_int_equal(hash_sha384(text_bytes(evidence), digest), 0);
	err = decision_log_evidence(log_world.log, owner, digest, now, &out, NULL);
	if (!err)
		assert_bytes_equal(wr_view(&out), text_bytes(evidence));
	wr_done(&out);
	return err;
}

static int64_t rows(void)
{
	return db_world_number("SELECT count(*) FROM log_evidence", NO_VALUES);
}

static void test_decision_log_evidence__owner__alone_has_it(void **state)
{
	(void)state;
	append("alice", 1000, "evidence of an enclave");
	append(NULL, 1000, "evidence of nobody");
	assert_int_equal(find("alice", 1000, "evidence of an enclave"), 0);
	assert_int_equal(find("bob", 1000, "evidence of an enclave"), TOBI_E_NOT_FOUND);
	assert_int_equal(find(NULL, 1000, "evidence of an enclave"), TOBI_E_NOT_FOUND);
	assert_int_equal(find("alice", 1000, "other evidence"), TOBI_E_NOT_FOUND);
	assert_int_equal(find(NULL, 1000, "evidence of nobody"), 0);
	assert_int_equal(find("alice", 1000, "evidence of nobody"), TOBI_E_NOT_FOUND);
}

static void test_decision_log_evidence__expired__gone(void **state)
{
	uint64_t erased = 77;

	(void)state;
	append("alice", 1000, "e");
	assert_int_equal(find("alice", 1000 + 30 * DAY - 1, "e"), 0);
	/* Not given out, swept or not. */
	assert_int_equal(find("alice", 1000 + 30 * DAY, "e"), TOBI_E_NOT_FOUND);
	assert_int_equal(
	    decision_log_sweep(log_world.log, 1000 + 30 * DAY - 1, &erased, NULL), 0);
	assert_int_equal(erased, 0);
	assert_int_equal(
	    decision_log_sweep(log_world.log, 1000 + 30 * DAY, &erased, NULL), 0);
	assert_int_equal(erased, 1);
	assert_int_equal(rows(), 0);
}

static void test_decision_log_evidence__nobodys__a_day(void **state)
{
	int64_t seconds = 0;

	(void)state;
	append(NULL, 1000, "e");
	assert_int_equal(find(NULL, 1000 + DAY - 1, "e"), 0);
	assert_int_equal(find(NULL, 1000 + DAY, "e"), TOBI_E_NOT_FOUND);
	decision_log_retention_default(log_world.log, 60);
	assert_int_equal(decision_log_retention(log_world.log, NULL, &seconds, NULL), 0);
	assert_int_equal(seconds, 60);
}

static void test_decision_log_sweep_sometimes__once_a_minute(void **state)
{
	(void)state;
	append("alice", 1000, "e");
	append("bob", 1000, "e");
	assert_int_equal(decision_log_retention_set(log_world.log, "alice", 0, NULL), 0);
	log_world_again();
	decision_log_sweep_sometimes(log_world.log, 1000);
	assert_int_equal(rows(), 1);
	assert_int_equal(decision_log_retention_set(log_world.log, "bob", 0, NULL), 0);
	decision_log_sweep_sometimes(log_world.log, 1059);
	decision_log_sweep_sometimes(log_world.log, -1);
	assert_int_equal(rows(), 1);
	decision_log_sweep_sometimes(log_world.log, 1060);
	assert_int_equal(rows(), 0);
}

static enum tobi_err see_digest(void *context, const struct decision_entry *entry,
				struct tobi_fault *fault)
{
	static struct log_leaf leaf;

	(void)context;
	(void)fault;
	assert_int_equal(log_leaf_read(entry->leaf, &leaf, NULL), 0);
	assert_int_equal(leaf.evidence.size, SHA384_SIZE);
	return TOBI_OK;
}

/* Whoever appends erases, too; the leaf has the digest for ever. */
static void test_decision_log_append__later__sweeps(void **state)
{
	uint64_t size = 0;

	(void)state;
	append("alice", 1000, "old");
	assert_int_equal(rows(), 1);
	append("alice", 1000 + 31 * DAY, "new");
	/* It sweeps when nobody waits for it any more. */
	for (int i = 0; i < 1000 && rows() != 1; i++) {
		decision_log_free(log_world.log);
		log_world.log = NULL;
		log_world_again();
	}
	assert_int_equal(rows(), 1);
	assert_int_equal(find("alice", 1000 + 31 * DAY, "new"), 0);
	assert_int_equal(decision_log_leaves(log_world.log, 0, 1, see_digest, NULL, NULL),
			 0);
	assert_int_equal(decision_log_check(log_world.log, &size, NULL), 0);
}

static void test_decision_log_evidence__again__kept_longer(void **state)
{
	(void)state;
	append("alice", 1000, "e");
	append("alice", 1000 + DAY, "e");
	append("alice", 500, "e");
	assert_int_equal(rows(), 1);
	assert_int_equal(find("alice", 1000 + 31 * DAY - 1, "e"), 0);
	assert_int_equal(find("alice", 1000 + 31 * DAY, "e"), TOBI_E_NOT_FOUND);
}

static void test_decision_log_retention_set__shorter__for_what_is_there(void **state)
{
	int64_t seconds = 0;

	(void)state;
	append("alice", 1000, "e");
	append("bob", 1000, "e");
	assert_int_equal(decision_log_retention(log_world.log, "alice", &seconds, NULL),
			 0);
	assert_int_equal(seconds, DECISION_RETENTION);
	assert_int_equal(decision_log_retention_set(log_world.log, "alice", DAY, NULL),
			 0);
	assert_int_equal(decision_log_retention_set(log_world.log, "alice", 60, NULL), 0);
	assert_int_equal(decision_log_retention(log_world.log, "alice", &seconds, NULL),
			 0);
	assert_int_equal(seconds, 60);
	assert_int_equal(find("alice", 1059, "e"), 0);
	assert_int_equal(find("alice", 1060, "e"), TOBI_E_NOT_FOUND);
	assert_int_equal(find("bob", 1060, "e"), 0);
	append("alice", 2000, "f");
	assert_int_equal(find("alice", 2060, "f"), TOBI_E_NOT_FOUND);
	/* It is the database's, not the program's. */
	log_world_again();
	assert_int_equal(decision_log_retention(log_world.log, "alice", &seconds, NULL),
			 0);
	assert_int_equal(seconds, 60);
}

static void test_decision_log_retention_set__zero__never_kept(void **state)
{
	(void)state;
	assert_int_equal(decision_log_retention_set(log_world.log, "alice", 0, NULL), 0);
	append("alice", 1000, "e");
	assert_int_equal(rows(), 0);
	decision_log_retention_default(log_world.log, 0);
	append("bob", 1000, "e");
	assert_int_equal(rows(), 0);
	assert_int_equal(decision_log_retention_set(log_world.log, NULL, DAY, NULL), 0);
	append(NULL, 1000, "e");
	assert_int_equal(find(NULL, 1000, "e"), 0);
}

static void test_decision_log_retention_set__out_of_range__argument(void **state)
{
	(void)state;
	assert_int_equal(decision_log_retention_set(log_world.log, "alice", -1, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(decision_log_retention_set(log_world.log, "alice",
						    DECISION_RETENTION_MAX + 1, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(decision_log_retention_set(log_world.log, "alice",
						    DECISION_RETENTION_MAX, NULL),
			 0);
	/* The end of time, and no wrap to its start. */
	append("alice", INT64_MAX - 5, "e");
	assert_int_equal(find("alice", INT64_MAX - 5, "e"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_world_enter, log_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_decision_log_evidence__owner__alone_has_it),
	    TEST(test_decision_log_evidence__expired__gone),
	    TEST(test_decision_log_evidence__nobodys__a_day),
	    TEST(test_decision_log_sweep_sometimes__once_a_minute),
	    TEST(test_decision_log_append__later__sweeps),
	    TEST(test_decision_log_evidence__again__kept_longer),
	    TEST(test_decision_log_retention_set__shorter__for_what_is_there),
	    TEST(test_decision_log_retention_set__zero__never_kept),
	    TEST(test_decision_log_retention_set__out_of_range__argument),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
