#include "root/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

struct root_path root_in_folder(const char *folder, const char *name)
{
	struct root_path path;

	snprintf(path.text, sizeof(path.text), "%s/%s", folder, name);
	return path;
}

enum tobi_err root_folder_check(const char *folder, struct tobi_fault *fault)
{
	struct stat st;

	if (strlen(folder) > LIMIT_PATH)
		return fault_set(fault, TOBI_E_LIMIT, "platform", "folder",
				 "the path is too long");
	if (lstat(folder, &st) && errno == ENOENT)
		return TOBI_E_NOT_FOUND;
	if (lstat(folder, &st))
		return fault_errno(fault, "platform", "folder", "cannot look at %s",
				   folder);
	if (S_ISLNK(st.st_mode) || !S_ISDIR(st.st_mode))
		return fault_set(fault, TOBI_E_DENIED, "platform", "folder",
				 "%s is %s; it must be a folder of its own", folder,
				 S_ISLNK(st.st_mode) ? "a link" : "not a folder");
	if (st.st_uid != geteuid())
		return fault_set(fault, TOBI_E_DENIED, "platform", "folder",
				 "%s belongs to another user", folder);
	if (st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, "platform", "folder",
				 "others can enter %s; run: chmod 700 %s", folder,
				 folder);
	return TOBI_OK;
}

enum tobi_err root_folder_make(const char *folder, struct tobi_fault *fault)
{
	char path[sizeof(struct root_path)];
	enum tobi_err err = root_folder_check(folder, fault);

	if (err != TOBI_E_NOT_FOUND)
		return err;
	snprintf(path, sizeof(path), "%s", folder);
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return fault_errno(fault, "platform", "folder", "cannot make %s",
					   path);
		*at = '/';
	}
	if (mkdir(folder, 0700) && errno != EEXIST)
		return fault_errno(fault, "platform", "folder", "cannot make %s", folder);
	return root_folder_check(folder, fault);
}

static enum tobi_err lock(const char *path, int how, int *ret_fd,
			  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, how)) {
		*ret_fd = fd;
		fd = -1;
		return TOBI_OK;
	}
	if (fd >= 0 && errno == EWOULDBLOCK)
		return fault_set(fault, TOBI_E_DENIED, "platform", "",
				 "it is in use: stop the service, and with it its "
				 "enclaves, first");
	return fault_errno(fault, "platform", "folder", "cannot lock %s", path);
}

/* Two that start at once must not mix their files. */
enum tobi_err root_folder_lock(const char *folder, int *ret_fd, struct tobi_fault *fault)
{
	return lock(folder, LOCK_EX, ret_fd, fault);
}

enum tobi_err root_folder_share(const char *folder, int *ret_fd, struct tobi_fault *fault)
{
	return lock(folder, LOCK_SH, ret_fd, fault);
}

/* A lock of a file that holds no secret: whoever has it keeps a descriptor. */
enum tobi_err root_folder_use(const char *folder, bool alone, int *ret_fd,
			      struct tobi_fault *fault)
{
	return lock(root_in_folder(folder, "platform.pem").text,
		    alone ? LOCK_EX | LOCK_NB : LOCK_SH, ret_fd, fault);
}
