#include "tee/event_log.h"

#include <stdio.h>

#include "base/endian.h"
#include "base/secret.h"
#include "pki/key.h"
#include "tests/check.h"
#include "tests/event_log.h"

enum { ROOM = 4 << 20, TCG_SM3 = 0x0012 };

static const struct tobi_bytes separator = {(const uint8_t *)"\0\0\0\0", 4};

/* All events; the error of the log or of its replay. */
static enum tobi_err replay(struct tobi_bytes bytes, uint16_t algorithm,
			    struct event_replay *out)
{
	struct event_log log;
	struct event event;
	enum tobi_err err = event_log_open(bytes, "log", &log, NULL);

	*out = (struct event_replay){0};
	if (!err)
		err = event_replay_start(out, algorithm, "log", NULL);
	while (!err && event_log_next(&log, &event))
		err = event_replay_add(out, &event, "log", NULL);
	event_replay_done(out);
	return err ? err : event_log_finish(&log, "log", NULL);
}

static void write_three(struct writer *out, bool sha256)
{
	test_log_start(out, sha256);
	test_log_event(out, sha256, 1, EVENT_SEPARATOR, separator);
	test_log_event(out, sha256, 1, EVENT_ACTION, bytes_of_text("first"));
	test_log_event(out, sha256, 4, EVENT_ACTION, bytes_of_text("second"));
}

static void test_event_log__replay__registers_as_extended(void **state)
{
	uint8_t expected[48] = {0}, digest[48];
	struct event_replay out;

	(void)state;
	assert_int_equal(hash_sha384(separator, digest), TOBI_OK);
	test_log_extend(expected, digest);
	assert_int_equal(hash_sha384(bytes_of_text("first"), digest), TOBI_OK);
	test_log_extend(expected, digest);
	for (int sha256 = 0; sha256 < 2; sha256++) {
		struct writer log = wr_init(ROOM);

		write_three(&log, sha256);
		assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_OK);
		assert_int_equal(out.events, 3);
		assert_memory_equal(out.registers[1], expected, 48);
		assert_true(out.extended[1] && out.extended[4]);
		assert_false(out.extended[0] || out.extended[2]);
		assert_int_equal(replay(wr_view(&log), TCG_SHA256, &out),
				 sha256 ? TOBI_OK : TOBI_E_MALFORMED);
		assert_int_equal(replay(wr_view(&log), TCG_SM3, &out),
				 TOBI_E_UNSUPPORTED);
		wr_done(&log);
	}
}

static void test_event_log__no_action__extends_nothing(void **state)
{
	struct writer log = wr_init(ROOM);
	struct event_replay out;

	(void)state;
	test_log_start(&log, false);
	test_log_event(&log, false, 3, EVENT_NO_ACTION, bytes_of_text("note"));
	assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_OK);
	assert_int_equal(out.events, 1);
	assert_false(out.extended[3]);
	wr_done(&log);
}

static void test_event_log__filled_area__ends_there(void **state)
{
	static const uint8_t values[] = {0, 0xff};
	struct event_replay out;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct writer log = wr_init(ROOM);

		write_three(&log, false);
		memset(wr_reserve(&log, 1000), values[i], 1000);
		assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_OK);
		assert_int_equal(out.events, 3);
		/* Something behind it. */
		log.ptr[log.size - 1] = 7;
		assert_int_not_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_OK);
		wr_done(&log);
	}
}

/* The last event's own bytes look like filling. */
static void test_event_log__last_event_ends_in_zeros__read(void **state)
{
	struct writer log = wr_init(ROOM);
	struct event_replay out;

	(void)state;
	test_log_start(&log, false);
	test_log_event(&log, false, 2, EVENT_SEPARATOR, separator);
	assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_OK);
	assert_int_equal(out.events, 1);
	assert_true(out.extended[2]);
	wr_done(&log);
}

static void test_event_log__every_truncation__refused_or_shorter(void **state)
{
	struct writer log = wr_init(ROOM);
	struct event_replay out;
	size_t ends = 0;

	(void)state;
	write_three(&log, true);
	for (size_t size = 0; size < log.size; size++)
		ends += !replay((struct tobi_bytes){log.ptr, size}, TCG_SHA384, &out);
	/* After the first, which names the banks, and after each of two events. */
	assert_int_equal(ends, 3);
	wr_done(&log);
}

