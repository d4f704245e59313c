/*
 * tobichi-agent: the first process of an enclave (docs/PROTOCOL.md section 6.2).
 *
 * It is started by the launcher with one descriptor, 3, an empty environment and no
 * arguments. It keeps the enclave's TLS key, answers at the enclave's edge, and runs the
 * image's program.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "algorithms.h"
#include "ask_service.h"
#include "attest.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "broker_counters.h"
#include "broker_secrets.h"
#include "channel.h"
#include "evidence.h"
#include "harden.h"
#include "ipc/packet.h"
#include "isolate/isolate.h"
#include "keymem.h"
#include "leaf.h"
#include "outbound.h"
#include "peer.h"
#include "pki/key.h"
#include "proxy.h"
#include "ratls.h"
#include "supervise.h"
#include "tool.h"
#include "token/soft_token.h"
#include "user.h"

#define SECRETS_FOLDER "/run/secrets"

enum {
	MAX_SESSIONS = 256,
	SESSION_MEMORY = 32 << 10, /* of the key memory, at most, for one session */
	KEY_MEMORY_BASE = 1 << 20, /* what OpenSSL itself takes */
	FLUSH_MS = 1000,
	DRAIN_MS = 1000,
};

struct agent {
	struct event_base *base;
	struct agent_config *config;
	struct channel *channel;
	struct evidence *evidence;
	struct secret_store *store;
	struct proxy *proxy;
	struct ratls_server *compatible; /* NULL: ra-tls is not spoken */
	struct agent_ratls *ratls;
	struct outbound out;
	struct broker_secrets *fetched; /* NULL: secrets are sent */
	struct broker_counters counters;
	struct supervisor *supervisor;
	struct desk *desk;
	struct peer_source peers;
	struct ask_service service;
	bool hiding; /* OpenSSL may be given secrets */
	struct program_vectors vectors;
	struct atls_endpoint endpoint;
	struct writer certificate;
	EVP_PKEY *key;
	uint64_t protections;
	uid_t uid; /* of the program; (uid_t)-1 when it is not mapped here */
	gid_t gid;
	int discard; /* /dev/null */
	bool ended;
	int status;
};

static int64_t now(void)
{
	return (int64_t)time(NULL);
}

static void send_fault(struct agent *agent, const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	packet_write_fault(&out, MESSAGE_FAULT, fault);
	if (agent->channel)
		channel_send(agent->channel, &out);
	else
		IGNORE(packet_send(CHANNEL_FD, wr_view(&out), NULL, 0, NULL));
}

/* The last step of every way out: nothing secret is left, and no handler runs. */
static _Noreturn void leave(struct agent *agent, int status)
{
	if (agent->channel)
		channel_flush(agent->channel, FLUSH_MS);
	proxy_free(agent->proxy);
	outbound_done(&agent->out);
	broker_secrets_free(agent->fetched);
	desk_free(agent->desk);
	secret_store_free(agent->store);
	keymem_wipe();
	_exit(status);
}

static _Noreturn void fail(struct agent *agent, const struct tobi_fault *fault)
{
	send_fault(agent, fault);
	leave(agent, 1);
}

/* Without its service an enclave can prove nothing: it ends at once. The processes of the
 * PID namespace end with its first one. */
static void on_gone(void *context, const struct tobi_fault *fault)
{
	struct agent *agent = context;

	(void)fault;
	if (getpid() == 1)
		kill(-1, SIGKILL);
	leave(agent, 1);
}

static void on_running(void *context)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	struct agent *agent = context;

	message_write_running(&out);
	channel_send(agent->channel, &out);
	for (int i = 0; i < 3; i++)
		fd_close(&agent->config->stdio[i]);
}

static void on_failed(void *context, const struct tobi_fault *fault)
{
	fail(context, fault);
}

static _Noreturn void finish(struct agent *agent)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	message_write_ended(&out, agent->status);
	channel_send(agent->channel, &out);
	leave(agent, 0);
}

static void on_drained(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	finish(context);
}

static bool is_drained(const struct agent *agent)
{
	return (!agent->proxy || proxy_is_idle(agent->proxy)) &&
	       outbound_is_idle(&agent->out);
}

/* What the program has written is still on its way to the peers: a moment for it. */
static void on_ended(void *context, int status)
{
	struct timeval moment = {.tv_sec = DRAIN_MS / 1000};
	struct agent *agent = context;

	agent->ended = true;
	agent->status = status;
	if (agent->proxy)
		proxy_close(agent->proxy);
	outbound_close(&agent->out);
	if (is_drained(agent) ||
	    event_base_once(agent->base, -1, EV_TIMEOUT, on_drained, agent, &moment))
		finish(agent);
}

