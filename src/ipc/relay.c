#include "ipc/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fault.h"

enum {
	RELAY_BUFFER = 64 << 10,
	RELAY_TURNS = 16, /* before others get their turn */
};

enum tobi_err relay_init(struct relay *relay, int first, int second,
			 struct tobi_fault *fault)
{
	*relay = (struct relay){.fds = {first, second}};
	for (size_t i = 0; i < 2; i++)
		relay->flows[i].bytes = malloc(RELAY_BUFFER);
	if (relay->flows[0].bytes && relay->flows[1].bytes)
		return TOBI_OK;
	relay_done(relay, true);
	return fault_set(fault, TOBI_E_MEMORY, "relay", "", "out of memory");
}

void relay_done(struct relay *relay, bool failed)
{
	const struct linger reset = {.l_onoff = 1};

	for (size_t i = 0; i < 2; i++) {
		if (relay->flows[i].bytes)
			explicit_bzero(relay->flows[i].bytes, RELAY_BUFFER);
		free(relay->flows[i].bytes);
		relay->flows[i].bytes = NULL;
		if (failed && relay->fds[i] >= 0)
			IGNORE(setsockopt(relay->fds[i], SOL_SOCKET, SO_LINGER, &reset,
					  sizeof(reset)));
		fd_close(&relay->fds[i]);
	}
}

static bool is_transient(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* What one direction has come to. */
enum step { STEP_MOVED, STEP_WAITS, STEP_FAILED };

static enum step fill(struct relay_flow *flow, int from, short *events)
{
	ssize_t size = recv(from, flow->bytes, RELAY_BUFFER, 0);

	if (size > 0) {
		flow->end = (size_t)size;
		return STEP_MOVED;
	}
	if (size == 0) {
		flow->over = true;
		return STEP_MOVED;
	}
	if (!is_transient())
		return STEP_FAILED;
	*events |= POLLIN;
	return STEP_WAITS;
}

static enum step drain(struct relay_flow *flow, int to, short *events)
{
	ssize_t size =
	    send(to, flow->bytes + flow->start, flow->end - flow->start, MSG_NOSIGNAL);

	if (size < 0 && !is_transient())
		return STEP_FAILED;
	if (size < 0) {
		*events |= POLLOUT;
		return STEP_WAITS;
	}
	flow->start += (size_t)size;
	if (flow->start == flow->end)
		flow->start = flow->end = 0;
	return STEP_MOVED;
}

static enum step move(struct relay *relay, size_t way, short events[static 2])
{
	struct relay_flow *flow = &relay->flows[way];
	size_t from = way, to = 1 - way;

	if (flow->closed || events[from] & POLLIN || events[to] & POLLOUT)
		return STEP_WAITS;
	if (flow->end > flow->start)
		return drain(flow, relay->fds[to], &events[to]);
	if (!flow->over)
		return fill(flow, relay->fds[from], &events[from]);
	flow->closed = true;
	return shutdown(relay->fds[to], SHUT_WR) ? STEP_FAILED : STEP_MOVED;
}

enum relay_state relay_turn(struct relay *relay, short ret_events[static 2])
{
	enum step first = STEP_MOVED, second = STEP_MOVED;

	ret_events[0] = ret_events[1] = 0;
	for (int turn = 0; turn < RELAY_TURNS; turn++) {
		first = move(relay, 0, ret_events);
		second = move(relay, 1, ret_events);
		if (first == STEP_FAILED || second == STEP_FAILED)
			return RELAY_FAILED;
		if (first == STEP_WAITS && second == STEP_WAITS)
			break;
	}
	if (relay->flows[0].closed && relay->flows[1].closed)
		return RELAY_OVER;
	return first == STEP_MOVED || second == STEP_MOVED ? RELAY_BUSY : RELAY_WAITS;
}
