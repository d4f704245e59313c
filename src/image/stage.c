#include "image/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"

static const char object[] = "image";

static int open_inside(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, root, path[0] ? path : "/", &how, sizeof(how));
}

enum tobi_err stage_init(const char *path, struct stage *ret_stage,
			 struct tobi_fault *fault)
{
	struct stage stage = {
	    .root = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
	    .max_entries = LIMIT_ROOTFS_FILES,
	    .max_bytes = LIMIT_ROOTFS};

	if (stage.root < 0)
		return fault_errno(fault, object, "", "cannot open %s", path);
	*ret_stage = stage;
	return TOBI_OK;
}

void stage_done(struct stage *stage)
{
	fd_close(&stage->root);
}

int stage_open(const struct stage *stage, const char *inside)
{
	return open_inside(stage->root, inside, O_PATH);
}

bool stage_has(const struct stage *stage, const char *inside)
{
	CLEANUP(fd_close) int fd = stage_open(stage, inside);

	return fd >= 0;
}

static enum tobi_err account(struct stage *stage, uint64_t bytes,
			     struct tobi_fault *fault)
{
	if (stage->entries >= stage->max_entries)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it would have more than %zu files", stage->max_entries);
	if (bytes > stage->max_bytes - stage->bytes)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it would have more than %.*g GiB; leave something out",
				 3, (double)stage->max_bytes / (1 << 30));
	stage->bytes += bytes;
	stage->entries++;
	return TOBI_OK;
}

static enum tobi_err cannot_make(const char *path, struct tobi_fault *fault)
{
	if (errno == ENOTDIR)
		return fault_set(fault, TOBI_E_EXISTS, object, "",
				 "%s needs a folder where the image has a file", path);
	if (errno == EEXIST)
		return fault_set(
		    fault, TOBI_E_EXISTS, object, "",
		    "%s is in the image already: as a folder, or as a link to nowhere",
		    path);
	if (errno == ENOSPC || errno == EDQUOT)
		return fault_errno(fault, object, "",
				   "no room for %s; set TMPDIR to a folder with more",
				   path);
	return fault_errno(fault, object, "", "cannot make %s inside", path);
}

static int make_folder(int parent, const char *name)
{
	return mkdirat(parent, name, 0755) || fchmodat(parent, name, 0755, 0) ? -1 : 0;
}

/*
 * Where a new name in this folder would be without links, and whether that is too deep: a
 * short path can lead far by links, and what is too far cannot be packed, nor removed.
 */
static enum tobi_err check_depth(const struct stage *stage, int parent, const char *name,
				 struct tobi_fault *fault)
{
	char self[2][64], root[PATH_MAX], real[PATH_MAX];
	ssize_t top, size;

	snprintf(self[0], sizeof(self[0]), "/proc/self/fd/%d", stage->root);
	snprintf(self[1], sizeof(self[1]), "/proc/self/fd/%d", parent);
	top = readlink(self[0], root, sizeof(root));
	size = readlink(self[1], real, sizeof(real));
	if (top < 0 || (size < 0 && errno != ENAMETOOLONG))
		return fault_errno(fault, object, "", "cannot find %s inside", name);
	if (size < 0 || (size_t)(size - top) + 1 + strlen(name) > LIMIT_DEEP_PATH)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "the path of %.64s would have more than %d bytes", name,
				 LIMIT_DEEP_PATH);
	return TOBI_OK;
}

/* The folder at inside, made where it is missing. */
static enum tobi_err open_folder(struct stage *stage, const char *inside, int *ret_fd,
				 struct tobi_fault *fault)
{
	char path[PATH_MAX];
	CLEANUP(fd_close)
	int parent = open_inside(stage->root, inside, O_PATH | O_DIRECTORY);

