#include "isolate/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define OBJECT "isolation"

enum tobi_err slot_take(const char *path, unsigned *ret_slot, int *ret_fd,
			struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fault_errno(fault, OBJECT, "user ids", "cannot open %s", path);
	/* Who could write it could lock every slot. */
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "user ids",
				 "%s must be your own file, with mode 0600", path);
	for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
		struct flock lock = {
		    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1};

		/* Of the open file, not of the process: services take several. */
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
			*ret_slot = slot;
			*ret_fd = fd;
			fd = -1;
			return TOBI_OK;
		}
		if (errno != EAGAIN && errno != EACCES)
			return fault_errno(fault, OBJECT, "user ids", "cannot lock %s",
					   path);
	}
	return fault_set(fault, TOBI_E_LIMIT, OBJECT, "user ids",
			 "%d enclaves run on this host", SLOT_COUNT);
}
