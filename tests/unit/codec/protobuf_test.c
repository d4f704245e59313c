#include "codec/protobuf.h"

#include "tests/bytes.h"

/* Reads one message to its end; the reader's error. */
static enum tobi_err read_all(struct tobi_bytes bytes, struct pb_field *last,
			      size_t *ret_count)
{
	struct block block = block_new(bytes);
	struct reader rd = rd_init(block_view(block));
	struct pb_field field;
	enum tobi_err err;

	*ret_count = 0;
	while (pb_next(&rd, &field)) {
		*last = field;
		(*ret_count)++;
	}
	err = rd_failed(&rd) ? rd_finish(&rd, "message", NULL) : TOBI_OK;
	/* What was borrowed goes with the block. */
	if (last->bytes.size)
		last->bytes.ptr = bytes.ptr + (last->bytes.ptr - block.ptr);
	block_done(block);
	return err;
}

static void test_pb_next__each_kind__read(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t size;
		uint32_t number;
		enum pb_kind kind;
		uint64_t value;
	} cases[] = {
	    {{0x08, 0x00}, 2, 1, PB_NUMBER, 0},
	    {{0x08, 0x96, 0x01}, 3, 1, PB_NUMBER, 150},
	    {{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	     11,
	     1,
	     PB_NUMBER,
	     UINT64_MAX},
	    {{0x11, 1, 0, 0, 0, 0, 0, 0, 0x80}, 9, 2, PB_FIXED64, 0x8000000000000001},
	    {{0x1d, 1, 0, 0, 0x80}, 5, 3, PB_FIXED32, 0x80000001},
	    /* The greatest number of a field. */
	    {{0xf8, 0xff, 0xff, 0xff, 0x0f, 0x05}, 6, (1 << 29) - 1, PB_NUMBER, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tobi_bytes bytes = {cases[i].bytes, cases[i].size};
		struct pb_field field = {0};
		size_t count;

		assert_int_equal(read_all(bytes, &field, &count), TOBI_OK);
		assert_int_equal(count, 1);
		assert_int_equal(field.number, cases[i].number);
		assert_int_equal(field.kind, cases[i].kind);
		assert_true(field.value == cases[i].value);
		for (size_t size = 1; size < bytes.size; size++)
			assert_int_equal(read_all((struct tobi_bytes){bytes.ptr, size},
						  &field, &count),
					 TOBI_E_TRUNCATED);
	}
}

static void test_pb_next__bytes__borrowed(void **state)
{
	const struct tobi_bytes message = BYTES(0x12, 3, 'a', 'b', 'c', 0x22, 0);
	struct reader rd = rd_init(message);
	struct pb_field field;

	(void)state;
	assert_true(pb_next(&rd, &field));
	assert_int_equal(field.kind, PB_BYTES);
	assert_ptr_equal(field.bytes.ptr, message.ptr + 2);
	assert_bytes_equal(field.bytes, text_bytes("abc"));
	assert_true(pb_next(&rd, &field));
	assert_int_equal(field.number, 4);
	assert_int_equal(field.bytes.size, 0);
	assert_false(pb_next(&rd, &field));
	assert_false(rd_failed(&rd));
}

static void test_pb_next__wrong__fails(void **state)
{
	static const struct {
		uint8_t bytes[13];
		size_t size;
		enum tobi_err err;
	} cases[] = {
	    {{0x00, 0x01}, 2, TOBI_E_MALFORMED},       /* field 0 */
	    {{0x08, 0x80, 0x00}, 3, TOBI_E_MALFORMED}, /* 0 in two bytes */
	    {{0x88, 0x00, 0x00}, 3, TOBI_E_MALFORMED}, /* a tag in two bytes */
	    /* Field 2^29. */
	    {{0x80, 0x80, 0x80, 0x80, 0x10, 0x05}, 6, TOBI_E_MALFORMED},
	    /* A number of 65 bits, and one of eleven bytes. */
	    {{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
	     11,
	     TOBI_E_MALFORMED},
	    {{0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
	     12,
	     TOBI_E_MALFORMED},
	    {{0x0b}, 1, TOBI_E_UNSUPPORTED}, /* groups */
	    {{0x0c}, 1, TOBI_E_UNSUPPORTED},
	    {{0x0e}, 1, TOBI_E_UNSUPPORTED},
	    {{0x12, 4, 'a', 'b', 'c'}, 5, TOBI_E_TRUNCATED},
	    /* A size of 2^64 - 1. */
	    {{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	     11,
	     TOBI_E_TRUNCATED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pb_field field = {0};
		size_t count;

		assert_int_equal(
		    read_all((struct tobi_bytes){cases[i].bytes, cases[i].size}, &field,
			     &count),
		    cases[i].err);
		assert_int_equal(count, 0);
	}
}

static void test_pb_once__field_that_is_there_again__false(void **state)
{
	uint64_t seen = 0;
	struct pb_field field = {.number = 1};

	(void)state;
	assert_true(pb_once(&seen, &field));
	assert_false(pb_once(&seen, &field));
	field.number = 63;
	assert_true(pb_once(&seen, &field));
	assert_false(pb_once(&seen, &field));
	/* Beyond, it does not keep count. */
	field.number = 65;
	assert_true(pb_once(&seen, &field));
	assert_true(pb_once(&seen, &field));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pb_next__each_kind__read),
	    cmocka_unit_test(test_pb_next__bytes__borrowed),
	    cmocka_unit_test(test_pb_next__wrong__fails),
	    cmocka_unit_test(test_pb_once__field_that_is_there_again__false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
