/* What the service and the agent of an enclave say to each other, after CONFIG. */
#include "daemons/platform/agent_channel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "codec/cbor.h"
#include "daemons/platform/egress.h"
#include "daemons/platform/hardware.h"
#include "daemons/platform/seal_key.h"
#include "token/soft_token.h"

enum {
	/* What each message costs, in milliseconds of the enclave's own, and how much may
	 * be asked for at once. An agent's own limits, of evidence and at its desk, are
	 * below both. */
	COST = 1,
	COST_OF_KEYS = 2,	/* the signer is asked */
	COST_OF_INCREMENT = 10, /* what is written, by the host's disk or a TPM */
	BURST = 2000,
};

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	struct enclave *enclave = context;
	enum tobi_err err = outbox_flush(&enclave->outbox, (int)fd, NULL);

	(void)what;
	if (err == TOBI_E_TIMEOUT)
		return;
	event_del(enclave->writable_event);
	if (err)
		kill(enclave->isolate.pid, SIGKILL);
}

void agent_channel_done(struct enclave *enclave)
{
	if (enclave->channel_event)
		event_free(enclave->channel_event);
	if (enclave->writable_event)
		event_free(enclave->writable_event);
	outbox_done(&enclave->outbox);
	fd_close(&enclave->channel);
}

/* An agent that is busy asking may have no room for the answers yet. */
void agent_send_fd(struct enclave *enclave, const struct writer *out, int fd)
{
	enum tobi_err err = wr_err(out);

	if (!err)
		err = outbox_send(&enclave->outbox, enclave->channel, wr_view(out), fd,
				  NULL);
	if (err == TOBI_E_TIMEOUT)
		err = event_add(enclave->writable_event, NULL) ? TOBI_E_MEMORY : TOBI_OK;
	if (err)
		kill(enclave->isolate.pid, SIGKILL);
}

void agent_send(struct enclave *enclave, const struct writer *out)
{
	agent_send_fd(enclave, out, -1);
}

void agent_send_number(struct enclave *enclave, enum agent_message kind, unsigned number)
{
	CLEANUP(wr_done) struct writer out = wr_init(64);

	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, kind);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, number);
	agent_send(enclave, &out);
}

void enclave_attest(struct enclave *enclave, struct client *client,
		    struct tobi_bytes nonce)
{
	CLEANUP(wr_done) struct writer out = wr_init(256);
	struct tobi_fault fault = {0};

	if (enclave->attester || !enclave->was_ready ||
	    enclave->state == ENCLAVE_ENDING) {
		fault_set(&fault, TOBI_E_EXISTS, "enclave", "attest",
			  "it is busy; try again");
		client_send_fault(client, &fault);
		return;
	}
	enclave->attester = client;
	enclave->attest_open++;
	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_ATTEST);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, ++enclave->attest_number);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, nonce);
	agent_send(enclave, &out);
}

static void started(struct enclave *enclave)
{
	if (enclave->client)
		client_started(enclave->client, enclave);
	if (enclave->detached)
		enclave->client = NULL;
}

/* What only the agent can set up, or know; the rest is the launcher's to say. */
static const uint64_t agents_protections = SOFT_NO_CAPABILITIES | SOFT_SECCOMP |
					   SOFT_LANDLOCK | SOFT_NOT_DUMPABLE |
					   SOFT_SECRET_MEMORY | SOFT_OWN_USER;

/* Where its keys lie is told and not owed; an ordinary user's enclave has one user. */
static uint64_t agents_duty(void)
{
	uint64_t told = SOFT_SECRET_MEMORY | (geteuid() == 0 ? 0 : SOFT_OWN_USER);

	return agents_protections & ~told;
}

static void take_ready(struct enclave *enclave, struct cbor *cbor)
{
	uint64_t bits = cbor_uint(cbor, "protections");

	/* A wall that is not whole is no wall: the agent ends when it cannot set one up,
	 * and what it says is checked all the same. */
	cbor_require(cbor, !(agents_duty() & ~bits), "protections");
	if (cbor_failed(cbor))
		return;
	enclave->protections |= bits & agents_protections;
	enclave->was_ready = true;
	event_del(enclave->timer);
	if (enclave->image->manifest->secret_count &&
	    enclave->state == ENCLAVE_STARTING) {
		enclave->state = ENCLAVE_WAITING;
		started(enclave);
	}
}

/* What cannot be answered is answered with a fault; without its signer the service can
 * vouch for nobody, and ends. */
static void answer_fault(struct enclave *enclave, const struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);

	packet_write_fault(&out, AGENT_FAULT, fault);
	agent_send(enclave, &out);
	if (signer_is_lost(&enclave->service->signer))
		service_fail(enclave->service, fault);
}

