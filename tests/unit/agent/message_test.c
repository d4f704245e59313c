#include "tests/check.h"

#include <sys/wait.h>

#include "base/secret.h"
#include "codec/cbor.h"
#include "ipc/packet.h"
#include "message.h"

static const uint8_t instance[16] = {1};

/* CONFIG with a manifest of one byte, an empty endorse, the given port and instance, and
 * one signer. */
static void write_config(struct writer *out, uint64_t port, size_t instance_size)
{
	static const uint8_t signer[48] = {7};

	cbor_write_map(out, 7);
	for (uint64_t key = 0; key < 7; key++) {
		cbor_write_uint(out, key);
		if (key == 0)
			cbor_write_uint(out, MESSAGE_CONFIG);
		else if (key == 4)
			cbor_write_array(out, 1), cbor_write_uint(out, port);
		else if (key == 6)
			cbor_write_array(out, 1),
			    cbor_write_bytes(out, (struct tobi_bytes){signer, 48});
		else if (key == 5)
			cbor_write_bytes(out,
					 (struct tobi_bytes){instance, instance_size});
		else
			cbor_write_bytes(out,
					 (struct tobi_bytes){instance, key == 3 ? 0 : 1});
	}
}

static void test_config(void **state)
{
	struct writer out = wr_init(1024);
	struct message message;

	(void)state;
	write_config(&out, 6379, 16);
	assert_int_equal(message_parse(wr_view(&out), &message, NULL), TOBI_OK);
	assert_int_equal(message.kind, MESSAGE_CONFIG);
	assert_int_equal(message.config.manifest.size, 1);
	assert_int_equal(message.config.endorse.size, 0);
	assert_int_equal(message.config.port_count, 1);
	assert_int_equal(message.config.ports[0], 6379);
	assert_int_equal(message.config.instance.size, 16);
	assert_int_equal(message.config.signer_count, 1);
	assert_int_equal(message.config.signers[0].ptr[0], 7);
	for (size_t size = 0; size < out.size; size++)
		assert_int_not_equal(
		    message_parse((struct tobi_bytes){out.ptr, size}, &message, NULL),
		    TOBI_OK);
	wr_u8(&out, 0);
	assert_int_equal(message_parse(wr_view(&out), &message, NULL), TOBI_E_TRAILING);
	wr_done(&out);
}

/* A token alone, or with what attests the guest around. */
static void test_token_with_and_without_guest(void **state)
{
	static const uint8_t bytes[2] = {1, 2};
	struct message message;

	(void)state;
	for (size_t guest = 0; guest < 3; guest++) {
		struct writer out = wr_init(64);

		cbor_write_map(&out, guest ? 3 : 2);
		cbor_write_uint(&out, 0);
		cbor_write_uint(&out, MESSAGE_TOKEN);
		cbor_write_uint(&out, 1);
		cbor_write_bytes(&out, (struct tobi_bytes){bytes, 1});
		if (guest) {
			cbor_write_uint(&out, 2);
			cbor_write_bytes(&out, (struct tobi_bytes){bytes, guest - 1});
		}
		/* An empty one is none, and would be left out. */
		assert_int_equal(message_parse(wr_view(&out), &message, NULL),
				 guest == 1 ? TOBI_E_MALFORMED : TOBI_OK);
		if (guest != 1)
			assert_int_equal(message.guest.size, guest / 2);
		for (size_t size = 0; size < out.size; size++)
			assert_int_not_equal(
			    message_parse((struct tobi_bytes){out.ptr, size}, &message,
					  NULL),
			    TOBI_OK);
		wr_done(&out);
	}
}

static void expect_config(uint64_t port, size_t size, enum tobi_err err,
			  const char *field)
{
	struct writer out = wr_init(1024);
	struct tobi_fault fault = {0};
	struct message message;

	write_config(&out, port, size);
	assert_int_equal(message_parse(wr_view(&out), &message, &fault), err);
	assert_string_equal(fault.field, field);
	wr_done(&out);
}

static void test_config_refusals(void **state)
{
	(void)state;
	expect_config(0, 16, TOBI_E_MALFORMED, "ports");
	expect_config(65536, 16, TOBI_E_LIMIT, "ports");
	expect_config(1, 15, TOBI_E_MALFORMED, "instance");
}

static void expect(const uint8_t *bytes, size_t size, enum tobi_err err,
		   const char *field)
{
	struct tobi_fault fault = {0};
	struct message message;

	assert_int_equal(
	    message_parse((struct tobi_bytes){bytes, size}, &message, &fault), err);
	assert_string_equal(fault.object, "agent channel");
	assert_string_equal(fault.field, field);
}

