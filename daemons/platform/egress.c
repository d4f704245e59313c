#include "daemons/platform/egress.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "codec/cbor.h"
#include "daemons/platform/agent_channel.h"
#include "daemons/platform/courier.h"

#define OBJECT "egress"

/* A courier costs the host a process. An enclave may start so many at once, and then one
 * more in each COST_MS. */
enum { COURIERS_AT_ONCE = 4 * LIMIT_EGRESS, COST_MS = 10 };

/* One connection: while it is dialed, and then as long as its courier lives. */
struct courier {
	struct enclave *enclave;
	uint64_t request;
	bool dialing;
	pid_t pid;
	int fd;
	struct event *event;
	struct courier *next;
};

static void count(struct enclave *enclave, int open, int dialing)
{
	enclave->egress_open = (size_t)((int)enclave->egress_open + open);
	enclave->egress_dialing = (size_t)((int)enclave->egress_dialing + dialing);
	enclave->service->courier_count =
	    (size_t)((int)enclave->service->courier_count + open);
}

/* The descriptor, of a connection that stands, goes with it. */
static void answer(struct enclave *enclave, uint64_t request, int fd,
		   const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_COURIER);

	cbor_write_map(&out, 4);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_CONNECTED);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, request);
	cbor_write_uint(&out, 2);
	cbor_write_uint(&out, fault ? fault->code : 0);
	cbor_write_uint(&out, 3);
	cbor_write_text(&out, fault ? fault->message : "");
	agent_send_fd(enclave, &out, fd);
}

/* Takes it out of the enclave's list, ends it and waits for that. */
static void courier_end(struct courier *courier)
{
	struct courier **at = &courier->enclave->couriers;

	while (*at && *at != courier)
		at = &(*at)->next;
	if (*at)
		*at = courier->next;
	count(courier->enclave, -1, courier->dialing ? -1 : 0);
	if (courier->event)
		event_free(courier->event);
	fd_close(&courier->fd);
	if (courier->pid > 0) {
		kill(courier->pid, SIGKILL);
		while (waitpid(courier->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(courier);
}

static void refuse(struct courier *courier, const struct tobi_fault *fault)
{
	struct enclave *enclave = courier->enclave;
	uint64_t request = courier->request;

	courier_end(courier);
	answer(enclave, request, -1, fault);
}

/* What a process gives that has read what strangers sent is looked at. */
static bool is_unix_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) && domain == AF_UNIX &&
	       type == SOCK_STREAM;
}

static void take_report(struct courier *courier, struct packet *packet)
{
	struct tobi_fault fault = {0};

	if (packet->fd_count == 1 && is_unix_stream(packet->fds[0])) {
		courier->dialing = false;
		count(courier->enclave, 0, -1);
		event_remove_timer(courier->event);
		answer(courier->enclave, courier->request, packet->fds[0], NULL);
		return;
	}
	if (packet->fd_count || !packet_read_fault(wr_view(&packet->bytes), &fault))
		fault_set(&fault, TOBI_E_PROTOCOL, OBJECT, "",
			  "its courier has said something else");
	refuse(courier, &fault);
}

static void on_report(evutil_socket_t fd, short what, void *context)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct courier *courier = context;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	if (what & EV_TIMEOUT) {
		fault_set(&fault, TOBI_E_TIMEOUT, OBJECT, "",
			  "there was no connection in time");
		refuse(courier, &fault);
		return;
	}
	err = packet_receive((int)fd, LIMIT_COURIER, &packet, &fault);
	if (err == TOBI_E_TIMEOUT)
		return;
	if (courier->dialing && !err) {
		take_report(courier, &packet);
	} else if (courier->dialing) {
		fault_set(&fault, TOBI_E_SYSTEM, OBJECT, "",
			  "its courier has ended without a word");
		refuse(courier, &fault);
	} else {
		courier_end(courier);
	}
}

