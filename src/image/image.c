#include "image/image.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/file.h"
#include "image/hashtree.h"
#include "image/layout.h"
#include "image/signatures.h"

static const char object[] = "image";

static enum tobi_err no_image(struct tobi_fault *fault)
{
	return fault_at(fault, TOBI_E_MALFORMED, object, "magic", 0,
			"this is not a Tobichi image; `tobichi build` makes one");
}

static enum tobi_err parse_head(const uint8_t *bytes, struct image_layout *ret_layout,
				struct tobi_fault *fault)
{
	struct reader rd = rd_init((struct tobi_bytes){bytes, IMAGE_HEAD});
	struct image_layout at = {0}, want;
	uint32_t version, zero;

	if (!bytes_equal_text(rd_bytes(&rd, 8, "magic"), IMAGE_MAGIC))
		return no_image(fault);
	version = rd_u32be(&rd, "version");
	at.manifest_size = rd_u32be(&rd, "manifest size");
	at.signatures_size = rd_u32be(&rd, "signatures size");
	zero = rd_u32be(&rd, "zero");
	at.root_offset = rd_u64be(&rd, "root offset");
	at.root_size = rd_u64be(&rd, "root size");
	at.tree_offset = rd_u64be(&rd, "tree offset");
	at.tree_size = rd_u64be(&rd, "tree size");
	if (version != 1)
		return fault_at(fault, TOBI_E_UNSUPPORTED, object, "version", 8,
				"it has version %u; this program reads version 1",
				version);
	if (at.manifest_size < 1 || at.manifest_size > LIMIT_MANIFEST)
		return fault_at(fault, TOBI_E_LIMIT, object, "manifest size", 12,
				"%u is not within 1 to %d", at.manifest_size,
				LIMIT_MANIFEST);
	if (at.signatures_size < 1 || at.signatures_size > LIMIT_SIGNATURES)
		return fault_at(fault, TOBI_E_LIMIT, object, "signatures size", 16,
				"%u is not within 1 to %d", at.signatures_size,
				LIMIT_SIGNATURES);
	if (zero)
		return fault_at(fault, TOBI_E_MALFORMED, object, "zero", 20,
				"it must be zero");
	if (at.root_size < HASHTREE_BLOCK || at.root_size % HASHTREE_BLOCK ||
	    at.root_size > LIMIT_ROOTFS)
		return fault_at(fault, TOBI_E_LIMIT, object, "root size", 32,
				"it must be a multiple of 4096, at most 16 GiB");
	want = image_layout(at.manifest_size, at.signatures_size, at.root_size);
	if (at.root_offset != want.root_offset)
		return fault_at(fault, TOBI_E_MALFORMED, object, "root offset", 24,
				"it must be %llu", (unsigned long long)want.root_offset);
	if (at.tree_offset != want.tree_offset)
		return fault_at(fault, TOBI_E_MALFORMED, object, "tree offset", 40,
				"it must be %llu", (unsigned long long)want.tree_offset);
	if (at.tree_size != want.tree_size)
		return fault_at(fault, TOBI_E_MALFORMED, object, "tree size", 48,
				"it must be %llu", (unsigned long long)want.tree_size);
	*ret_layout = want;
	return TOBI_OK;
}

/* What there is of a file that is too short for a header. */
static bool begins_as_image(int fd, uint64_t size)
{
	struct tobi_bytes magic = {(const uint8_t *)IMAGE_MAGIC, 8};
	uint8_t found[8];

	magic.size = size < 8 ? (size_t)size : 8;
	return fd_pread_all(fd, found, magic.size, 0, object, NULL) == TOBI_OK &&
	       bytes_equal((struct tobi_bytes){found, magic.size}, magic);
}

static enum tobi_err check_file_size(int fd, const struct image_layout *at,
				     struct tobi_fault *fault)
{
	struct stat info;
	uint64_t size;

	if (fstat(fd, &info) != 0)
		return fault_errno(fault, object, "", "cannot examine it");
	if (!S_ISREG(info.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "it is not a regular file");
	size = (uint64_t)info.st_size;
	if (size < IMAGE_HEAD && !begins_as_image(fd, size))
		return no_image(fault);
	if (size < IMAGE_HEAD || (at && size < at->file_size))
		return fault_at(fault, TOBI_E_TRUNCATED, object, "end", size,
				"the file ends too early; fetch or build it again");
	if (at && size > at->file_size)
		return fault_at(fault, TOBI_E_TRAILING, object, "end", at->file_size,
				"there are bytes after the end");
	return TOBI_OK;
}

/* What follows the header up to the root file system. */
static enum tobi_err read_middle(int fd, const struct image_layout *at,
				 struct image *image, struct tobi_fault *fault)
{
	size_t size = (size_t)at->root_offset - IMAGE_HEAD;
	size_t used = (size_t)at->manifest_size + at->signatures_size;
	uint8_t *middle;
	enum tobi_err err;

	image->bytes = wr_init(IMAGE_MIDDLE_MAX);
	middle = wr_reserve(&image->bytes, size);
	if (!middle)
		return fault_set(fault, wr_err(&image->bytes), object, "",
				 "out of memory");
	err = fd_pread_all(fd, middle, size, IMAGE_HEAD, object, fault);
	if (err)
		return err;
	for (size_t i = used; i < size; i++) {
		if (middle[i])
			return fault_at(fault, TOBI_E_MALFORMED, object, "padding",
					IMAGE_HEAD + i, "it must be zero");
	}
	image->manifest_bytes = (struct tobi_bytes){middle, at->manifest_size};
	image->signature_bytes =
	    (struct tobi_bytes){middle + at->manifest_size, at->signatures_size};
	return TOBI_OK;
}

static enum tobi_err parse_manifest(struct image *image, struct tobi_fault *fault)
{
	enum tobi_err err;