static void on_idle(void *context)
{
	struct agent *agent = context;

	if (agent->ended && is_drained(agent))
		finish(agent);
}

static void on_stored(void *context)
{
	struct agent *agent = context;

	if (secret_store_is_complete(agent->store))
		supervisor_start(agent->supervisor);
}

/* Before OpenSSL is given anything random or secret. */
static enum tobi_err hide_keys(struct agent *agent, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (agent->hiding)
		return TOBI_OK;
	err = algorithms_load(fault);
	if (err)
		return err;
	keymem_hide();
	agent->hiding = true;
	return TOBI_OK;
}

static enum tobi_err make_endpoint(struct agent *agent, struct tobi_fault *fault)
{
	static const char *const protocols[] = {ATLS_PROTOCOL_SECRETS, NULL};
	enum tobi_err err = TOBI_OK;

	if (agent->config->launch.ra_tls)
		err = ratls_server_new(agent->key, &agent->compatible, fault);
	if (err)
		return err;
	agent->endpoint = (struct atls_endpoint){
	    .role = TOBI_ROLE_SERVER,
	    .key = agent->key,
	    .certificate = wr_view(&agent->certificate),
	    .attests = true,
	    .ask_certificate = agent->config->launch.owner.size > 0,
	    .policy = agent->out.trust.clients,
	    .exempt = protocols[0],
	    .protocols = protocols,
	    .compatible = agent->compatible,
	    .now = now,
	    .handshake_ms = PROXY_HANDSHAKE_MS,
	    .max_age_ms = PROXY_MAX_AGE_MS,
	};
	peer_collect(&agent->config->manifest, &agent->endpoint);
	return atls_tls_new(&agent->endpoint, &agent->endpoint.tls, fault);
}

static enum tobi_err make_evidence(struct agent *agent, struct tobi_fault *fault)
{
	struct evidence_setup setup = {.base = agent->base,
				       .report = ask_report,
				       .context = &agent->service,
				       .endorse = agent->config->endorse};
	enum tobi_err err = key_spki_sha256(agent->key, setup.spki_sha256, fault);

	if (!err)
		err = evidence_new(&setup, &agent->evidence, fault);
	agent->service.evidence = agent->evidence;
	return err;
}

static void on_refused(void *context, const struct tobi_fault *fault)
{
	struct agent *agent = context;

	outbound_note(&agent->out, fault);
}

/* For the program's `tobichi connect`. */
static void open_session(void *context, uint64_t number, struct tobi_bytes target,
			 struct tobi_bytes policy)
{
	struct agent *agent = context;

	outbound_open(&agent->out, number, target, policy);
}

/* All sessions, in and out, for which there is key memory. */
static size_t session_room(void)
{
	return (keymem_size() - KEY_MEMORY_BASE) / SESSION_MEMORY;
}

static enum tobi_err make_outbound(struct agent *agent, struct tobi_fault *fault)
{
	struct outbound_setup setup = {
	    .base = agent->base,
	    .manifest = &agent->config->manifest,
	    .launch = &agent->config->launch,
	    .like = &agent->endpoint,
	    .evidence = agent->evidence,
	    .max_sessions = outbound_room(&agent->config->manifest, session_room()),
	    .idle = on_idle,
	    .desk = agent->desk,
	    .context = agent,
	};
	enum tobi_err err = outbound_start(&agent->out, &setup, fault);

	agent->counters.client = agent->out.broker;
	return err;
}

static enum tobi_err fetch_secrets(struct agent *agent, struct tobi_fault *fault)
{
	const struct agent_config *config = agent->config;
	struct broker_secrets_setup setup = {.base = agent->base,
					     .client = agent->out.broker,
					     .manifest = &config->manifest,
					     .place = config->launch.broker_secrets,
					     .store = agent->store,
					     .retry_ms = BROKER_RETRY_MS,
					     .retry_most_ms = BROKER_RETRY_MOST_MS,
					     .stored = on_stored,
					     .waits = on_refused,
					     .failed = on_failed,
					     .context = agent};

	return setup.place.size ? broker_secrets_new(&setup, &agent->fetched, fault)
				: TOBI_OK;
}

static enum tobi_err make_proxy(struct agent *agent, struct tobi_fault *fault)
{
	size_t room = session_room();
	size_t out = outbound_room(&agent->config->manifest, room);
	struct proxy_setup setup = {
	    .base = agent->base,
	    .endpoint = &agent->endpoint,
	    .evidence = agent->evidence,
	    .store = agent->store,
	    .owner = agent->config->launch.owner,
	    .brokered = agent->config->launch.broker_secrets.size > 0,
	    .max_sessions = room - out < MAX_SESSIONS ? room - out : MAX_SESSIONS,
	    .patience_ms = PROXY_PATIENCE_MS,
	    .idle_ms = PROXY_IDLE_MS,
	    .stored = on_stored,
	    .idle = on_idle,
	    .refused = on_refused,
	    .context = agent,
	};