/* In the child: only what is given to it, and nothing of this process's memory. */
static _Noreturn void execute(const struct service *service, int channel, char *host,
			      char *port)
{
	char name[] = "tobichid", option[] = "--courier", here[] = "/proc/self/exe";
	char *arguments[] = {name, option, host, port, NULL};
	char *environment[] = {NULL};
	int null = open("/dev/null", O_RDWR), kept = fcntl(channel, F_DUPFD, 16);

	if (null < 0 || kept < 0)
		_exit(1);
	for (int fd = 0; fd < COURIER_FD; fd++) {
		if (dup2(null, fd) < 0)
			_exit(1);
	}
	if (dup2(kept, COURIER_FD) < 0 ||
	    syscall(SYS_close_range, COURIER_FD + 1, ~0u, 0))
		_exit(1);
	execve(service->courier ? service->courier : here, arguments, environment);
	_exit(1);
}

static enum tobi_err start(struct courier *courier, struct tobi_bytes target,
			   struct tobi_fault *fault)
{
	struct service *service = courier->enclave->service;
	int64_t ms = service->courier_ms ? service->courier_ms : EGRESS_SECONDS * 1000;
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	char host[LIMIT_TARGET + 1] = "", *port;
	int pair[2];

	/* The rule for targets has seen to the colon. */
	snprintf(host, sizeof(host), "%.*s", (int)target.size, (const char *)target.ptr);
	port = strrchr(host, ':');
	if (!port)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "target", "no port");
	*port++ = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return fault_errno(fault, OBJECT, "", "no socket pair");
	courier->fd = pair[0];
	courier->pid = fork();
	if (courier->pid == 0)
		execute(service, pair[1], host, port);
	fd_close(&pair[1]);
	if (courier->pid < 0)
		return fault_errno(fault, OBJECT, "", "no process");
	courier->event = event_new(service->base, courier->fd, EV_READ | EV_PERSIST,
				   on_report, courier);
	if (!courier->event || event_add(courier->event, &limit))
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "",
				 "no room for an event");
	return TOBI_OK;
}

static enum tobi_err check_room(struct enclave *enclave, struct tobi_fault *fault)
{
	if (enclave->state == ENCLAVE_ENDING)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "",
				 "the enclave is ending");
	if (enclave->egress_open >= LIMIT_EGRESS)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "the enclave has %d connections out already",
				 LIMIT_EGRESS);
	if (enclave->egress_dialing >= LIMIT_EGRESS_DIALING)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "%d connections out are not there yet",
				 LIMIT_EGRESS_DIALING);
	if (enclave->service->courier_count >= LIMIT_EGRESS_ALL)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "the service carries %d connections already",
				 LIMIT_EGRESS_ALL);
	if (!pace_take(&enclave->connects, pace_now_ms(), COST_MS,
		       COURIERS_AT_ONCE * COST_MS))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "too many connections out were asked for just now");
	return TOBI_OK;
}

static struct tobi_bytes target_of(const struct enclave *enclave, size_t entry)
{
	const struct manifest *manifest = enclave->image->manifest;

	return entry < manifest->egress_count ? manifest->egress[entry].target
					      : enclave->config->broker;
}

void egress_connect(struct enclave *enclave, uint64_t request, size_t entry)
{
	struct tobi_fault fault = {0};
	struct courier *courier;

	if (check_room(enclave, &fault)) {
		answer(enclave, request, -1, &fault);
		return;
	}
	courier = calloc(1, sizeof(*courier));
	if (!courier) {
		fault_set(&fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
		answer(enclave, request, -1, &fault);
		return;
	}
	*courier = (struct courier){.enclave = enclave,
				    .request = request,
				    .dialing = true,
				    .pid = -1,
				    .fd = -1,
				    .next = enclave->couriers};
	enclave->couriers = courier;
	count(enclave, 1, 1);
	if (start(courier, target_of(enclave, entry), &fault))
		refuse(courier, &fault);
}

void egress_done(struct enclave *enclave)
{
	while (enclave->couriers)
		courier_end(enclave->couriers);
}
