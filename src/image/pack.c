#include "image/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "image/image.h"
#include "image/pack_tools.h"

enum { MAX_FILES = 200000, MAX_LINKS = 40 };

/* Every image has the same id of its file system: the content is what counts. */
#define FIXED_UUID "00000000-0000-4000-8000-746f62696368"

struct pack {
	char folder[256];
	size_t files;
};

struct place {
	char text[PATH_MAX];
};

static struct place in_pack(const struct pack *pack, const char *inside)
{
	struct place place;

	snprintf(place.text, sizeof(place.text), "%s/root%s", pack->folder, inside);
	return place;
}

/* Modes do not depend on the umask or on who builds: folders 755, files 644 or 755. */
static mode_t plain_mode(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return 0755 | (st->st_mode & S_ISVTX ? 01777 : 0);
	return st->st_mode & 0111 ? 0755 : 0644;
}

static enum tobi_err make_folders(const struct pack *pack, const char *inside,
				  struct tobi_fault *fault)
{
	struct place place = in_pack(pack, inside);
	size_t start = strlen(pack->folder) + strlen("/root/");

	for (char *at = strchr(place.text + start, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		if (mkdir(place.text, 0755) == 0)
			IGNORE(chmod(place.text, 0755));
		else if (errno != EEXIST)
			return fault_errno(fault, "image", "", "cannot make %s",
					   place.text);
		*at = '/';
	}
	return TOBI_OK;
}

static enum tobi_err copy_file(struct pack *pack, const char *from, const char *inside,
			       const struct stat *st, struct tobi_fault *fault)
{
	struct place to = in_pack(pack, inside);
	CLEANUP(fd_close)
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	CLEANUP(fd_close) int out = -1;
	ssize_t done;

	if (++pack->files > MAX_FILES)
		return fault_set(fault, TOBI_E_LIMIT, "image", "", "more than %d files",
				 MAX_FILES);
	if (in < 0)
		return fault_errno(fault, "image", "", "cannot read %s", from);
	unlink(to.text);
	out = open(to.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		return fault_errno(fault, "image", "", "cannot write %s", inside);
	do {
		done = sendfile(out, in, NULL, 1 << 30);
	} while (done > 0 || (done < 0 && errno == EINTR));
	if (done < 0 || fchmod(out, plain_mode(st)))
		return fault_errno(fault, "image", "", "cannot copy %s", from);
	return TOBI_OK;
}

static enum tobi_err copy_link(const struct pack *pack, const char *from,
			       const char *inside, char *ret_target, size_t room,
			       struct tobi_fault *fault)
{
	struct place to = in_pack(pack, inside);
	ssize_t size = readlink(from, ret_target, room - 1);

	if (size < 0)
		return fault_errno(fault, "image", "", "cannot read the link %s", from);
	ret_target[size] = 0;
	unlink(to.text);
	if (symlink(ret_target, to.text) && errno != EEXIST)
		return fault_errno(fault, "image", "", "cannot make the link %s", inside);
	return TOBI_OK;
}

/* Below a folder; links are kept as they are, and what they point to is not followed. */
static enum tobi_err copy_folder(struct pack *pack, const char *from, const char *inside,
				 struct tobi_fault *fault)
{
	char root[PATH_MAX], target[PATH_MAX], link[PATH_MAX];
	char *roots[] = {root, NULL};
	size_t prefix = strlen(from);
	enum tobi_err err = TOBI_OK;
	FTSENT *entry;
	FTS *tree;

	snprintf(root, sizeof(root), "%s", from);
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return fault_errno(fault, "image", "", "cannot read %s", from);
	while (!err && (entry = fts_read(tree))) {
		snprintf(target, sizeof(target), "%s%s", inside,
			 entry->fts_path + prefix);
		if (entry->fts_info == FTS_D) {
			struct place to = in_pack(pack, target);

			err = make_folders(pack, target, fault);
			if (!err && mkdir(to.text, 0755) && errno != EEXIST)
				err = fault_errno(fault, "image", "", "cannot make %s",
						  target);
			if (!err && entry->fts_level > 0)
				IGNORE(chmod(to.text, plain_mode(entry->fts_statp)));
		} else if (entry->fts_info == FTS_F) {
			err = copy_file(pack, entry->fts_path, target, entry->fts_statp,
					fault);
		} else if (entry->fts_info == FTS_SL || entry->fts_info == FTS_SLNONE) {
			err = copy_link(pack, entry->fts_path, target, link, sizeof(link),
					fault);
		} else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
			errno = entry->fts_errno;
			err = fault_errno(fault, "image", "", "cannot read %s",
					  entry->fts_path);
		}
	}
	fts_close(tree);
	return err;
}

/*
 * Walks the path from its start: each link on the way is put into the image as a link,
 * and the walk goes on where it points. So a library is found inside by every name that
 * it has outside, and /lib -> usr/lib stays one.
 */
static enum tobi_err add_by_links(struct pack *pack, const char *path,
				  struct tobi_fault *fault)
{
	char rest[PATH_MAX], done[PATH_MAX] = "", target[PATH_MAX], next[PATH_MAX];
	struct stat st;
	int links = 0;

