#include "isolate/copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

enum { MAX_LEVEL = 64, MAX_ENTRIES = 65536 };

static int copy_file(const char *from, const char *to, const struct stat *st)
{
	CLEANUP(fd_close) int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(fd_close)
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	off_t left = st->st_size;

	if (in < 0 || out < 0)
		return -1;
	while (left > 0) {
		ssize_t done = sendfile(out, in, NULL, (size_t)left);

		if (done < 0)
			return -1;
		if (done == 0)
			break;
		left -= done;
	}
	return fchmod(out, st->st_mode & 0777);
}

static int copy_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t size = readlink(from, target, sizeof(target) - 1);

	if (size < 0)
		return -1;
	target[size] = 0;
	return symlink(target, to);
}

static int copy_entry(const FTSENT *entry, const char *to)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (mkdir(to, 0700))
			return -1;
		return chmod(to, entry->fts_statp->st_mode & 01777);
	case FTS_F:
		return copy_file(entry->fts_accpath, to, entry->fts_statp);
	case FTS_SL:
	case FTS_SLNONE:
		return copy_link(entry->fts_accpath, to);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = entry->fts_errno;
		return -1;
	default: /* sockets, devices */
		return 0;
	}
}

static bool is_made(const FTSENT *entry)
{
	return entry->fts_info == FTS_D || entry->fts_info == FTS_F ||
	       entry->fts_info == FTS_SL || entry->fts_info == FTS_SLNONE;
}

enum tobi_err copytree(const char *from, const char *to, uid_t uid, gid_t gid,
		       struct tobi_fault *fault)
{
	char root[PATH_MAX], target[PATH_MAX];
	char *roots[] = {root, NULL};
	size_t prefix = strlen(from), count = 0;
	enum tobi_err err = TOBI_OK;
	FTSENT *entry;
	FTS *tree;

	snprintf(root, sizeof(root), "%s", from);
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return fault_errno(fault, "isolation", "writable paths",
				   "cannot be read");
	while (!err && (errno = 0, entry = fts_read(tree))) {
		if (entry->fts_info == FTS_DP)
			continue; /* a folder once more, after what is in it */
		if (entry->fts_level > MAX_LEVEL || ++count > MAX_ENTRIES) {
			err = fault_set(fault, TOBI_E_LIMIT, "image", "writable paths",
					"more than %d levels or %d files below one",
					MAX_LEVEL, MAX_ENTRIES);
			break;
		}
		/* A name that was cut would be another file's. */
		if (snprintf(target, sizeof(target), "%s%s", to,
			     entry->fts_path + prefix) >= (int)sizeof(target))
			err = fault_set(fault, TOBI_E_LIMIT, "image", "writable paths",
					"a path below one is too long");
		else if (copy_entry(entry, target))
			err = fault_errno(
			    fault, "image", "writable paths",
			    "cannot copy %s; the limit on writable paths may be too low",
			    entry->fts_path + prefix);
		/* An ordinary user's namespace has one user only. */
		else if (is_made(entry) && lchown(target, uid, gid) && errno != EINVAL)
			err = fault_errno(fault, "image", "writable paths",
					  "cannot give away %s", target);
	}
	if (!err && errno)
		err = fault_errno(fault, "image", "writable paths", "cannot be read");
	fts_close(tree);
	return err;
}
