#include "ipc/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

void packet_done(struct packet *packet)
{
	for (size_t i = 0; i < packet->fd_count; i++)
		fd_close(&packet->fds[i]);
	packet->fd_count = 0;
	wr_done(&packet->bytes);
}

int packet_take_fd(struct packet *packet, size_t index)
{
	int fd;

	if (index >= packet->fd_count)
		return -1;
	fd = packet->fds[index];
	packet->fds[index] = -1;
	return fd;
}

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(LIMIT_PACKET_FDS * sizeof(int))];
};

enum tobi_err packet_send(int fd, struct tobi_bytes bytes, const int *fds,
			  size_t fd_count, struct tobi_fault *fault)
{
	union control control = {0};
	/* sendmsg() does not write to what it sends, though the type permits it. */
	struct iovec part = {(void *)(uintptr_t)bytes.ptr, bytes.size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	if (fd_count > LIMIT_PACKET_FDS)
		return fault_set(fault, TOBI_E_LIMIT, "packet", "descriptors",
				 "too many");
	if (fd_count) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		bytes_copy(CMSG_DATA(header), LIMIT_PACKET_FDS * sizeof(int), fds,
			   fd_count * sizeof(int));
	}
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return fault_set(fault, TOBI_E_TIMEOUT, "packet", "",
				 "the peer does not read");
	if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
		return fault_set(fault, TOBI_E_NOT_FOUND, "packet", "",
				 "the peer has gone");
	if (sent < 0)
		return fault_errno(fault, "packet", "", "cannot send");
	return TOBI_OK;
}

/* Takes every descriptor of the message; those that do not fit are closed. */
static bool take_descriptors(struct msghdr *message, struct packet *packet)
{
	bool fits = !(message->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			bytes_copy(&fd, sizeof(fd), CMSG_DATA(header) + i * sizeof(int),
				   sizeof(fd));
			if (packet->fd_count < LIMIT_PACKET_FDS) {
				packet->fds[packet->fd_count++] = fd;
			} else {
				fd_close(&fd);
				fits = false;
			}
		}
	}
	return fits;
}

/* The size of the packet that is next; zero at the peer's end. */
static enum tobi_err next_size(int fd, size_t *ret_size, struct tobi_fault *fault)
{
	uint8_t first;
	ssize_t size;

	do {
		size = recv(fd, &first, sizeof(first), MSG_PEEK | MSG_TRUNC);
	} while (size < 0 && errno == EINTR);
	if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return fault_set(fault, TOBI_E_TIMEOUT, "packet", "", "nothing has come");
	if (size < 0 && errno == ECONNRESET)
		size = 0;
	if (size < 0)
		return fault_errno(fault, "packet", "", "cannot receive");
	*ret_size = (size_t)size;
	return TOBI_OK;
}

enum tobi_err packet_receive(int fd, size_t ceiling, struct packet *ret_packet,
			     struct tobi_fault *fault)
{
	struct packet packet = {.bytes = wr_init(ceiling)};
	union control control = {0};
	struct iovec part = {0};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	uint8_t nothing;
	size_t size = 0;
	enum tobi_err err = next_size(fd, &size, fault);
	bool fits, whole;
	ssize_t got;

	if (err)
		return err;
	if (size == 0)
		return fault_set(fault, TOBI_E_NOT_FOUND, "packet", "",
				 "the peer has gone");
	part.iov_base = size <= ceiling ? wr_reserve(&packet.bytes, size) : &nothing;
	part.iov_len = size <= ceiling ? size : sizeof(nothing);
	if (!part.iov_base)
		return fault_set(fault, TOBI_E_MEMORY, "packet", "", "out of memory");
	do {
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		err = fault_errno(fault, "packet", "", "cannot receive");
		packet_done(&packet);
		return err;
	}
	fits = take_descriptors(&message, &packet);
	whole =
	    size <= ceiling && !(message.msg_flags & MSG_TRUNC) && (size_t)got == size;
	if (!fits || !whole) {
		packet_done(&packet);
		return fault_set(
		    fault, TOBI_E_LIMIT, "packet", fits ? "size" : "descriptors",
		    fits ? "over %zu bytes" : "more than fit in a packet of %zu bytes",
		    ceiling);
	}
	*ret_packet = packet;
	return TOBI_OK;
}

void packet_make_room(int fd)
{
	/* The system takes twice as much, and has its own use of some of it. */
	const int size = LIMIT_CONTROL_REPLY;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		IGNORE(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
}

enum tobi_err packet_peer(int fd, uid_t *ret_uid, pid_t *ret_pid,
			  struct tobi_fault *fault)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return fault_errno(fault, "socket", "", "cannot tell who has connected");
	*ret_uid = peer.uid;
	*ret_pid = peer.pid;
	return TOBI_OK;
}
