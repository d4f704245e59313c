/*
 * The way to the devices of a platform: what open, ioctl, read and write do, and an HTTP
 * service of the host. The system's own is in system.h; tests put theirs in its place.
 *
 * What comes through here is the host's word, or a driver's: every function below has a
 * ceiling, and none waits without an end.
 */
#ifndef TOBI_ATTEST_DEVICE_H
#define TOBI_ATTEST_DEVICE_H

#include <sys/types.h>

#include "base/limits.h"
#include "base/writer.h"

struct http_request;
struct http_answer;

/* Calls as of the system: -1 and errno when they fail. */
struct attest_device {
	int (*open)(void *context, const char *path, int flags);
	/* A stream to the host over vsock. */
	int (*connect)(void *context, unsigned cid, unsigned port);
	int (*ioctl)(void *context, int fd, unsigned long request, void *argument);
	ssize_t (*read)(void *context, int fd, void *out, size_t size);
	ssize_t (*write)(void *context, int fd, const void *bytes, size_t size);
	void (*close)(void *context, int fd);
	int (*make_folder)(void *context, const char *path);
	int (*remove_folder)(void *context, const char *path);
	void (*wait)(void *context, unsigned milliseconds);
	enum tobi_err (*http)(void *context, const struct http_request *request,
			      struct http_answer *ret_answer, struct tobi_fault *fault);
	void *context;
};

/* One that is open: device_close() it. */
struct device_file {
	const struct attest_device *device;
	const char *path; /* for faults */
	int fd;
};

/* Errors: TOBI_E_NOT_FOUND (it is not there), _DENIED (this user may not), _SYSTEM. */
TOBI_MUST_USE enum tobi_err device_open(const struct attest_device *device,
					const char *path, int flags,
					struct device_file *ret_file,
					struct tobi_fault *fault);
/* Accepts a zeroed one. */
void device_close(struct device_file *file);
/* Whether it can be opened: the same errors. */
TOBI_MUST_USE enum tobi_err device_probe(const struct attest_device *device,
					 const char *path, int flags,
					 struct tobi_fault *fault);
/*
 * A driver that is interrupted is asked again at once; one that is busy (EAGAIN, EBUSY)
 * after ever longer waits, some ten seconds in all: then TOBI_E_TIMEOUT. All else is
 * TOBI_E_SYSTEM, and *ret_errno says which; it may be NULL.
 */
TOBI_MUST_USE enum tobi_err device_ioctl(struct device_file *file, unsigned long request,
					 void *argument, int *ret_errno,
					 struct tobi_fault *fault);
/* Until the end of the file; over the ceiling: TOBI_E_LIMIT. Of EAGAIN and EBUSY:
 * TOBI_E_EXISTS, for somebody else is at it. */
TOBI_MUST_USE enum tobi_err device_read_all(struct device_file *file, size_t ceiling,
					    struct writer *out, struct tobi_fault *fault);
/* Exactly so many; fewer: TOBI_E_TRUNCATED. */
TOBI_MUST_USE enum tobi_err device_read_exact(struct device_file *file, size_t size,
					      struct writer *out,
					      struct tobi_fault *fault);
/* In one call, whole: a short write is TOBI_E_SYSTEM. EAGAIN and EBUSY as above. */
TOBI_MUST_USE enum tobi_err
device_write(struct device_file *file, struct tobi_bytes bytes, struct tobi_fault *fault);
/* Opens, reads or writes, and closes. */
TOBI_MUST_USE enum tobi_err device_get(const struct attest_device *device,
				       const char *path, size_t ceiling,
				       struct writer *out, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err device_put(const struct attest_device *device,
				       const char *path, struct tobi_bytes bytes,
				       struct tobi_fault *fault);

#endif
