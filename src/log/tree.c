#include "log/tree.h"

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

static const uint8_t leaf_prefix = 0, node_prefix = 1;

bool log_hash_equal(const struct log_hash *a, const struct log_hash *b)
{
	return bytes_equal(log_hash_view(a), log_hash_view(b));
}

struct tobi_bytes log_hash_view(const struct log_hash *hash)
{
	return (struct tobi_bytes){hash->bytes, LOG_HASH_SIZE};
}

enum tobi_err log_hash_leaf(struct tobi_bytes leaf, struct log_hash *ret_hash)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();

	return context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		       EVP_DigestUpdate(context, &leaf_prefix, 1) == 1 &&
		       EVP_DigestUpdate(context, leaf.ptr, leaf.size) == 1 &&
		       EVP_DigestFinal_ex(context, ret_hash->bytes, NULL) == 1
		   ? TOBI_OK
		   : TOBI_E_CRYPTO;
}

enum tobi_err log_hash_node(const struct log_hash *left, const struct log_hash *right,
			    struct log_hash *ret_hash)
{
	uint8_t both[1 + 2 * LOG_HASH_SIZE] = {node_prefix};

	bytes_copy(both + 1, LOG_HASH_SIZE, left->bytes, LOG_HASH_SIZE);
	bytes_copy(both + 1 + LOG_HASH_SIZE, LOG_HASH_SIZE, right->bytes, LOG_HASH_SIZE);
	return hash_sha256((struct tobi_bytes){both, sizeof(both)}, ret_hash->bytes);
}

enum tobi_err log_hash_empty(struct log_hash *ret_hash)
{
	return hash_sha256((struct tobi_bytes){0}, ret_hash->bytes);
}

static unsigned count_bits(uint64_t size)
{
	return (unsigned)__builtin_popcountll(size);
}

/* As with the carry of an addition: each whole subtree of the new one's size becomes the
 * left half of the next. */
enum tobi_err log_frontier_append(struct log_frontier *frontier,
				  const struct log_hash *leaf, log_put *put,
				  void *context, struct tobi_fault *fault)
{
	unsigned count = count_bits(frontier->size), level = 0;
	struct log_hash hash = *leaf;
	enum tobi_err err = TOBI_OK;

	if (frontier->size >= LOG_SIZE_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "log", "size", "the log is full");
	if (put)
		err = put(context, 0, frontier->size, &hash, fault);
	for (; !err && frontier->size >> level & 1; level++) {
		err = log_hash_node(&frontier->hashes[--count], &hash, &hash);
		if (err)
			return fault_set(fault, err, "log", "", "cannot hash");
		if (put)
			err = put(context, level + 1, frontier->size >> (level + 1),
				  &hash, fault);
	}
	if (err)
		return err;
	frontier->hashes[count] = hash;
	frontier->size++;
	return TOBI_OK;
}

enum tobi_err log_frontier_root(const struct log_frontier *frontier,
				struct log_hash *ret_root)
{
	unsigned count = count_bits(frontier->size);
	struct log_hash root;
	enum tobi_err err = TOBI_OK;

	if (!count)
		return log_hash_empty(ret_root);
	root = frontier->hashes[--count];
	while (!err && count--)
		err = log_hash_node(&frontier->hashes[count], &root, &root);
	if (!err)
		*ret_root = root;
	return err;
}

bool log_frontier_equal(const struct log_frontier *a, const struct log_frontier *b)
{
	/* Behind the last bit is what was there before. */
	for (unsigned i = 0; a->size == b->size && i < count_bits(a->size); i++) {
		if (!log_hash_equal(&a->hashes[i], &b->hashes[i]))
			return false;
	}
	return a->size == b->size;
}

void log_frontier_write(const struct log_frontier *frontier, struct writer *out)
{
	for (unsigned i = 0; i < count_bits(frontier->size); i++)
		wr_bytes(out, frontier->hashes[i].bytes, LOG_HASH_SIZE);
}

enum tobi_err log_frontier_read(uint64_t size, struct tobi_bytes hashes,
				struct log_frontier *ret_frontier,
				struct tobi_fault *fault)
{
	unsigned count = count_bits(size);

	if (size > LOG_SIZE_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "log", "size",
				 "no log has that many leaves");
	if (hashes.size != (size_t)count * LOG_HASH_SIZE)
		return fault_set(fault, TOBI_E_MALFORMED, "log", "frontier",
				 "a log of that size has %u whole subtrees", count);
	for (unsigned i = 0; i < count; i++)
		bytes_copy(ret_frontier->hashes[i].bytes, LOG_HASH_SIZE,
			   hashes.ptr + (size_t)i * LOG_HASH_SIZE, LOG_HASH_SIZE);
	ret_frontier->size = size;
	return TOBI_OK;
}