	snprintf(rest, sizeof(rest), "%s", path);
	while (rest[0]) {
		size_t skip = strspn(rest, "/"), size = strcspn(rest + skip, "/");
		char tail[PATH_MAX];
		enum tobi_err err;

		if (size == 0)
			break;
		snprintf(next, sizeof(next), "%s/%.*s", done, (int)size, rest + skip);
		snprintf(tail, sizeof(tail), "%s", rest + skip + size);
		if (size == 2 && strncmp(rest + skip, "..", 2) == 0) {
			char *slash = strrchr(done, '/');

			if (slash)
				*slash = 0;
			snprintf(rest, sizeof(rest), "%s", tail);
			continue;
		}
		if (lstat(next, &st))
			return fault_errno(fault, "image", "", "cannot find %s", path);
		err = make_folders(pack, next, fault);
		if (err)
			return err;
		if (S_ISLNK(st.st_mode)) {
			if (++links > MAX_LINKS)
				return fault_set(fault, TOBI_E_LIMIT, "image", "",
						 "%s has too many links", path);
			err = copy_link(pack, next, next, target, sizeof(target), fault);
			if (err)
				return err;
			snprintf(rest, sizeof(rest), "%s%s", target, tail);
			if (target[0] == '/')
				done[0] = 0;
			continue;
		}
		snprintf(done, sizeof(done), "%s", next);
		snprintf(rest, sizeof(rest), "%s", tail);
	}
	if (S_ISDIR(st.st_mode))
		return copy_folder(pack, done, done, fault);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_UNSUPPORTED, "image", "",
				 "%s is neither a file nor a folder", path);
	return copy_file(pack, done, done, &st, fault);
}

enum tobi_err pack_add(struct pack *pack, const char *path, const char *inside,
		       struct tobi_fault *fault)
{
	char real[PATH_MAX];
	struct stat st;
	enum tobi_err err;

	if (!inside && path[0] == '/')
		return add_by_links(pack, path, fault);
	if (!realpath(path, real) || stat(real, &st))
		return fault_errno(fault, "image", "", "cannot find %s", path);
	if (!inside)
		return add_by_links(pack, real, fault);
	if (inside[0] != '/' || strstr(inside, "/../"))
		return fault_set(fault, TOBI_E_ARGUMENT, "image", "",
				 "%s is not an absolute path", inside);
	err = make_folders(pack, inside, fault);
	if (err)
		return err;
	return S_ISDIR(st.st_mode) ? copy_folder(pack, real, inside, fault)
				   : copy_file(pack, real, inside, &st, fault);
}

enum tobi_err pack_add_root(struct pack *pack, const char *folder,
			    struct tobi_fault *fault)
{
	char real[PATH_MAX];

