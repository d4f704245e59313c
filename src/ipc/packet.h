/* Packets with descriptors over a SOCK_SEQPACKET Unix socket. */
#ifndef TOBI_IPC_PACKET_H
#define TOBI_IPC_PACKET_H

#include <sys/types.h>

#include "base/limits.h"
#include "base/writer.h"

struct packet {
	struct writer bytes;	   /* owned */
	int fds[LIMIT_PACKET_FDS]; /* owned; close-on-exec; -1 when taken */
	size_t fd_count;
};

void packet_done(struct packet *packet); /* closes what is left */
/* The descriptor at index, which the caller then owns; -1 when there is none. */
int packet_take_fd(struct packet *packet, size_t index);

/* Blocks, or TOBI_E_TIMEOUT on a non-blocking socket with nothing to give or take.
 * Receiving: TOBI_E_NOT_FOUND at the peer's end; TOBI_E_LIMIT on a packet over ceiling,
 * or with more descriptors than fit (all of them are closed then). */
TOBI_MUST_USE enum tobi_err packet_send(int fd, struct tobi_bytes bytes, const int *fds,
					size_t fd_count, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err packet_receive(int fd, size_t ceiling,
					   struct packet *ret_packet,
					   struct tobi_fault *fault);

/* Makes room for one packet of LIMIT_CONTROL_REPLY, of those that this end sends; as the
 * system has it there is room for some 200 KiB. Without rights the system's own limit
 * counts. */
void packet_make_room(int fd);

/* SO_PEERCRED. */
TOBI_MUST_USE enum tobi_err packet_peer(int fd, uid_t *ret_uid, pid_t *ret_pid,
					struct tobi_fault *fault);

/* A fault as the map FAULT of docs/PROTOCOL.md (message: 13 or 135), and back: reads the
 * rest of such a packet into fault and returns its code. */
void packet_write_fault(struct writer *out, unsigned message,
			const struct tobi_fault *fault);
enum tobi_err packet_read_fault(struct tobi_bytes bytes, struct tobi_fault *ret_fault);

#endif