	return proxy_new(&setup, &agent->proxy, fault);
}

static enum tobi_err open_edge(struct agent *agent, struct tobi_fault *fault)
{
	struct agent_config *config = agent->config;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < config->port_count && !err; i++)
		err = proxy_listen(agent->proxy, config->listeners[i], config->ports[i],
				   fault);
	return err;
}

static void on_certificate(void *context)
{
	struct agent *agent = context;
	struct tobi_fault fault;

	if (open_edge(agent, &fault))
		fail(agent, &fault);
}

/* With ra-tls the edge opens once there is a certificate to show. */
static enum tobi_err show_identity(struct agent *agent, struct tobi_fault *fault)
{
	struct agent_ratls_setup setup = {.base = agent->base,
					  .evidence = agent->evidence,
					  .server = agent->compatible,
					  .key = agent->key,
					  .now = now,
					  .ready = on_certificate,
					  .failed = on_failed,
					  .context = agent};

	return agent->compatible ? agent_ratls_new(&setup, &agent->ratls, fault)
				 : open_edge(agent, fault);
}

/* Who this enclave is to others: made when somebody can ask. */
static enum tobi_err make_identity(struct agent *agent, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (agent->proxy)
		return TOBI_OK;
	err = hide_keys(agent, fault);
	if (!err)
		err = leaf_make(now(), &agent->key, &agent->certificate, fault);
	if (!err)
		err = make_endpoint(agent, fault);
	if (!err)
		err = make_evidence(agent, fault);
	if (!err)
		err = make_proxy(agent, fault);
	return err ? err : show_identity(agent, fault);
}

static void start_attest(struct agent *agent, const struct message *message)
{
	struct tobi_fault fault;

	if (make_identity(agent, &fault))
		fail(agent, &fault);
	attest(agent->channel, agent->evidence, message);
}

static void on_message(void *context, const struct message *message)
{
	struct agent *agent = context;
	struct tobi_fault fault;
	enum tobi_err err = TOBI_OK;

	switch (message->kind) {
	case MESSAGE_TOKEN:
	case MESSAGE_KEY_REPLY:
	case MESSAGE_COUNTER_REPLY:
	case MESSAGE_FAULT:
		err = ask_answered(&agent->service, message, &fault);
		break;
	case MESSAGE_ATTEST:
		start_attest(agent, message);
		break;
	case MESSAGE_CONNECTED:
		err = outbound_connected(&agent->out, message, &fault);
		break;
	case MESSAGE_SIGNAL:
		supervisor_signal(agent->supervisor, message->signal);
		break;
	case MESSAGE_STOP:
		supervisor_stop(agent->supervisor, message->grace);
		break;
	default:
		err = fault_set(&fault, TOBI_E_PROTOCOL, "agent channel", "message",
				"not a message for an agent");
	}
	if (err)
		fail(agent, &fault);
}

/* What costs time is made when the first program asks. */
static enum tobi_err begin_sealing(void *context, struct tobi_fault *fault)
{
	struct agent *agent = context;
	struct agent_config *config = agent->config;
	enum tobi_err err = hide_keys(agent, fault);

	if (!err && !algorithms_random_is_hidden())
		err = fault_set(fault, TOBI_E_CRYPTO, "key memory", "",
				"random state is not in it");
	/* The service measured the same bytes. */
	if (!err && hash_sha384(config->manifest_bytes, config->identity.image))
		err = fault_set(fault, TOBI_E_CRYPTO, "manifest", "", "cannot be hashed");
	return err;
}

static enum tobi_err make_desk(struct agent *agent, struct tobi_fault *fault)
{
	struct desk_setup setup = {
	    .base = agent->base,
	    .folder = ASK_FOLDER,
	    .uid = agent->uid,
	    .gid = agent->gid,
	    .identity = &agent->config->identity,
	    .idle_ms = DESK_IDLE_MS,
	    .begin = begin_sealing,
	    .begin_context = agent,
	    .ask_key = ask_key,
	    .ask_counter = ask_counter,
	    .context = &agent->service,
	    .connect = open_session,
	    .connect_context = agent,
	    .peer = peer_tell,
	    .peer_context = &agent->peers,
	};
	struct tobi_bytes tool = {inside_tool, (size_t)(inside_tool_end - inside_tool)};
	enum tobi_err err = tool_place(ASK_FOLDER, tool, fault);

