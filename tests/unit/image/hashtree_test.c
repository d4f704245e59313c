#include "sample.h"

#include <stdlib.h>

#include "image/hashtree.h"

struct tree {
	uint8_t *bytes;
	uint64_t size;
	size_t emitted;
	enum tobi_err answer;
};

static enum tobi_err keep(void *context, uint64_t offset,
			  const uint8_t block[static HASHTREE_BLOCK])
{
	struct tree *tree = context;

	assert_true(offset % HASHTREE_BLOCK == 0 &&
		    offset + HASHTREE_BLOCK <= tree->size);
	memcpy(tree->bytes + offset, block, HASHTREE_BLOCK);
	tree->emitted++;
	return tree->answer;
}

static uint8_t *make_data(size_t blocks)
{
	uint8_t *data = malloc(blocks * HASHTREE_BLOCK);

	for (size_t i = 0; i < blocks * HASHTREE_BLOCK; i++)
		data[i] = (uint8_t)(i * 31 + i / HASHTREE_BLOCK);
	return data;
}

static void build(size_t blocks, size_t part, struct tree *ret_tree,
		  uint8_t ret_root[static SHA256_SIZE])
{
	uint8_t *data = make_data(blocks);
	struct hashtree *hash = NULL;

	*ret_tree = (struct tree){.size = hashtree_size(blocks * HASHTREE_BLOCK)};
	ret_tree->bytes = calloc(1, ret_tree->size + 1);
	assert_int_equal(hashtree_new(blocks * HASHTREE_BLOCK, keep, ret_tree, &hash),
			 TOBI_OK);
	for (size_t i = 0; i < blocks; i += part)
		assert_int_equal(hashtree_update(hash, data + i * HASHTREE_BLOCK,
						 (blocks - i < part ? blocks - i : part) *
						     HASHTREE_BLOCK),
				 TOBI_OK);
	assert_int_equal(hashtree_finish(hash, ret_root), TOBI_OK);
	hashtree_free(hash);
	free(data);
}

/* The definition, written another way: hash level upon level, whole arrays at a time. */
static void expect_tree(size_t blocks, const struct tree *tree,
			const uint8_t root[static SHA256_SIZE])
{
	uint8_t *level = make_data(blocks), *next;
	uint64_t end = tree->size;

	while (blocks > 1) {
		size_t above = (blocks + 127) / 128;

		next = calloc(above, HASHTREE_BLOCK);
		for (size_t i = 0; i < blocks; i++)
			assert_int_equal(
			    hash_sha256((struct tobi_bytes){level + i * HASHTREE_BLOCK,
							    HASHTREE_BLOCK},
					next + i * SHA256_SIZE),
			    TOBI_OK);
		end -= above * HASHTREE_BLOCK;
		assert_memory_equal(tree->bytes + end, next, above * HASHTREE_BLOCK);
		free(level);
		level = next;
		blocks = above;
	}
	assert_int_equal(end, 0);
	next = malloc(SHA256_SIZE);
	assert_int_equal(hash_sha256((struct tobi_bytes){level, HASHTREE_BLOCK}, next),
			 TOBI_OK);
	assert_memory_equal(root, next, SHA256_SIZE);
	free(next);
	free(level);
}

static void test_hashtree_sizes__as_defined(void **state)
{
	static const struct {
		uint64_t blocks, tree;
	} cases[] = {{1, 0},
		     {2, 1},
		     {128, 1},
		     {129, 3},
		     {16384, 129},
		     {16385, 132},
		     {UINT64_C(1) << 22, 33027}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(hashtree_size(cases[i].blocks * HASHTREE_BLOCK),
				 cases[i].tree * HASHTREE_BLOCK);
}

static void test_hashtree_content__as_defined_however_it_comes(void **state)
{
	static const size_t sizes[] = {1, 2, 127, 128, 129, 257, 16385};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t root[SHA256_SIZE], again[SHA256_SIZE];
		struct tree tree, other;

		build(sizes[i], sizes[i], &tree, root);
		assert_int_equal(tree.emitted * HASHTREE_BLOCK, tree.size);
		expect_tree(sizes[i], &tree, root);
		build(sizes[i], 3, &other, again);
		assert_memory_equal(root, again, SHA256_SIZE);
		assert_memory_equal(tree.bytes, other.bytes, tree.size);
		free(tree.bytes);
		free(other.bytes);
	}
}

static void test_hashtree_wrong_sizes__refused(void **state)
{
	static uint8_t data[2 * HASHTREE_BLOCK];
	struct hashtree *hash = NULL;
	uint8_t root[SHA256_SIZE];
	struct tree tree = {.bytes = malloc(HASHTREE_BLOCK), .size = HASHTREE_BLOCK};

	(void)state;
	assert_int_equal(hashtree_new(0, keep, &tree, &hash), TOBI_E_ARGUMENT);
	assert_int_equal(hashtree_new(HASHTREE_BLOCK + 1, keep, &tree, &hash),
			 TOBI_E_ARGUMENT);
	assert_int_equal(hashtree_new(LIMIT_ROOTFS + HASHTREE_BLOCK, keep, &tree, &hash),
			 TOBI_E_ARGUMENT);
	assert_int_equal(hashtree_new(LIMIT_ROOTFS, keep, &tree, &hash), TOBI_OK);
	hashtree_free(hash);
	assert_int_equal(hashtree_new(2 * HASHTREE_BLOCK, keep, &tree, &hash), TOBI_OK);
	assert_int_equal(hashtree_update(hash, data, 100), TOBI_E_ARGUMENT);
	assert_int_equal(hashtree_update(hash, data, HASHTREE_BLOCK), TOBI_OK);
	assert_int_equal(hashtree_finish(hash, root), TOBI_E_ARGUMENT);
	assert_int_equal(hashtree_update(hash, data, 2 * HASHTREE_BLOCK),
			 TOBI_E_ARGUMENT);
	tree.answer = TOBI_E_SYSTEM;
	assert_int_equal(hashtree_update(hash, data, HASHTREE_BLOCK), TOBI_OK);
	/* What the taker of blocks says comes back. */
	assert_int_equal(hashtree_finish(hash, root), TOBI_E_SYSTEM);
	hashtree_free(hash);
	hashtree_free(NULL);
	free(tree.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hashtree_sizes__as_defined),
	    cmocka_unit_test(test_hashtree_content__as_defined_however_it_comes),
	    cmocka_unit_test(test_hashtree_wrong_sizes__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
