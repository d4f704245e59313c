/* What somebody with the database can do to a log, and what the broker says to it. */
#include "broker/decision_inside.h"
#include "tests/log_world.h"

static enum tobi_err append(struct tobi_fault *fault)
{
	struct decision decision = log_world_decision("alice", 5000);

	return decision_log_append(log_world.log, &decision, NULL, fault);
}

static void open_refused(EVP_PKEY *key, const char *name, enum tobi_err err,
			 const char *field)
{
	struct decision_log *log = NULL;
	struct tobi_fault fault = {0};

	assert_int_equal(decision_log_open(db_world.db, key, name, &log, &fault), err);
	assert_string_equal(fault.field, field);
	assert_null(log);
}

static void test_decision_log_open__another_key_or_name__mismatch(void **state)
{
	char name[LOG_NAME_MAX + 2];

	(void)state;
	log_world_fill(3);
	open_refused(log_world.stranger, "test log", TOBI_E_MISMATCH, "key");
	open_refused(log_world.key, "another log", TOBI_E_MISMATCH, "name");
	memset(name, 'x', sizeof(name));
	name[LOG_NAME_MAX + 1] = 0;
	open_refused(log_world.key, name, TOBI_E_ARGUMENT, "name");
	log_world_again();
	assert_int_equal(append(NULL), 0);
}

static void test_decision_log_open__no_name__argument(void **state)
{
	(void)state;
	db_world_do("DELETE FROM log_state", NO_VALUES);
	open_refused(log_world.key, "", TOBI_E_ARGUMENT, "name");
}

/* The signed head holds the rest of its row. */
static void test_decision_log_open__state_changed__refused(void **state)
{
	(void)state;
	log_world_fill(4);
	db_world_do("UPDATE log_state SET frontier = ?",
		    VALUES(B(((struct tobi_bytes){(const uint8_t[32]){1}, 32}))));
	open_refused(log_world.key, "test log", TOBI_E_MISMATCH, "head");
	/* Running on, it is refused, too. */
	assert_int_equal(append(NULL), TOBI_E_MISMATCH);
	db_world_do("UPDATE log_state SET size = 5", NO_VALUES);
	open_refused(log_world.key, "test log", TOBI_E_MALFORMED, "frontier");
	assert_int_equal(append(NULL), TOBI_E_MALFORMED);
	db_world_do("UPDATE log_state SET size = -1", NO_VALUES);
	open_refused(log_world.key, "test log", TOBI_E_MALFORMED, "state");
}

/* The rows as they were left, and a head that is not: nothing is appended to it. */
static void test_decision_log_append__head_changed__refused(void **state)
{
	struct log_head head = {.name = text_bytes("test log"), .size = 4};
	struct writer forged = wr_init(LOG_HEAD_MAX);
	EVP_PKEY *stranger = NULL;

	(void)state;
	log_world_fill(4);
	assert_int_equal(key_new(KEY_P256, &stranger, NULL), 0);
	assert_int_equal(log_head_sign(&head, stranger, &forged, NULL), 0);
	db_world_do("UPDATE log_state SET head = ?", VALUES(B(wr_view(&forged))));
	assert_int_equal(append(NULL), TOBI_E_MISMATCH);
	wr_done(&forged);
	/* By its own key, but of another root. */
	forged = wr_init(LOG_HEAD_MAX);
	assert_int_equal(log_head_sign(&head, log_world.key, &forged, NULL), 0);
	db_world_do("UPDATE log_state SET head = ?", VALUES(B(wr_view(&forged))));
	assert_int_equal(append(NULL), TOBI_E_MISMATCH);
	wr_done(&forged);
	EVP_PKEY_free(stranger);
}

/* Rows as they were with fewer entries: what a restore of a backup does. */
struct copy {
	uint8_t frontier[LOG_HASH_SIZE * 8], head[LOG_HEAD_MAX];
	size_t frontier_size, head_size;
	int64_t size;
};

