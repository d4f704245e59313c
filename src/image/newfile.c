#include "image/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"

static const char object[] = "file";

/* A name beside path that nobody has. */
static char *temporary_name(const char *path)
{
	char *temp = NULL;

	if (asprintf(&temp, "%s.new-XXXXXX", path) < 0)
		return NULL;
	return temp;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

enum tobi_err new_file_open(const char *path, mode_t mode, struct new_file *ret_file,
			    struct tobi_fault *fault)
{
	CLEANUP(freep) char *folder = folder_of(path);
	struct new_file file = {.fd = -1, .path = strdup(path)};
	struct stat st;

	if (!folder || !file.path) {
		free(file.path);
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	}
	/* A rename would put a file in the place of a device. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		free(file.path);
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "%s is not a file; give the name of one", path);
	}
	file.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		file.temp = temporary_name(path);
		if (file.temp)
			file.fd = mkostemp(file.temp, O_CLOEXEC);
		if (file.fd < 0) {
			free(file.temp);
			file.temp = NULL;
		}
	}
	if (file.fd < 0 || fchmod(file.fd, mode) != 0) {
		enum tobi_err err =
		    fault_errno(fault, object, "", "cannot make a file in %s", folder);

		new_file_done(&file);
		return err;
	}
	*ret_file = file;
	return TOBI_OK;
}

/* Gives the nameless file the name to, which nobody may have. */
static int link_as(const struct new_file *file, const char *to)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
}

/* A name in the folder of path, for the moment between linking and renaming. */
static int give_temporary_name(struct new_file *file)
{
	for (unsigned i = 0; i < 1000; i++) {
		free(file->temp);
		if (asprintf(&file->temp, "%s.new-%d-%u", file->path, (int)getpid(), i) <
		    0) {
			file->temp = NULL;
			errno = ENOMEM;
			return -1;
		}
		if (link_as(file, file->temp) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	free(file->temp);
	file->temp = NULL;
	return -1;
}

enum tobi_err new_file_keep(struct new_file *file, bool replace, struct tobi_fault *fault)
{
	int result;

	if (fsync(file->fd) != 0)
		return fault_errno(fault, object, "", "cannot write %s", file->path);
	if (replace) {
		result = file->temp ? 0 : give_temporary_name(file);
		if (result == 0)
			result = rename(file->temp, file->path);
	} else {
		result =
		    file->temp ? link(file->temp, file->path) : link_as(file, file->path);
		if (result == 0 && file->temp)
			unlink(file->temp);
	}
	if (result != 0 && errno == EEXIST)
		return fault_set(fault, TOBI_E_EXISTS, object, "", "%s exists already",
				 file->path);
	if (result != 0)
		return fault_errno(fault, object, "", "cannot write %s", file->path);
	free(file->temp);
	file->temp = NULL;
	return TOBI_OK;
}

void new_file_done(struct new_file *file)
{
	fd_close(&file->fd);
	if (file->temp)
		unlink(file->temp);
	free(file->temp);
	free(file->path);
	*file = (struct new_file){.fd = -1};
}

enum tobi_err new_file_write(struct new_file *file, struct tobi_bytes bytes,
			     struct tobi_fault *fault)
{
	if (fd_write_all(file->fd, bytes, object, NULL))
		return fault_errno(fault, object, "", "cannot write %s", file->path);
	return TOBI_OK;
}

enum tobi_err new_file_copy(struct new_file *file, int from, uint64_t from_offset,
			    uint64_t size, struct tobi_fault *fault)
{
	enum { CHUNK = 1 << 20 };
	CLEANUP(freep) uint8_t *chunk = malloc(CHUNK);
	enum tobi_err err;

	if (!chunk)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	for (uint64_t done = 0; done < size;) {
		size_t part = size - done < CHUNK ? (size_t)(size - done) : CHUNK;

		err = fd_pread_all(from, chunk, part, from_offset + done, object, fault);
		if (!err)
			err =
			    new_file_write(file, (struct tobi_bytes){chunk, part}, fault);
		if (err)
			return err;
		done += part;
	}
	return TOBI_OK;
}
