#include "channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "ipc/packet.h"

#define OBJECT "agent channel"

enum { MAX_QUEUED = 512 };

struct queued {
	TAILQ_ENTRY(queued) entry;
	struct writer bytes;
};

struct channel {
	int fd;
	struct event *readable, *writable;
	struct channel_events events;
	void *context;
	TAILQ_HEAD(, queued) queue;
	size_t queued;
	bool gone;
};

static bool has_port(const struct manifest *manifest, uint16_t port)
{
	for (size_t i = 0; i < manifest->port_count; i++)
		if (manifest->ports[i] == port)
			return true;
	return false;
}

static enum tobi_err check_agreement(const struct agent_config *config,
				     struct tobi_fault *fault)
{
	const struct manifest *manifest = &config->manifest;

	if (!bytes_equal_text(manifest->architecture, manifest_host_architecture()))
		return fault_set(fault, TOBI_E_UNSUPPORTED, "manifest", "architecture",
				 "the image is for %.*s, this machine is %s",
				 (int)manifest->architecture.size,
				 (const char *)manifest->architecture.ptr,
				 manifest_host_architecture());
	if (manifest->volume_count)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "manifest", "volumes",
				 "the soft tier grants none");
	for (size_t i = 0; i < config->port_count; i++)
		if (!has_port(manifest, config->ports[i]))
			return fault_set(fault, TOBI_E_DENIED, OBJECT, "ports",
					 "port %u is not among the image's ports",
					 config->ports[i]);
	return launch_config_suits(&config->launch, manifest, fault);
}

static enum tobi_err take_descriptors(struct packet *packet, struct agent_config *config,
				      struct tobi_fault *fault)
{
	if (packet->fd_count != 3 + config->port_count)
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "descriptors",
				 "CONFIG came with %zu descriptors instead of %zu",
				 packet->fd_count, 3 + config->port_count);
	for (size_t i = 0; i < 3; i++)
		config->stdio[i] = packet_take_fd(packet, i);
	for (size_t i = 0; i < config->port_count; i++) {
		int fd = packet_take_fd(packet, 3 + i);
		int listens = 0;
		socklen_t size = sizeof(listens);

		config->listeners[i] = fd;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) ||
		    !listens)
			return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "descriptors",
					 "the socket for port %u does not listen",
					 config->ports[i]);
		if (fcntl(fd, F_SETFL, O_NONBLOCK))
			return fault_errno(fault, OBJECT, "descriptors",
					   "cannot make a socket non-blocking");
	}
	return TOBI_OK;
}

static void fill_identity(const struct message *message, struct agent_config *config)
{
	struct seal_identity *identity = &config->identity;

	config->manifest_bytes = message->config.manifest;
	for (size_t i = 0; i < message->config.signer_count; i++)
		bytes_copy(identity->signers[i], sizeof(identity->signers[i]),
			   message->config.signers[i].ptr,
			   message->config.signers[i].size);
	identity->signer_count = message->config.signer_count;
	identity->product = (uint16_t)config->manifest.product;
	identity->svn = (uint16_t)config->manifest.svn;
	identity->debug = config->manifest.debug;
}

static enum tobi_err fill_config(struct packet *packet, struct agent_config *config,
				 struct tobi_fault *fault)
{
	struct message message;
	enum tobi_err err;

	/* Moved first, so that what is parsed borrows from its last owner. */
	config->bytes = packet->bytes;
	packet->bytes = wr_init(0);
	err = message_parse(wr_view(&config->bytes), &message, fault);
	if (err)
		return err;
	if (message.kind != MESSAGE_CONFIG)
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "message",
				 "the first message is not CONFIG");
	config->endorse = message.config.endorse;
	config->port_count = message.config.port_count;
	for (size_t i = 0; i < config->port_count; i++)
		config->ports[i] = message.config.ports[i];
	bytes_copy(config->instance, sizeof(config->instance),
		   message.config.instance.ptr, message.config.instance.size);
	err = take_descriptors(packet, config, fault);
	if (!err)
		err = manifest_parse(message.config.manifest, &config->manifest, fault);
	if (!err)
		err = launch_config_parse(message.config.launch_config, &config->launch,
					  fault);
	if (!err)
		fill_identity(&message, config);
	return err ? err : check_agreement(config, fault);
}

enum tobi_err agent_config_receive(int fd, struct agent_config **ret_config,
				   struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	CLEANUP(agent_config_freep) struct agent_config *config = NULL;
	enum tobi_err err;

	config = calloc(1, sizeof(*config));
	if (!config)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	for (size_t i = 0; i < 3; i++)
		config->stdio[i] = -1;
	for (size_t i = 0; i < LIMIT_PORTS; i++)
		config->listeners[i] = -1;
	err = packet_receive(fd, LIMIT_CHANNEL, &packet, fault);
	if (!err)
		err = fill_config(&packet, config, fault);
	if (err)
		return err;
	*ret_config = TAKE(config);
	return TOBI_OK;
}