static void send_token(struct enclave *enclave, const uint8_t hash[static 32],
		       struct tobi_bytes guest)
{
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_TOKEN);
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CHANNEL);
	struct tobi_fault fault = {0};

	if (report_make(enclave, hash, &token, &fault)) {
		answer_fault(enclave, &fault);
		return;
	}
	cbor_write_map(&out, guest.size ? 3 : 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_TOKEN);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, wr_view(&token));
	if (guest.size) {
		cbor_write_uint(&out, 2);
		cbor_write_bytes(&out, guest);
	}
	agent_send(enclave, &out);
}

void enclave_reported(struct enclave *enclave, const uint8_t hash[static 32],
		      struct tobi_bytes guest, const struct tobi_fault *why)
{
	if (why)
		answer_fault(enclave, why);
	else
		send_token(enclave, hash, guest);
	if (event_add(enclave->channel_event, NULL))
		kill(enclave->isolate.pid, SIGKILL);
}

/* Where the guest around attests, too, the enclave waits for it: what it asks for is
 * answered in order, so nothing else of it is taken meanwhile. */
static void answer_report(struct enclave *enclave, struct tobi_bytes hash)
{
	struct hardware *hardware = enclave->service->hardware;
	struct tobi_fault fault = {0};

	if (!hardware) {
		send_token(enclave, hash.ptr, (struct tobi_bytes){0});
		return;
	}
	event_del(enclave->channel_event);
	if (hardware_report(hardware, enclave, hash.ptr, &fault))
		enclave_reported(enclave, hash.ptr, (struct tobi_bytes){0}, &fault);
}

/* KEY, from its second entry on. */
static void read_key(struct cbor *cbor, struct cbor_map *map,
		     struct seal_request *ret_request)
{
	static const char *const fields[] = {"signer", "svn", "label"};

	ret_request->kind = (enum seal_kind)cbor_uint_max(cbor, SEAL_TO_SIGNER, "seal");
	for (int n = 2; n <= 4; n++) {
		const char *field = fields[n - 2];

		cbor_map_expect(cbor, map, n, field);
		if (n == 2)
			ret_request->signer = cbor_bytes(cbor, SHA384_SIZE, field);
		else if (n == 3)
			ret_request->svn = cbor_uint_max(cbor, UINT16_MAX, field);
		else
			ret_request->label = cbor_text(cbor, SEAL_LABEL_MAX, field);
	}
}

static void answer_key(struct enclave *enclave, const struct seal_request *request)
{
	CLEANUP(wr_done) struct writer info = wr_init(SEAL_INFO_MAX);
	CLEANUP(wr_done) struct writer out = wr_init(64);
	struct tobi_fault fault = {0};
	uint8_t key[32];
	enum tobi_err err = seal_key_info(enclave->image, request, &info, &fault);

	if (!err)
		err =
		    signer_derive(&enclave->service->signer, wr_view(&info), key, &fault);
	if (err) {
		answer_fault(enclave, &fault);
		return;
	}
	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_KEY_REPLY);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, (struct tobi_bytes){key, sizeof(key)});
	explicit_bzero(key, sizeof(key));
	agent_send(enclave, &out);
}

/* COUNTER, from its second entry on. */
static void read_counter(struct cbor *cbor, struct cbor_map *map,
			 struct counter_request *ret_request)
{
	static const char *const fields[] = {"kind", "signer", "name"};

	ret_request->increment = cbor_bool(cbor, "increment");
	for (int n = 2; n <= 4; n++) {
		const char *field = fields[n - 2];

		cbor_map_expect(cbor, map, n, field);
		if (n == 2)
			ret_request->kind =
			    (enum seal_kind)cbor_uint_max(cbor, SEAL_TO_SIGNER, field);
		else if (n == 3)
			ret_request->signer = cbor_bytes(cbor, SHA384_SIZE, field);
		else
			ret_request->name = cbor_text(cbor, TOBI_COUNTER_NAME_MAX, field);
	}
}

static void answer_counter(struct enclave *enclave, const struct counter_request *request)
{
	CLEANUP(wr_done) struct writer out = wr_init(64);
	struct service *service = enclave->service;
	struct tobi_counter counter = {0};
	struct tobi_fault fault = {0};

	if (counter_serve(&service->counters, &service->signer, enclave->image, request,
			  &counter, &fault)) {
		answer_fault(enclave, &fault);
		return;
	}
	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_COUNTER_REPLY);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, counter.value);
	cbor_write_uint(&out, 2);
	cbor_write_bool(&out, counter.anchored);
	agent_send(enclave, &out);
}

/* One ATTEST has its answer. It is the attester's when it has the attester's number; the
 * others' askers have gone. */
