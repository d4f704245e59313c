#include "attest/system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collateral/http.h"

enum {
	HTTP_TIMEOUT_MS = 20000,
	HTTP_TRIES = 5,
	STREAM_TIMEOUT_SECONDS = 10, /* of each read and write */
};

DEFINE_CLEANUP(struct http_client *, http_client_free)

static int system_open(void *context, const char *path, int flags)
{
	(void)context;
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

static int system_connect(void *context, unsigned cid, unsigned port)
{
	const struct sockaddr_vm address = {
	    .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
	const struct timeval patience = {.tv_sec = STREAM_TIMEOUT_SECONDS};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)context;
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		fd_close(&fd);
	return fd;
}

static int system_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	(void)context;
	return ioctl(fd, request, argument) < 0 ? -1 : 0;
}

static ssize_t system_read(void *context, int fd, void *out, size_t size)
{
	(void)context;
	return read(fd, out, size);
}

static ssize_t system_write(void *context, int fd, const void *bytes, size_t size)
{
	(void)context;
	return write(fd, bytes, size);
}

static void system_close(void *context, int fd)
{
	(void)context;
	fd_close(&fd);
}

static int system_make_folder(void *context, const char *path)
{
	(void)context;
	return mkdir(path, 0700);
}

static int system_remove_folder(void *context, const char *path)
{
	(void)context;
	return rmdir(path);
}

static void system_wait(void *context, unsigned milliseconds)
{
	struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

	(void)context;
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static enum tobi_err system_http(void *context, const struct http_request *request,
				 struct http_answer *ret_answer, struct tobi_fault *fault)
{
	const struct http_settings settings = {.timeout_ms = HTTP_TIMEOUT_MS,
					       .tries = HTTP_TRIES};
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	enum tobi_err err = http_client_new(&settings, &client, fault);

	(void)context;
	return err ? err : http_get(client, request, ret_answer, fault);
}

const struct attest_device *attest_system(void)
{
	static const struct attest_device device = {
	    .open = system_open,
	    .connect = system_connect,
	    .ioctl = system_ioctl,
	    .read = system_read,
	    .write = system_write,
	    .close = system_close,
	    .make_folder = system_make_folder,
	    .remove_folder = system_remove_folder,
	    .wait = system_wait,
	    .http = system_http,
	};

	return &device;
}
