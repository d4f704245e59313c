#include "image/layout.h"

#include "base/fault.h"
#include "base/file.h"

enum { CHUNK = 64 << 10 }; /* it stays in a cache near the processor */

struct image_layout image_layout(uint32_t manifest_size, uint32_t signatures_size,
				 uint64_t root_size)
{
	struct image_layout at = {.manifest_size = manifest_size,
				  .signatures_size = signatures_size,
				  .root_size = root_size};
	uint64_t head = (uint64_t)IMAGE_HEAD + manifest_size + signatures_size;

	at.root_offset = (head + HASHTREE_BLOCK - 1) / HASHTREE_BLOCK * HASHTREE_BLOCK;
	at.tree_offset = at.root_offset + root_size;
	at.tree_size = hashtree_size(root_size);
	at.file_size = at.tree_offset + at.tree_size;
	return at;
}

enum tobi_err image_head_write(struct tobi_bytes manifest_bytes,
			       struct tobi_bytes signature_bytes, uint64_t root_size,
			       struct writer *out, struct tobi_fault *fault)
{
	struct image_layout at = image_layout((uint32_t)manifest_bytes.size,
					      (uint32_t)signature_bytes.size, root_size);
	size_t used = IMAGE_HEAD + manifest_bytes.size + signature_bytes.size;

	wr_bytes(out, IMAGE_MAGIC, 8);
	wr_uint_be(out, 1, 4);
	wr_uint_be(out, at.manifest_size, 4);
	wr_uint_be(out, at.signatures_size, 4);
	wr_uint_be(out, 0, 4);
	wr_uint_be(out, at.root_offset, 8);
	wr_uint_be(out, at.root_size, 8);
	wr_uint_be(out, at.tree_offset, 8);
	wr_uint_be(out, at.tree_size, 8);
	wr_bytes(out, manifest_bytes.ptr, manifest_bytes.size);
	wr_bytes(out, signature_bytes.ptr, signature_bytes.size);
	if (used < at.root_offset)
		(void)wr_reserve(out, (size_t)at.root_offset - used);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), "image", "",
				 "no room for its header");
	return TOBI_OK;
}

DEFINE_CLEANUP(struct hashtree *, hashtree_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

static enum tobi_err hash_all(int fd, uint64_t offset, uint64_t size,
			      struct hashtree *tree, EVP_MD_CTX *hash,
			      struct tobi_fault *fault)
{
	CLEANUP(freep) uint8_t *chunk = malloc(CHUNK);
	enum tobi_err err;

	if (!chunk)
		return fault_set(fault, TOBI_E_MEMORY, "image", "", "out of memory");
	for (uint64_t done = 0; done < size;) {
		size_t part = size - done < CHUNK ? (size_t)(size - done) : CHUNK;

		err = fd_pread_all(fd, chunk, part, offset + done, "image", fault);
		if (err)
			return err;
		err = hashtree_update(tree, chunk, part);
		if (!err && EVP_DigestUpdate(hash, chunk, part) != 1)
			err = TOBI_E_CRYPTO;
		if (err)
			return fault_at(fault, err, "image", "root file system",
					offset + done, "cannot hash it: %s",
					tobi_err_text(err));
		done += part;
	}
	return TOBI_OK;
}

enum tobi_err root_measure(int fd, uint64_t offset, uint64_t size, hashtree_emit *emit,
			   void *context, struct root_measurement *ret_measurement,
			   struct tobi_fault *fault)
{
	CLEANUP(hashtree_freep) struct hashtree *tree = NULL;
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *hash = EVP_MD_CTX_new();
	struct root_measurement out;
	enum tobi_err err;

	err = hashtree_new(size, emit, context, &tree);
	if (!err && (!hash || EVP_DigestInit_ex(hash, EVP_sha384(), NULL) != 1))
		err = TOBI_E_CRYPTO;
	if (err)
		return fault_set(fault, err, "image", "root file system",
				 "cannot start to hash it: %s", tobi_err_text(err));
	err = hash_all(fd, offset, size, tree, hash, fault);
	if (err)
		return err;
	err = hashtree_finish(tree, out.tree_root);
	if (!err && EVP_DigestFinal_ex(hash, out.sha384, NULL) != 1)
		err = TOBI_E_CRYPTO;
	if (err)
		return fault_set(fault, err, "image", "root file system",
				 "cannot hash it: %s", tobi_err_text(err));
	*ret_measurement = out;
	return TOBI_OK;
}