static enum tobi_err take_copy(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct copy *copy = context;

	(void)fault;
	assert_int_equal(count, 3);
	copy->size = values[0].integer;
	copy->frontier_size = values[1].bytes.size;
	copy->head_size = values[2].bytes.size;
	bytes_copy(copy->frontier, sizeof(copy->frontier), values[1].bytes.ptr,
		   values[1].bytes.size);
	bytes_copy(copy->head, sizeof(copy->head), values[2].bytes.ptr,
		   values[2].bytes.size);
	return TOBI_OK;
}

static struct copy copy_state(void)
{
	struct copy copy = {0};

	assert_int_equal(db_run(db_world.conn,
				"SELECT size, frontier, head FROM log_state", NULL, 0,
				take_copy, &copy, NULL, NULL),
			 0);
	return copy;
}

static void put_back(const struct copy *copy)
{
	db_world_do("UPDATE log_state SET size = ?, frontier = ?, head = ?",
		    VALUES(N(copy->size),
			   B(((struct tobi_bytes){copy->frontier, copy->frontier_size})),
			   B(((struct tobi_bytes){copy->head, copy->head_size}))));
	db_world_do("DELETE FROM log_leaves WHERE idx >= ?", VALUES(N(copy->size)));
	db_world_do("DELETE FROM log_nodes WHERE place >= ?",
		    VALUES(N(2 * copy->size -
			     __builtin_popcountll((unsigned long long)copy->size))));
}

