/* One enclave: its start, its agent's channel, its end. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "daemons/platform/agent_channel.h"
#include "daemons/platform/egress.h"
#include "daemons/platform/measure.h"

enum {
	FIXED_FDS = 4, /* image, stdin, stdout, stderr */
	READY_SECONDS = 15,
	GONE_GRACE = 2,
};

struct enclave *enclave_find(struct service *service, struct tobi_bytes id)
{
	struct enclave *named = NULL;
	size_t count = 0;

	for (struct enclave *e = service->enclaves; e; e = e->next) {
		if (bytes_equal_text(id, e->id))
			return e;
		if (bytes_equal_text(id, e->name)) {
			named = e;
			count++;
		}
	}
	return count == 1 ? named : NULL;
}

void enclave_set_timer(struct enclave *enclave, unsigned seconds)
{
	struct timeval wait = {.tv_sec = seconds};

	event_add(enclave->timer, &wait);
}

void enclave_signal(struct enclave *enclave, unsigned number)
{
	/* In every state: before its program runs the agent ends at a fatal one. */
	agent_send_number(enclave, AGENT_SIGNAL, number);
}

void enclave_stop(struct enclave *enclave, unsigned grace_seconds)
{
	if (enclave->state == ENCLAVE_STARTING) {
		kill(enclave->isolate.pid, SIGKILL);
	} else {
		agent_send_number(enclave, AGENT_STOP, grace_seconds);
		enclave_set_timer(enclave, grace_seconds + ENCLAVE_END_SECONDS);
	}
	enclave->state = ENCLAVE_ENDING;
}

void enclave_client_gone(struct enclave *enclave, struct client *client)
{
	if (enclave->attester == client)
		enclave->attester = NULL;
	if (enclave->client != client)
		return;
	enclave->client = NULL;
	if (!enclave->detached || enclave->state == ENCLAVE_STARTING)
		enclave_stop(enclave, GONE_GRACE);
}

static void free_enclave(struct enclave *enclave)
{
	struct enclave **at = &enclave->service->enclaves;

	while (*at && *at != enclave)
		at = &(*at)->next;
	if (*at) {
		*at = enclave->next;
		enclave->service->enclave_count--;
	}
	egress_done(enclave);
	agent_channel_done(enclave);
	if (enclave->exit_event)
		event_free(enclave->exit_event);
	if (enclave->timer)
		event_free(enclave->timer);
	output_done(&enclave->output);
	isolate_end(&enclave->isolate);
	image_free(enclave->image);
	free(enclave->config);
	free(enclave);
}

static void log_end(const struct enclave *enclave)
{
	char text[512] = "";

	if (enclave->fault.code)
		tobi_fault_print(&enclave->fault, text, sizeof(text));
	fprintf(stderr, "event=ended id=%s %s=%u fault=\"%s\"\n", enclave->id,
		enclave->by_signal ? "signal" : "status", enclave->status, text);
}

/* What neither the program nor its status says; NULL: nothing. A program that lost a
 * child to the limit, and went on, has its own status. */
static const char *end_reason(const struct enclave *enclave)
{
	if (!enclave->by_signal || enclave->status != SIGKILL || enclave->fault.code)
		return NULL;
	if (isolate_ran_out_of_memory(&enclave->isolate))
		return "it ran out of memory; build the image with a higher --memory";
	return enclave->told || !enclave->was_ready || enclave->state == ENCLAVE_ENDING
		   ? NULL
		   : "its agent was killed from outside";
}

/* The agent's process has ended: the enclave is over. */
static void on_agent_exit(evutil_socket_t fd, short what, void *context)
{
	struct enclave *enclave = context;
	struct service *service = enclave->service;
	struct client *client, *attester;
	int status = 0;

	(void)fd, (void)what;
	/* The loop may see the end of a process before what it said last. */
	agent_take_last_words(enclave);
	if (waitpid(enclave->isolate.pid, &status, WNOHANG) != enclave->isolate.pid)
		return;
	client = enclave->client;
	attester = enclave->attester;
	if (!enclave->told) {
		enclave->by_signal = true;
		enclave->status = SIGKILL;
	}
	enclave->reason = end_reason(enclave);
	if (!enclave->was_ready && !enclave->fault.code)
		fault_set(&enclave->fault, TOBI_E_SYSTEM, "agent", "",
			  "it ended before it was ready%s%s", enclave->reason ? ": " : "",
			  enclave->reason ? enclave->reason : "");
	log_end(enclave);
	output_drain(&enclave->output);
	if (client)
		client_exited(client, enclave);
	if (attester) {
		struct tobi_fault fault = {0};

		fault_set(&fault, TOBI_E_NOT_FOUND, "enclave", "", "it has ended");
		client_send_fault(attester, &fault);
	}
	control_enclave_gone(service, enclave);
	free_enclave(enclave);
	service_maybe_idle(service);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct enclave *enclave = context;

	(void)fd, (void)what;
	if (!enclave->was_ready)
		fault_set(&enclave->fault, TOBI_E_TIMEOUT, "agent", "",
			  "it did not become ready");
	kill(enclave->isolate.pid, SIGKILL);
}

