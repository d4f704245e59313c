#include "tests/check.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/secret.h"
#include "ipc/packet.h"

/* {0: 135, 1: 3, 2: "image", 3: "end", 4: "short", 5: 300} */
static const uint8_t golden[] = {0xa6, 0x00, 0x18, 135,	 0x01, 0x03, 0x02, 0x65,
				 'i',  'm',  'a',  'g',	 'e',  0x03, 0x63, 'e',
				 'n',  'd',  0x04, 0x65, 's',  'h',  'o',  'r',
				 't',  0x05, 0x19, 0x01, 0x2c};

static void test_packet_fault_golden__round_trip(void **state)
{
	struct writer out = wr_init(1024);
	struct tobi_fault fault = {0}, read = {0};

	(void)state;
	fault_at(&fault, TOBI_E_TRUNCATED, "image", "end", 300, "short");
	packet_write_fault(&out, 135, &fault);
	assert_int_equal(out.size, sizeof(golden));
	assert_memory_equal(out.ptr, golden, sizeof(golden));
	assert_int_equal(packet_read_fault(wr_view(&out), &read), TOBI_E_TRUNCATED);
	assert_string_equal(read.object, "image");
	assert_string_equal(read.field, "end");
	assert_string_equal(read.message, "short");
	assert_true(read.has_offset && read.offset == 300);
	wr_done(&out);
	/* Without an offset. */
	fault_set(&fault, TOBI_E_DENIED, "image", "", "no");
	packet_write_fault(&out, 13, &fault);
	assert_int_equal(packet_read_fault(wr_view(&out), &read), TOBI_E_DENIED);
	assert_false(read.has_offset);
	wr_done(&out);
	assert_int_equal(
	    packet_read_fault((struct tobi_bytes){golden, sizeof(golden)}, NULL),
	    TOBI_E_TRUNCATED);
}

/* Whatever is wrong with it, it stays a fault: never TOBI_OK. */
static void test_packet_fault_damaged__is_never_good_news(void **state)
{
	uint8_t flipped[sizeof(golden) + 1];

	(void)state;
	for (size_t size = 0; size < sizeof(golden); size++) {
		struct tobi_fault fault = {0};

		assert_int_not_equal(
		    packet_read_fault((struct tobi_bytes){golden, size}, &fault),
		    TOBI_OK);
		assert_string_equal(fault.object, "fault");
	}
	for (size_t bit = 0; bit < sizeof(golden) * 8; bit++) {
		memcpy(flipped, golden, sizeof(golden));
		flipped[bit / 8] = (uint8_t)(flipped[bit / 8] ^ 1 << bit % 8);
		assert_int_not_equal(
		    packet_read_fault((struct tobi_bytes){flipped, sizeof(golden)}, NULL),
		    TOBI_OK);
	}
	memcpy(flipped, golden, sizeof(golden));
	flipped[sizeof(golden)] = 0;
	assert_int_equal(
	    packet_read_fault((struct tobi_bytes){flipped, sizeof(flipped)}, NULL),
	    TOBI_E_TRAILING);
}

static void expect(const char *bytes, size_t size, enum tobi_err err, const char *field)
{
	struct tobi_fault fault = {0};

	assert_int_equal(
	    packet_read_fault((struct tobi_bytes){(const uint8_t *)bytes, size}, &fault),
	    err);
	assert_string_equal(fault.field, field);
}

static void test_packet_fault_rules__are_kept(void **state)
{
	(void)state;
	/* No code; the code of success; a code that is none; an unknown key. */
	expect("\xa1\x00\x0d", 3, TOBI_E_MALFORMED, "code");
	expect("\xa2\x00\x0d\x01\x00", 5, TOBI_E_MALFORMED, "code");
	expect("\xa2\x00\x0d\x01\x13", 5, TOBI_E_LIMIT, "code");
	expect("\xa3\x00\x0d\x01\x01\x06\x00", 7, TOBI_E_MALFORMED, "key");
}

/* Longer texts than fit are cut, and what a terminal would obey is escaped. */
static void test_packet_fault_texts__cut_and_escaped(void **state)
{
	struct tobi_fault fault = {.code = TOBI_E_MALFORMED}, read = {0};
	struct writer out = wr_init(8192);

	(void)state;
	memset(fault.object, 'o', sizeof(fault.object) - 1);
	memset(fault.field, 'f', sizeof(fault.field) - 1);
	memset(fault.message, '\x1b', sizeof(fault.message) - 1);
	packet_write_fault(&out, 135, &fault);
	assert_int_equal(packet_read_fault(wr_view(&out), &read), TOBI_E_MALFORMED);
	assert_string_equal(read.object, fault.object);
	assert_string_equal(read.field, fault.field);
	assert_null(strchr(read.message, '\x1b'));
	assert_int_equal(strlen(read.message), sizeof(read.message) - 1);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_packet_fault_golden__round_trip),
	    cmocka_unit_test(test_packet_fault_damaged__is_never_good_news),
	    cmocka_unit_test(test_packet_fault_rules__are_kept),
	    cmocka_unit_test(test_packet_fault_texts__cut_and_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
