#include "image/hashtree.h"

#include <string.h>

#include "base/limits.h"
#include "base/secret.h"

enum {
	PER_BLOCK = HASHTREE_BLOCK / SHA256_SIZE,
	LEVELS = 8, /* 128^4 blocks are more than LIMIT_ROOTFS */
};

struct level {
	uint64_t offset; /* in the tree, of the block being filled */
	size_t count;	 /* hashes in it */
	uint8_t block[HASHTREE_BLOCK];
};

struct hashtree {
	hashtree_emit *emit;
	void *context;
	EVP_MD *md;
	EVP_MD_CTX *hash;
	uint64_t left; /* data bytes still to come */
	size_t level_count;
	uint8_t root[SHA256_SIZE];
	struct level levels[LEVELS]; /* the lowest first */
};

/* Blocks of each level, the lowest first; returns the number of levels. */
static size_t count_levels(uint64_t data_size, uint64_t blocks[static LEVELS])
{
	uint64_t count = data_size / HASHTREE_BLOCK;
	size_t levels = 0;

	while (count > 1 && levels < LEVELS) {
		count = (count + PER_BLOCK - 1) / PER_BLOCK;
		blocks[levels++] = count;
	}
	return levels;
}

uint64_t hashtree_size(uint64_t data_size)
{
	uint64_t blocks[LEVELS], total = 0;
	size_t levels = count_levels(data_size, blocks);

	for (size_t i = 0; i < levels; i++)
		total += blocks[i] * HASHTREE_BLOCK;
	return total;
}

enum tobi_err hashtree_new(uint64_t data_size, hashtree_emit *emit, void *context,
			   struct hashtree **ret_tree)
{
	uint64_t blocks[LEVELS], offset = 0;
	struct hashtree *tree;

	if (data_size == 0 || data_size % HASHTREE_BLOCK || data_size > LIMIT_ROOTFS)
		return TOBI_E_ARGUMENT;
	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return TOBI_E_MEMORY;
	tree->emit = emit;
	tree->context = context;
	tree->left = data_size;
	tree->level_count = count_levels(data_size, blocks);
	for (size_t i = tree->level_count; i > 0; i--) {
		tree->levels[i - 1].offset = offset;
		offset += blocks[i - 1] * HASHTREE_BLOCK;
	}
	tree->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	tree->hash = EVP_MD_CTX_new();
	if (!tree->md || !tree->hash) {
		hashtree_free(tree);
		return TOBI_E_CRYPTO;
	}
	*ret_tree = tree;
	return TOBI_OK;
}

void hashtree_free(struct hashtree *tree)
{
	if (!tree)
		return;
	EVP_MD_CTX_free(tree->hash);
	EVP_MD_free(tree->md);
	free(tree);
}

static enum tobi_err hash_block(struct hashtree *tree, const uint8_t *block,
				uint8_t ret_hash[static SHA256_SIZE])
{
	if (EVP_DigestInit_ex(tree->hash, tree->md, NULL) != 1 ||
	    EVP_DigestUpdate(tree->hash, block, HASHTREE_BLOCK) != 1 ||
	    EVP_DigestFinal_ex(tree->hash, ret_hash, NULL) != 1)
		return TOBI_E_CRYPTO;
	return TOBI_OK;
}

/* Hands the block out, starts the next one, and gives the hash of the one handed out. */
static enum tobi_err flush_level(struct hashtree *tree, struct level *level,
				 uint8_t ret_hash[static SHA256_SIZE])
{
	enum tobi_err err = hash_block(tree, level->block, ret_hash);

	if (!err)
		err = tree->emit(tree->context, level->offset, level->block);
	level->offset += HASHTREE_BLOCK;
	level->count = 0;
	explicit_bzero(level->block, sizeof(level->block));
	return err;
}

/* Adds a hash at level start, and on upwards for each block that becomes full. */
static enum tobi_err add_hash(struct hashtree *tree, size_t start,
			      uint8_t hash[static SHA256_SIZE])
{
	enum tobi_err err;

	for (size_t i = start; i < tree->level_count; i++) {
		struct level *level = &tree->levels[i];
		size_t used = level->count * SHA256_SIZE;

		bytes_copy(level->block + used, HASHTREE_BLOCK - used, hash, SHA256_SIZE);
		if (++level->count < PER_BLOCK)
			return TOBI_OK;
		err = flush_level(tree, level, hash);
		if (err)
			return err;
	}
	bytes_copy(tree->root, sizeof(tree->root), hash, SHA256_SIZE);
	return TOBI_OK;
}

enum tobi_err hashtree_update(struct hashtree *tree, const uint8_t *data, size_t size)
{
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err;

	if (size % HASHTREE_BLOCK || size > tree->left)
		return TOBI_E_ARGUMENT;
	for (size_t done = 0; done < size; done += HASHTREE_BLOCK) {
		err = hash_block(tree, data + done, hash);
		if (!err)
			err = add_hash(tree, 0, hash);
		if (err)
			return err;
	}
	tree->left -= size;
	return TOBI_OK;
}

enum tobi_err hashtree_finish(struct hashtree *tree, uint8_t ret_root[static SHA256_SIZE])
{
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err;

	if (tree->left)
		return TOBI_E_ARGUMENT;
	for (size_t i = 0; i < tree->level_count; i++) {
		if (tree->levels[i].count == 0)
			continue;
		err = flush_level(tree, &tree->levels[i], hash);
		if (!err)
			err = add_hash(tree, i + 1, hash);
		if (err)
			return err;
	}
	bytes_copy(ret_root, SHA256_SIZE, tree->root, SHA256_SIZE);
	return TOBI_OK;
}
