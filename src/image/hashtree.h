/*
 * The hash tree of dm-verity, format 1, without superblock and salt (docs/PROTOCOL.md
 * section 1.3), computed in one pass. Source: Linux, admin-guide/device-mapper/verity.
 */
#ifndef TOBI_IMAGE_HASHTREE_H
#define TOBI_IMAGE_HASHTREE_H

#include "pki/key.h"
#include "tobichi/error.h"

enum { HASHTREE_BLOCK = 4096 };

struct hashtree;

/* Bytes of the tree over data_size bytes (a multiple of HASHTREE_BLOCK); 0 for one block.
 */
uint64_t hashtree_size(uint64_t data_size);

/* Takes each finished block of the tree, at its offset in the tree, in no promised order.
 */
typedef enum tobi_err hashtree_emit(void *context, uint64_t offset,
				    const uint8_t block[static HASHTREE_BLOCK]);

/* data_size: a multiple of HASHTREE_BLOCK, one block to LIMIT_ROOTFS. Errors: ARGUMENT,
 * MEMORY, CRYPTO. On success hashtree_free() it. */
TOBI_MUST_USE enum tobi_err hashtree_new(uint64_t data_size, hashtree_emit *emit,
					 void *context, struct hashtree **ret_tree);
void hashtree_free(struct hashtree *tree);
/* The next size bytes of the data, a multiple of HASHTREE_BLOCK. Also emit's errors. */
TOBI_MUST_USE enum tobi_err hashtree_update(struct hashtree *tree, const uint8_t *data,
					    size_t size);
/* After exactly data_size bytes, else TOBI_E_ARGUMENT. */
TOBI_MUST_USE enum tobi_err hashtree_finish(struct hashtree *tree,
					    uint8_t ret_root[static SHA256_SIZE]);

#endif