static enum tobi_err send_config(struct enclave *enclave,
				 const struct launch_request *request,
				 struct packet *packet, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	int fds[LIMIT_PACKET_FDS];
	size_t count = 0;
	CLEANUP(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(fd_close) int log = -1;
	bool discard = enclave->image->manifest->output == OUTPUT_DISCARDED;
	enum tobi_err err;

	if (null < 0)
		return fault_errno(fault, "service", "/dev/null", "cannot be opened");
	cbor_write_map(&out, 7);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_CONFIG);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, enclave->image->manifest_bytes);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, request->config);
	cbor_write_uint(&out, 3);
	cbor_write_bytes(&out, enclave->service->signer.endorse);
	cbor_write_uint(&out, 4);
	cbor_write_array(&out, request->port_count);
	for (size_t i = 0; i < request->port_count; i++)
		cbor_write_uint(&out, request->ports[i].inner);
	cbor_write_uint(&out, 5);
	cbor_write_bytes(
	    &out, (struct tobi_bytes){enclave->instance, sizeof(enclave->instance)});
	cbor_write_uint(&out, 6);
	cbor_write_array(&out, enclave->image->signer_count);
	for (size_t i = 0; i < enclave->image->signer_count; i++)
		cbor_write_bytes(
		    &out, (struct tobi_bytes){enclave->image->signers[i], SHA384_SIZE});
	if (enclave->detached && !discard) {
		err = output_open(&enclave->output, enclave->service->base, &log, fault);
		if (err)
			return err;
	}
	fds[count++] = packet->fds[1];
	fds[count++] = discard ? null : log >= 0 ? log : packet->fds[2];
	fds[count++] = discard ? null : log >= 0 ? log : packet->fds[3];
	for (size_t i = 0; i < request->port_count; i++)
		fds[count++] = packet->fds[FIXED_FDS + i];
	if (wr_err(&out))
		return fault_set(fault, wr_err(&out), "launch", "",
				 "the configuration is too large");
	return packet_send(enclave->channel, wr_view(&out), fds, count, fault);
}

static enum tobi_err measure(struct enclave *enclave, int fd, int *ret_copy,
			     struct tobi_fault *fault)
{
	const struct timeval wait = {.tv_sec = KEPT_SECONDS};
	struct service *service = enclave->service;

	event_add(service->kept_timer, &wait);
	return measure_image(fd, &service->kept_fd, ret_copy, &enclave->image, fault);
}

static enum tobi_err check_image(const struct enclave *enclave, struct tobi_fault *fault)
{
	const struct manifest *manifest = enclave->image->manifest;

	if (!bytes_equal_text(manifest->architecture, manifest_host_architecture()))
		return fault_set(fault, TOBI_E_UNSUPPORTED, "image", "architecture",
				 "it is for %.*s, and this host is %s",
				 (int)manifest->architecture.size,
				 (const char *)manifest->architecture.ptr,
				 manifest_host_architecture());
	if (manifest->volume_count)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "image", "volumes",
				 "the soft tier has no volumes yet; build without them");
	return launch_config_suits(enclave->config, manifest, fault);
}

static enum tobi_err isolate_agent(struct enclave *enclave, int image_fd,
				   struct tobi_fault *fault)
{
	struct service *service = enclave->service;
	int pair[2] = {-1, -1};
	struct isolate_spec spec = {.image = enclave->image,
				    .image_fd = image_fd,
				    .agent_fd = service->agent_fd,
				    .id = enclave->id,
				    .run_folder = service->run_folder};
	enum tobi_err err;