void agent_config_free(struct agent_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < 3; i++)
		fd_close(&config->stdio[i]);
	for (size_t i = 0; i < LIMIT_PORTS; i++)
		fd_close(&config->listeners[i]);
	wr_done(&config->bytes);
	free(config);
}

static void lose(struct channel *channel, const struct tobi_fault *fault)
{
	if (channel->gone)
		return;
	channel->gone = true;
	event_del(channel->readable);
	event_del(channel->writable);
	channel->events.gone(channel->context, fault);
}

/* A connection is a descriptor; why there is none is not. */
static enum tobi_err take_connection(struct packet *packet, struct message *message,
				     struct tobi_fault *fault)
{
	if (packet->fd_count != (message->connected.why.code ? 0 : 1))
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "descriptors",
				 "CONNECTED came with %zu descriptors", packet->fd_count);
	message->connected.fd = packet_take_fd(packet, 0);
	return TOBI_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct channel *channel = context;
	struct tobi_fault fault = {0};
	struct message message;
	enum tobi_err err;

	(void)what;
	err = packet_receive((int)fd, LIMIT_CHANNEL, &packet, &fault);
	if (err == TOBI_E_TIMEOUT)
		return;
	if (!err)
		err = message_parse(wr_view(&packet.bytes), &message, &fault);
	if (!err && message.kind == MESSAGE_CONFIG)
		err = fault_set(&fault, TOBI_E_PROTOCOL, OBJECT, "message",
				"CONFIG came a second time");
	if (!err && message.kind == MESSAGE_CONNECTED)
		err = take_connection(&packet, &message, &fault);
	if (err)
		lose(channel, &fault);
	else
		channel->events.message(channel->context, &message);
}

/* True when the queue is empty. */
static bool drain(struct channel *channel)
{
	struct tobi_fault fault;
	struct queued *first;

	while (!channel->gone && (first = TAILQ_FIRST(&channel->queue)) != NULL) {
		enum tobi_err err =
		    packet_send(channel->fd, wr_view(&first->bytes), NULL, 0, &fault);

		if (err == TOBI_E_TIMEOUT)
			return false;
		if (err) {
			lose(channel, &fault);
			return true;
		}
		TAILQ_REMOVE(&channel->queue, first, entry);
		channel->queued--;
		wr_done(&first->bytes);
		free(first);
	}
	return true;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct channel *channel = context;

	(void)fd;
	(void)what;
	if (drain(channel))
		event_del(channel->writable);
}

enum tobi_err channel_new(struct event_base *base, int fd,
			  const struct channel_events *events, void *context,
			  struct channel **ret_channel, struct tobi_fault *fault)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	TAILQ_INIT(&channel->queue);
	channel->fd = fd;
	channel->events = *events;
	channel->context = context;
	channel->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, channel);
	channel->writable =
	    event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, channel);
	if (!channel->readable || !channel->writable || fcntl(fd, F_SETFL, O_NONBLOCK) ||
	    event_add(channel->readable, NULL)) {
		channel_free(channel);
		return fault_errno(fault, OBJECT, "", "cannot watch the channel");
	}
	*ret_channel = channel;
	return TOBI_OK;
}

void channel_free(struct channel *channel)
{
	struct queued *first;

	if (!channel)
		return;
	while ((first = TAILQ_FIRST(&channel->queue)) != NULL) {
		TAILQ_REMOVE(&channel->queue, first, entry);
		wr_done(&first->bytes);
		free(first);
	}
	if (channel->readable)
		event_free(channel->readable);
	if (channel->writable)
		event_free(channel->writable);
	free(channel);
}

static bool enqueue(struct channel *channel, const struct writer *message)
{
	struct queued *queued;

	if (wr_err(message) || channel->queued == MAX_QUEUED)
		return false;
	queued = calloc(1, sizeof(*queued));
	if (!queued)
		return false;
	queued->bytes = wr_init(LIMIT_CHANNEL);
	wr_bytes(&queued->bytes, message->ptr, message->size);
	TAILQ_INSERT_TAIL(&channel->queue, queued, entry);
	channel->queued++;
	return !wr_err(&queued->bytes);
}

void channel_send(struct channel *channel, const struct writer *message)
{
	struct tobi_fault fault;

	if (channel->gone)
		return;
	if (!enqueue(channel, message)) {
		fault_set(&fault, TOBI_E_MEMORY, OBJECT, "",
			  "a message cannot be queued");
		lose(channel, &fault);
	} else if (!drain(channel)) {
		event_add(channel->writable, NULL);
	}
}

void channel_flush(struct channel *channel, int timeout_ms)
{
	struct pollfd poller = {.fd = channel->fd, .events = POLLOUT};

	while (!drain(channel) && poll(&poller, 1, timeout_ms) > 0)
		;
}