	image->manifest = calloc(1, sizeof(*image->manifest));
	if (!image->manifest)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = manifest_parse(image->manifest_bytes, image->manifest, fault);
	if (err)
		return err;
	if (image->manifest->root.size != image->root_size)
		return fault_at(fault, TOBI_E_MISMATCH, object, "root size", 32,
				"it differs from the one in the manifest");
	return TOBI_OK;
}

static enum tobi_err verify_manifest(struct image *image, struct tobi_fault *fault)
{
	struct signature list[LIMIT_SIGNERS];
	enum tobi_err err = hash_sha384(image->manifest_bytes, image->image_id);

	if (err)
		return fault_set(fault, err, object, "manifest", "cannot hash it");
	err = signatures_parse(image->signature_bytes, image->manifest_bytes, list,
			       &image->signer_count, fault);
	if (err)
		return err;
	for (size_t i = 0; i < image->signer_count; i++)
		bytes_copy(image->signers[i], SHA384_SIZE, list[i].signer, SHA384_SIZE);
	return TOBI_OK;
}

DEFINE_CLEANUP(struct image *, image_free)

enum tobi_err image_read(int fd, struct image **ret_image, struct tobi_fault *fault)
{
	CLEANUP(image_freep) struct image *image = calloc(1, sizeof(*image));
	uint8_t head[IMAGE_HEAD];
	struct image_layout at = {0};
	enum tobi_err err;

	if (!image)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = check_file_size(fd, NULL, fault);
	if (!err)
		err = fd_pread_all(fd, head, sizeof(head), 0, object, fault);
	if (!err)
		err = parse_head(head, &at, fault);
	if (!err)
		err = check_file_size(fd, &at, fault);
	if (!err)
		err = read_middle(fd, &at, image, fault);
	if (err)
		return err;
	image->root_offset = at.root_offset;
	image->root_size = at.root_size;
	image->tree_offset = at.tree_offset;
	image->tree_size = at.tree_size;
	image->file_size = at.file_size;
	err = parse_manifest(image, fault);
	if (err)
		return err;
	*ret_image = TAKE(image);
	return TOBI_OK;
}

enum tobi_err image_open(int fd, struct image **ret_image, struct tobi_fault *fault)
{
	CLEANUP(image_freep) struct image *image = NULL;
	enum tobi_err err = image_read(fd, &image, fault);

	if (!err)
		err = verify_manifest(image, fault);
	if (err)
		return err;
	*ret_image = TAKE(image);
	return TOBI_OK;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	free(image->manifest);
	wr_done(&image->bytes);
	free(image);
}

struct comparison {
	int fd;
	const struct image *image;
	struct tobi_fault *fault;
	bool differs;
	uint64_t offset; /* in the file, of the first tree block that differs */
};

static enum tobi_err compare_block(void *context, uint64_t offset,
				   const uint8_t block[static HASHTREE_BLOCK])
{
	struct comparison *with = context;
	uint64_t at = with->image->tree_offset + offset;
	uint8_t stored[HASHTREE_BLOCK];
	enum tobi_err err;

	err = fd_pread_all(with->fd, stored, sizeof(stored), at, object, with->fault);
	if (err)
		return err;
	if (!with->differs && !bytes_equal((struct tobi_bytes){stored, HASHTREE_BLOCK},
					   (struct tobi_bytes){block, HASHTREE_BLOCK})) {
		with->differs = true;
		with->offset = at;
	}
	return TOBI_OK;
}

static enum tobi_err conclude(const struct comparison *with,
			      const struct root_measurement *found,
			      struct tobi_fault *fault)
{
	const struct manifest *manifest = with->image->manifest;

	if (!bytes_equal((struct tobi_bytes){found->sha384, SHA384_SIZE},
			 manifest->root.sha384))
		return fault_at(
		    fault, TOBI_E_MISMATCH, object, "root file system",
		    with->image->root_offset,
		    "its SHA-384 is not the one in the manifest: it was changed after it "
		    "was built; do not run it, fetch or build it again");
	if (!bytes_equal((struct tobi_bytes){found->tree_root, SHA256_SIZE},
			 manifest->root.tree_root))
		return fault_at(
		    fault, TOBI_E_MISMATCH, object, "hash tree root",
		    with->image->tree_offset,
		    "it is not the one in the manifest; build the image again");
	if (with->differs)
		return fault_at(fault, TOBI_E_MISMATCH, object, "hash tree", with->offset,
				"this block does not match the root file system; fetch "
				"or build the image again");
	return TOBI_OK;
}

enum tobi_err image_measure(int fd, const struct image *image, struct tobi_fault *fault)
{
	struct comparison with = {.fd = fd, .image = image, .fault = fault};
	struct root_measurement found;
	enum tobi_err err;

	err = root_measure(fd, image->root_offset, image->root_size, compare_block, &with,
			   &found, fault);
	if (err)
		return err;
	return conclude(&with, &found, fault);
}
