#include "image/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "image/image.h"
#include "image/pack_tools.h"
#include "image/rules.h"

enum { MAX_LINKS = 40 };

static const char object[] = "image";

/* Every image has the same id of its file system: the content is what counts. */
#define FIXED_UUID "00000000-0000-4000-8000-746f62696368"

enum tobi_err pack_stopped(const struct pack *pack, struct tobi_fault *fault)
{
	if (pack->stop && *pack->stop)
		return fault_set(fault, TOBI_E_SYSTEM, object, "",
				 "interrupted; nothing was written");
	return TOBI_OK;
}

static enum tobi_err too_long(const char *path, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_LIMIT, object, "", "the path is too long: %.128s",
			 path);
}

static enum tobi_err note_object(struct pack *pack, int fd, const char *path,
				 struct tobi_fault *fault)
{
	char magic[4];

	if (!pack->note_objects || pread(fd, magic, 4, 0) != 4 ||
	    strncmp(magic, "\177ELF", 4) != 0)
		return TOBI_OK;
	if (pack->object_count == pack->object_room) {
		size_t room = pack->object_room ? 2 * pack->object_room : 64;
		char **larger = reallocarray(pack->objects, room, sizeof(*larger));

		if (!larger)
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
		pack->objects = larger;
		pack->object_room = room;
	}
	pack->objects[pack->object_count] = strdup(path);
	if (!pack->objects[pack->object_count])
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	pack->object_count++;
	return TOBI_OK;
}

static enum tobi_err copy_file(struct pack *pack, const char *from, const char *inside,
			       struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	enum tobi_err err = pack_stopped(pack, fault);

	if (err)
		return err;
	if (in < 0 || fstat(in, &st))
		return fault_errno(fault, object, "", "cannot read %s", from);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "%s is neither a file nor a folder", from);
	err = stage_file(&pack->stage, in, &st, inside, fault);
	return err ? err : note_object(pack, in, from, fault);
}

static enum tobi_err copy_link(struct pack *pack, const char *from, const char *inside,
			       char *ret_target, size_t room, struct tobi_fault *fault)
{
	ssize_t size = readlink(from, ret_target, room - 1);

	if (size < 0)
		return fault_errno(fault, object, "", "cannot read the link %s", from);
	ret_target[size] = 0;
	return stage_link(&pack->stage, ret_target, inside, fault);
}

static void leave_out(struct pack *pack, const char *path)
{
	if (!pack->left_out_count++)
		snprintf(pack->left_out, sizeof(pack->left_out), "%s", path);
}

/* One entry of a tree; the staging folder itself, when it is met, is none of it. */
static enum tobi_err copy_entry(struct pack *pack, FTS *tree, FTSENT *entry,
				const char *target, struct tobi_fault *fault)
{
	char link[PATH_MAX];
	struct stat own;

	switch (entry->fts_info) {
	case FTS_D:
		if ((pack->without_caches && !strcmp(entry->fts_name, "__pycache__")) ||
		    (!stat(pack->folder, &own) && own.st_ino == entry->fts_ino &&
		     own.st_dev == entry->fts_dev)) {
			fts_set(tree, entry, FTS_SKIP);
			return TOBI_OK;
		}
		if (entry->fts_level > 0 && entry->fts_statp->st_mode & S_ISVTX)
			return stage_shared_folder(&pack->stage, target, fault);
		return stage_folder(&pack->stage, target, fault);
	case FTS_F:
		return copy_file(pack, entry->fts_path, target, fault);
	case FTS_SL:
	case FTS_SLNONE:
		return copy_link(pack, entry->fts_path, target, link, sizeof(link),
				 fault);
	case FTS_DEFAULT:
		leave_out(pack, entry->fts_path);
		return TOBI_OK;
	case FTS_DNR:
	case FTS_NS:
	case FTS_ERR:
		errno = entry->fts_errno;
		return fault_errno(fault, object, "", "cannot read %s", entry->fts_path);
	default: /* a folder for the second time */
		return TOBI_OK;
	}
}

/* Below a folder; links are kept as they are, and what they point to is not followed. */
static enum tobi_err copy_folder(struct pack *pack, const char *from, const char *inside,
				 struct tobi_fault *fault)
{
	char root[PATH_MAX], target[PATH_MAX];
	char *roots[] = {root, NULL};
	size_t prefix = strlen(from);
	enum tobi_err err = TOBI_OK;
	FTSENT *entry;
	FTS *tree;

	snprintf(root, sizeof(root), "%s", from);
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return fault_errno(fault, object, "", "cannot read %s", from);
	while (!err && (errno = 0, entry = fts_read(tree))) {
		if (entry->fts_pathlen < prefix ||
		    (size_t)snprintf(target, sizeof(target), "%s%s", inside,
				     entry->fts_path + prefix) >= sizeof(target))
			err = too_long(entry->fts_path, fault);
		if (!err)
			err = pack_stopped(pack, fault);
		if (!err)
			err = copy_entry(pack, tree, entry, target, fault);
	}
	if (!err && errno)
		err = fault_errno(fault, object, "", "cannot read %s", from);
	fts_close(tree);
	return err;
}

