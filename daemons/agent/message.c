#include "message.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "codec/cbor.h"
#include "ipc/packet.h"

#define OBJECT "agent channel"

enum {
	MAX_KEYS = 8,
	MIN_NONCE = 8,
	MAX_NONCE = 64,
	INSTANCE_SIZE = 16,
	MAX_CODE = 255,
	LAST_KIND = MESSAGE_NOTE,
};

static void read_ports(struct cbor *cbor, struct message *message)
{
	size_t count = cbor_array(cbor, LIMIT_PORTS, "ports");

	for (size_t i = 0; i < count; i++) {
		uint64_t port = cbor_uint_max(cbor, UINT16_MAX, "ports");

		if (!port)
			cbor_fail(cbor, TOBI_E_MALFORMED, "ports");
		message->config.ports[i] = (uint16_t)port;
	}
	message->config.port_count = count;
}

static void read_signers(struct cbor *cbor, struct message *message)
{
	size_t count = cbor_array(cbor, LIMIT_SIGNERS, "signers");

	for (size_t i = 0; i < count; i++)
		message->config.signers[i] =
		    cbor_bytes_exact(cbor, SHA384_SIZE, "signers");
	message->config.signer_count = count;
}

static void read_config(struct cbor *cbor, struct cbor_map *map, struct message *message)
{
	cbor_map_expect(cbor, map, 1, "manifest");
	message->config.manifest = cbor_bytes(cbor, LIMIT_MANIFEST, "manifest");
	cbor_map_expect(cbor, map, 2, "launch config");
	message->config.launch_config = cbor_bytes(cbor, LIMIT_CONFIG, "launch config");
	cbor_map_expect(cbor, map, 3, "endorse");
	message->config.endorse = cbor_bytes(cbor, LIMIT_ENDORSE, "endorse");
	cbor_map_expect(cbor, map, 4, "ports");
	read_ports(cbor, message);
	cbor_map_expect(cbor, map, 5, "instance");
	message->config.instance = cbor_bytes_exact(cbor, INSTANCE_SIZE, "instance");
	cbor_map_expect(cbor, map, 6, "signers");
	read_signers(cbor, message);
}

static void read_attest(struct cbor *cbor, struct cbor_map *map, struct message *message)
{
	cbor_map_expect(cbor, map, 1, "request");
	message->attest.request = cbor_uint(cbor, "request");
	cbor_map_expect(cbor, map, 2, "nonce");
	message->attest.nonce = cbor_bytes(cbor, MAX_NONCE, "nonce");
	if (message->attest.nonce.size < MIN_NONCE)
		cbor_fail(cbor, TOBI_E_MALFORMED, "nonce");
}

static void read_counter(struct cbor *cbor, struct cbor_map *map, struct message *message)
{
	cbor_map_expect(cbor, map, 1, "value");
	message->counter.value = cbor_uint(cbor, "value");
	cbor_map_expect(cbor, map, 2, "anchored");
	message->counter.anchored = cbor_bool(cbor, "anchored");
}

static void read_signal(struct cbor *cbor, struct cbor_map *map, struct message *message)
{
	cbor_map_expect(cbor, map, 1, "signal");
	message->signal = (int)cbor_uint_max(cbor, (uint64_t)NSIG - 1, "signal");
	if (!message->signal)
		cbor_fail(cbor, TOBI_E_MALFORMED, "signal");
}

static void read_connected(struct cbor *cbor, struct cbor_map *map,
			   struct message *message)
{
	struct tobi_fault *why = &message->connected.why;
	struct tobi_bytes text;
	uint64_t code;

	message->connected.fd = -1;
	cbor_map_expect(cbor, map, 1, "request");
	message->connected.request = cbor_uint(cbor, "request");
	cbor_map_expect(cbor, map, 2, "code");
	code = cbor_uint_max(cbor, MAX_CODE, "code");
	cbor_map_expect(cbor, map, 3, "text");
	text = cbor_text(cbor, sizeof(why->message) - 1, "text");
	if (!cbor_failed(cbor) && code)
		fault_set(why, (enum tobi_err)code, "egress", "", "%.*s", (int)text.size,
			  text.size ? (const char *)text.ptr : "");
}