	if (parent >= 0) {
		*ret_fd = parent;
		parent = -1;
		return TOBI_OK;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s", inside) >= sizeof(path))
		return fault_set(fault, TOBI_E_LIMIT, object, "", "a path is too long");
	parent = open_inside(stage->root, "/", O_PATH | O_DIRECTORY);
	for (char *name = path + strspn(path, "/"), *end; *name && parent >= 0;
	     name = end) {
		int next;
		char saved;

		end = name + strcspn(name, "/");
		saved = *end;
		*end = 0;
		next = open_inside(stage->root, path, O_PATH | O_DIRECTORY);
		if (next < 0 && errno == ENOENT) {
			enum tobi_err err = check_depth(stage, parent, name, fault);

			if (!err)
				err = account(stage, 0, fault);
			if (err)
				return err;
			if (make_folder(parent, name))
				return cannot_make(path, fault);
			next = open_inside(stage->root, path, O_PATH | O_DIRECTORY);
		}
		fd_close(&parent);
		parent = next;
		*end = saved;
		end += strspn(end, "/");
	}
	if (parent < 0)
		return cannot_make(inside, fault);
	*ret_fd = parent;
	parent = -1;
	return TOBI_OK;
}

enum tobi_err stage_folder(struct stage *stage, const char *inside,
			   struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;

	return open_folder(stage, inside, &fd, fault);
}

/* fchmod() refuses what was opened with O_PATH. */
static enum tobi_err set_mode(int fd, mode_t mode, const char *inside,
			      struct tobi_fault *fault)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return chmod(self, mode) ? cannot_make(inside, fault) : TOBI_OK;
}

enum tobi_err stage_shared_folder(struct stage *stage, const char *inside,
				  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = open_folder(stage, inside, &fd, fault);
	return err ? err : set_mode(fd, 01777, inside, fault);
}

/* The folder that holds inside, and its name there; what has the name is removed. */
static enum tobi_err make_way(struct stage *stage, const char *inside, int *ret_parent,
			      const char **ret_name, struct tobi_fault *fault)
{
	const char *slash = strrchr(inside, '/');
	char folder[PATH_MAX];
	enum tobi_err err;

	if (!slash || !slash[1] || (size_t)(slash - inside) >= sizeof(folder))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "'%s' is not an absolute path of a file", inside);
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - inside), inside);
	err = open_folder(stage, folder, ret_parent, fault);
	if (err)
		return err;
	*ret_name = slash + 1;
	err = check_depth(stage, *ret_parent, *ret_name, fault);
	if (err)
		return err;
	if (unlinkat(*ret_parent, *ret_name, 0) && errno == EISDIR)
		return fault_set(fault, TOBI_E_EXISTS, object, "",
				 "%s is a folder in the image already", inside);
	return TOBI_OK;
}

static enum tobi_err open_new(struct stage *stage, const char *inside, int *ret_fd,
			      struct tobi_fault *fault)
{
	CLEANUP(fd_close) int parent = -1;
	const char *name = NULL;
	enum tobi_err err = make_way(stage, inside, &parent, &name, fault);

	if (err)
		return err;
	*ret_fd = openat(parent, name,
			 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret_fd < 0 ? cannot_make(inside, fault) : TOBI_OK;
}

enum tobi_err stage_file(struct stage *stage, int from, const struct stat *st,
			 const char *inside, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int out = -1;
	uint64_t left = (uint64_t)st->st_size;
	enum tobi_err err = account(stage, left, fault);

	if (!err)
		err = open_new(stage, inside, &out, fault);
	if (err)
		return err;
	/* Not more than was accounted for, however it grows. */
	while (left) {
		size_t part = left < 1 << 24 ? (size_t)left : 1 << 24;
		ssize_t done = sendfile(out, from, NULL, part);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cannot_make(inside, fault);
		if (done == 0)
			break;
		left -= (uint64_t)done;
	}
	if (fchmod(out, st->st_mode & 0111 ? 0755 : 0644))
		return cannot_make(inside, fault);
	return TOBI_OK;
}

enum tobi_err stage_text(struct stage *stage, const char *inside, const char *text,
			 struct tobi_fault *fault)
{
	CLEANUP(fd_close) int out = -1;
	const struct tobi_bytes bytes = {(const uint8_t *)text, strlen(text)};
	enum tobi_err err = account(stage, bytes.size, fault);