	/* The agent waits for its first packet; this side never waits. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
	    fcntl(pair[0], F_SETFL, O_NONBLOCK)) {
		err = fault_errno(fault, "service", "channel", "cannot be made");
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return err;
	}
	packet_make_room(pair[0]);
	packet_make_room(pair[1]);
	spec.channel_fd = pair[1];
	err = isolate_start(&spec, &enclave->isolate, fault);
	fd_close(&pair[1]);
	enclave->channel = pair[0];
	enclave->protections = enclave->isolate.protections;
	return err;
}

static enum tobi_err watch(struct enclave *enclave, struct tobi_fault *fault)
{
	struct event_base *base = enclave->service->base;

	enclave->exit_event = event_new(base, enclave->isolate.pidfd,
					EV_READ | EV_PERSIST, on_agent_exit, enclave);
	enclave->timer = evtimer_new(base, on_timer, enclave);
	if (!enclave->exit_event || !enclave->timer ||
	    event_add(enclave->exit_event, NULL))
		return fault_set(fault, TOBI_E_MEMORY, "service", "",
				 "no room for an event");
	enclave_set_timer(enclave, READY_SECONDS);
	return agent_channel_watch(enclave, fault);
}

/* Owner and broker are used when the packet has gone. */
static void keep_for_later(struct enclave *enclave)
{
	struct launch_config *config = enclave->config;

	bytes_copy(enclave->owner, sizeof(enclave->owner), config->owner.ptr,
		   config->owner.size);
	config->owner.ptr = enclave->owner;
	snprintf(enclave->broker, sizeof(enclave->broker), "%.*s",
		 (int)config->broker.size,
		 config->broker.size ? (const char *)config->broker.ptr : "");
	config->broker.ptr = (const uint8_t *)enclave->broker;
}

static enum tobi_err fill_in(struct enclave *enclave,
			     const struct launch_request *request,
			     struct tobi_fault *fault)
{
	enum tobi_err err;

	enclave->config = calloc(1, sizeof(*enclave->config));
	if (!enclave->config)
		return fault_set(fault, TOBI_E_MEMORY, "launch", "", "out of memory");
	err = launch_config_parse(request->config, enclave->config, fault);
	if (!err)
		err = hash_sha384(request->config, enclave->config_id);
	if (!err && RAND_bytes(enclave->instance, sizeof(enclave->instance)) != 1)
		err = fault_openssl(fault, "launch", "instance", "no random bytes");
	hex_write((struct tobi_bytes){enclave->instance, 4}, enclave->id,
		  sizeof(enclave->id));
	if (!err)
		keep_for_later(enclave);
	snprintf(enclave->name, sizeof(enclave->name), "%.*s", (int)request->name.size,
		 request->name.size ? (const char *)request->name.ptr : "");
	for (size_t i = 0; i < request->port_count; i++)
		enclave->ports[i] = request->ports[i];
	enclave->port_count = request->port_count;
	enclave->detached = request->detach;
	enclave->started = time(NULL);
	return err;
}

/* An agent that ended at once may have said why. */
static enum tobi_err last_words(struct enclave *enclave, enum tobi_err err,
				struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};

	if (err != TOBI_E_NOT_FOUND ||
	    packet_receive(enclave->channel, LIMIT_CHANNEL, &packet, NULL))
		return err;
	return packet_read_fault(wr_view(&packet.bytes), fault);
}

enum tobi_err enclave_launch(struct service *service, struct client *client,
			     const struct launch_request *request, struct packet *packet,
			     struct enclave **ret_enclave, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int image_fd = -1;
	struct enclave *enclave;
	enum tobi_err err;

	if (service->stopping || service->enclave_count == LIMIT_ENCLAVES)
		return fault_set(fault, TOBI_E_LIMIT, "service", "enclaves",
				 service->stopping ? "it is ending"
						   : "there are too many");
	if (packet->fd_count != FIXED_FDS + request->port_count)
		return fault_set(fault, TOBI_E_PROTOCOL, "launch", "descriptors",
				 "%zu came with it", packet->fd_count);
	enclave = calloc(1, sizeof(*enclave));
	if (!enclave)
		return fault_set(fault, TOBI_E_MEMORY, "launch", "", "out of memory");
	enclave->service = service;
	enclave->channel = enclave->isolate.pidfd = enclave->isolate.pid = -1;
	output_init(&enclave->output);
	/* Without its keys the host could vouch for nothing that it starts. */
	err = signer_check(&service->signer, fault);
	if (!err)
		err = fill_in(enclave, request, fault);
	if (!err)
		err = measure(enclave, packet->fds[0], &image_fd, fault);
	if (!err)
		err = check_image(enclave, fault);
	if (!err)
		err = isolate_agent(enclave, image_fd, fault);
	if (!err)
		err = last_words(enclave, send_config(enclave, request, packet, fault),
				 fault);
	if (!err)
		err = watch(enclave, fault);
	if (err) {
		if (enclave->isolate.pid > 0) {
			kill(enclave->isolate.pid, SIGKILL);
			while (waitpid(enclave->isolate.pid, NULL, 0) < 0 &&
			       errno == EINTR)
				;
		}
		free_enclave(enclave);
		return err;
	}
	enclave->client = client;
	enclave->next = service->enclaves;
	service->enclaves = enclave;
	service->enclave_count++;
	*ret_enclave = enclave;
	return TOBI_OK;
}
