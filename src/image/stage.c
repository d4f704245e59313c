#include "image/stage.h"

#include <errno.h>
#include <fcntl.h>
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

enum { MAX_ENTRIES = 200000 };

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
	    .root = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};

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
	if (++stage->entries > MAX_ENTRIES)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it would have more than %d files", MAX_ENTRIES);
	if (bytes > LIMIT_ROOTFS - stage->bytes)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it would have more than 16 GiB; leave something out");
	stage->bytes += bytes;
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
			enum tobi_err err = account(stage, 0, fault);

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

enum tobi_err stage_shared_folder(struct stage *stage, const char *inside,
				  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = open_folder(stage, inside, &fd, fault);
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (!err && chmod(self, 01777))
		err = cannot_make(inside, fault);
	return err;
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