	if (!err)
		err = open_new(stage, inside, &out, fault);
	if (err)
		return err;
	if (fchmod(out, 0644))
		return cannot_make(inside, fault);
	return fd_write_all(out, bytes, object, fault);
}

enum tobi_err stage_link(struct stage *stage, const char *target, const char *inside,
			 struct tobi_fault *fault)
{
	CLEANUP(fd_close) int parent = -1;
	const char *name = NULL;
	enum tobi_err err = account(stage, 0, fault);

	if (!err)
		err = make_way(stage, inside, &parent, &name, fault);
	if (!err && symlinkat(target, parent, name))
		err = cannot_make(inside, fault);
	return err;
}

enum tobi_err stage_new(struct stage *stage, uint64_t size, bool executable,
			const char *inside, int *ret_fd, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int out = -1;
	enum tobi_err err = account(stage, size, fault);

	if (!err)
		err = open_new(stage, inside, &out, fault);
	if (!err && fchmod(out, executable ? 0755 : 0644))
		err = cannot_make(inside, fault);
	if (err)
		return err;
	*ret_fd = out;
	out = -1;
	return TOBI_OK;
}

/* The folder that holds inside, which need not be there. -1 with errno. For "/" the root
 * by the name ".". */
static int open_parent(const struct stage *stage, const char *inside,
		       const char **ret_name)
{
	const char *slash = strrchr(inside, '/');
	char folder[LIMIT_PATH + 2];

	if (!slash || (size_t)snprintf(folder, sizeof(folder), "%.*s/",
				       (int)(slash - inside), inside) >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	*ret_name = slash[1] ? slash + 1 : ".";
	return open_inside(stage->root, folder, O_PATH | O_DIRECTORY);
}

mode_t stage_kind(const struct stage *stage, const char *inside)
{
	const char *name = NULL;
	CLEANUP(fd_close) int parent = open_parent(stage, inside, &name);
	struct stat st;

	if (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	return st.st_mode & S_IFMT;
}

static enum tobi_err remove_one(struct stage *stage, const char *path, bool folder,
				struct tobi_fault *fault)
{
	struct stat st;

	if (lstat(path, &st) || (folder ? rmdir(path) : unlink(path)))
		return fault_errno(fault, object, "", "cannot remove what a layer hides");
	stage->entries -= stage->entries > 0;
	/* By its last name, and as much as was accounted for. */
	if (S_ISREG(st.st_mode) && st.st_nlink == 1)
		stage->bytes -= (uint64_t)st.st_size < stage->bytes ? (uint64_t)st.st_size
								    : stage->bytes;
	return TOBI_OK;
}

/* What is at path, an ordinary one; or, when it stays, what is below it. */
static enum tobi_err remove_tree(struct stage *stage, char *path, bool stays,
				 struct tobi_fault *fault)
{
	char *roots[] = {path, NULL};
	enum tobi_err err = TOBI_OK;
	FTSENT *entry;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (!tree)
		return fault_errno(fault, object, "", "cannot remove what a layer hides");
	while (!err && (errno = 0, entry = fts_read(tree))) {
		switch (entry->fts_info) {
		case FTS_D:
			break;
		case FTS_DP:
			if (entry->fts_level > 0 || !stays)
				err = remove_one(stage, entry->fts_accpath, true, fault);
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			errno = entry->fts_errno;
			if (entry->fts_level > 0 || errno != ENOENT)
				err = fault_errno(fault, object, "",
						  "cannot remove what a layer hides");
			break;
		default:
			if (entry->fts_level > 0 || !stays)
				err = remove_one(stage, entry->fts_accpath, false, fault);
		}
	}
	fts_close(tree);
	return err;
}

static enum tobi_err remove_inside(struct stage *stage, const char *inside, bool stays,
				   struct tobi_fault *fault)
{
	const char *name = NULL;
	CLEANUP(fd_close) int parent = open_parent(stage, inside, &name);
	char path[LIMIT_PATH + 64];

	if (parent < 0 && (errno == ENOENT || errno == ENOTDIR))
		return TOBI_OK;
	if (parent < 0)
		return fault_errno(fault, object, "", "cannot find %s inside", inside);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", parent, name);
	return remove_tree(stage, path, stays || strcmp(name, ".") == 0, fault);
}

enum tobi_err stage_remove(struct stage *stage, const char *inside,
			   struct tobi_fault *fault)
{
	return remove_inside(stage, inside, false, fault);
}

enum tobi_err stage_empty(struct stage *stage, const char *inside,
			  struct tobi_fault *fault)
{
	return remove_inside(stage, inside, true, fault);
}

enum tobi_err stage_set_folder(struct stage *stage, const char *inside, bool shared,
			       struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = open_folder(stage, inside, &fd, fault);

	return err ? err : set_mode(fd, shared ? 01777 : 0755, inside, fault);
}

static bool is_same_name(const struct stage *stage, const char *inside, int other_parent,
			 const char *other_name)
{
	const char *name = NULL;
	CLEANUP(fd_close) int parent = open_parent(stage, inside, &name);
	struct stat one, other;

	return parent >= 0 && strcmp(name, other_name) == 0 && !fstat(parent, &one) &&
	       !fstat(other_parent, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

enum tobi_err stage_hard_link(struct stage *stage, const char *target, const char *inside,
			      struct tobi_fault *fault)
{
	const char *old = NULL, *name = NULL;
	CLEANUP(fd_close) int from = open_parent(stage, target, &old);
	CLEANUP(fd_close) int parent = -1;
	struct stat st;
	enum tobi_err err;

	if (from < 0 || fstatat(from, old, &st, AT_SYMLINK_NOFOLLOW))
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "%s is a hard link to %s, which is not there", inside,
				 target);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "%s is a hard link to %s, which is a folder", inside,
				 target);
	/* Its own name, perhaps by another way, would be removed before it is linked. */
	if (is_same_name(stage, inside, from, old))
		return TOBI_OK;
	err = stage_remove(stage, inside, fault);
	if (!err)
		err = account(stage, 0, fault);
	if (!err)
		err = make_way(stage, inside, &parent, &name, fault);
	if (!err && linkat(from, old, parent, name, 0))
		err = errno == EMLINK
			  ? fault_set(fault, TOBI_E_LIMIT, object, "",
				      "%s has more hard links than TMPDIR's file system "
				      "allows",
				      target)
			  : cannot_make(inside, fault);
	return err;
}

enum tobi_err stage_measure(const struct stage *stage, const char *inside,
			    struct stage_usage *ret_usage, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = stage_open(stage, inside);
	char path[64], *roots[] = {path, NULL};
	struct stage_usage usage = {0};
	FTSENT *entry;
	FTS *tree;

	if (fd < 0) {
		*ret_usage = usage;
		return TOBI_OK;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", fd);
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return fault_errno(fault, object, "", "cannot read %s inside", inside);
	while ((errno = 0, entry = fts_read(tree))) {
		const struct stat *st = entry->fts_statp;
		uint64_t size = (uint64_t)st->st_size;

		if (entry->fts_info != FTS_F)
			continue;
		usage.bytes += size;
		usage.shared += size - size / (uint64_t)st->st_nlink;
		usage.files++;
	}
	fts_close(tree);
	if (errno)
		return fault_errno(fault, object, "", "cannot read %s inside", inside);
	*ret_usage = usage;
	return TOBI_OK;
}