/* A walk along a path of the host. */
struct walk {
	const char *path;    /* all of it, for messages */
	char done[PATH_MAX]; /* a path without links; "" for / */
	char rest[PATH_MAX];
	int links;
};

/* One component further: name is its first size bytes. */
static enum tobi_err step(struct pack *pack, struct walk *walk, const char *name,
			  size_t size, struct tobi_fault *fault)
{
	char next[PATH_MAX], target[PATH_MAX], tail[PATH_MAX];
	struct stat st;
	enum tobi_err err = TOBI_OK;

	snprintf(tail, sizeof(tail), "%s", name + size);
	if (size == 2 && strncmp(name, "..", 2) == 0) {
		char *slash = strrchr(walk->done, '/');

		if (slash)
			*slash = 0;
		snprintf(walk->rest, sizeof(walk->rest), "%s", tail);
		return TOBI_OK;
	}
	if ((size_t)snprintf(next, sizeof(next), "%s/%.*s", walk->done, (int)size,
			     name) >= sizeof(next))
		return too_long(name, fault);
	if (lstat(next, &st))
		return fault_errno(fault, object, "", "cannot find %s", walk->path);
	if (!S_ISLNK(st.st_mode)) {
		snprintf(walk->done, sizeof(walk->done), "%s", next);
		snprintf(walk->rest, sizeof(walk->rest), "%s", tail);
		return TOBI_OK;
	}
	if (++walk->links > MAX_LINKS)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "%s has too many links",
				 next);
	/* What the image has by this name stays: it may be a root folder's own. */
	if (stage_has(&pack->stage, next)) {
		ssize_t got = readlink(next, target, sizeof(target) - 1);

		target[got < 0 ? 0 : got] = 0;
	} else {
		err = copy_link(pack, next, next, target, sizeof(target), fault);
	}
	if (err)
		return err;
	if ((size_t)snprintf(walk->rest, sizeof(walk->rest), "%s%s", target, tail) >=
	    sizeof(walk->rest))
		return too_long(next, fault);
	if (target[0] == '/')
		walk->done[0] = 0;
	return TOBI_OK;
}

/*
 * Walks the path from its start: each link on the way is put into the image as a link,
 * and the walk goes on where it points. So a library is found inside by every name that
 * it has outside, and /lib -> usr/lib stays one.
 */
static enum tobi_err add_by_links(struct pack *pack, const char *path,
				  struct tobi_fault *fault)
{
	struct walk walk = {.path = path};
	struct stat st;
	enum tobi_err err;

	if ((size_t)snprintf(walk.rest, sizeof(walk.rest), "%s", path) >=
	    sizeof(walk.rest))
		return too_long(path, fault);
	for (;;) {
		const char *name = walk.rest + strspn(walk.rest, "/");
		size_t size = strcspn(name, "/");

		if (size == 0)
			break;
		err = step(pack, &walk, name, size, fault);
		if (err)
			return err;
	}
	if (!walk.done[0])
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "the host's / cannot be added; name what is needed");
	if (lstat(walk.done, &st))
		return fault_errno(fault, object, "", "cannot find %s", path);
	err = S_ISDIR(st.st_mode) ? copy_folder(pack, walk.done, walk.done, fault)
				  : copy_file(pack, walk.done, walk.done, fault);
	if (!err && !stage_has(&pack->stage, path))
		err = fault_set(fault, TOBI_E_EXISTS, object, "",
				"%s cannot be seen inside, the image has other folders "
				"there; use %s:PATH-INSIDE",
				path, path);
	return err;
}

enum tobi_err pack_add(struct pack *pack, const char *path, const char *inside,
		       struct tobi_fault *fault)
{
	char real[PATH_MAX];
	struct stat st;

	if (!inside && path[0] == '/')
		return add_by_links(pack, path, fault);
	if (!realpath(path, real) || stat(real, &st))
		return fault_errno(fault, object, "", "cannot find %s", path);
	if (!inside)
		return add_by_links(pack, real, fault);
	if (!rule_path((struct tobi_bytes){(const uint8_t *)inside, strlen(inside)}) ||
	    !inside[1] || strcmp(real, "/") == 0)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "%s:%s is not HOST-PATH:PATH-INSIDE, where the path "
				 "inside is absolute and plain",
				 path, inside);
	return S_ISDIR(st.st_mode) ? copy_folder(pack, real, inside, fault)
				   : copy_file(pack, real, inside, fault);
}

enum tobi_err pack_add_root(struct pack *pack, const char *folder,
			    struct tobi_fault *fault)
{
	char real[PATH_MAX];
	struct stat st;

	if (!realpath(folder, real) || stat(real, &st))
		return fault_errno(fault, object, "", "cannot find %s", folder);
	if (!S_ISDIR(st.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "%s is not a folder; unpack it first", folder);
	if (strcmp(real, "/") == 0)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "the host's / cannot be the root; make a folder for it");
	return copy_folder(pack, real, "", fault);
}