	broker_counters_join(&agent->counters, &agent->config->launch, &setup);
	agent->peers.proxy = (const struct proxy *const *)&agent->proxy;
	agent->peers.endpoint = &agent->endpoint;
	if (!err)
		err = desk_new(&setup, &agent->desk, fault);
	agent->service.desk = agent->desk;
	agent->counters.desk = agent->desk;
	return err;
}

static enum tobi_err make_supervisor(struct agent *agent, struct tobi_fault *fault)
{
	const struct agent_config *config = agent->config;
	bool shown = config->manifest.output == OUTPUT_TO_HOST;
	struct supervisor_setup setup = {
	    .base = agent->base,
	    .program = {.manifest = &config->manifest,
			.vectors = &agent->vectors,
			.stdio = {config->stdio[0],
				  shown ? config->stdio[1] : agent->discard,
				  shown ? config->stdio[2] : agent->discard},
			.uid = agent->uid,
			.gid = agent->gid,
			.confine = isolate_confine_program},
	    .running = on_running,
	    .failed = on_failed,
	    .ended = on_ended,
	    .context = agent,
	};
	enum tobi_err err = program_vectors_make(&config->manifest, &config->launch,
						 &agent->vectors, fault);

	return err ? err : supervisor_new(&setup, &agent->supervisor, fault);
}

static enum tobi_err open_discard(struct agent *agent, struct tobi_fault *fault)
{
	agent->discard = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* NOLINTNEXTLINE: main() has received the configuration */
	if (agent->discard < 0 && agent->config->manifest.output == OUTPUT_DISCARDED)
		return fault_errno(fault, "agent", "output",
				   "the image wants its output discarded; /dev/null");
	return TOBI_OK;
}

/* Everything that needs no network peer and no program, before the confinement. */
static enum tobi_err prepare(struct agent *agent, struct tobi_fault *fault)
{
	static const struct channel_events events = {on_message, on_gone};
	enum tobi_err err = open_discard(agent, fault);

	if (!err)
		err =
		    user_find(&agent->config->manifest, &agent->uid, &agent->gid, fault);
	/* What the image holds is read before the program can be: it is as measured. */
	if (!err)
		err = trust_read(&agent->config->manifest, &agent->config->launch,
				 &agent->out.trust, fault);
	if (err)
		return err;
	if (agent->uid != (uid_t)-1 && agent->uid != getuid())
		agent->protections |= SOFT_OWN_USER;
	agent->base = event_base_new();
	if (!agent->base)
		return fault_set(fault, TOBI_E_SYSTEM, "agent", "", "no event loop");
	err = secret_store_new(SECRETS_FOLDER, &agent->config->manifest, agent->uid,
			       agent->gid, &agent->store, fault);
	if (!err)
		err = make_desk(agent, fault);
	if (!err)
		err = make_supervisor(agent, fault);
	if (!err)
		err = channel_new(agent->base, CHANNEL_FD, &events, agent,
				  &agent->channel, fault);
	agent->service.channel = agent->channel;
	agent->out.channel = agent->channel;
	return err;
}

static enum tobi_err serve(struct agent *agent, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	const struct agent_config *config = agent->config;
	uint64_t confined = 0;
	enum tobi_err err = isolate_confine_agent(&config->manifest, &confined, fault);

	if (err)
		return err;
	agent->protections |= confined;
	message_write_ready(&out, agent->protections);
	channel_send(agent->channel, &out);
	/* What the program does not wait for is made while it starts. */
	if (config->manifest.secret_count || config->manifest.egress_count ||
	    config->launch.broker.size)
		err = make_identity(agent, fault);
	/* Before the program: nobody else has taken a port. */
	if (!err)
		err = make_outbound(agent, fault);
	if (!err)
		on_stored(agent);
	if (!err)
		err = fetch_secrets(agent, fault);
	if (!err && config->port_count)
		err = make_identity(agent, fault);
	if (err)
		return err;
	if (event_base_dispatch(agent->base) < 0)
		return fault_set(fault, TOBI_E_SYSTEM, "agent", "",
				 "the event loop failed");
	return fault_set(fault, TOBI_E_SYSTEM, "agent", "", "the event loop is empty");
}

int main(void)
{
	static struct agent agent = {.discard = -1};
	struct tobi_fault fault = {0};
	enum tobi_err err = harden(&agent.protections, &fault);

	if (!err)
		err = fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC)
			  ? fault_errno(&fault, "agent channel", "descriptor 3",
					"this program is started by tobichid only")
			  : TOBI_OK;
	if (!err)
		err = agent_config_receive(CHANNEL_FD, &agent.config, &fault);
	if (!err)
		err = prepare(&agent, &fault);
	if (!err)
		err = serve(&agent, &fault);
	fail(&agent, &fault);
	return err ? 1 : 0;
}
