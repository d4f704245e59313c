/* An image whose file system cannot be mounted here is unpacked into memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "isolate/inside.h"
#include "isolate/sys.h"

#define OBJECT "isolation"

enum { IMAGE_FD = 3 };

/* The file system alone, at the beginning of a file of its own. */
static enum tobi_err cut_out(const struct image *image, int image_fd, int *ret_copy,
			     struct tobi_fault *fault)
{
	CLEANUP(fd_close) int copy = memfd_create("root", MFD_CLOEXEC);
	off_t from = (off_t)image->root_offset;
	uint64_t left = image->root_size;

	while (copy >= 0 && left) {
		ssize_t done = copy_file_range(image_fd, &from, copy, NULL, left, 0);

		if (done <= 0)
			break;
		left -= (uint64_t)done;
	}
	if (copy < 0 || left)
		return fault_errno(fault, OBJECT, "image", "cannot be copied");
	*ret_copy = copy;
	copy = -1;
	return TOBI_OK;
}

static int open_fsck(void)
{
	static const char *const places[] = {"/usr/bin/fsck.erofs",
					     "/usr/sbin/fsck.erofs", "/sbin/fsck.erofs"};
	int fd = -1;

	for (size_t i = 0; i < 3 && fd < 0; i++)
		fd = open(places[i], O_RDONLY | O_CLOEXEC);
	return fd;
}

/* The status says what went wrong, for whoever waits. */
enum { NOT_CONFINED = 200, NOT_STARTED };

static _Noreturn void be_fsck(int program, int image, int null, const char *folder)
{
	char name[] = "fsck.erofs", extract[LIMIT_PATH], source[] = "/proc/self/fd/3";
	char *arguments[] = {name, extract, source, NULL};
	char *environment[] = {NULL};
	const int floor = 16;

	snprintf(extract, sizeof(extract), "--extract=%s", folder);
	program = fcntl(program, F_DUPFD_CLOEXEC, floor);
	image = fcntl(image, F_DUPFD_CLOEXEC, floor);
	null = fcntl(null, F_DUPFD_CLOEXEC, floor);
	if (program < 0 || dup2(image, IMAGE_FD) < 0 || dup2(null, 0) < 0 ||
	    dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    dup3(program, IMAGE_FD + 1, O_CLOEXEC) < 0 ||
	    syscall(SYS_close_range, IMAGE_FD + 2, ~0u, 0) ||
	    confine_unpacker(folder, NULL))
		_exit(NOT_CONFINED);
	syscall(SYS_execveat, IMAGE_FD + 1, "", arguments, environment, AT_EMPTY_PATH);
	_exit(NOT_STARTED);
}

enum tobi_err unpack_image(const struct isolate_spec *spec, const char *folder,
			   struct tobi_fault *fault)
{
	CLEANUP(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(fd_close) int program = open_fsck();
	CLEANUP(fd_close) int copy = -1;
	enum tobi_err err;
	int status = -1;
	pid_t pid;

	if (program < 0)
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "image",
				 "there is no fsck.erofs to unpack it; install "
				 "erofs-utils");
	err = cut_out(spec->image, spec->image_fd, &copy, fault);
	if (err)
		return err;
	pid = fork();
	if (pid == 0)
		be_fsck(program, copy, null, folder);
	if (pid < 0 || null < 0)
		return fault_errno(fault, OBJECT, "image", "cannot start fsck.erofs");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TOBI_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) >= NOT_CONFINED)
		return fault_set(
		    fault, TOBI_E_SYSTEM, OBJECT, "image", "fsck.erofs cannot be %s",
		    WEXITSTATUS(status) == NOT_CONFINED ? "confined" : "started");
	return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "image",
			 "its file system cannot be unpacked");
}