/* Bytes of the log, by offset, set to a value. */
static enum tobi_err with(size_t offset, size_t size, uint64_t value)
{
	struct writer log = wr_init(ROOM);
	struct event_replay out;
	enum tobi_err err;

	write_three(&log, true);
	store_le(log.ptr + offset, size, value);
	err = replay(wr_view(&log), TCG_SHA384, &out);
	wr_done(&log);
	return err;
}

static void test_event_log__header_wrong__refused(void **state)
{
	(void)state;
	assert_int_equal(with(0, 4, 1), TOBI_OK);
	assert_int_equal(with(0, 4, 2), TOBI_E_UNSUPPORTED);
	assert_int_equal(with(4, 4, EVENT_ACTION), TOBI_E_UNSUPPORTED);
	assert_int_equal(with(28, 4, 36), TOBI_E_TRUNCATED);
	assert_int_equal(with(28, 4, 38), TOBI_E_TRAILING);
	assert_int_equal(with(28, 4, UINT32_MAX), TOBI_E_TRUNCATED);
	assert_int_equal(with(32, 1, 'x'), TOBI_E_UNSUPPORTED);
	assert_int_equal(with(53, 1, 3), TOBI_E_UNSUPPORTED);
	assert_int_equal(with(56, 4, 0), TOBI_E_LIMIT);
	assert_int_equal(with(56, 4, EVENT_BANKS_MAX + 1), TOBI_E_LIMIT);
	assert_int_equal(with(60, 2, TCG_SHA384), TOBI_E_MALFORMED);
	assert_int_equal(with(62, 2, 0), TOBI_E_MALFORMED);
	assert_int_equal(with(62, 2, EVENT_DIGEST_MAX + 1), TOBI_E_MALFORMED);
	assert_int_equal(with(68, 1, 1), TOBI_E_TRUNCATED);
}

static void test_event_log__bank_named_twice__refused(void **state)
{
	struct writer log = wr_init(ROOM);
	const uint8_t digest[48] = {1};
	struct event_replay out;

	(void)state;
	test_log_start(&log, true);
	store_le(log.ptr + 60, 2, TCG_SHA384);
	store_le(log.ptr + 62, 2, 48);
	test_log_digest(&log, 1, EVENT_ACTION, digest, bytes_of_text("x"));
	assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_E_MALFORMED);
	wr_done(&log);
}

static void test_event_log__event_wrong__refused(void **state)
{
	const size_t event = 69;

	(void)state;
	assert_int_equal(with(event, 4, EVENT_REGISTERS - 1), TOBI_OK);
	assert_int_equal(with(event, 4, EVENT_REGISTERS), TOBI_E_MALFORMED);
	assert_int_equal(with(event, 4, UINT32_MAX), TOBI_E_TRAILING);
	assert_int_equal(with(event + 8, 4, 3), TOBI_E_MALFORMED);
	assert_int_equal(with(event + 8, 4, UINT32_MAX), TOBI_E_MALFORMED);
	/* A bank that was not named, one that is there twice. */
	assert_int_equal(with(event + 12, 2, 0x0004), TOBI_E_MALFORMED);
	assert_int_equal(with(event + 12, 2, TCG_SHA384), TOBI_E_MALFORMED);
	assert_int_equal(with(event + 96, 4, UINT32_MAX), TOBI_E_TRUNCATED);
}

static void test_event_log__without_the_hash__refused(void **state)
{
	struct writer log = wr_init(ROOM);
	struct event_replay out;
	static const uint8_t event[16] = {1, 0, 0, 0, EVENT_ACTION};

	(void)state;
	test_log_start(&log, false);
	wr_bytes(&log, event, sizeof(event));
	test_log_event(&log, false, 1, EVENT_ACTION, bytes_of_text("x"));
	assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_E_MALFORMED);
	wr_done(&log);
}

