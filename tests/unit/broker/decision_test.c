#include <pthread.h>

#include "broker/decision_inside.h"
#include "log/leaf.h"
#include "tests/log_world.h"

static struct decision_log *log_of(void)
{
	return log_world.log;
}

static struct log_head head_at(int64_t now)
{
	struct decision_head signed_head;
	struct log_head head;

	assert_int_equal(decision_log_head(log_of(), now, &signed_head, NULL), 0);
	assert_int_equal(
	    log_head_read((struct tobi_bytes){signed_head.bytes, signed_head.size},
			  log_world.id, &head, NULL),
	    0);
	assert_int_equal(head.size, signed_head.leaves);
	assert_int_equal(head.time, signed_head.time);
	assert_true(log_hash_equal(&head.root, &signed_head.root));
	return head;
}

static bool is_root(const struct log_hash *root)
{
	struct log_head head = head_at(0);

	return log_hash_equal(root, &head.root);
}

static uint64_t whole(void)
{
	uint64_t size = 0;
	struct tobi_fault fault = {0};

	if (decision_log_check(log_of(), &size, &fault))
		fail_msg("%s", fault.message);
	return size;
}

static void test_decision_log_open__nothing_there__an_empty_log(void **state)
{
	struct log_head head = head_at(0);
	struct log_hash empty;

	(void)state;
	assert_int_equal(log_hash_empty(&empty), 0);
	assert_int_equal(head.size, 0);
	assert_true(log_hash_equal(&head.root, &empty));
	assert_int_equal(whole(), 0);
}

struct seen {
	struct log_leaf leaf;
	struct log_hash hash;
	char owner[32];
	uint64_t index[100];
	size_t count;
};

/* The leaf's bytes are borrowed: what is compared is compared at once. */
static enum tobi_err see_index(void *context, const struct decision_entry *entry,
			       struct tobi_fault *fault)
{
	struct seen *seen = context;

	(void)fault;
	assert_true(seen->count < 100);
	seen->index[seen->count++] = entry->index;
	seen->hash = entry->hash;
	return TOBI_OK;
}

static enum tobi_err see_release(void *context, const struct decision_entry *entry,
				 struct tobi_fault *fault)
{
	static struct log_leaf leaf;
	uint8_t digest[SHA384_SIZE];
	struct log_hash hash;

	(void)fault;
	++*(int *)context;
	assert_int_equal(log_leaf_read(entry->leaf, &leaf, NULL), 0);
	assert_int_equal(log_hash_leaf(entry->leaf, &hash), 0);
	assert_true(log_hash_equal(&hash, &entry->hash));
	assert_bytes_equal(entry->owner, text_bytes("alice"));
	assert_int_equal(leaf.kind, DECISION_RELEASE);
	assert_int_equal(leaf.time, 1234);
	assert_true(leaf.accepted);
	assert_bytes_equal(leaf.remote, text_bytes("192.0.2.1"));
	assert_bytes_equal(leaf.channel, text_bytes("kbs"));
	assert_bytes_equal(leaf.principal, text_bytes("alice"));
	assert_bytes_equal(leaf.resource, text_bytes("default/key/1"));
	assert_int_equal(leaf.version, 1);
	assert_bytes_equal(leaf.action, text_bytes("release"));
	assert_bytes_equal(leaf.reason, text_bytes("a\\x1b[31m\\x0ab"));
	assert_int_equal(hash_sha384(text_bytes("some evidence"), digest), 0);
	assert_bytes_equal(leaf.evidence, ((struct tobi_bytes){digest, SHA384_SIZE}));
	assert_int_equal(leaf.policy.size, SHA384_SIZE);
	assert_int_equal(leaf.policy.ptr[0], 9);
	return TOBI_OK;
}