static void answered(struct enclave *enclave, const struct tobi_fault *fault)
{
	enclave->attest_open--;
	if (!enclave->attester || enclave->attest_open)
		return;
	/* A fault has no number: it is the last one's when no other is open. */
	client_send_fault(enclave->attester, fault);
	enclave->attester = NULL;
}

static void take_fault(struct enclave *enclave, struct tobi_bytes bytes)
{
	struct tobi_fault fault = {0};

	IGNORE(packet_read_fault(bytes, &fault));
	if (enclave->attest_open &&
	    (enclave->state == ENCLAVE_RUNNING || enclave->state == ENCLAVE_ENDING)) {
		answered(enclave, &fault);
		return;
	}
	enclave->fault = fault;
	kill(enclave->isolate.pid, SIGKILL);
}

static void take_ended(struct enclave *enclave, struct cbor *cbor, struct cbor_map *map)
{
	uint64_t how = cbor_uint_max(cbor, 1, "how");

	cbor_map_expect(cbor, map, 2, "status");
	enclave->status = (unsigned)cbor_uint_max(cbor, 255, "status");
	enclave->by_signal = how == 1;
	enclave->told = !cbor_failed(cbor);
	enclave->state = ENCLAVE_ENDING;
	enclave_set_timer(enclave, ENCLAVE_END_SECONDS);
}

static void take_evidence(struct enclave *enclave, struct cbor *cbor,
			  struct cbor_map *map)
{
	struct tobi_fault fault = {0};
	struct tobi_bytes evidence;
	uint64_t number = cbor_uint_max(cbor, enclave->attest_number, "request");

	cbor_map_expect(cbor, map, 2, "evidence");
	evidence = cbor_bytes(cbor, LIMIT_EVIDENCE, "evidence");
	if (!enclave->attest_open)
		cbor_fail(cbor, TOBI_E_PROTOCOL, "request");
	if (cbor_failed(cbor))
		return;
	if (number == enclave->attest_number && enclave->attester) {
		client_evidence(enclave->attester, evidence);
		enclave->attester = NULL;
	}
	fault_set(&fault, TOBI_E_PROTOCOL, "agent", "evidence",
		  "there is none for this nonce; try again");
	answered(enclave, &fault);
}

/* CONNECT, from its second entry on. Only what the image lists has a number, and behind
 * it the broker that the launch config names. */
static void read_connect(struct cbor *cbor, struct cbor_map *map,
			 const struct enclave *enclave, uint64_t *ret_request,
			 size_t *ret_entry)
{
	const struct manifest *manifest = enclave->image->manifest;
	size_t count = manifest->egress_count + (enclave->config->broker.size > 0);

	*ret_request = cbor_uint(cbor, "request");
	cbor_map_expect(cbor, map, 2, "entry");
	*ret_entry = (size_t)cbor_uint_max(cbor, LIMIT_PORTS, "entry");
	if (*ret_entry >= count)
		cbor_fail(cbor, TOBI_E_DENIED, "entry");
}

/* For whoever reads the service's log: what the program is not told. */
static void take_note(struct enclave *enclave, struct tobi_bytes bytes)
{
	struct tobi_fault fault = {0};
	char text[768] = "";

	if (!packet_read_fault(bytes, &fault))
		return;
	tobi_fault_print(&fault, text, sizeof(text));
	if (enclave->notes < LIMIT_NOTES)
		fprintf(stderr, "event=note id=%s fault=\"%s\"\n", enclave->id, text);
	else if (enclave->notes == LIMIT_NOTES)
		fprintf(stderr, "event=note id=%s fault=\"no more are shown\"\n",
			enclave->id);
	if (enclave->notes <= LIMIT_NOTES)
		enclave->notes++;
}

static unsigned cost_of(uint64_t kind, bool increment)
{
	switch (kind) {
	case AGENT_REPORT:
	case AGENT_KEY:
		return COST_OF_KEYS;
	case AGENT_COUNTER:
		return increment ? COST_OF_INCREMENT : COST_OF_KEYS;
	case AGENT_EVIDENCE: /* a client has asked for it, and it is taken once */
		return 0;
	default:
		return COST;
	}
}

/* An agent never says so much: somebody else speaks. */
static enum tobi_err pay(struct enclave *enclave, unsigned cost, struct tobi_fault *fault)
{
	return !cost || pace_take(&enclave->messages, pace_now_ms(), cost, BURST)
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_LIMIT, "agent's message", "",
			       "it asks for more than an agent does");
}

/* What the agent may say in which state; whatever else comes ends the enclave. */
/* What a message asks for; which of it is set depends on its kind. */
struct asked {
	struct seal_request seal;
	struct counter_request counter;
	struct tobi_bytes hash;
	uint64_t connect;
	size_t entry;
};

