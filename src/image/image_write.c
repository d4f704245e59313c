#include "image/image.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/file.h"
#include "image/layout.h"
#include "image/newfile.h"
#include "image/signatures.h"

static const char object[] = "image";

DEFINE_CLEANUP(struct image *, image_free)

struct tree_buffer {
	uint8_t *ptr;
	size_t size;
};

static enum tobi_err keep_block(void *context, uint64_t offset,
				const uint8_t block[static HASHTREE_BLOCK])
{
	struct tree_buffer *tree = context;

	if (offset > tree->size)
		return TOBI_E_LIMIT;
	bytes_copy(tree->ptr + offset, tree->size - (size_t)offset, block,
		   HASHTREE_BLOCK);
	return TOBI_OK;
}

struct parts {
	struct writer manifest, signatures, head;
};

static void parts_done(struct parts *parts)
{
	wr_done(&parts->manifest);
	wr_done(&parts->signatures);
	wr_done(&parts->head);
}

static struct parts parts_init(void)
{
	return (struct parts){wr_init(LIMIT_MANIFEST), wr_init(LIMIT_SIGNATURES),
			      wr_init(IMAGE_HEAD + IMAGE_MIDDLE_MAX)};
}

static enum tobi_err write_head(struct new_file *file, struct parts *parts,
				struct tobi_bytes manifest_bytes, uint64_t root_size,
				struct tobi_fault *fault)
{
	enum tobi_err err = image_head_write(manifest_bytes, wr_view(&parts->signatures),
					     root_size, &parts->head, fault);

	if (err)
		return err;
	return new_file_write(file, wr_view(&parts->head), fault);
}

/* Manifest, with the measurements filled in, and signatures. */
static enum tobi_err make_parts(struct manifest *manifest, EVP_PKEY *key,
				struct parts *parts, uint8_t ret_id[static SHA384_SIZE],
				struct tobi_fault *fault)
{
	enum tobi_err err;

	manifest_sort(manifest);
	err = manifest_write(manifest, &parts->manifest, fault);
	if (!err)
		err = signatures_write(NULL, 0, key, wr_view(&parts->manifest),
				       &parts->signatures, fault);
	if (!err)
		err = hash_sha384(wr_view(&parts->manifest), ret_id);
	return err;
}

enum tobi_err image_create(const char *path, struct manifest *manifest, int root_fd,
			   EVP_PKEY *key, uint8_t ret_id[static SHA384_SIZE],
			   struct tobi_fault *fault)
{
	CLEANUP(parts_done) struct parts parts = parts_init();
	CLEANUP(new_file_done) struct new_file file = {.fd = -1};
	CLEANUP(freep) uint8_t *memory = NULL;
	struct root_measurement found;
	struct tree_buffer tree;
	struct stat info;
	uint64_t size;
	enum tobi_err err;

	if (fstat(root_fd, &info) != 0)
		return fault_errno(fault, object, "root file system",
				   "cannot examine it");
	size = (uint64_t)info.st_size;
	if (size > LIMIT_ROOTFS)
		return fault_set(fault, TOBI_E_LIMIT, object, "root file system",
				 "it has more than 16 GiB");
	tree.size = (size_t)hashtree_size(size);
	tree.ptr = memory = malloc(tree.size + 1);
	if (!memory)
		return fault_set(fault, TOBI_E_MEMORY, object, "hash tree",
				 "out of memory");
	err = root_measure(root_fd, 0, size, keep_block, &tree, &found, fault);
	if (err)
		return err;
	manifest->root.size = size;
	manifest->root.tree_size = tree.size;
	manifest->root.sha384 = (struct tobi_bytes){found.sha384, SHA384_SIZE};
	manifest->root.tree_root = (struct tobi_bytes){found.tree_root, SHA256_SIZE};
	err = make_parts(manifest, key, &parts, ret_id, fault);
	manifest->root.sha384 = manifest->root.tree_root = (struct tobi_bytes){0};
	if (!err)
		err = new_file_open(path, 0644, &file, fault);
	if (!err)
		err = write_head(&file, &parts, wr_view(&parts.manifest), size, fault);
	if (!err)
		err = new_file_copy(&file, root_fd, 0, size, fault);
	if (!err)
		err = new_file_write(&file, (struct tobi_bytes){tree.ptr, tree.size},
				     fault);
	return err ? err : new_file_keep(&file, true, fault);
}

/* The image with the signature added, under the same name. */
static enum tobi_err write_signed(const char *path, int fd, const struct image *image,
				  EVP_PKEY *key, struct tobi_fault *fault)
{
	CLEANUP(parts_done) struct parts parts = parts_init();
	CLEANUP(new_file_done) struct new_file file = {.fd = -1};
	struct signature list[LIMIT_SIGNERS];
	size_t count = 0;
	struct stat info;
	enum tobi_err err;

	if (fstat(fd, &info) != 0)
		return fault_errno(fault, object, "", "cannot examine %s", path);
	err = signatures_parse(image->signature_bytes, image->manifest_bytes, list,
			       &count, fault);
	if (!err)
		err = signatures_write(list, count, key, image->manifest_bytes,
				       &parts.signatures, fault);
	if (!err)
		err = new_file_open(path, info.st_mode & 0777, &file, fault);
	if (!err)
		err = write_head(&file, &parts, image->manifest_bytes, image->root_size,
				 fault);
	if (!err)
		err = new_file_copy(&file, fd, image->root_offset,
				    image->root_size + image->tree_size, fault);
	return err ? err : new_file_keep(&file, true, fault);
}

enum tobi_err image_sign(const char *path, EVP_PKEY *key, struct tobi_fault *fault)
{
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum tobi_err err;

	if (fd < 0)
		return fault_errno(fault, object, "", "cannot open %s", path);
	err = image_open(fd, &image, fault);
	if (!err)
		err = image_measure(fd, image, fault);
	return err ? err : write_signed(path, fd, image, key, fault);
}
