#include "cli/dial.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

enum { CONNECT_S = 10 /* for one address to answer */ };

static const char object[] = "connection";

/* A connection may be under way afterwards. */
static enum tobi_err begin(const struct sockaddr *address, socklen_t size, int *ret_fd,
			   struct tobi_fault *fault)
{
	int fd =
	    socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fault_errno(fault, object, "", "no socket");
	if (connect(fd, address, size) != 0 && errno != EINPROGRESS) {
		fault_errno(fault, object, "", "cannot connect");
		fd_close(&fd);
		return TOBI_E_SYSTEM;
	}
	*ret_fd = fd;
	return TOBI_OK;
}

/* What the loop says of one connection that is under way. */
struct attempt {
	bool over, timed_out;
};

static void on_answer(evutil_socket_t fd, short what, void *context)
{
	struct attempt *attempt = context;

	(void)fd;
	attempt->over = true;
	attempt->timed_out = what & EV_TIMEOUT;
}

static enum tobi_err finish(struct event_base *base, const bool *interrupted, int fd,
			    struct tobi_fault *fault)
{
	static const struct timeval limit = {.tv_sec = CONNECT_S};
	struct attempt attempt = {0};
	struct event *event = event_new(base, fd, EV_WRITE, on_answer, &attempt);
	socklen_t size = sizeof(int);
	int error = 0;

	if (!event || event_add(event, &limit)) {
		if (event)
			event_free(event);
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	}
	while (!attempt.over && !*interrupted && event_base_loop(base, EVLOOP_ONCE) >= 0)
		continue;
	event_free(event);
	if (*interrupted)
		return fault_set(fault, TOBI_E_DENIED, object, "", "interrupted");
	if (attempt.timed_out)
		return fault_set(fault, TOBI_E_TIMEOUT, object, "",
				 "the address did not answer within %d s", CONNECT_S);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	if (error) {
		errno = error;
		return fault_errno(fault, object, "", "cannot connect");
	}
	return TOBI_OK;
}

enum tobi_err dial_first(struct event_base *base, const bool *interrupted,
			 const char *host, const char *port,
			 struct dial_target *ret_target, int *ret_fd,
			 struct tobi_fault *fault)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	enum tobi_err err = TOBI_E_NOT_FOUND;
	int fd = -1, code;

	code = getaddrinfo(host, port, &hints, &list);
	if (code)
		return fault_set(fault, TOBI_E_NOT_FOUND, host, "", "%s",
				 gai_strerror(code));
	for (struct addrinfo *at = list; at && err && !*interrupted; at = at->ai_next) {
		err = begin(at->ai_addr, at->ai_addrlen, &fd, fault);
		if (!err)
			err = finish(base, interrupted, fd, fault);
		if (err) {
			fd_close(&fd);
			continue;
		}
		bytes_copy(&ret_target->address, sizeof(ret_target->address), at->ai_addr,
			   at->ai_addrlen);
		ret_target->size = at->ai_addrlen;
		*ret_fd = fd;
	}
	freeaddrinfo(list);
	return err;
}

enum tobi_err dial_again(const struct dial_target *target, int *ret_fd,
			 struct tobi_fault *fault)
{
	return begin((const struct sockaddr *)&target->address, target->size, ret_fd,
		     fault);
}
