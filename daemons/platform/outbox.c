#include "daemons/platform/outbox.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "ipc/packet.h"

enum { OVERHEAD = 128 };

struct outbox_entry {
	struct outbox_entry *next;
	struct writer bytes;
	int fd; /* a copy, or -1 */
};

bool outbox_is_empty(const struct outbox *outbox)
{
	return !outbox->first;
}

static void drop_first(struct outbox *outbox)
{
	struct outbox_entry *first = outbox->first;

	outbox->first = first->next;
	if (!outbox->first)
		outbox->last = NULL;
	outbox->size -= first->bytes.size + OVERHEAD;
	outbox->fds -= first->fd >= 0;
	wr_done(&first->bytes);
	fd_close(&first->fd);
	free(first);
}

static enum tobi_err keep(struct outbox *outbox, struct tobi_bytes packet, int fd,
			  struct tobi_fault *fault)
{
	struct outbox_entry *entry;

	if (packet.size + OVERHEAD > OUTBOX_MAX - outbox->size ||
	    (fd >= 0 && outbox->fds == OUTBOX_FDS_MAX))
		return fault_set(fault, TOBI_E_LIMIT, "packet", "",
				 "the peer does not read, and too much waits for it");
	entry = calloc(1, sizeof(*entry));
	if (entry) {
		entry->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
		entry->bytes = wr_init(packet.size);
		wr_bytes(&entry->bytes, packet.ptr, packet.size);
	}
	if (!entry || wr_err(&entry->bytes) || (fd >= 0 && entry->fd < 0)) {
		if (entry) {
			wr_done(&entry->bytes);
			fd_close(&entry->fd);
		}
		free(entry);
		return fault_set(fault, TOBI_E_MEMORY, "packet", "", "out of memory");
	}
	if (outbox->last)
		outbox->last->next = entry;
	else
		outbox->first = entry;
	outbox->last = entry;
	outbox->size += packet.size + OVERHEAD;
	outbox->fds += fd >= 0;
	return TOBI_E_TIMEOUT;
}

enum tobi_err outbox_send(struct outbox *outbox, int socket, struct tobi_bytes packet,
			  int fd, struct tobi_fault *fault)
{
	enum tobi_err err = outbox_is_empty(outbox)
				? packet_send(socket, packet, &fd, fd >= 0, fault)
				: TOBI_E_TIMEOUT;

	return err == TOBI_E_TIMEOUT ? keep(outbox, packet, fd, fault) : err;
}

enum tobi_err outbox_flush(struct outbox *outbox, int fd, struct tobi_fault *fault)
{
	while (outbox->first) {
		const struct outbox_entry *first = outbox->first;
		enum tobi_err err = packet_send(fd, wr_view(&first->bytes), &first->fd,
						first->fd >= 0, fault);

		if (err)
			return err;
		drop_first(outbox);
	}
	return TOBI_OK;
}

void outbox_done(struct outbox *outbox)
{
	while (outbox->first)
		drop_first(outbox);
}
