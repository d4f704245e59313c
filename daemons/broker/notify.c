#include "daemons/broker/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"

bool notify_send(const char *name, const char *state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = name ? strlen(name) : 0;
	CLEANUP(fd_close) int fd = -1;

	if (!size)
		return true;
	/* A path, or with @ a name that is in no folder. */
	if (size >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@'))
		return false;
	bytes_copy(address.sun_path, sizeof(address.sun_path), name, size);
	if (name[0] == '@')
		address.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 &&
	       sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) ==
		   (ssize_t)strlen(state);
}
