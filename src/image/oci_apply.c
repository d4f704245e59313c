#include "image/oci_apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"

static const char object[] = "layer"; /* the reader of layers says which */

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define OTHER_MARK ".wh..wh." /* of aufs: nothing to keep */

enum { PREFIX = sizeof(WHITEOUT) - 1 };

static void note(struct oci_dropped *dropped, const char *path)
{
	if (!dropped->count++)
		snprintf(dropped->first, sizeof(dropped->first), "%s", path);
}

static enum tobi_err read_path(struct archive_entry *entry, char *out,
			       struct tobi_fault *fault)
{
	const char *name = archive_entry_pathname(entry);

	if (!name || !name[0])
		return fault_set(fault, TOBI_E_MALFORMED, object, "", "it has no name");
	return oci_tar_path(name, object, out, fault);
}

/* What a name with the mark in it means. */
enum meaning { ORDINARY, HIDES_ONE, HIDES_FOLDER, NOTHING };

static enum tobi_err find_meaning(const char *path, enum meaning *ret_meaning,
				  struct tobi_fault *fault)
{
	const char *base = strrchr(path, '/') + 1;
	const char *mark = strstr(path, "/" WHITEOUT);

	*ret_meaning = ORDINARY;
	if (!mark)
		return TOBI_OK;
	if (strncmp(mark + 1, OTHER_MARK, sizeof(OTHER_MARK) - 1) == 0) {
		*ret_meaning = strcmp(mark + 1, OPAQUE) == 0 ? HIDES_FOLDER : NOTHING;
		return TOBI_OK;
	}
	if (mark + 1 != base || !base[PREFIX] || strcmp(base + PREFIX, ".") == 0 ||
	    strcmp(base + PREFIX, "..") == 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "%.128s is a whiteout of nothing that can be", path);
	*ret_meaning = HIDES_ONE;
	return TOBI_OK;
}

/* First reading: what is below is removed. */
static enum tobi_err hide(void *context, struct archive *archive,
			  struct archive_entry *entry, struct tobi_fault *fault)
{
	struct oci_tree *tree = context;
	char path[LIMIT_PATH + 1], hidden[LIMIT_PATH + 1], *base;
	enum meaning meaning = ORDINARY;
	enum tobi_err err = read_path(entry, path, fault);
	mode_t kind;

	(void)archive;
	if (!err)
		err = find_meaning(path, &meaning, fault);
	if (err)
		return err;
	base = strrchr(path, '/') + 1;
	switch (meaning) {
	case HIDES_ONE:
		snprintf(hidden, sizeof(hidden), "%.*s%s", (int)(base - path), path,
			 base + PREFIX);
		return stage_remove(tree->stage, hidden, fault);
	case HIDES_FOLDER:
		*(base - 1 > path ? base - 1 : base) = 0;
		return stage_empty(tree->stage, path, fault);
	case ORDINARY:
		/* A whiteout in a folder that was a link means this folder, not where
		 * the link led. */
		kind = archive_entry_filetype(entry) == AE_IFDIR &&
			       !archive_entry_hardlink(entry)
			   ? stage_kind(tree->stage, path)
			   : 0;
		return kind && kind != S_IFDIR ? stage_remove(tree->stage, path, fault)
					       : TOBI_OK;
	default:
		return TOBI_OK;
	}
}

static enum tobi_err write_content(struct archive *archive, int out, uint64_t size,
				   struct tobi_fault *fault)
{
	for (;;) {
		const void *block = NULL;
		size_t count = 0;
		la_int64_t at = 0;
		int result = archive_read_data_block(archive, &block, &count, &at);

		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK)
			return oci_archive_fault(archive, object, "", fault);
		if (at < 0 || (uint64_t)at > size || count > size - (uint64_t)at)
			return fault_set(fault, TOBI_E_MALFORMED, object, "",
					 "a file has more bytes than its header says");
		for (size_t done = 0; done < count;) {
			ssize_t wrote = pwrite(out, (const char *)block + done,
					       count - done, (off_t)at + (off_t)done);

			if (wrote < 0 && errno == EINTR)
				continue;
			if (wrote < 0)
				return fault_errno(fault, object, "",
						   "no room for the files; set TMPDIR to "
						   "a folder with more");
			done += (size_t)wrote;
		}
	}
	/* Holes stay holes. */
	if (ftruncate(out, (off_t)size))
		return fault_errno(fault, object, "", "cannot make a file");
	return TOBI_OK;
}

