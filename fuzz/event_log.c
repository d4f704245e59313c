/* Event logs: what is read lies within the log, and a replay of it is always the same. */
#include "tee/event_log.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/event_log.h"

static bool replay(struct tobi_bytes input, uint16_t algorithm, struct event_replay *out)
{
	struct event_log log;
	struct event event;
	bool good;

	*out = (struct event_replay){0};
	good = !event_log_open(input, "log", &log, NULL) &&
	       !event_replay_start(out, algorithm, "log", NULL);
	must(!good || event_log_starts(input));
	while (good && event_log_next(&log, &event)) {
		must_be_inside(event.data, input);
		must(event.digest_count <= log.bank_count);
		for (size_t i = 0; i < event.digest_count; i++)
			must_be_inside(event.digests[i].value, input);
		good = !event_replay_add(out, &event, "log", NULL);
	}
	event_replay_done(out);
	return good && !event_log_finish(&log, "log", NULL);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct event_replay first, second;
	struct ccel_table table;
	bool good = replay(input, TCG_SHA384, &first);

	if (good) {
		must(replay(input, TCG_SHA384, &second));
		must(memcmp(first.registers, second.registers, sizeof(first.registers)) ==
			 0 &&
		     first.events <= LIMIT_EVENTS);
		must(!ccel_table_starts(input));
	}
	replay(input, TCG_SHA256, &second);
	return good || !ccel_table_read(input, "table", &table, NULL);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	uint8_t table[CCEL_TABLE_SIZE];

	if (number > 3)
		return FUZZ_NO_SEED;
	if (number == 3) {
		test_log_table(table, 2, 65536);
		wr_bytes(out, table, sizeof(table));
		return FUZZ_GOOD;
	}
	test_log_start(out, number == 1);
	for (unsigned i = 0; i < 8; i++)
		test_log_event(out, number == 1, 1 + i % 4,
			       i == 5 ? EVENT_NO_ACTION : EVENT_ACTION,
			       (struct tobi_bytes){(const uint8_t *)"an event", i});
	if (number == 2)
		memset(wr_reserve(out, 64), 0xff, 64);
	return FUZZ_GOOD;
}