static void test_event_log__too_many_events__refused(void **state)
{
	struct writer log = wr_init(ROOM);
	struct event_replay out;

	(void)state;
	test_log_start(&log, false);
	for (unsigned i = 0; i < LIMIT_EVENTS; i++)
		test_log_event(&log, false, 1, EVENT_NO_ACTION, bytes_of_text("x"));
	assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_OK);
	test_log_event(&log, false, 1, EVENT_NO_ACTION, bytes_of_text("x"));
	assert_int_equal(replay(wr_view(&log), TCG_SHA384, &out), TOBI_E_LIMIT);
	wr_done(&log);
}

static void test_event_data__digest_of_other_data__not_proven(void **state)
{
	struct writer bytes = wr_init(ROOM);
	uint8_t digest[48] = {1};
	struct event_hash sha256, sha384;
	struct event_log log;
	struct event event;

	(void)state;
	assert_int_equal(event_hash_start(TCG_SHA256, "log", &sha256, NULL), TOBI_OK);
	assert_int_equal(event_hash_start(TCG_SHA384, "log", &sha384, NULL), TOBI_OK);
	test_log_start(&bytes, false);
	test_log_event(&bytes, false, 1, EVENT_ACTION, bytes_of_text("first"));
	test_log_digest(&bytes, 1, EVENT_ACTION, digest, bytes_of_text("first"));
	assert_int_equal(event_log_open(wr_view(&bytes), "log", &log, NULL), TOBI_OK);
	assert_true(event_log_next(&log, &event));
	assert_true(event_data_is_proven(&event, &sha384));
	assert_false(event_data_is_proven(&event, &sha256));
	assert_true(event_log_next(&log, &event));
	assert_false(event_data_is_proven(&event, &sha384));
	event_hash_done(&sha256);
	event_hash_done(&sha384);
	wr_done(&bytes);
}

static void test_event_log_starts__other_bytes__false(void **state)
{
	struct writer log = wr_init(ROOM);

	(void)state;
	test_log_start(&log, false);
	assert_true(event_log_starts(wr_view(&log)));
	assert_false(event_log_starts((struct tobi_bytes){log.ptr, 47}));
	log.ptr[33] ^= 1;
	assert_false(event_log_starts(wr_view(&log)));
	wr_done(&log);
}

static void test_ccel_table__wrong__refused(void **state)
{
	uint8_t bytes[CCEL_TABLE_SIZE + 1] = {0};
	const struct tobi_bytes whole = {bytes, CCEL_TABLE_SIZE};
	struct ccel_table table;

	(void)state;
	test_log_table(bytes, 2, 4096);
	assert_int_equal(ccel_table_read(whole, "table", &table, NULL), TOBI_OK);
	assert_int_equal(table.type, 2);
	assert_int_equal(table.log_size, 4096);
	for (size_t size = 0; size < CCEL_TABLE_SIZE; size++)
		assert_int_equal(ccel_table_read((struct tobi_bytes){bytes, size},
						 "table", &table, NULL),
				 TOBI_E_TRUNCATED);
	assert_int_equal(ccel_table_read((struct tobi_bytes){bytes, sizeof(bytes)},
					 "table", &table, NULL),
			 TOBI_E_TRAILING);
	for (size_t i = 0; i < CCEL_TABLE_SIZE; i++) {
		bytes[i] ^= 0x10;
		assert_int_not_equal(ccel_table_read(whole, "table", &table, NULL),
				     TOBI_OK);
		bytes[i] ^= 0x10;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_event_log__replay__registers_as_extended),
	    cmocka_unit_test(test_event_log__no_action__extends_nothing),
	    cmocka_unit_test(test_event_log__filled_area__ends_there),
	    cmocka_unit_test(test_event_log__last_event_ends_in_zeros__read),
	    cmocka_unit_test(test_event_log__every_truncation__refused_or_shorter),
	    cmocka_unit_test(test_event_log__header_wrong__refused),
	    cmocka_unit_test(test_event_log__bank_named_twice__refused),
	    cmocka_unit_test(test_event_log__event_wrong__refused),
	    cmocka_unit_test(test_event_log__without_the_hash__refused),
	    cmocka_unit_test(test_event_log__too_many_events__refused),
	    cmocka_unit_test(test_event_data__digest_of_other_data__not_proven),
	    cmocka_unit_test(test_event_log_starts__other_bytes__false),
	    cmocka_unit_test(test_ccel_table__wrong__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
