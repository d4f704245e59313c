#include "seal/ask.h"

#include "base/fault.h"
#include "codec/cbor.h"
#include "ipc/packet.h"

#define OBJECT "agent socket"

enum {
	MAX_ENTRIES = 5,
	SIGNER_SIZE = 48,
	POLICY_MAX = 16 << 10,
	ADDRESS_MAX = 45, /* of IPv6, with IPv4 in it */
};

enum tobi_err ask_check_policy(enum tobi_seal_to to, struct tobi_bytes signer,
			       struct tobi_fault *fault)
{
	if (to != TOBI_SEAL_TO_IMAGE && to != TOBI_SEAL_TO_SIGNER)
		return fault_set(fault, TOBI_E_ARGUMENT, "seal policy", "to",
				 "there is no policy %d", (int)to);
	if (signer.size && (to != TOBI_SEAL_TO_SIGNER || signer.size != SIGNER_SIZE))
		return fault_set(fault, TOBI_E_ARGUMENT, "seal policy", "signer",
				 "a signer id has 48 bytes, and only a policy of the "
				 "signer has one");
	return TOBI_OK;
}

bool ask_name_is_valid(struct tobi_bytes name)
{
	if (!name.size || name.size > TOBI_COUNTER_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		uint8_t c = name.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

static void write_policy(struct writer *out, uint64_t key, const struct ask *ask)
{
	cbor_write_uint(out, key);
	cbor_write_uint(out, ask->to);
	cbor_write_uint(out, key + 1);
	cbor_write_bytes(out, ask->signer);
}

static void write_connect(struct writer *out, const struct ask *ask)
{
	cbor_write_map(out, 3);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, ASK_CONNECT);
	cbor_write_uint(out, 1);
	cbor_write_text_bytes(out, ask->target);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, ask->policy);
}

static void write_peer(struct writer *out, const struct ask *ask)
{
	cbor_write_map(out, 3);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, ASK_PEER);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, ask->source);
	cbor_write_uint(out, 2);
	cbor_write_uint(out, ask->port);
}

void ask_write(struct writer *out, const struct ask *ask)
{
	if (ask->kind == ASK_PEER) {
		write_peer(out, ask);
		return;
	}
	if (ask->kind == ASK_CONNECT) {
		write_connect(out, ask);
		return;
	}
	cbor_write_map(out, ask->kind == ASK_SEAL ? 4 : ask->kind == ASK_UNSEAL ? 2 : 5);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, ask->kind);
	if (ask->kind == ASK_COUNTER) {
		cbor_write_uint(out, 1);
		cbor_write_bool(out, ask->increment);
		write_policy(out, 2, ask);
		cbor_write_uint(out, 4);
		cbor_write_text_bytes(out, ask->name);
		return;
	}
	if (ask->kind == ASK_SEAL)
		write_policy(out, 1, ask);
	cbor_write_uint(out, ask->kind == ASK_SEAL ? 3 : 1);
	cbor_write_bytes(out, ask->associated);
}

static void read_policy(struct cbor *cbor, struct cbor_map *map, int64_t key,
			struct ask *ask)
{
	cbor_map_expect(cbor, map, key, "policy");
	ask->to = (enum tobi_seal_to)cbor_uint_max(cbor, TOBI_SEAL_TO_SIGNER, "policy");
	cbor_map_expect(cbor, map, key + 1, "signer");
	ask->signer = cbor_bytes(cbor, SIGNER_SIZE, "signer");
}

static uint16_t read_port(struct cbor *cbor, struct cbor_map *map, int64_t key,
			  const char *field)
{
	uint64_t port;

	cbor_map_expect(cbor, map, key, field);
	port = cbor_uint_max(cbor, UINT16_MAX, field);
	if (!port)
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
	return (uint16_t)port;
}

static void read_body(struct cbor *cbor, struct cbor_map *map, struct ask *ask)
{
	switch (ask->kind) {
	case ASK_SEAL:
		read_policy(cbor, map, 1, ask);
		cbor_map_expect(cbor, map, 3, "associated data");
		ask->associated =
		    cbor_bytes(cbor, TOBI_SEAL_ASSOCIATED_MAX, "associated data");
		break;
	case ASK_UNSEAL:
		cbor_map_expect(cbor, map, 1, "associated data");
		ask->associated =
		    cbor_bytes(cbor, TOBI_SEAL_ASSOCIATED_MAX, "associated data");
		break;
	case ASK_COUNTER:
		cbor_map_expect(cbor, map, 1, "increment");
		ask->increment = cbor_bool(cbor, "increment");
		read_policy(cbor, map, 2, ask);
		cbor_map_expect(cbor, map, 4, "name");
		ask->name = cbor_text(cbor, TOBI_COUNTER_NAME_MAX, "name");
		if (!cbor_failed(cbor) && !ask_name_is_valid(ask->name))
			cbor_fail(cbor, TOBI_E_MALFORMED, "name");
		break;
	case ASK_CONNECT:
		cbor_map_expect(cbor, map, 1, "target");
		ask->target = cbor_text(cbor, LIMIT_TARGET, "target");
		cbor_map_expect(cbor, map, 2, "policy");
		ask->policy = cbor_bytes(cbor, POLICY_MAX, "policy");
		break;
	case ASK_PEER:
		ask->source = read_port(cbor, map, 1, "source");
		ask->port = read_port(cbor, map, 2, "port");
		break;
	default:
		cbor_fail(cbor, TOBI_E_UNSUPPORTED, "request");
	}
}

