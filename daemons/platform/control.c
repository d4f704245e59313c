/* The control socket: who may ask, and what (docs/PROTOCOL.md section 6.1). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "daemons/platform/service.h"
#include "ipc/control.h"
#include "token/soft_token.h"

enum { MAX_CLIENTS = 512, LISTEN_PAUSE_MS = 100 };

struct client {
	struct service *service;
	int fd;
	struct event *event;
	struct enclave *enclave; /* of its LAUNCH, or of the STOP it waits for */
	bool asked;		 /* one request for each connection */
	bool launched;
	struct client *next;
};

static void client_free(struct client *client)
{
	struct service *service = client->service;
	struct client **at = &service->clients;

	while (*at && *at != client)
		at = &(*at)->next;
	if (*at)
		*at = client->next;
	for (struct enclave *e = service->enclaves; e; e = e->next)
		enclave_client_gone(e, client);
	if (client->event)
		event_free(client->event);
	fd_close(&client->fd);
	free(client);
	service_maybe_idle(service);
}

static void send_whole(struct client *client, const struct writer *message)
{
	/* A client that does not read is not waited for: its connection ends. */
	if (wr_err(message) || packet_send(client->fd, wr_view(message), NULL, 0, NULL))
		shutdown(client->fd, SHUT_RDWR);
}

void client_send(struct client *client, const struct writer *message)
{
	struct tobi_fault fault = {0};

	if (!wr_err(message)) {
		send_whole(client, message);
		return;
	}
	fault_set(&fault, wr_err(message), "service", "answer",
		  "it does not fit into a packet");
	client_send_fault(client, &fault);
}

void client_send_fault(struct client *client, const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);

	packet_write_fault(&out, REPLY_FAULT, fault);
	send_whole(client, &out);
}

static void write_head(struct writer *out, unsigned kind, unsigned entries)
{
	cbor_write_map(out, entries);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
}

void client_started(struct client *client, const struct enclave *enclave)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);
	CLEANUP(wr_done) struct writer lacks = wr_init(4096);
	size_t lines = 0;

	isolate_lacks(&enclave->isolate, &lacks);
	if (!client->service->signer.locked)
		wr_printf(&lacks,
			  "%sthe platform's keys may be swapped to disk: the limit on "
			  "locked memory (ulimit -l) is too low",
			  lacks.size ? "\n" : "");
	wr_u8(&lacks, 0);
	for (const char *at = (const char *)lacks.ptr; at && *at; at++)
		lines += *at == '\n' || !at[1];
	write_head(&out, REPLY_STARTED, 6);
	cbor_write_uint(&out, 1);
	cbor_write_text(&out, enclave->id);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out,
			 (struct tobi_bytes){enclave->image->image_id, SHA384_SIZE});
	cbor_write_uint(&out, 3);
	cbor_write_bytes(&out, (struct tobi_bytes){enclave->config_id, SHA384_SIZE});
	cbor_write_uint(&out, 4);
	cbor_write_uint(&out, enclave->protections);
	cbor_write_uint(&out, 5);
	cbor_write_array(&out, lines);
	for (const char *at = (const char *)lacks.ptr; at && *at;) {
		size_t size = strcspn(at, "\n");

		cbor_write_text_bytes(&out,
				      (struct tobi_bytes){(const uint8_t *)at, size});
		at += size + (at[size] != 0);
	}
	client_send(client, &out);
}

static void send_exited(struct client *client, const struct enclave *enclave)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);

	write_head(&out, REPLY_EXITED, enclave->reason ? 5 : 4);
	cbor_write_uint(&out, 1);
	cbor_write_text(&out, enclave->id);
	cbor_write_uint(&out, 2);
	cbor_write_uint(&out, enclave->by_signal);
	cbor_write_uint(&out, 3);
	cbor_write_uint(&out, enclave->status);
	if (enclave->reason) {
		cbor_write_uint(&out, 4);
		cbor_write_text(&out, enclave->reason);
	}
	client_send(client, &out);
}

/* The launch's own client, and whoever has asked for the stop. */
void client_exited(struct client *client, const struct enclave *enclave)
{
	if (enclave->fault.code)
		client_send_fault(client, &enclave->fault);
	else
		send_exited(client, enclave);
}

void control_enclave_gone(struct service *service, const struct enclave *enclave)
{
	for (struct client *c = service->clients; c; c = c->next) {
		if (c->enclave != enclave)
			continue;
		if (!c->launched)
			send_exited(c, enclave);
		c->enclave = NULL;
	}
}

void client_evidence(struct client *client, struct tobi_bytes evidence)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL_REPLY);

	packet_make_room(client->fd);
	write_head(&out, REPLY_EVIDENCE, 2);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, evidence);
	client_send(client, &out);
}

static const char *state_name(enum enclave_state state)
{
	static const char *const names[] = {"starting", "waiting for secrets", "running",
					    "ending"};

	return names[state];
}