static void test_decision_log_append__database_put_back__mismatch(void **state)
{
	struct tobi_fault fault = {0};
	struct copy copy;
	uint64_t size = 0;

	(void)state;
	log_world_fill(5);
	copy = copy_state();
	log_world_fill(4);
	put_back(&copy);
	assert_int_equal(append(&fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.message, "the database was put back to an older state: "
					   "the log had 9 entries, and has 5");
	/* Nothing more is decided, and nothing was written. */
	assert_int_equal(append(&fault), TOBI_E_MISMATCH);
	assert_int_equal(copy_state().size, 5);
	/* After a start it cannot be known: that is what followers are for. */
	log_world_again();
	assert_int_equal(append(NULL), 0);
	assert_int_equal(decision_log_check(log_world.log, &size, NULL), 0);
	assert_int_equal(size, 6);
}

/* Put back, and gone on elsewhere to the same size. */
static void test_decision_log_append__another_log_of_the_size__mismatch(void **state)
{
	struct decision_log *other = NULL;
	struct decision decision = log_world_decision("bob", 1);
	struct tobi_fault fault = {0};
	struct copy copy;

	(void)state;
	log_world_fill(5);
	copy = copy_state();
	log_world_fill(1);
	put_back(&copy);
	assert_int_equal(
	    decision_log_open(db_world.db, log_world.key, "test log", &other, NULL), 0);
	assert_int_equal(decision_log_append(other, &decision, NULL, NULL), 0);
	assert_int_equal(append(&fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.field, "root");
	decision_log_free(other);
}

static void check_refused(uint64_t entry, const char *field)
{
	struct tobi_fault fault = {0};
	uint64_t size = 77;
	char text[64];

	assert_int_equal(decision_log_check(log_world.log, &size, &fault),
			 TOBI_E_MISMATCH);
	snprintf(text, sizeof(text), "entry %u is not as it was written",
		 (unsigned)entry);
	assert_string_equal(fault.message, text);
	assert_string_equal(fault.field, field);
	assert_int_equal(size, 77);
}

static void test_decision_log_check__leaf_changed__named(void **state)
{
	(void)state;
	log_world_fill(300);
	db_world_do("UPDATE log_leaves SET body = ? WHERE idx = 270",
		    VALUES(B(BYTES(0xa0))));
	check_refused(270, "hash");
}

static void test_decision_log_check__leaf_erased__named(void **state)
{
	(void)state;
	log_world_fill(10);
	db_world_do("DELETE FROM log_leaves WHERE idx = 4", NO_VALUES);
	check_refused(4, "index");
	db_world_do("DELETE FROM log_leaves WHERE idx > 4", NO_VALUES);
	check_refused(4, "index");
}

static void test_decision_log_check__leaves_reordered__named(void **state)
{
	(void)state;
	log_world_fill(10);
	db_world_do("UPDATE log_leaves SET idx = 100 WHERE idx = 3", NO_VALUES);
	db_world_do("UPDATE log_leaves SET idx = 3 WHERE idx = 4", NO_VALUES);
	db_world_do("UPDATE log_leaves SET idx = 4 WHERE idx = 100", NO_VALUES);
	/* The lower half of the tree is another. */
	check_refused(3, "hash");
}

static void test_decision_log_check__node_changed_or_erased__named(void **state)
{
	(void)state;
	log_world_fill(10);
	/* That over the first four: with the fourth leaf. */
	db_world_do("UPDATE log_nodes SET hash = ? WHERE place = 6",
		    VALUES(B(((struct tobi_bytes){(const uint8_t[32]){1}, 32}))));
	check_refused(3, "hash");
	db_world_do("DELETE FROM log_nodes WHERE place = 6", NO_VALUES);
	check_refused(3, "hash");
}

static void test_decision_log_proofs__row_erased__said(void **state)
{
	struct log_inclusion in;
	struct log_consistency con;
	struct tobi_fault fault = {0};

	(void)state;
	log_world_fill(10);
	/* The hash of leaf 4. */
	db_world_do("DELETE FROM log_nodes WHERE place = 7", NO_VALUES);
	assert_int_equal(decision_log_inclusion(log_world.log, 10, 5, &in, &fault),
			 TOBI_E_MISMATCH);
	assert_string_equal(fault.message, "the database lacks the subtree of level 0 at "
					   "4: an entry was erased");
	db_world_do("DELETE FROM log_nodes WHERE place = 6", NO_VALUES);
	assert_int_equal(decision_log_consistency(log_world.log, 8, 10, &con, NULL), 0);
	assert_int_equal(decision_log_consistency(log_world.log, 6, 10, &con, NULL),
			 TOBI_E_MISMATCH);
	db_world_do("UPDATE log_nodes SET hash = ?", VALUES(B(BYTES(1, 2))));
	assert_int_equal(decision_log_inclusion(log_world.log, 10, 0, &in, NULL),
			 TOBI_E_MALFORMED);
}

/* The database fails: an error for each, no leaf, and then it goes on. */
static void test_decision_log_append__database_fails__nothing_counts(void **state)
{
	struct decision_head head;

	(void)state;
	log_world_fill(2);
	db_world_do("ALTER TABLE log_nodes RENAME TO log_nodes_away", NO_VALUES);
	assert_int_not_equal(append(NULL), 0);
	assert_int_not_equal(append(NULL), 0);
	db_world_do("ALTER TABLE log_nodes_away RENAME TO log_nodes", NO_VALUES);
	assert_int_equal(append(NULL), 0);
	assert_int_equal(decision_log_head(log_world.log, 0, &head, NULL), 0);
	assert_int_equal(head.leaves, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_world_enter, log_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_decision_log_open__another_key_or_name__mismatch),
	    TEST(test_decision_log_open__no_name__argument),
	    TEST(test_decision_log_open__state_changed__refused),
	    TEST(test_decision_log_append__head_changed__refused),
	    TEST(test_decision_log_append__database_put_back__mismatch),
	    TEST(test_decision_log_append__another_log_of_the_size__mismatch),
	    TEST(test_decision_log_check__leaf_changed__named),
	    TEST(test_decision_log_check__leaf_erased__named),
	    TEST(test_decision_log_check__leaves_reordered__named),
	    TEST(test_decision_log_check__node_changed_or_erased__named),
	    TEST(test_decision_log_proofs__row_erased__said),
	    TEST(test_decision_log_append__database_fails__nothing_counts),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