enum tobi_err ask_parse(struct tobi_bytes bytes, struct ask *ret_ask,
			struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, MAX_ENTRIES, "request");
	struct ask ask = {0};
	enum tobi_err err;

	cbor_map_expect(&cbor, &map, 0, "request");
	ask.kind = (enum ask_kind)cbor_uint_max(&cbor, 255, "request");
	if (!cbor_failed(&cbor))
		read_body(&cbor, &map, &ask);
	if (!cbor_failed(&cbor) && map.left)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "request");
	err = cbor_finish(&cbor, OBJECT, fault);
	if (!err)
		err = ask_check_policy(ask.to, ask.signer, fault);
	if (!err)
		*ret_ask = ask;
	return err;
}

static void write_counter_value(struct writer *out, const struct tobi_counter *counter)
{
	cbor_write_uint(out, 1);
	cbor_write_uint(out, counter->value);
	cbor_write_uint(out, 2);
	cbor_write_bool(out, counter->anchored);
}

static void write_told(struct writer *out, const struct peer_told *told)
{
	cbor_write_uint(out, 1);
	cbor_write_bytes(out, told->claims_buffer);
	cbor_write_uint(out, 2);
	cbor_write_text_bytes(out, told->address);
	cbor_write_uint(out, 3);
	cbor_write_bytes(out, told->key);
}

void answer_write(struct writer *out, const struct answer *answer)
{
	const size_t entries = answer->kind == ANSWER_COUNTER ? 3
			       : answer->kind == ANSWER_PEER  ? 4
							      : 1;

	cbor_write_map(out, entries);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, answer->kind);
	if (answer->kind == ANSWER_COUNTER)
		write_counter_value(out, &answer->counter);
	else if (answer->kind == ANSWER_PEER)
		write_told(out, &answer->peer);
}

static void read_told(struct cbor *cbor, struct cbor_map *map, struct peer_told *told)
{
	cbor_map_expect(cbor, map, 1, "claims");
	told->claims_buffer = cbor_bytes(cbor, LIMIT_CLAIMS_BUFFER, "claims");
	cbor_map_expect(cbor, map, 2, "address");
	told->address = cbor_text(cbor, ADDRESS_MAX, "address");
	cbor_map_expect(cbor, map, 3, "key");
	told->key = cbor_bytes(cbor, SIGNER_SIZE, "key");
	if (!cbor_failed(cbor) && told->key.size && told->key.size != SIGNER_SIZE)
		cbor_fail(cbor, TOBI_E_MALFORMED, "key");
}

enum tobi_err answer_parse(struct tobi_bytes bytes, struct answer *ret_answer,
			   struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 6, "answer");
	struct answer answer = {0};
	struct tobi_fault told = {0};
	enum tobi_err err;

	cbor_map_expect(&cbor, &map, 0, "answer");
	answer.kind = (enum answer_kind)cbor_uint_max(&cbor, 255, "answer");
	if (!cbor_failed(&cbor) && answer.kind == ANSWER_FAULT) {
		err = packet_read_fault(bytes, &told);
		if (!err)
			return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "fault",
					 "a FAULT without a code");
		if (fault)
			*fault = told;
		return err;
	}
	if (answer.kind == ANSWER_COUNTER) {
		cbor_map_expect(&cbor, &map, 1, "value");
		answer.counter.value = cbor_uint(&cbor, "value");
		cbor_map_expect(&cbor, &map, 2, "anchored");
		answer.counter.anchored = cbor_bool(&cbor, "anchored");
	} else if (answer.kind == ANSWER_PEER) {
		read_told(&cbor, &map, &answer.peer);
	} else if (answer.kind != ANSWER_CONTENT && answer.kind != ANSWER_CONNECTED) {
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "answer");
	}
	if (!cbor_failed(&cbor) && map.left)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "answer");
	err = cbor_finish(&cbor, OBJECT, fault);
	if (!err)
		*ret_answer = answer;
	return err;
}
