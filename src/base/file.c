#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/utf8.h"

/* What a fault calls the path: its text with odd bytes escaped, cut to fit. */
struct shown {
	char text[128];
};

static struct shown show(const char *path)
{
	struct writer out = wr_init(4 * LIMIT_PATH + 1);
	struct shown shown = {0};

	utf8_write_escaped(&out,
			   (struct tobi_bytes){(const uint8_t *)path, strlen(path)});
	snprintf(shown.text, sizeof(shown.text), "%.*s", (int)out.size,
		 (const char *)out.ptr);
	wr_done(&out);
	return shown;
}

static enum tobi_err open_regular(const char *path, size_t ceiling, const char *object,
				  int *ret_fd, struct stat *ret_stat,
				  struct tobi_fault *fault)
{
	/* O_NONBLOCK: opening a FIFO must not hang. */
	CLEANUP(fd_close)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "there is no file %s", show(path).text);
	if (fd < 0 || fstat(fd, &st))
		return fault_errno(fault, object, "", "cannot open %s", show(path).text);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "%s is not a regular file", show(path).text);
	if ((uint64_t)st.st_size > ceiling)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "%s is over %zu bytes",
				 show(path).text, ceiling);
	*ret_stat = st;
	*ret_fd = fd;
	fd = -1;
	return TOBI_OK;
}

enum tobi_err file_read(const char *path, size_t ceiling, const char *object,
			struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	struct stat st = {0};
	enum tobi_err err = open_regular(path, ceiling, object, &fd, &st, fault);
	uint8_t *room;

	if (err)
		return err;
	room = wr_reserve(out, (size_t)st.st_size);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), object, "", "%s: %s",
				 show(path).text, tobi_err_text(wr_err(out)));
	return fd_pread_all(fd, room, (size_t)st.st_size, 0, object, fault);
}

enum tobi_err file_read_secret(const char *path, size_t ceiling, const char *object,
			       struct secret *ret_secret, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	struct secret secret = {0};
	struct stat st = {0};
	enum tobi_err err = open_regular(path, ceiling, object, &fd, &st, fault);

	if (err)
		return err;
	if (st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "others may read %s; run: chmod 600 %s", show(path).text,
				 show(path).text);
	if (st.st_uid != geteuid() && geteuid() != 0)
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "%s belongs to another user", show(path).text);
	err = secret_new((size_t)st.st_size, &secret, fault);
	if (err)
		return err;
	err = fd_pread_all(fd, secret.ptr, secret.size, 0, object, fault);
	if (err) {
		secret_done(&secret);
		return err;
	}
	*ret_secret = secret;
	return TOBI_OK;
}

enum tobi_err fd_write_all(int fd, struct tobi_bytes bytes, const char *object,
			   struct tobi_fault *fault)
{
	while (bytes.size) {
		ssize_t written = write(fd, bytes.ptr, bytes.size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fault_errno(fault, object, "", "cannot write");
		bytes.ptr += written;
		bytes.size -= (size_t)written;
	}
	return TOBI_OK;
}

enum tobi_err fd_pread_all(int fd, void *out, size_t size, uint64_t offset,
			   const char *object, struct tobi_fault *fault)
{
	uint8_t *at = out;

	while (size) {
		ssize_t got = pread(fd, at, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_errno(fault, object, "", "cannot read");
		if (got == 0)
			return fault_at(fault, TOBI_E_TRUNCATED, object, "", offset,
					"the file ends too early");
		at += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return TOBI_OK;
}

/* Writes the temporary file and leaves it synced; unlinks it on failure. */
static enum tobi_err write_temporary(char *path, const char *beside, mode_t mode,
				     struct tobi_bytes bytes, const char *object,
				     struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = mkostemp(path, O_CLOEXEC);
	enum tobi_err err;

	if (fd < 0)
		return fault_errno(fault, object, "", "cannot make %s",
				   show(beside).text);
	err = fd_write_all(fd, bytes, object, NULL);
	if (err || fchmod(fd, mode) || fsync(fd))
		err =
		    fault_errno(fault, object, "", "cannot write %s", show(beside).text);
	if (err)
		unlink(path);
	return err;
}

static enum tobi_err write_whole(const char *path, mode_t mode, struct tobi_bytes bytes,
				 bool replace, const char *object,
				 struct tobi_fault *fault)
{
	char temporary[LIMIT_PATH + 16];
	enum tobi_err err;
	int failed;

	if (strlen(path) > LIMIT_PATH)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "the path is over %d bytes", LIMIT_PATH);
	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	err = write_temporary(temporary, path, mode, bytes, object, fault);
	if (err)
		return err;
	/* link() fails where the name is taken: no gap between look and make. */
	failed = replace ? rename(temporary, path) : link(temporary, path);
	if (failed && errno == EEXIST)
		err =
		    fault_set(fault, TOBI_E_EXISTS, object, "",
			      "%s exists already; it is left as it is", show(path).text);
	else if (failed)
		err = fault_errno(fault, object, "", "cannot write %s", show(path).text);
	if (failed || !replace) {
		int saved = errno;

		unlink(temporary);
		errno = saved;
	}
	return err;
}

enum tobi_err file_write(const char *path, mode_t mode, struct tobi_bytes bytes,
			 const char *object, struct tobi_fault *fault)
{
	return write_whole(path, mode, bytes, true, object, fault);
}

enum tobi_err file_write_new(const char *path, mode_t mode, struct tobi_bytes bytes,
			     const char *object, struct tobi_fault *fault)
{
	return write_whole(path, mode, bytes, false, object, fault);
}