	if (!realpath(folder, real))
		return fault_errno(fault, "image", "", "cannot find %s", folder);
	return copy_folder(pack, real, "", fault);
}

enum tobi_err pack_write(struct pack *pack, const char *inside, const char *text,
			 struct tobi_fault *fault)
{
	enum tobi_err err = make_folders(pack, inside, fault);

	if (err)
		return err;
	return file_write(in_pack(pack, inside).text, 0644,
			  (struct tobi_bytes){(const uint8_t *)text, strlen(text)},
			  "image", fault);
}

bool pack_has(const struct pack *pack, const char *inside)
{
	struct stat st;

	return lstat(in_pack(pack, inside).text, &st) == 0;
}

enum tobi_err pack_new(const char *temporary, struct pack **ret_pack,
		       struct tobi_fault *fault)
{
	struct pack *pack = calloc(1, sizeof(*pack));

	if (!pack)
		return fault_set(fault, TOBI_E_MEMORY, "image", "", "out of memory");
	snprintf(pack->folder, sizeof(pack->folder), "%s/tobichi-build-XXXXXX",
		 temporary);
	if (!mkdtemp(pack->folder) || mkdir(in_pack(pack, "").text, 0755) ||
	    chmod(in_pack(pack, "").text, 0755)) {
		enum tobi_err err =
		    fault_errno(fault, "image", "", "no staging folder in %s", temporary);

		free(pack);
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
	roots[0] = pack->folder;
	roots[1] = NULL;
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (tree && (entry = fts_read(tree))) {
		if (entry->fts_info == FTS_D)
			continue;
		IGNORE(remove(entry->fts_path));
	}
	if (tree)
		fts_close(tree);
	free(pack);
}

static enum tobi_err run_mkfs(const struct pack *pack, const char *out,
			      struct tobi_fault *fault)
{
	char image[PATH_MAX], root[PATH_MAX];
	char *arguments[] = {"mkfs.erofs", "-T0", "--all-root", "-U" FIXED_UUID,
			     "--quiet",	   image, root,		NULL};
	char *environment[] = {NULL};
	static const char *const places[] = {"/usr/bin/mkfs.erofs",
					     "/usr/sbin/mkfs.erofs", "/sbin/mkfs.erofs"};
	posix_spawn_file_actions_t actions;
	int status = -1, failed = ENOENT;
	pid_t pid = -1;

	snprintf(image, sizeof(image), "%s", out);
	snprintf(root, sizeof(root), "%s/root", pack->folder);
	if (posix_spawn_file_actions_init(&actions))
		return fault_set(fault, TOBI_E_MEMORY, "image", "", "out of memory");
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; i < 3 && failed == ENOENT; i++)
		failed =
		    posix_spawn(&pid, places[i], &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return fault_set(fault, TOBI_E_NOT_FOUND, "image", "",
				 "mkfs.erofs cannot be started; install erofs-utils");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fault_set(
		    fault, TOBI_E_SYSTEM, "image", "",
		    "mkfs.erofs has failed; is there room in the temporary folder?");
	return TOBI_OK;
}

enum tobi_err pack_finish(struct pack *pack, const char *image_path,
			  struct manifest *manifest, EVP_PKEY *key,
			  uint8_t ret_id[static SHA384_SIZE], struct tobi_fault *fault)
{
	static const char *const folders[] = {"/proc/.", "/dev/.",	   "/sys/.",
					      "/tmp/.",	 "/run/secrets/.", "/var/.",
					      "/home/.", "/etc/."};
	char erofs[PATH_MAX];
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !err; i++)
		err = make_folders(pack, folders[i], fault);
	snprintf(erofs, sizeof(erofs), "%s/erofs", pack->folder);
	if (!err)
		err = run_mkfs(pack, erofs, fault);
	if (err)
		return err;
	fd = open(erofs, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_errno(fault, "image", "", "mkfs.erofs wrote nothing");
	return image_create(image_path, manifest, fd, key, ret_id, fault);
}
