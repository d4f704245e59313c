#include "outbound.h"

#include "base/fault.h"
#include "ipc/packet.h"
#include "proxy.h"

enum { RETRY_MS = 100 };

size_t outbound_room(const struct manifest *manifest, size_t room)
{
	size_t part = room / 4;

	if (!manifest->egress_count)
		return 0;
	return part < LIMIT_EGRESS ? part : LIMIT_EGRESS;
}

void outbound_note(void *context, const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	struct outbound *outbound = context;

	/* Who is refused may try again and again. For one more than it shows, the service
	 * says that there are more. */
	if (outbound->notes > LIMIT_NOTES)
		return;
	outbound->notes++;
	packet_write_fault(&out, MESSAGE_NOTE, fault);
	channel_send(outbound->channel, &out);
}

static void send_connect(void *context, uint64_t request, size_t entry)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	struct outbound *outbound = context;

	message_write_connect(&out, request, entry);
	channel_send(outbound->channel, &out);
}

static void connect_broker(void *context, uint64_t request)
{
	struct outbound *outbound = context;

	send_connect(outbound, request, outbound->broker_entry);
}

static void on_opened(void *context, uint64_t number, const int fds[static 2])
{
	struct outbound *outbound = context;

	desk_connected(outbound->desk, number, fds, NULL);
}

static void on_refused(void *context, uint64_t number, const struct tobi_fault *why)
{
	struct outbound *outbound = context;

	desk_connected(outbound->desk, number, NULL, why);
}

void outbound_open(struct outbound *outbound, uint64_t number, struct tobi_bytes target,
		   struct tobi_bytes policy)
{
	struct tobi_fault fault = {0};

	if (!outbound->egress)
		fault_set(&fault, TOBI_E_DENIED, "egress", "",
			  "the image lists no way out; build it with --egress");
	if (!outbound->egress ||
	    egress_open(outbound->egress, number, target, policy, &fault))
		desk_connected(outbound->desk, number, NULL, &fault);
}

static enum tobi_err start_broker(struct outbound *outbound,
				  const struct outbound_setup *setup,
				  struct tobi_fault *fault)
{
	struct broker_client_setup client = {.base = setup->base,
					     .target = setup->launch->broker,
					     .key = setup->launch->broker_key,
					     .policy = outbound->trust.broker,
					     .like = setup->like,
					     .evidence = setup->evidence,
					     .call_ms = BROKER_CALL_MS,
					     .retry_ms = RETRY_MS,
					     .connect = connect_broker,
					     .context = outbound};

	/* Behind the image's own. */
	outbound->broker_entry = setup->manifest->egress_count;
	return setup->launch->broker.size
		   ? broker_client_new(&client, &outbound->broker, fault)
		   : TOBI_OK;
}

enum tobi_err outbound_start(struct outbound *outbound,
			     const struct outbound_setup *setup, struct tobi_fault *fault)
{
	struct egress_setup egress = {.base = setup->base,
				      .manifest = setup->manifest,
				      .endpoints = outbound->trust.endpoints,
				      .evidence = setup->evidence,
				      .max_sessions = setup->max_sessions,
				      .idle_ms = PROXY_IDLE_MS,
				      .retry_ms = RETRY_MS,
				      .connect = send_connect,
				      .failed = outbound_note,
				      .idle = setup->idle,
				      .opened = on_opened,
				      .refused = on_refused,
				      .like = setup->like,
				      .context = outbound,
				      .idle_context = setup->context};
	enum tobi_err err;

	outbound->desk = setup->desk;
	err = start_broker(outbound, setup, fault);
	if (err || !setup->manifest->egress_count)
		return err;
	err = trust_make_endpoints(&outbound->trust, setup->manifest, setup->like, fault);
	if (!err)
		err = egress_new(&egress, &outbound->egress, fault);
	return err ? err : egress_listen(outbound->egress, fault);
}

enum tobi_err outbound_connected(struct outbound *outbound, const struct message *message,
				 struct tobi_fault *fault)
{
	const struct tobi_fault *why = &message->connected.why;
	int fd = message->connected.fd;

	if (outbound->broker && message->connected.request >= BROKER_REQUESTS)
		return broker_client_connected(outbound->broker,
					       message->connected.request, fd,
					       why->code ? why : NULL, fault);
	if (outbound->egress)
		return egress_connected(outbound->egress, message->connected.request, fd,
					why->code ? why : NULL, fault);
	fd_close(&fd);
	return fault_set(fault, TOBI_E_PROTOCOL, "agent channel", "message",
			 "a connection, and none was asked for");
}

void outbound_close(struct outbound *outbound)
{
	if (outbound->egress)
		egress_close(outbound->egress);
}

bool outbound_is_idle(const struct outbound *outbound)
{
	return !outbound->egress || egress_is_idle(outbound->egress);
}

void outbound_done(struct outbound *outbound)
{
	broker_client_free(outbound->broker);
	egress_free(outbound->egress);
	trust_done(&outbound->trust);
	*outbound = (struct outbound){0};
}