static void read_rest(struct enclave *enclave, uint64_t kind, struct cbor *cbor,
		      struct cbor_map *map, struct asked *asked)
{
	if (kind != AGENT_RUNNING)
		cbor_map_expect(cbor, map, 1, "field");
	if (kind == AGENT_READY && !enclave->was_ready)
		take_ready(enclave, cbor);
	else if (kind == AGENT_REPORT && enclave->was_ready)
		asked->hash = cbor_bytes_exact(cbor, 32, "claims hash");
	else if (kind == AGENT_KEY && enclave->was_ready)
		read_key(cbor, map, &asked->seal);
	else if (kind == AGENT_COUNTER && enclave->was_ready)
		read_counter(cbor, map, &asked->counter);
	else if (kind == AGENT_CONNECT && enclave->was_ready)
		read_connect(cbor, map, enclave, &asked->connect, &asked->entry);
	else if (kind == AGENT_EVIDENCE && enclave->was_ready)
		take_evidence(enclave, cbor, map);
	else if (kind == AGENT_ENDED && enclave->was_ready)
		take_ended(enclave, cbor, map);
	else if (kind != AGENT_RUNNING || !enclave->was_ready)
		cbor_fail(cbor, TOBI_E_PROTOCOL, "kind");
}

static void take_running(struct enclave *enclave)
{
	bool first = enclave->state == ENCLAVE_STARTING;

	if (enclave->state == ENCLAVE_ENDING)
		return;
	enclave->state = ENCLAVE_RUNNING;
	if (first)
		started(enclave);
}

static void answer(struct enclave *enclave, uint64_t kind, const struct asked *asked)
{
	if (kind == AGENT_RUNNING)
		take_running(enclave);
	else if (kind == AGENT_REPORT)
		answer_report(enclave, asked->hash);
	else if (kind == AGENT_KEY)
		answer_key(enclave, &asked->seal);
	else if (kind == AGENT_COUNTER)
		answer_counter(enclave, &asked->counter);
	else if (kind == AGENT_CONNECT)
		egress_connect(enclave, asked->connect, asked->entry);
}

static enum tobi_err take_message(struct enclave *enclave, struct tobi_bytes bytes,
				  struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 6, "message");
	struct asked asked = {0};
	uint64_t kind;
	enum tobi_err err;

	cbor_map_expect(&cbor, &map, 0, "kind");
	kind = cbor_uint(&cbor, "kind");
	if (!cbor_failed(&cbor) && kind == AGENT_FAULT) {
		take_fault(enclave, bytes);
		return TOBI_OK;
	}
	if (!cbor_failed(&cbor) && kind == AGENT_NOTE && enclave->was_ready) {
		take_note(enclave, bytes);
		return pay(enclave, COST, fault);
	}
	read_rest(enclave, kind, &cbor, &map, &asked);
	err = cbor_finish(&cbor, "agent's message", fault);
	if (!err)
		err = pay(enclave, cost_of(kind, asked.counter.increment), fault);
	if (!err)
		answer(enclave, kind, &asked);
	return err;
}

/* Takes one message; false when there is none, or there can be no more. */
static bool take_next(struct enclave *enclave)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err;

	if (!event_pending(enclave->channel_event, EV_READ, NULL))
		return false;
	err = packet_receive(enclave->channel, LIMIT_CHANNEL, &packet, &fault);
	if (err == TOBI_E_TIMEOUT)
		return false;
	if (!err)
		err = take_message(enclave, wr_view(&packet.bytes), &fault);
	if (!err)
		return true;
	/* The end of the channel is told by the end of the process. */
	if (err != TOBI_E_NOT_FOUND && !enclave->fault.code)
		enclave->fault = fault;
	event_del(enclave->channel_event);
	kill(enclave->isolate.pid, SIGKILL);
	return false;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	take_next(context);
}

enum tobi_err agent_channel_watch(struct enclave *enclave, struct tobi_fault *fault)
{
	struct event_base *base = enclave->service->base;

	enclave->channel_event =
	    event_new(base, enclave->channel, EV_READ | EV_PERSIST, on_readable, enclave);
	enclave->writable_event = event_new(base, enclave->channel, EV_WRITE | EV_PERSIST,
					    on_writable, enclave);
	if (!enclave->channel_event || !enclave->writable_event ||
	    event_add(enclave->channel_event, NULL))
		return fault_set(fault, TOBI_E_MEMORY, "service", "",
				 "no room for an event");
	return TOBI_OK;
}

void agent_take_last_words(struct enclave *enclave)
{
	struct hardware *hardware = enclave->service->hardware;

	/* Nobody waits for it any more. */
	if (hardware && hardware_forget(hardware, enclave))
		IGNORE(event_add(enclave->channel_event, NULL));
	while (take_next(enclave))
		;
}
