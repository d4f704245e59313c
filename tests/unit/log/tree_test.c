#include "tests/unit/log/grown.h"

static struct log_hash unhex(const char *hex)
{
	struct log_hash hash;

	assert_true(hex_read(hex, hash.bytes, LOG_HASH_SIZE));
	return hash;
}

/* The tree of eight leaves of Certificate Transparency's own tests. */
static const char *const leaves[] = {"",
				     "00",
				     "10",
				     "2021",
				     "3031",
				     "40414243",
				     "5051525354555657",
				     "606162636465666768696a6b6c6d6e6f"};
static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void test_log_frontier__known_leaves__known_roots(void **state)
{
	struct log_frontier frontier = {0};

	(void)state;
	for (size_t i = 0; i <= 8; i++) {
		struct log_hash root, wanted = unhex(roots[i]), leaf;
		struct block block;

		assert_int_equal(log_frontier_root(&frontier, &root), 0);
		assert_true(log_hash_equal(&root, &wanted));
		if (i == 8)
			break;
		block = block_unhex(leaves[i]);
		assert_int_equal(log_hash_leaf(block_view(block), &leaf), 0);
		block_done(block);
		assert_int_equal(log_frontier_append(&frontier, &leaf, NULL, NULL, NULL),
				 0);
	}
}

/* A leaf that looks like a node: without the prefixes its hash would be the node's. */
static void test_log_hash__leaf_of_two_hashes__no_node(void **state)
{
	struct log_hash left = {{1}}, right = {{2}}, node, leaf;
	uint8_t both[2 * LOG_HASH_SIZE] = {1};

	(void)state;
	both[LOG_HASH_SIZE] = 2;
	assert_int_equal(log_hash_node(&left, &right, &node), 0);
	assert_int_equal(log_hash_leaf((struct tobi_bytes){both, sizeof(both)}, &leaf),
			 0);
	assert_false(log_hash_equal(&node, &leaf));
	assert_int_equal(log_hash_node(&right, &left, &leaf), 0);
	assert_false(log_hash_equal(&node, &leaf));
}

static void test_log_frontier_append__each_subtree__put_once(void **state)
{
	static struct grown grown;

	(void)state;
	for (size_t size = 0; size <= 130; size++) {
		size_t wanted = 0;

		grown_init(&grown, size, GROWN_MAX);
		for (unsigned level = 0; level < GROWN_LEVELS; level++)
			wanted += size >> level;
		assert_int_equal(grown.puts, wanted);
		assert_true(grown.puts <= 2 * size);
	}
}

static enum tobi_err refuse(void *context, unsigned level, uint64_t position,
			    const struct log_hash *hash, struct tobi_fault *fault)
{
	(void)position;
	(void)hash;
	(void)fault;
	return level == *(unsigned *)context ? TOBI_E_SYSTEM : TOBI_OK;
}

static void test_log_frontier_append__put_fails__unchanged(void **state)
{
	static struct grown grown;
	struct log_hash leaf = {{7}}, root;

	(void)state;
	for (unsigned level = 0; level <= 3; level++) {
		grown_init(&grown, 7, GROWN_MAX);
		assert_int_equal(
		    log_frontier_append(&grown.frontier, &leaf, refuse, &level, NULL),
		    TOBI_E_SYSTEM);
		assert_int_equal(grown.frontier.size, 7);
		assert_int_equal(log_frontier_root(&grown.frontier, &root), 0);
		assert_true(log_hash_equal(&root, &grown.roots[7]));
	}
}

static void test_log_frontier_append__full__limit(void **state)
{
	struct log_frontier frontier = {.size = LOG_SIZE_MAX};
	struct log_hash leaf = {{0}};

	(void)state;
	assert_int_equal(log_frontier_append(&frontier, &leaf, NULL, NULL, NULL),
			 TOBI_E_LIMIT);
	frontier.size--;
	assert_int_equal(log_frontier_append(&frontier, &leaf, NULL, NULL, NULL), 0);
	assert_int_equal(frontier.size, LOG_SIZE_MAX);
}

static void test_log_frontier_read__what_was_written__the_same(void **state)
{
	static struct grown grown;

	(void)state;
	for (size_t size = 0; size <= 130; size++) {
		struct writer out = wr_init(LOG_HASH_SIZE * LOG_LEVELS);
		struct log_frontier again = {0};
		struct log_hash root;

		grown_init(&grown, size, GROWN_MAX);
		log_frontier_write(&grown.frontier, &out);
		assert_int_equal(wr_err(&out), 0);
		assert_int_equal(log_frontier_read(size, wr_view(&out), &again, NULL), 0);
		assert_int_equal(log_frontier_root(&again, &root), 0);
		assert_true(log_hash_equal(&root, &grown.roots[size]));
		wr_done(&out);
	}
}

static void test_log_frontier_read__other_number_of_hashes__malformed(void **state)
{
	uint8_t hashes[4 * LOG_HASH_SIZE] = {0};
	struct log_frontier frontier = {.size = 99};

	(void)state;
	for (size_t size = 0; size <= sizeof(hashes); size++) {
		enum tobi_err err = log_frontier_read(
		    7, (struct tobi_bytes){hashes, size}, &frontier, NULL);

		assert_int_equal(err, size == 3 * LOG_HASH_SIZE ? 0 : TOBI_E_MALFORMED);
	}
	assert_int_equal(log_frontier_read(LOG_SIZE_MAX,
					   (struct tobi_bytes){hashes, LOG_HASH_SIZE},
					   &frontier, NULL),
			 0);
	assert_int_equal(log_frontier_read(LOG_SIZE_MAX + 1,
					   (struct tobi_bytes){hashes, 2 * LOG_HASH_SIZE},
					   &frontier, NULL),
			 TOBI_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_frontier__known_leaves__known_roots),
	    cmocka_unit_test(test_log_hash__leaf_of_two_hashes__no_node),
	    cmocka_unit_test(test_log_frontier_append__each_subtree__put_once),
	    cmocka_unit_test(test_log_frontier_append__put_fails__unchanged),
	    cmocka_unit_test(test_log_frontier_append__full__limit),
	    cmocka_unit_test(test_log_frontier_read__what_was_written__the_same),
	    cmocka_unit_test(test_log_frontier_read__other_number_of_hashes__malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
