#include "cli/run_publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fault.h"

static bool read_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value == 0 || value > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)value;
	return true;
}

bool run_publish_read(const char *text, struct publish *ret)
{
	struct publish publish = {.address = "127.0.0.1", .fd = -1};
	struct in_addr parsed;
	char copy[128], *part, *rest = copy;
	uint16_t numbers[2] = {0, 0};
	size_t count = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((part = strsep(&rest, ":"))) {
		if (count == 0 && strchr(part, '.') &&
		    inet_pton(AF_INET, part, &parsed) == 1) {
			snprintf(publish.address, sizeof(publish.address), "%s", part);
			continue;
		}
		if (count == 2 || !read_port(part, &numbers[count++]))
			return false;
	}
	publish.port = numbers[0];
	publish.inner = numbers[1];
	*ret = publish;
	return count > 0;
}

enum tobi_err run_publish_listen(struct publish *publish, struct tobi_fault *fault)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(publish->port)};
	int on = 1;

	inet_pton(AF_INET, publish->address, &address.sin_addr);
	publish->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (publish->fd < 0)
		return fault_errno(fault, "port", "", "cannot be opened");
	setsockopt(publish->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(publish->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(publish->fd, 128) == 0)
		return TOBI_OK;
	if (errno == EADDRINUSE)
		return fault_set(fault, TOBI_E_EXISTS, "port", "",
				 "%s:%u is taken; publish another one", publish->address,
				 publish->port);
	return fault_errno(fault, "port", "", "cannot listen at %s:%u", publish->address,
			   publish->port);
}