bool pack_has(const struct pack *pack, const char *inside)
{
	return stage_has(&pack->stage, inside);
}

size_t pack_left_out(const struct pack *pack, const char **ret_first)
{
	*ret_first = pack->left_out;
	return pack->left_out_count;
}

const char *pack_extras(const struct pack *pack)
{
	return pack->extras.size ? (const char *)pack->extras.ptr : "";
}

enum tobi_err pack_new(const char *temporary, const volatile sig_atomic_t *stop,
		       struct pack **ret_pack, struct tobi_fault *fault)
{
	struct pack *pack = calloc(1, sizeof(*pack));
	char root[PATH_MAX];
	enum tobi_err err;

	if (!pack)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	pack->stage.root = -1;
	pack->stop = stop;
	pack->extras = wr_init(4096);
	if ((size_t)snprintf(pack->folder, sizeof(pack->folder),
			     "%s/tobichi-build-XXXXXX",
			     temporary) >= sizeof(pack->folder) ||
	    !mkdtemp(pack->folder)) {
		err = fault_errno(fault, object, "",
				  "no temporary folder in %.200s; set TMPDIR", temporary);
		free(pack);
		return err;
	}
	snprintf(root, sizeof(root), "%s/root", pack->folder);
	if (mkdir(root, 0755) || chmod(root, 0755))
		err = fault_errno(fault, object, "", "cannot make %s", root);
	else
		err = stage_init(root, &pack->stage, fault);
	if (err) {
		pack_free(pack);
		return err;
	}
	*ret_pack = pack;
	return TOBI_OK;
}

void pack_free(struct pack *pack)
{
	char *roots[2];
	FTSENT *entry;
	FTS *tree;

	if (!pack)
		return;
	stage_done(&pack->stage);
	roots[0] = pack->folder;
	roots[1] = NULL;
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (tree && (entry = fts_read(tree))) {
		if (entry->fts_info != FTS_D)
			IGNORE(remove(entry->fts_path));
	}
	if (tree)
		fts_close(tree);
	for (size_t i = 0; i < pack->object_count; i++)
		free(pack->objects[i]);
	free(pack->objects);
	wr_done(&pack->extras);
	free(pack);
}

static enum tobi_err run_mkfs(const struct pack *pack, char *out,
			      struct tobi_fault *fault)
{
	static const char *const places[] = {"/usr/bin/mkfs.erofs",
					     "/usr/sbin/mkfs.erofs", "/sbin/mkfs.erofs"};
	char program[64] = "", root[PATH_MAX];
	/* -x-1: labels and attributes of the host's file systems are none of the image.
	 */
	char *arguments[] = {program,	"-T0", "-x-1", "--all-root", "-U" FIXED_UUID,
			     "--quiet", out,   root,   NULL};
	int status = -1;
	enum tobi_err err;

	for (size_t i = 0; i < 3 && access(program, X_OK); i++)
		snprintf(program, sizeof(program), "%s", places[i]);
	snprintf(root, sizeof(root), "%s/root", pack->folder);
	err = pack_run(pack, arguments, &status, NULL, 0, fault);
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(fault, err, object, "",
				 "mkfs.erofs cannot be started; install erofs-utils");
	if (!err && status)
		return fault_set(fault, TOBI_E_SYSTEM, object, "",
				 "mkfs.erofs has failed; is there room in %s? TMPDIR "
				 "names another folder",
				 pack->folder);
	return err;
}

/* What every image has, and places to mount what it says is writable. */
static enum tobi_err add_folders(struct pack *pack, const struct manifest *manifest,
				 struct tobi_fault *fault)
{
	static const char *const folders[] = {"/proc",	      "/dev", "/sys",  "/tmp",
					      "/run/secrets", "/var", "/home", "/etc"};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !err; i++)
		err = stage_folder(&pack->stage, folders[i], fault);
	for (size_t i = 0; i < manifest->writable_count && !err; i++) {
		char path[LIMIT_PATH + 1];

		/* Only what keeps the rule; manifest_write() refuses the rest. */
		if (!rule_writable(manifest->writable[i]))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)manifest->writable[i].size,
			 (const char *)manifest->writable[i].ptr);
		err = stage_folder(&pack->stage, path, fault);
	}
	return err;
}

enum tobi_err pack_finish(struct pack *pack, const char *image_path,
			  struct manifest *manifest, EVP_PKEY *key,
			  uint8_t ret_id[static SHA384_SIZE], struct tobi_fault *fault)
{
	char erofs[PATH_MAX];
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = pack_resolve(pack, fault);

	if (!err)
		err = add_folders(pack, manifest, fault);
	if (!err)
		err = pack_check_entry(pack, manifest, fault);
	snprintf(erofs, sizeof(erofs), "%s/erofs", pack->folder);
	if (!err)
		err = run_mkfs(pack, erofs, fault);
	if (!err)
		err = pack_stopped(pack, fault);
	if (err)
		return err;
	fd = open(erofs, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_errno(fault, object, "", "mkfs.erofs wrote nothing");
	return image_create(image_path, manifest, fd, key, ret_id, fault);
}