static void test_decision_log_append__one__its_leaf(void **state)
{
	static const uint8_t policy[SHA384_SIZE] = {9};
	struct decision decision = log_world_decision("alice", 1234);
	uint64_t index = 77;
	int count = 0;

	(void)state;
	decision.reason = "a\x1b[31m\nb";
	decision.evidence = text_bytes("some evidence");
	decision.policy = policy;
	assert_int_equal(decision_log_append(log_of(), &decision, &index, NULL), 0);
	assert_int_equal(index, 0);
	assert_int_equal(decision_log_leaves(log_of(), 0, 10, see_release, &count, NULL),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(head_at(1234).size, 1);
	assert_int_equal(head_at(1234).time, 1234);
}

/* The same decision twice: nobody who has one hash knows the other. */
static void test_decision_log_append__same_decision__another_hash(void **state)
{
	struct decision decision = log_world_decision("alice", 1);
	struct seen first = {0}, second = {0};

	(void)state;
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL), 0);
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL), 0);
	assert_int_equal(decision_log_leaves(log_of(), 0, 1, see_index, &first, NULL), 0);
	assert_int_equal(decision_log_leaves(log_of(), 1, 1, see_index, &second, NULL),
			 0);
	assert_false(log_hash_equal(&first.hash, &second.hash));
}

static enum tobi_err see_cut(void *context, const struct decision_entry *entry,
			     struct tobi_fault *fault)
{
	static struct log_leaf leaf;

	(void)context;
	(void)fault;
	assert_int_equal(log_leaf_read(entry->leaf, &leaf, NULL), 0);
	/* Cut where a character ends; nobody's; about nothing. */
	assert_int_equal(leaf.reason.size, LOG_TEXT_MAX - 1);
	assert_int_equal(leaf.reason.ptr[LOG_TEXT_MAX - 2], 0xa4);
	assert_bytes_equal(leaf.resource, text_bytes("-"));
	assert_int_equal(entry->owner.size, 0);
	assert_int_equal(leaf.principal.size, 0);
	return TOBI_OK;
}

static void test_decision_log_append__long_text__cut(void **state)
{
	struct decision decision = log_world_decision("", 1);
	char text[1001] = "a";

	(void)state;
	for (size_t i = 1; i < 999; i += 2) {
		text[i] = (char)0xc3;
		text[i + 1] = (char)0xa4;
	}
	decision.reason = text;
	decision.resource = NULL;
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL), 0);
	assert_int_equal(decision_log_leaves(log_of(), 0, 1, see_cut, NULL, NULL), 0);
}

static void test_decision_log_append__no_decision__argument(void **state)
{
	struct decision decision = log_world_decision("alice", 1);

	(void)state;
	decision.kind = 0;
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL),
			 TOBI_E_ARGUMENT);
	decision = log_world_decision("alice", -1);
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL),
			 TOBI_E_ARGUMENT);
	decision = log_world_decision("alice", 1);
	decision.channel = NULL;
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(whole(), 0);
}

static enum tobi_err see_checks(void *context, const struct decision_entry *entry,
				struct tobi_fault *fault)
{
	static struct log_leaf leaf;

	(void)context;
	(void)fault;
	assert_int_equal(log_leaf_read(entry->leaf, &leaf, NULL), 0);
	assert_int_equal(leaf.check_count, 3);
	assert_bytes_equal(leaf.checks[0].code, text_bytes("SOFT-SIGNATURE"));
	assert_int_equal(leaf.checks[0].outcome, TOBI_PASSED);
	assert_bytes_equal(leaf.checks[1].code, text_bytes("GUEST-SNP-TCB"));
	assert_int_equal(leaf.checks[1].outcome, TOBI_PASSED);
	assert_bytes_equal(leaf.checks[2].code, text_bytes("POLICY-TIER"));
	assert_int_equal(leaf.checks[2].outcome, TOBI_FAILED);
	return TOBI_OK;
}

static void test_decision_log_append__a_result__every_check(void **state)
{
	struct tobi_check_result own[] = {
	    {.code = "SOFT-SIGNATURE", .outcome = TOBI_PASSED},
	    {.code = "POLICY-TIER", .outcome = TOBI_FAILED, .found = "a secret, say"}};
	struct tobi_check_result around[] = {{.code = "SNP-TCB", .outcome = TOBI_PASSED}};
	static struct tobi_result result, guest;
	struct decision decision = log_world_decision("alice", 1);

	(void)state;
	result.lines = own;
	result.line_count = 2;
	guest.lines = around;
	guest.line_count = 1;
	result.guest = &guest;
	decision.result = &result;
	assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL), 0);
	assert_int_equal(decision_log_leaves(log_of(), 0, 1, see_checks, NULL, NULL), 0);
}

static enum tobi_err get(void *context, unsigned level, uint64_t position,
			 struct log_hash *ret_hash, struct tobi_fault *fault)
{
	(void)context;
	return log_node_load(db_world.conn, level, position, ret_hash, fault);
}