static void write_enclave(struct writer *out, const struct enclave *enclave)
{
	uint64_t memory = 0, tasks = 0;

	isolate_usage(&enclave->isolate, &memory, &tasks);
	cbor_write_map(out, 9);
	cbor_write_uint(out, 0);
	cbor_write_text(out, enclave->id);
	cbor_write_uint(out, 1);
	cbor_write_text(out, enclave->name);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, (struct tobi_bytes){enclave->image->image_id, SHA384_SIZE});
	cbor_write_uint(out, 3);
	cbor_write_uint(out, (uint64_t)enclave->started);
	cbor_write_uint(out, 4);
	cbor_write_text(out, state_name(enclave->state));
	cbor_write_uint(out, 5);
	cbor_write_uint(out, (uint64_t)enclave->isolate.pid);
	cbor_write_uint(out, 6);
	cbor_write_array(out, enclave->port_count);
	for (size_t i = 0; i < enclave->port_count; i++) {
		cbor_write_array(out, 3);
		cbor_write_text(out, enclave->ports[i].address);
		cbor_write_uint(out, enclave->ports[i].port);
		cbor_write_uint(out, enclave->ports[i].inner);
	}
	cbor_write_uint(out, 7);
	cbor_write_uint(out, memory);
	cbor_write_uint(out, 8);
	cbor_write_uint(out, tasks);
}

static void reply_list(struct client *client)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);

	write_head(&out, REPLY_ENCLAVES, 2);
	cbor_write_uint(&out, 1);
	cbor_write_array(&out, client->service->enclave_count);
	for (const struct enclave *e = client->service->enclaves; e; e = e->next)
		write_enclave(&out, e);
	client_send(client, &out);
}

static void reply_status(struct client *client)
{
	struct service *service = client->service;
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);

	write_head(&out, REPLY_PLATFORM, 6);
	cbor_write_uint(&out, 1);
	cbor_write_text(&out, TOBICHI_VERSION);
	cbor_write_uint(&out, 2);
	cbor_write_uint(&out, (uint64_t)getpid());
	cbor_write_uint(&out, 3);
	cbor_write_text(&out, service->signer.root_kind);
	cbor_write_uint(&out, 4);
	cbor_write_bytes(&out, (struct tobi_bytes){service->signer.ueid,
						   sizeof(service->signer.ueid)});
	cbor_write_uint(&out, 5);
	cbor_write_uint(&out, service->enclave_count);
	client_send(client, &out);
}

static enum tobi_err find(struct client *client, const struct request *request,
			  struct enclave **ret_enclave, struct tobi_fault *fault)
{
	*ret_enclave = enclave_find(client->service, request->id);
	if (*ret_enclave)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_NOT_FOUND, "enclave", "id",
			 "there is none of that name; `tobichi ps` lists them");
}

static enum tobi_err do_launch(struct client *client, const struct request *request,
			       struct packet *packet, struct tobi_fault *fault)
{
	client->launched = true;
	return enclave_launch(client->service, client, &request->launch, packet,
			      &client->enclave, fault);
}

static enum tobi_err do_stop(struct client *client, const struct request *request,
			     struct tobi_fault *fault)
{
	enum tobi_err err = find(client, request, &client->enclave, fault);

	if (!err)
		enclave_stop(client->enclave, request->grace);
	return err;
}

static enum tobi_err do_attest(struct client *client, const struct request *request,
			       struct tobi_fault *fault)
{
	struct enclave *enclave = NULL;
	enum tobi_err err = find(client, request, &enclave, fault);

	if (!err)
		enclave_attest(enclave, client, request->nonce);
	return err;
}

/* The reader waits on this connection for the enclave's end, if it likes. */
static enum tobi_err do_logs(struct client *client, const struct request *request,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(64);
	CLEANUP(fd_close) int log = -1;
	enum tobi_err err = find(client, request, &client->enclave, fault);

	if (!err)
		err = output_reader(&client->enclave->output, &log, fault);
	if (err)
		return err;
	write_head(&out, REPLY_LOG, 2);
	cbor_write_uint(&out, 1);
	cbor_write_bool(&out, client->enclave->state != ENCLAVE_ENDING);
	return packet_send(client->fd, wr_view(&out), &log, 1, fault);
}

static enum tobi_err dispatch(struct client *client, struct packet *packet,
			      struct tobi_fault *fault)
{
	struct request request;
	bool again = client->asked;
	enum tobi_err err = request_parse(wr_view(&packet->bytes), &request, fault);

	client->asked = true;
	if (err)
		return err;
	/* After the one request only a launch may go on, with signals. */
	if (again != (request.kind == REQUEST_SIGNAL) || (again && !client->launched))
		return fault_set(fault, TOBI_E_PROTOCOL, "request", "request",
				 "it is not for this place in the order of packets");
	switch (request.kind) {
	case REQUEST_LAUNCH:
		return do_launch(client, &request, packet, fault);
	case REQUEST_SIGNAL:
		if (client->enclave)
			enclave_signal(client->enclave, request.signal);
		return TOBI_OK;
	case REQUEST_STOP:
		return do_stop(client, &request, fault);
	case REQUEST_LOGS:
		return do_logs(client, &request, fault);
	case REQUEST_ATTEST:
		return do_attest(client, &request, fault);
	case REQUEST_LIST:
		reply_list(client);
		return TOBI_OK;
	case REQUEST_STATUS:
		reply_status(client);
		return TOBI_OK;
	}
	return fault_set(fault, TOBI_E_UNSUPPORTED, "request", "",
			 "it is not known here");
}

