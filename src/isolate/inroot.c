#include "isolate/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "isolate/sys.h"

enum tobi_err inroot_open(int root_fd, const char *path, int *ret_fd,
			  struct tobi_fault *fault)
{
	struct open_how how = {
	    .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return fault_set(fault, TOBI_E_NOT_FOUND, "image", "root file system",
				 "the image has no folder %s", path);
	if (fd < 0)
		return fault_errno(fault, "image", "root file system",
				   "cannot look up %s", path);
	*ret_fd = fd;
	return TOBI_OK;
}

struct inroot_name inroot_name(int fd)
{
	struct inroot_name name;

	snprintf(name.text, sizeof(name.text), "/proc/self/fd/%d", fd);
	return name;
}

static bool read_name(int fd, char out[LIMIT_PATH])
{
	ssize_t size = readlink(inroot_name(fd).text, out, LIMIT_PATH);

	/* Exactly full may have been cut. */
	if (size < 0 || size == LIMIT_PATH)
		return false;
	out[size] = 0;
	return true;
}

enum tobi_err inroot_path(int root_fd, int fd, char out[LIMIT_PATH],
			  struct tobi_fault *fault)
{
	char root[LIMIT_PATH], path[LIMIT_PATH];
	size_t size;

	if (!read_name(root_fd, root) || !read_name(fd, path))
		return fault_set(fault, TOBI_E_LIMIT, "image", "root file system",
				 "a path is too long");
	size = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(path, root, size) != 0 || (path[size] && path[size] != '/'))
		return fault_set(fault, TOBI_E_DENIED, "image", "root file system",
				 "%s is outside", path);
	snprintf(out, LIMIT_PATH, "%s", path[size] ? path + size : "/");
	return TOBI_OK;
}
