/* Packets on the agent channel, and frames of the secrets protocol. The first byte
 * chooses. */
#include "codec/cbor.h"
#include "daemons/agent/message.h"
#include "daemons/agent/secrets.h"
#include "fuzz/fuzz.h"
#include "ipc/packet.h"

static bool read_message(struct tobi_bytes input)
{
	struct message message;

	if (message_parse(input, &message, NULL))
		return false;
	if (message.kind == MESSAGE_CONFIG) {
		must(message.config.port_count <= LIMIT_PORTS);
		must(message.config.instance.size == 16);
		must_be_inside(message.config.manifest, input);
		must_be_inside(message.config.launch_config, input);
		must_be_inside(message.config.endorse, input);
		must(message.config.signer_count <= LIMIT_SIGNERS);
		for (size_t i = 0; i < message.config.signer_count; i++)
			must(message.config.signers[i].size == 48);
	} else if (message.kind == MESSAGE_ATTEST) {
		must(message.attest.nonce.size >= 8 && message.attest.nonce.size <= 64);
	} else if (message.kind == MESSAGE_KEY_REPLY) {
		must(message.key.size == 32);
	} else if (message.kind == MESSAGE_SIGNAL) {
		must(message.signal > 0);
	} else if (message.kind == MESSAGE_CONNECTED) {
		must(message.connected.fd == -1);
	} else if (message.kind == MESSAGE_FAULT) {
		must(message.fault.code != TOBI_OK);
	}
	return true;
}

static bool read_secret(struct tobi_bytes input)
{
	struct secrets_message put;

	if (secrets_message_parse(input, &put, NULL))
		return false;
	must_be_inside(put.name, input);
	must_be_inside(put.content, input);
	must(!put.name_is_valid || (put.name.size > 0 && put.name.size <= LIMIT_NAME));
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	return take_choice(&input) & 1 ? read_secret(input) : read_message(input);
}

static void start(struct writer *out, unsigned entries, unsigned kind)
{
	cbor_write_map(out, entries);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
}

static void write_config(struct writer *out)
{
	static const uint8_t instance[16] = {1};

	static const uint8_t signer[48] = {9};

	start(out, 7, MESSAGE_CONFIG);
	for (unsigned key = 1; key < 7; key++) {
		cbor_write_uint(out, key);
		if (key == 4) {
			cbor_write_array(out, 2);
			cbor_write_uint(out, 80);
			cbor_write_uint(out, 6379);
		} else if (key == 6) {
			cbor_write_array(out, 1);
			cbor_write_bytes(out, (struct tobi_bytes){signer, 48});
		} else {
			cbor_write_bytes(out, key == 5 ? (struct tobi_bytes){instance, 16}
						       : text_of("bytes"));
		}
	}
}

static void write_attest(struct writer *out)
{
	start(out, 3, MESSAGE_ATTEST);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, 7);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, text_of("eight or more"));
}

static void write_put(struct writer *out)
{
	start(out, 3, 1);
	cbor_write_uint(out, 1);
	cbor_write_text(out, "password");
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, text_of("content"));
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const struct tobi_fault fault = {
	    .code = TOBI_E_DENIED, .object = "report", .message = "not permitted"};

	wr_u8(out, number == 6 || number == 7);
	switch (number) {
	case 0:
		write_config(out);
		break;
	case 1:
		write_attest(out);
		break;
	case 2:
		packet_write_fault(out, MESSAGE_FAULT, &fault);
		break;
	case 3:
	case 4: /* SIGNAL, STOP */
		start(out, 2, number == 3 ? MESSAGE_SIGNAL : MESSAGE_STOP);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 15);
		break;
	case 5:
		start(out, 2, MESSAGE_TOKEN);
		cbor_write_uint(out, 1);
		cbor_write_bytes(out, text_of("token"));
		break;
	case 6:
		write_put(out);
		break;
	case 8: /* KEY-REPLY */
		start(out, 2, MESSAGE_KEY_REPLY);
		cbor_write_uint(out, 1);
		cbor_write_bytes(out, text_of("0123456789abcdef0123456789abcdef"));
		break;
	case 9:
		start(out, 3, MESSAGE_COUNTER_REPLY);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 41);
		cbor_write_uint(out, 2);
		cbor_write_bool(out, true);
		break;
	case 7: /* DONE */
		start(out, 1, 2);
		break;
	case 10:
		start(out, 4, MESSAGE_CONNECTED);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 7);
		cbor_write_uint(out, 2);
		cbor_write_uint(out, TOBI_E_NOT_FOUND);
		cbor_write_uint(out, 3);
		cbor_write_text(out, "no such name");
		break;
	default:
		return FUZZ_NO_SEED;
	}
	return FUZZ_GOOD;
}