static void test_decision_log_proofs__every_size__verify(void **state)
{
	struct log_hash roots[41], leaf;

	(void)state;
	log_world_fill(40);
	for (uint64_t size = 0; size <= 40; size++)
		assert_int_equal(log_root_of(size, get, NULL, &roots[size], NULL), 0);
	assert_true(is_root(&roots[40]));
	for (uint64_t size = 1; size <= 40; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct log_inclusion in;
			struct log_consistency con;

			assert_int_equal(
			    decision_log_inclusion(log_of(), size, index, &in, NULL), 0);
			assert_int_equal(get(NULL, 0, index, &leaf, NULL), 0);
			assert_int_equal(
			    log_inclusion_verify(&in, &leaf, &roots[size], NULL), 0);
			assert_int_equal(
			    decision_log_consistency(log_of(), index, size, &con, NULL),
			    0);
			assert_int_equal(log_consistency_verify(&con, &roots[index],
								&roots[size], NULL),
					 0);
		}
	}
	assert_int_equal(whole(), 40);
}

static void test_decision_log_proofs__behind_the_end__argument(void **state)
{
	struct log_inclusion in;
	struct log_consistency con;

	(void)state;
	log_world_fill(3);
	assert_int_equal(decision_log_inclusion(log_of(), 4, 0, &in, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(decision_log_inclusion(log_of(), 3, 3, &in, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(decision_log_inclusion(log_of(), UINT64_MAX, 3, &in, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(decision_log_consistency(log_of(), 1, 4, &con, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(decision_log_consistency(log_of(), 3, 2, &con, NULL),
			 TOBI_E_ARGUMENT);
}

static void test_decision_log_leaves__ranges_and_owners(void **state)
{
	struct decision decision;
	struct seen seen = {0};

	(void)state;
	for (int i = 0; i < 9; i++) {
		decision = log_world_decision(i % 3 == 0   ? "alice"
					      : i % 3 == 1 ? "bob"
							   : NULL,
					      i);
		assert_int_equal(decision_log_append(log_of(), &decision, NULL, NULL), 0);
	}
	assert_int_equal(decision_log_leaves(log_of(), 7, 10, see_index, &seen, NULL), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.index[0], 7);
	seen.count = 0;
	assert_int_equal(
	    decision_log_leaves(log_of(), UINT64_MAX, UINT64_MAX, see_index, &seen, NULL),
	    0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(
	    decision_log_owned(log_of(), "bob", 7, 9, see_index, &seen, NULL), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.index[0], 4);
	assert_int_equal(seen.index[1], 1);
	seen.count = 0;
	assert_int_equal(
	    decision_log_owned(log_of(), NULL, UINT64_MAX, 2, see_index, &seen, NULL), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.index[0], 8);
}

static void test_decision_log_head__old__signed_anew(void **state)
{
	struct log_head head, later;

	(void)state;
	log_world_fill(3);
	head = head_at(1002);
	assert_int_equal(head.time, 1002);
	assert_int_equal(head_at(1062).time, 1002);
	later = head_at(1063);
	assert_int_equal(later.time, 1063);
	assert_int_equal(later.size, 3);
	assert_true(log_hash_equal(&later.root, &head.root));
	/* That one is given until it is old, too, or the log goes on. */
	assert_int_equal(head_at(1100).time, 1063);
	assert_int_equal(head_at(2000).time, 2000);
	log_world_fill(1);
	assert_int_equal(head_at(1003).size, 4);
	assert_int_equal(head_at(1003).time, 1002);
}

struct many {
	pthread_t thread;
	uint64_t indexes[25];
	enum tobi_err err;
};

static void *append_many(void *context)
{
	struct many *many = context;

	for (size_t i = 0; i < 25 && !many->err; i++) {
		struct decision decision = log_world_decision("alice", 1000);

		many->err =
		    decision_log_append(log_of(), &decision, &many->indexes[i], NULL);
	}
	return NULL;
}

static void test_decision_log_append__many_threads__one_log(void **state)
{
	static struct many threads[8];
	bool seen[200] = {false};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		threads[i] = (struct many){0};
		assert_int_equal(
		    pthread_create(&threads[i].thread, NULL, append_many, &threads[i]),
		    0);
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i].thread, NULL);
		assert_int_equal(threads[i].err, 0);
		for (size_t j = 0; j < 25; j++) {
			assert_true(threads[i].indexes[j] < 200);
			assert_false(seen[threads[i].indexes[j]]);
			seen[threads[i].indexes[j]] = true;
		}
	}
	assert_int_equal(whole(), 200);
}

static void make_pending(struct pending *list, size_t count, struct writer *leaves)
{
	for (size_t i = 0; i < count; i++) {
		struct decision decision = log_world_decision("alice", 1000);

		leaves[i] = wr_init(LOG_LEAF_MAX);
		assert_int_equal(decision_leaf(&decision, NULL, &leaves[i], NULL), 0);
		list[i] =
		    (struct pending){.stored = {.leaf = wr_view(&leaves[i]), .time = 1},
				     .next = i + 1 < count ? &list[i + 1] : NULL};
	}
}

/* All of a batch, or nothing of it: it is one transaction, with one head. */
static void test_decision_commit__one_of_them_fails__none_is_written(void **state)
{
	static struct pending list[4];
	struct writer leaves[4];
	struct log_hash root = head_at(0).root;

	(void)state;
	make_pending(list, 4, leaves);
	/* In the way of the third. */
	db_world_do("INSERT INTO log_leaves (idx, owner, body) VALUES (2, ?, ?)",
		    VALUES(db_null(), B(BYTES(1))));
	assert_int_equal(decision_commit(log_of(), list), -1);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(list[i].err, TOBI_E_EXISTS);
	assert_true(is_root(&root));
	assert_int_equal(db_world_number("SELECT count(*) FROM log_leaves", NO_VALUES),
			 1);
	db_world_do("DELETE FROM log_leaves WHERE idx = 2", NO_VALUES);
	assert_int_equal(decision_commit(log_of(), list), 1);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(list[i].err, TOBI_OK);
		assert_int_equal(list[i].index, i);
		wr_done(&leaves[i]);
	}
	assert_int_equal(whole(), 4);
}

/* Two brokers that know nothing of each other, on one database. */
static void *append_other(void *context)
{
	struct many *many = context;
	struct db *db = NULL;
	struct decision_log *other = NULL;

	many->err = db_open(db_world.location, 2, &db, NULL);
	if (!many->err)
		many->err =
		    decision_log_open(db, log_world.key, "test log", &other, NULL);
	for (size_t i = 0; i < 25 && !many->err; i++) {
		struct decision decision = log_world_decision("bob", 1000);

		many->err =
		    decision_log_append(other, &decision, &many->indexes[i], NULL);
	}
	decision_log_free(other);
	db_free(db);
	return NULL;
}

static void test_decision_log_append__two_brokers__one_log(void **state)
{
	static struct many threads[3];
	bool seen[75] = {false};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		threads[i] = (struct many){0};
		assert_int_equal(pthread_create(&threads[i].thread, NULL,
						i ? append_other : append_many,
						&threads[i]),
				 0);
	}
	for (size_t i = 0; i < 3; i++) {
		pthread_join(threads[i].thread, NULL);
		assert_int_equal(threads[i].err, 0);
		for (size_t j = 0; j < 25; j++) {
			assert_true(threads[i].indexes[j] < 75);
			assert_false(seen[threads[i].indexes[j]]);
			seen[threads[i].indexes[j]] = true;
		}
	}
	assert_int_equal(whole(), 75);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_world_enter, log_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_decision_log_open__nothing_there__an_empty_log),
	    TEST(test_decision_log_append__one__its_leaf),
	    TEST(test_decision_log_append__same_decision__another_hash),
	    TEST(test_decision_log_append__long_text__cut),
	    TEST(test_decision_log_append__no_decision__argument),
	    TEST(test_decision_log_append__a_result__every_check),
	    TEST(test_decision_log_proofs__every_size__verify),
	    TEST(test_decision_log_proofs__behind_the_end__argument),
	    TEST(test_decision_log_leaves__ranges_and_owners),
	    TEST(test_decision_log_head__old__signed_anew),
	    TEST(test_decision_log_append__many_threads__one_log),
	    TEST(test_decision_commit__one_of_them_fails__none_is_written),
	    TEST(test_decision_log_append__two_brokers__one_log),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