static void read_body(struct cbor *cbor, struct cbor_map *map, struct message *message)
{
	switch (message->kind) {
	case MESSAGE_CONFIG:
		read_config(cbor, map, message);
		break;
	case MESSAGE_TOKEN:
		cbor_map_expect(cbor, map, 1, "token");
		message->token = cbor_bytes(cbor, LIMIT_TOKEN, "token");
		if (map->left && cbor_map_expect(cbor, map, 2, "guest")) {
			message->guest = cbor_bytes(cbor, LIMIT_GUEST, "guest");
			if (!message->guest.size)
				cbor_fail(cbor, TOBI_E_MALFORMED, "guest");
		}
		break;
	case MESSAGE_KEY_REPLY:
		cbor_map_expect(cbor, map, 1, "key");
		message->key = cbor_bytes_exact(cbor, SEAL_KEY_SIZE, "key");
		break;
	case MESSAGE_COUNTER_REPLY:
		read_counter(cbor, map, message);
		break;
	case MESSAGE_ATTEST:
		read_attest(cbor, map, message);
		break;
	case MESSAGE_SIGNAL:
		read_signal(cbor, map, message);
		break;
	case MESSAGE_STOP:
		cbor_map_expect(cbor, map, 1, "grace");
		message->grace = (unsigned)cbor_uint_max(cbor, LIMIT_GRACE, "grace");
		break;
	case MESSAGE_CONNECTED:
		read_connected(cbor, map, message);
		break;
	default:
		cbor_fail(cbor, TOBI_E_UNSUPPORTED, "message");
	}
}

enum tobi_err message_parse(struct tobi_bytes bytes, struct message *ret_message,
			    struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, MAX_KEYS, "message");
	struct message message = {0};
	enum tobi_err err;

	cbor_map_expect(&cbor, &map, 0, "message");
	message.kind = (enum message_kind)cbor_uint_max(&cbor, LAST_KIND, "message");
	if (!cbor_failed(&cbor) && message.kind == MESSAGE_FAULT) {
		/* Its code says what the service could not do; zero says that it is none.
		 */
		if (!packet_read_fault(bytes, &message.fault))
			return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "fault",
					 "a FAULT without a code");
		*ret_message = message;
		return TOBI_OK;
	}
	if (!cbor_failed(&cbor))
		read_body(&cbor, &map, &message);
	if (!cbor_failed(&cbor) && map.left)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "message");
	err = cbor_finish(&cbor, OBJECT, fault);
	if (err)
		return err;
	*ret_message = message;
	return TOBI_OK;
}

static void start(struct writer *out, enum message_kind kind, size_t entries)
{
	cbor_write_map(out, entries + 1);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, (uint64_t)kind);
}

void message_write_ready(struct writer *out, uint64_t protections)
{
	start(out, MESSAGE_READY, 1);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, protections);
}

void message_write_running(struct writer *out)
{
	start(out, MESSAGE_RUNNING, 0);
}

void message_write_report(struct writer *out, const uint8_t claims_hash[static 32])
{
	start(out, MESSAGE_REPORT, 1);
	cbor_write_uint(out, 1);
	cbor_write_bytes(out, (struct tobi_bytes){claims_hash, 32});
}

void message_write_evidence(struct writer *out, uint64_t request,
			    struct tobi_bytes evidence)
{
	start(out, MESSAGE_EVIDENCE, 2);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, request);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, evidence);
}

void message_write_key(struct writer *out, const struct key_wanted *wanted)
{
	start(out, MESSAGE_KEY, 4);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, wanted->to);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, wanted->signer);
	cbor_write_uint(out, 3);
	cbor_write_uint(out, wanted->svn);
	cbor_write_uint(out, 4);
	cbor_write_text(out, SEAL_OBJECT_LABEL);
}

void message_write_counter(struct writer *out, const struct counter_wanted *wanted)
{
	start(out, MESSAGE_COUNTER, 4);
	cbor_write_uint(out, 1);
	cbor_write_bool(out, wanted->increment);
	cbor_write_uint(out, 2);
	cbor_write_uint(out, wanted->to);
	cbor_write_uint(out, 3);
	cbor_write_bytes(out, wanted->signer);
	cbor_write_uint(out, 4);
	cbor_write_text_bytes(out, wanted->name);
}

void message_write_connect(struct writer *out, uint64_t request, size_t entry)
{
	start(out, MESSAGE_CONNECT, 2);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, request);
	cbor_write_uint(out, 2);
	cbor_write_uint(out, entry);
}

void message_write_ended(struct writer *out, int status)
{
	bool killed = WIFSIGNALED(status);

	start(out, MESSAGE_ENDED, 2);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, killed ? 1 : 0);
	cbor_write_uint(out, 2);
	cbor_write_uint(out, (uint64_t)(killed ? WTERMSIG(status) : WEXITSTATUS(status)));
}