static void on_client(evutil_socket_t fd, short what, void *context)
{
	struct client *client = context;
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err = packet_receive((int)fd, LIMIT_CONTROL, &packet, &fault);

	(void)what;
	if (err == TOBI_E_TIMEOUT)
		return;
	if (err == TOBI_E_NOT_FOUND) {
		client_free(client);
		return;
	}
	if (!err)
		err = dispatch(client, &packet, &fault);
	if (err) {
		client_send_fault(client, &fault);
		shutdown(client->fd, SHUT_WR);
	}
}

static bool may_ask(int fd)
{
	uid_t uid = (uid_t)-1;
	pid_t pid = 0;

	return !packet_peer(fd, &uid, &pid, NULL) && (uid == 0 || uid == geteuid());
}

static void on_listen_again(evutil_socket_t fd, short what, void *context)
{
	struct service *service = context;

	(void)fd, (void)what;
	if (service->listen_event && event_add(service->listen_event, NULL))
		fprintf(stderr, "event=failed fault=\"nobody is listened to\"\n");
}

/* Who waits at the socket cannot be taken, and would wake up the loop at once again. */
static void pause_listening(struct service *service)
{
	struct timeval pause = {.tv_usec = LISTEN_PAUSE_MS * 1000L};

	if (!event_add(service->listen_timer, &pause))
		event_del(service->listen_event);
}

/* Takes one connection; false when none can be. */
static bool take_connection(struct service *service)
{
	CLEANUP(fd_close)
	int peer = accept4(service->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;
	size_t count = 0;

	for (const struct client *c = service->clients; c; c = c->next)
		count++;
	if (peer < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_listening(service);
		return false;
	}
	if (count == MAX_CLIENTS || !may_ask(peer))
		return true;
	client = calloc(1, sizeof(*client));
	if (!client)
		return true;
	client->service = service;
	client->fd = peer;
	client->event =
	    event_new(service->base, peer, EV_READ | EV_PERSIST, on_client, client);
	if (!client->event || event_add(client->event, NULL)) {
		if (client->event)
			event_free(client->event);
		free(client);
		return true;
	}
	peer = -1;
	client->next = service->clients;
	service->clients = client;
	return true;
}

static void on_connect(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	take_connection(context);
}

/* Between the last look and the end somebody may connect: the name goes first, then those
 * who were in time are looked for; for them the service stays. */
bool control_is_idle(struct service *service)
{
	char path[LIMIT_PATH + 32];
	struct tobi_fault fault = {0};

	snprintf(path, sizeof(path), "%s/service.sock", service->run_folder);
	unlink(path);
	while (take_connection(service))
		;
	if (!service->clients)
		return true;
	event_free(service->listen_event);
	service->listen_event = NULL;
	fd_close(&service->listener);
	if (control_open(service, &fault))
		fprintf(stderr,
			"event=failed fault=\"the socket cannot be opened again\"\n");
	return false;
}

enum tobi_err control_open(struct service *service, struct tobi_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int failed;

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path),
			     "%s/service.sock",
			     service->run_folder) >= sizeof(address.sun_path))
		return fault_set(fault, TOBI_E_LIMIT, "service", "run folder",
				 "its path is too long");
	service->listener =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (service->listener < 0)
		return fault_errno(fault, "service", "socket", "cannot be made");
	/* The lock says that nobody else serves here: what lies here is left over. */
	unlink(address.sun_path);
	mask = umask(0177);
	failed = bind(service->listener, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (failed || listen(service->listener, 64))
		return fault_errno(fault, "service", "socket", "cannot listen at %s",
				   address.sun_path);
	service->listen_event = event_new(service->base, service->listener,
					  EV_READ | EV_PERSIST, on_connect, service);
	if (!service->listen_timer)
		service->listen_timer =
		    evtimer_new(service->base, on_listen_again, service);
	if (!service->listen_event || !service->listen_timer ||
	    event_add(service->listen_event, NULL))
		return fault_set(fault, TOBI_E_MEMORY, "service", "",
				 "no room for an event");
	return TOBI_OK;
}

void control_close(struct service *service)
{
	char path[LIMIT_PATH + 32];

	if (service->listen_event)
		event_free(service->listen_event);
	if (service->listen_timer)
		event_free(service->listen_timer);
	service->listen_event = service->listen_timer = NULL;
	fd_close(&service->listener);
	while (service->clients)
		client_free(service->clients);
	snprintf(path, sizeof(path), "%s/service.sock", service->run_folder);
	unlink(path);
}
