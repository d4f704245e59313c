#include "attest/device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"

enum {
	CHUNK = 4096,
	INTERRUPTIONS_MAX = 64,
	WAIT_FIRST_MS = 10,
	WAIT_MAX_MS = 1000,
	WAIT_ALL_MS = 10000,
};

static const char object[] = "device";

/* What errno means for whoever wants evidence. */
static enum tobi_err fail(const char *path, const char *doing, int number,
			  struct tobi_fault *fault)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
	case ENODEV:
	case ENXIO:
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "", "%s is not there",
				 path);
	case EACCES:
	case EPERM:
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "this user may not %s %s; root may", doing, path);
	case EAGAIN:
	case EBUSY:
		return fault_set(fault, TOBI_E_EXISTS, object, "",
				 "%s is in use by somebody else", path);
	default:
		errno = number;
		return fault_errno(fault, object, "", "cannot %s %s", doing, path);
	}
}

enum tobi_err device_open(const struct attest_device *device, const char *path, int flags,
			  struct device_file *ret_file, struct tobi_fault *fault)
{
	int fd = device->open(device->context, path, flags | O_CLOEXEC);

	if (fd < 0)
		return fail(path, "open", errno, fault);
	*ret_file = (struct device_file){device, path, fd};
	return TOBI_OK;
}

void device_close(struct device_file *file)
{
	if (file->device)
		file->device->close(file->device->context, file->fd);
	file->device = NULL;
}

enum tobi_err device_probe(const struct attest_device *device, const char *path,
			   int flags, struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};

	return device_open(device, path, flags, &file, fault);
}

enum tobi_err device_ioctl(struct device_file *file, unsigned long request,
			   void *argument, int *ret_errno, struct tobi_fault *fault)
{
	const struct attest_device *device = file->device;
	unsigned wait = WAIT_FIRST_MS, waited = 0, interruptions = 0;

	for (;;) {
		int number = device->ioctl(device->context, file->fd, request, argument)
				 ? errno
				 : 0;

		if (ret_errno)
			*ret_errno = number;
		if (!number)
			return TOBI_OK;
		if (number == EINTR && interruptions++ < INTERRUPTIONS_MAX)
			continue;
		if (number != EAGAIN && number != EBUSY)
			return fail(file->path, "ask", number, fault);
		if (waited + wait > WAIT_ALL_MS)
			return fault_set(fault, TOBI_E_TIMEOUT, object, "",
					 "%s is busy all the time; the host may slow "
					 "down those who ask too often",
					 file->path);
		device->wait(device->context, wait);
		waited += wait;
		wait = 2 * wait < WAIT_MAX_MS ? 2 * wait : WAIT_MAX_MS;
	}
}

/* One read, whatever interrupts it; -1 and errno as read(). */
static ssize_t read_some(struct device_file *file, void *out, size_t size)
{
	ssize_t got;
	unsigned tries = 0;

	do {
		got = file->device->read(file->device->context, file->fd, out, size);
	} while (got < 0 && errno == EINTR && ++tries < INTERRUPTIONS_MAX);
	return got;
}

enum tobi_err device_read_all(struct device_file *file, size_t ceiling,
			      struct writer *out, struct tobi_fault *fault)
{
	uint8_t chunk[CHUNK];
	size_t size = 0;
	ssize_t got;

	while ((got = read_some(file, chunk, sizeof(chunk))) > 0) {
		if ((size_t)got > sizeof(chunk) || (size_t)got > ceiling - size)
			return fault_set(fault, TOBI_E_LIMIT, object, "",
					 "%s gives more than %zu bytes", file->path,
					 ceiling);
		wr_bytes(out, chunk, (size_t)got);
		size += (size_t)got;
	}
	if (got < 0)
		return fail(file->path, "read", errno, fault);
	return wr_err(out) ? fault_set(fault, wr_err(out), object, "",
				       "there is no room for what %s gives", file->path)
			   : TOBI_OK;
}

enum tobi_err device_read_exact(struct device_file *file, size_t size, struct writer *out,
				struct tobi_fault *fault)
{
	uint8_t *bytes = wr_reserve(out, size);
	size_t have = 0;

	if (!bytes)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "there is no room for what %s gives", file->path);
	while (have < size) {
		ssize_t got = read_some(file, bytes + have, size - have);

		if (got < 0)
			return fail(file->path, "read", errno, fault);
		if (got == 0 || (size_t)got > size - have)
			return fault_set(fault, TOBI_E_TRUNCATED, object, "",
					 "%s ends after %zu bytes; %zu are needed",
					 file->path, have, size);
		have += (size_t)got;
	}
	return TOBI_OK;
}

enum tobi_err device_write(struct device_file *file, struct tobi_bytes bytes,
			   struct tobi_fault *fault)
{
	const struct attest_device *device = file->device;
	ssize_t put;
	unsigned tries = 0;

	do {
		put = device->write(device->context, file->fd, bytes.ptr, bytes.size);
	} while (put < 0 && errno == EINTR && ++tries < INTERRUPTIONS_MAX);
	if (put < 0)
		return fail(file->path, "write to", errno, fault);
	return (size_t)put == bytes.size
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_SYSTEM, object, "",
			       "%s took %zd of %zu bytes", file->path, put, bytes.size);
}

enum tobi_err device_get(const struct attest_device *device, const char *path,
			 size_t ceiling, struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};
	enum tobi_err err = device_open(device, path, O_RDONLY, &file, fault);

	return err ? err : device_read_all(&file, ceiling, out, fault);
}

enum tobi_err device_put(const struct attest_device *device, const char *path,
			 struct tobi_bytes bytes, struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};
	enum tobi_err err = device_open(device, path, O_WRONLY, &file, fault);

	return err ? err : device_write(&file, bytes, fault);
}
