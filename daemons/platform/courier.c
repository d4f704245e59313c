#include "daemons/platform/courier.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "ipc/packet.h"
#include "ipc/relay.h"
#include "isolate/isolate.h"

#define OBJECT "egress"

static enum tobi_err await(int fd, int timeout_ms, struct tobi_fault *fault)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int error = 0, ready;

	do {
		ready = poll(&poller, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return fault_set(fault, TOBI_E_TIMEOUT, OBJECT, "",
				 "the address did not answer within %d ms", timeout_ms);
	if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	errno = error;
	return error ? fault_errno(fault, OBJECT, "", "cannot connect") : TOBI_OK;
}

static enum tobi_err try_one(const struct addrinfo *at, int timeout_ms, int *ret_fd,
			     struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum tobi_err err;
	int one = 1;

	if (fd < 0)
		return fault_errno(fault, OBJECT, "", "no socket");
	IGNORE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	if (connect(fd, at->ai_addr, at->ai_addrlen) && errno != EINPROGRESS)
		return fault_errno(fault, OBJECT, "", "cannot connect");
	err = await(fd, timeout_ms, fault);
	if (err)
		return err;
	*ret_fd = fd;
	fd = -1;
	return TOBI_OK;
}

enum tobi_err courier_connect(const char *host, const char *port, int timeout_ms,
			      int *ret_fd, struct tobi_fault *fault)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	enum tobi_err err = TOBI_E_NOT_FOUND;
	int code = getaddrinfo(host, port, &hints, &list);

	if (code)
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "name", "%s: %s", host,
				 gai_strerror(code));
	for (struct addrinfo *at = list; at && err; at = at->ai_next)
		err = try_one(at, timeout_ms, ret_fd, fault);
	freeaddrinfo(list);
	return err;
}

/* poll() tells of an end that has hung up whether that was asked for or not. While what
 * it has said waits for the other end, that is no reason to wake up: it would be one
 * again and again. */
static struct pollfd watch(const struct relay *relay, size_t end, short events)
{
	bool watched = events || relay->flows[end].closed;

	return (struct pollfd){.fd = watched ? relay->fds[end] : -1, .events = events};
}

/* It has let go, and all that it has said was passed on. */
static bool is_gone(const struct relay *relay, size_t end, const struct pollfd *poller)
{
	return poller->revents & POLLHUP && relay->flows[end].closed;
}

/* The host's socket and the enclave's, until one end is over. */
static int carry(int outside, int inside)
{
	struct relay relay;
	int status = 1;

	if (relay_init(&relay, outside, inside, NULL))
		return status;
	for (;;) {
		short events[2];
		enum relay_state state = relay_turn(&relay, events);
		struct pollfd pollers[3] = {watch(&relay, 0, events[0]),
					    watch(&relay, 1, events[1]),
					    {.fd = COURIER_FD, .events = POLLIN}};

		if (state == RELAY_OVER)
			status = 0;
		if (state == RELAY_OVER || state == RELAY_FAILED)
			break;
		if (poll(pollers, 3, state == RELAY_BUSY ? 0 : -1) < 0 && errno != EINTR)
			break;
		/* The third: the service has gone. */
		if (pollers[2].revents || is_gone(&relay, 0, &pollers[0]) ||
		    is_gone(&relay, 1, &pollers[1]))
			break;
	}
	relay_done(&relay, status != 0);
	return status;
}

static enum tobi_err report(int inside)
{
	const uint8_t ready = 1;

	return packet_send(COURIER_FD, (struct tobi_bytes){&ready, 1}, &inside, 1, NULL);
}

static int give_up(const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_COURIER);

	packet_write_fault(&out, COURIER_FAULT, fault);
	IGNORE(packet_send(COURIER_FD, wr_view(&out), NULL, 0, NULL));
	return 1;
}

/* The brackets of an IPv6 address are only for the eye. */
static void bare(const char *host, char *ret_host, size_t room)
{
	size_t size = strlen(host);
	bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';

	snprintf(ret_host, room, "%.*s", (int)(bracketed ? size - 2 : size),
		 bracketed ? host + 1 : host);
}

int courier_run(const char *host, const char *port)
{
	struct tobi_fault fault = {0};
	char name[LIMIT_TARGET];
	int outside = -1, pair[2] = {-1, -1};

	bare(host, name, sizeof(name));
	if (isolate_confine_courier(&fault) ||
	    courier_connect(name, port, COURIER_CONNECT_MS, &outside, &fault))
		return give_up(&fault);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
		fault_errno(&fault, OBJECT, "", "no socket pair");
		return give_up(&fault);
	}
	if (report(pair[1]))
		return 1;
	fd_close(&pair[1]);
	return carry(outside, pair[0]);
}