static enum tobi_err add_file(struct oci_tree *tree, struct archive *archive,
			      struct archive_entry *entry, const char *path,
			      struct tobi_fault *fault)
{
	CLEANUP(fd_close) int out = -1;
	la_int64_t size = archive_entry_size(entry);
	enum tobi_err err;

	if (size < 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "a file has no size");
	if (archive_entry_perm(entry) & (S_ISUID | S_ISGID))
		note(&tree->set_id, path);
	err = stage_new(tree->stage, (uint64_t)size, archive_entry_perm(entry) & 0111,
			path, &out, fault);
	return err ? err : write_content(archive, out, (uint64_t)size, fault);
}

static enum tobi_err add_symlink(struct oci_tree *tree, struct archive_entry *entry,
				 const char *path, struct tobi_fault *fault)
{
	const char *target = archive_entry_symlink(entry);

	if (!target || !target[0])
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "%.128s is a link to nothing", path);
	return stage_link(tree->stage, target, path, fault);
}

static enum tobi_err add_hard_link(struct oci_tree *tree, struct archive_entry *entry,
				   const char *path, struct tobi_fault *fault)
{
	char target[LIMIT_PATH + 1];
	enum tobi_err err =
	    oci_tar_path(archive_entry_hardlink(entry), object, target, fault);

	if (!err)
		err = stage_hard_link(tree->stage, target, path, fault);
	return err;
}

static void note_attributes(struct oci_tree *tree, struct archive_entry *entry,
			    const char *path)
{
	const char *name = NULL;
	const void *value;
	size_t size;
	bool capability = false, other = archive_entry_acl_types(entry) != 0;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (name && strcmp(name, "security.capability") == 0)
			capability = true;
		else
			other = true;
	}
	if (capability)
		note(&tree->capabilities, path);
	if (other)
		note(&tree->attributes, path);
}

/* Makes place: a folder over a folder stays; everything else replaces what is there. */
static enum tobi_err clear_way(struct oci_tree *tree, const char *path, bool folder,
			       struct tobi_fault *fault)
{
	mode_t kind = stage_kind(tree->stage, path);

	if (!kind || (folder && kind == S_IFDIR))
		return TOBI_OK;
	if (!path[1])
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "the root is not a folder");
	return stage_remove(tree->stage, path, fault);
}

/* Second reading: what it has is added. */
static enum tobi_err add(void *context, struct archive *archive,
			 struct archive_entry *entry, struct tobi_fault *fault)
{
	struct oci_tree *tree = context;
	char path[LIMIT_PATH + 1];
	enum meaning meaning = ORDINARY;
	bool hard = archive_entry_hardlink(entry) != NULL;
	mode_t type = archive_entry_filetype(entry);
	enum tobi_err err = read_path(entry, path, fault);

	if (!err)
		err = find_meaning(path, &meaning, fault);
	if (err || meaning != ORDINARY)
		return err;
	if (hard)
		return add_hard_link(tree, entry, path, fault);
	err = clear_way(tree, path, type == AE_IFDIR, fault);
	if (err)
		return err;
	note_attributes(tree, entry, path);
	switch (type) {
	case AE_IFREG:
		return add_file(tree, archive, entry, path, fault);
	case AE_IFDIR:
		return stage_set_folder(tree->stage, path,
					archive_entry_perm(entry) & S_ISVTX && path[1],
					fault);
	case AE_IFLNK:
		return add_symlink(tree, entry, path, fault);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
	case AE_IFSOCK:
		note(&tree->special, path);
		return TOBI_OK;
	default:
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "%.128s is of a kind that is not known", path);
	}
}

enum tobi_err oci_apply_layer(const struct oci_layer *layer, struct oci_tree *tree,
			      struct tobi_fault *fault)
{
	struct oci_budget budget = *layer->budget;
	struct oci_layer first = *layer;
	enum tobi_err err = TOBI_OK;

	first.budget = &budget;
	/* Neither unpacked nor parsed is what is not the blob that was named. */
	if (layer->descriptor->digest.method)
		err = oci_blob_check(layer->source, layer->descriptor, layer->object,
				     fault);
	if (!err)
		err = oci_layer_read(&first, hide, tree, fault);
	return err ? err : oci_layer_read(layer, add, tree, fault);
}