static void test_refusals(void **state)
{
	static const uint8_t ready[] = {0xa2, 0, 2, 1, 0};
	static const uint8_t signal_0[] = {0xa2, 0, 10, 1, 0};
	static const uint8_t signal_65[] = {0xa2, 0, 10, 1, 0x18, 65};
	static const uint8_t grace[] = {0xa2, 0, 11, 1, 0x19, 0x0e, 0x11};
	static const uint8_t extra[] = {0xa3, 0, 11, 1, 1, 2, 1};
	static const uint8_t nonce_7[] = {0xa3, 0, 8, 1, 0, 2, 0x47, 1, 2, 3, 4, 5, 6, 7};
	static const uint8_t swapped[] = {0xa2, 1, 1, 0, 11};

	(void)state;
	expect(ready, sizeof(ready), TOBI_E_UNSUPPORTED, "message");
	expect(signal_0, sizeof(signal_0), TOBI_E_MALFORMED, "signal");
	expect(signal_65, sizeof(signal_65), TOBI_E_LIMIT, "signal");
	expect(grace, sizeof(grace), TOBI_E_LIMIT, "grace");
	expect(extra, sizeof(extra), TOBI_E_MALFORMED, "message");
	expect(nonce_7, sizeof(nonce_7), TOBI_E_MALFORMED, "nonce");
	expect(swapped, sizeof(swapped), TOBI_E_MALFORMED, "message");
}

static void test_fault_comes_back(void **state)
{
	struct tobi_fault fault = {.code = TOBI_E_DENIED, .object = "token"};
	struct writer out = wr_init(1024);
	struct message message;

	(void)state;
	packet_write_fault(&out, MESSAGE_FAULT, &fault);
	assert_int_equal(message_parse(wr_view(&out), &message, NULL), TOBI_OK);
	assert_int_equal(message.kind, MESSAGE_FAULT);
	assert_int_equal(message.fault.code, TOBI_E_DENIED);
	assert_string_equal(message.fault.object, "token");
	wr_done(&out);
}

/* CONNECTED: {0: 17, 1: request, 2: code, 3: text} */
static void test_connected(void **state)
{
	static const uint8_t good[] = {0xa4, 0, 17, 1, 0x18, 99, 2, 0, 3, 0x60};
	static const uint8_t bad[] = {0xa4, 0, 17, 1, 7, 2, 12, 3, 0x62, 'n', 'o'};
	struct message message;

	(void)state;
	assert_int_equal(
	    message_parse((struct tobi_bytes){good, sizeof(good)}, &message, NULL),
	    TOBI_OK);
	assert_int_equal(message.kind, MESSAGE_CONNECTED);
	assert_int_equal(message.connected.request, 99);
	assert_int_equal(message.connected.why.code, TOBI_OK);
	assert_int_equal(message.connected.fd, -1);
	assert_int_equal(
	    message_parse((struct tobi_bytes){bad, sizeof(bad)}, &message, NULL),
	    TOBI_OK);
	assert_int_equal(message.connected.why.code, 12);
	assert_string_equal(message.connected.why.message, "no");
	for (size_t size = 0; size < sizeof(bad); size++)
		assert_int_not_equal(
		    message_parse((struct tobi_bytes){bad, size}, &message, NULL),
		    TOBI_OK);
}

static void test_connected_refusals(void **state)
{
	static const uint8_t code[] = {0xa4, 0, 17, 1, 7, 2, 0x19, 1, 0, 3, 0x60};
	static const uint8_t keys[] = {0xa3, 0, 17, 1, 7, 2, 0};
	static const uint8_t swapped[] = {0xa4, 0, 17, 1, 7, 3, 0x60, 2, 0};
	static const uint8_t extra[] = {0xa5, 0, 17, 1, 7, 2, 0, 3, 0x60, 4, 0};
	/* What only an agent says. */
	static const uint8_t connect[] = {0xa3, 0, 16, 1, 7, 2, 0};
	static const uint8_t note[] = {0xa2, 0, 18, 1, 0};

	(void)state;
	expect(code, sizeof(code), TOBI_E_LIMIT, "code");
	expect(keys, sizeof(keys), TOBI_E_MALFORMED, "text");
	expect(swapped, sizeof(swapped), TOBI_E_MALFORMED, "code");
	expect(extra, sizeof(extra), TOBI_E_MALFORMED, "message");
	expect(connect, sizeof(connect), TOBI_E_UNSUPPORTED, "message");
	expect(note, sizeof(note), TOBI_E_UNSUPPORTED, "message");
}

static void test_connect(void **state)
{
	static const uint8_t bytes[] = {0xa3, 0, 16, 1, 0x18, 99, 2, 3};
	struct writer out = wr_init(64);

	(void)state;
	message_write_connect(&out, 99, 3);
	assert_true(
	    bytes_equal(wr_view(&out), (struct tobi_bytes){bytes, sizeof(bytes)}));
	wr_done(&out);
}

static void test_ended(void **state)
{
	static const uint8_t exited[] = {0xa3, 0, 12, 1, 0, 2, 7};
	static const uint8_t killed[] = {0xa3, 0, 12, 1, 1, 2, 9};
	struct writer out = wr_init(64);

	(void)state;
	message_write_ended(&out, 7 << 8);
	assert_true(
	    bytes_equal(wr_view(&out), (struct tobi_bytes){exited, sizeof(exited)}));
	wr_done(&out);
	message_write_ended(&out, 9);
	assert_true(
	    bytes_equal(wr_view(&out), (struct tobi_bytes){killed, sizeof(killed)}));
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_config),
	    cmocka_unit_test(test_token_with_and_without_guest),
	    cmocka_unit_test(test_config_refusals),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_fault_comes_back),
	    cmocka_unit_test(test_ended),
	    cmocka_unit_test(test_connected),
	    cmocka_unit_test(test_connected_refusals),
	    cmocka_unit_test(test_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
