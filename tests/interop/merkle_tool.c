/*
 * For merkle.py: what the log's tree gives for leaves that are named in hexadecimal.
 *   interop-merkle roots LEAF...        "SIZE ROOT", from 0 to all
 *   interop-merkle inclusion LEAF...    "SIZE INDEX HASH...", each leaf of each size
 *   interop-merkle consistency LEAF...  "FROM TO HASH...", each pair of sizes
 * Each proof is verified before it is printed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "log/proof.h"

enum { LEAVES_MAX = 256, LEAF_MAX = 64 };

/* Every whole subtree, by its level and position; roots by their size. */
static struct log_hash nodes[16][LEAVES_MAX], roots[LEAVES_MAX + 1];

static enum tobi_err put(void *context, unsigned level, uint64_t position,
			 const struct log_hash *hash, struct tobi_fault *fault)
{
	(void)context;
	(void)fault;
	nodes[level][position] = *hash;
	return TOBI_OK;
}

static enum tobi_err get(void *context, unsigned level, uint64_t position,
			 struct log_hash *ret_hash, struct tobi_fault *fault)
{
	(void)context;
	(void)fault;
	*ret_hash = nodes[level][position];
	return TOBI_OK;
}

static void print(uint64_t first, uint64_t second, const struct log_hash *hashes,
		  size_t count)
{
	char hex[2 * LOG_HASH_SIZE + 1];

	printf("%" PRIu64 " %" PRIu64, first, second);
	for (size_t i = 0; i < count; i++) {
		hex_write(log_hash_view(&hashes[i]), hex, sizeof(hex));
		printf(" %s", hex);
	}
	printf("\n");
}

static bool grow(int count, char **leaves)
{
	struct log_frontier frontier = {0};
	struct log_hash hash;
	uint8_t leaf[LEAF_MAX];

	if (log_frontier_root(&frontier, &roots[0]))
		return false;
	for (int i = 0; i < count; i++) {
		size_t size = strlen(leaves[i]) / 2;

		if (size > LEAF_MAX || !hex_read(leaves[i], leaf, size) ||
		    log_hash_leaf((struct tobi_bytes){leaf, size}, &hash) ||
		    log_frontier_append(&frontier, &hash, put, NULL, NULL) ||
		    log_frontier_root(&frontier, &roots[i + 1]))
			return false;
	}
	return true;
}

static bool print_inclusions(uint64_t count)
{
	for (uint64_t size = 1; size <= count; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct log_inclusion proof;

			if (log_inclusion_make(size, index, get, NULL, &proof, NULL) ||
			    log_inclusion_verify(&proof, &nodes[0][index], &roots[size],
						 NULL))
				return false;
			print(size, index, proof.path.hashes, proof.path.count);
		}
	}
	return true;
}

static bool print_consistencies(uint64_t count)
{
	for (uint64_t to = 0; to <= count; to++) {
		for (uint64_t from = 0; from <= to; from++) {
			struct log_consistency proof;

			if (log_consistency_make(from, to, get, NULL, &proof, NULL) ||
			    log_consistency_verify(&proof, &roots[from], &roots[to],
						   NULL))
				return false;
			print(from, to, proof.path.hashes, proof.path.count);
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	char hex[2 * LOG_HASH_SIZE + 1];
	int count = argc - 2;

	if (argc < 2 || count > LEAVES_MAX || !grow(count, argv + 2))
		return 2;
	if (strcmp(argv[1], "inclusion") == 0)
		return print_inclusions((uint64_t)count) ? 0 : 1;
	if (strcmp(argv[1], "consistency") == 0)
		return print_consistencies((uint64_t)count) ? 0 : 1;
	for (int i = 0; i <= count; i++) {
		hex_write(log_hash_view(&roots[i]), hex, sizeof(hex));
		printf("%d %s\n", i, hex);
	}
	return 0;
}
