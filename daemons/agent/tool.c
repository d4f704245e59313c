#include "tool.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"

enum tobi_err tool_place(const char *folder, struct tobi_bytes program,
			 struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	char path[LIMIT_PATH];
	enum tobi_err err;

	snprintf(path, sizeof(path), "%s/tobichi", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0555);
	if (fd < 0)
		return fault_errno(fault, "tool", "", "cannot make %s", path);
	err = fd_write_all(fd, program, "tool", fault);
	if (!err && fchmod(fd, 0555))
		err = fault_errno(fault, "tool", "", "cannot make it executable");
	return err;
}
