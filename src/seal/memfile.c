#include "seal/memfile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"

#define OBJECT "content"

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

enum tobi_err memfile_open(int *ret_fd, struct tobi_fault *fault)
{
	int fd = memfd_create("tobichi-content", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return fault_errno(fault, OBJECT, "", "no memory file");
	*ret_fd = fd;
	return TOBI_OK;
}

enum tobi_err memfile_seal(int fd, struct tobi_fault *fault)
{
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL))
		return fault_errno(fault, OBJECT, "", "the memory file stays writable");
	return TOBI_OK;
}

enum tobi_err memfile_new(struct tobi_bytes content, int *ret_fd,
			  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err = memfile_open(&fd, fault);

	if (!err)
		err = fd_write_all(fd, content, OBJECT, fault);
	if (!err)
		err = memfile_seal(fd, fault);
	if (err)
		return err;
	*ret_fd = fd;
	fd = -1;
	return TOBI_OK;
}

enum tobi_err memfile_size(int fd, size_t ceiling, size_t *ret_size,
			   struct tobi_fault *fault)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	/* A pipe could make its reader wait; a file could change under it. */
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) ||
	    !S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "descriptor",
				 "it is not of a memory file that is sealed against "
				 "changes");
	if ((uint64_t)st.st_size > ceiling)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "size",
				 "%llu bytes; %zu are allowed",
				 (unsigned long long)st.st_size, ceiling);
	*ret_size = (size_t)st.st_size;
	return TOBI_OK;
}
