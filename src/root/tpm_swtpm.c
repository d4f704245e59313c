#include "root/tpm_swtpm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = -1;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s.ctrl", path) >=
	    (int)sizeof(address.sun_path))
		return -1;
	/* Without blocking: a full backlog is another way to hang. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		fd_close(&fd);
	return fd;
}

bool tpm_swtpm_answers(const char *configuration, int patience_ms)
{
	static const uint8_t get_capability[] = {0, 0, 0, 1}; /* swtpm_ioctls(3) */
	CLEANUP(fd_close) int fd = -1;
	struct pollfd answer = {.events = POLLIN};
	int ready;

	if (strncmp(configuration, "path=", 5) != 0)
		return true;
	fd = connect_to(configuration + 5);
	if (fd < 0 || send(fd, get_capability, sizeof(get_capability), MSG_NOSIGNAL) !=
			  sizeof(get_capability))
		return false;
	answer.fd = fd;
	do {
		ready = poll(&answer, 1, patience_ms);
	} while (ready < 0 && errno == EINTR);
	return ready > 0;
}
