#include "tee/event_log.h"

#include <string.h>

#include "base/fault.h"
#include "pki/key.h"

enum {
	SHA1_SIZE = 20,
	SPEC_ID_SIZE = 16,
	HEADER_SIZE = 8 + SHA1_SIZE + 4 + SPEC_ID_SIZE
};
/* What an area that is not filled holds where the next register's number would be. */
#define UNUSED UINT32_MAX

static const char spec_id[SPEC_ID_SIZE] = "Spec ID Event03";

static bool names_banks(struct tobi_bytes bytes)
{
	return bytes.size >= HEADER_SIZE &&
	       memcmp(bytes.ptr + HEADER_SIZE - SPEC_ID_SIZE, spec_id, SPEC_ID_SIZE) == 0;
}

/* What firmware measures first, into its own register. */
static bool starts_with_sha1(struct tobi_bytes bytes)
{
	struct reader rd = rd_init(bytes);
	uint32_t index = rd_u32le(&rd, "pcrIndex");
	uint32_t type = rd_u32le(&rd, "eventType");
	bool first = type == EVENT_NO_ACTION || type == EVENT_POST_CODE ||
		     type == EVENT_S_CRTM_CONTENTS || type == EVENT_S_CRTM_VERSION;

	rd_bytes(&rd, SHA1_SIZE, "digest");
	rd_bytes(&rd, rd_u32le(&rd, "eventSize"), "event");
	if (rd_left(&rd) >= 4)
		first &= rd_u32le(&rd, "pcrIndex") < EVENT_REGISTERS;
	return !rd_failed(&rd) && index == 0 && first;
}

bool event_log_starts(struct tobi_bytes bytes)
{
	return names_banks(bytes) || starts_with_sha1(bytes);
}

static void read_banks(struct event_log *log, struct reader *rd)
{
	uint32_t count;

	rd_u32le(rd, "platformClass");
	rd_u8(rd, "specVersionMinor");
	if (rd_u8(rd, "specVersionMajor") != 2)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "specVersionMajor");
	rd_u8(rd, "specErrata");
	rd_u8(rd, "uintnSize");
	count = rd_u32le(rd, "numberOfAlgorithms");
	if (count == 0 || count > EVENT_BANKS_MAX)
		rd_fail(rd, TOBI_E_LIMIT, "numberOfAlgorithms");
	for (uint32_t i = 0; i < count && !rd_failed(rd); i++) {
		log->banks[i].algorithm = rd_u16le(rd, "algorithmId");
		log->banks[i].size = rd_u16le(rd, "digestSize");
		if (log->banks[i].size == 0 || log->banks[i].size > EVENT_DIGEST_MAX)
			rd_fail(rd, TOBI_E_MALFORMED, "digestSize");
		for (uint32_t k = 0; k < i; k++) {
			if (log->banks[k].algorithm == log->banks[i].algorithm)
				rd_fail(rd, TOBI_E_MALFORMED, "algorithmId");
		}
	}
	rd_bytes(rd, rd_u8(rd, "vendorInfoSize"), "vendorInfo");
	log->bank_count = rd_failed(rd) ? 0 : count;
}

/* Where the bytes of one value, 0xff or 0, start that reach to the end: an area that is
 * larger than its log. They may be the last event's, so they count once it is read. */
static size_t find_filling(struct tobi_bytes bytes)
{
	uint8_t last = bytes.size ? bytes.ptr[bytes.size - 1] : 1;
	size_t at = bytes.size;

	while ((last == 0 || last == 0xff) && at > 0 && bytes.ptr[at - 1] == last)
		at--;
	return at;
}

enum tobi_err event_log_open(struct tobi_bytes bytes, const char *object,
			     struct event_log *ret_log, struct tobi_fault *fault)
{
	struct event_log log = {.rd = rd_init(bytes)};
	struct reader sub;
	struct tobi_bytes id;
	uint32_t index, type;
	enum tobi_err err;

	index = rd_u32le(&log.rd, "pcrIndex");
	type = rd_u32le(&log.rd, "eventType");
	rd_bytes(&log.rd, SHA1_SIZE, "digest");
	sub = rd_sub(&log.rd, rd_u32le(&log.rd, "eventSize"), "event");
	err = rd_status(&log.rd, object, fault);
	if (err)
		return err;
	if (!names_banks(bytes) && starts_with_sha1(bytes)) {
		*ret_log = (struct event_log){.rd = rd_init(bytes),
					      .banks = {{TCG_SHA1, SHA1_SIZE}},
					      .bank_count = 1,
					      .sha1_only = true,
					      .filled = find_filling(bytes)};
		return TOBI_OK;
	}
	id = rd_bytes(&sub, SPEC_ID_SIZE, "signature");
	if (type != EVENT_NO_ACTION || index > 1 || id.size != SPEC_ID_SIZE ||
	    memcmp(id.ptr, spec_id, SPEC_ID_SIZE) != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "signature",
				 "the log does not say which hashes it has");
	read_banks(&log, &sub);
	err = rd_finish(&sub, object, fault);
	if (err)
		return err;
	log.filled = find_filling(bytes);
	*ret_log = log;
	return TOBI_OK;
}

static bool at_end(const struct event_log *log)
{
	return rd_failed(&log->rd) || log->rd.pos >= log->filled;
}

static uint16_t size_in(const struct event_log *log, uint16_t algorithm)
{
	for (size_t i = 0; i < log->bank_count; i++) {
		if (log->banks[i].algorithm == algorithm)
			return log->banks[i].size;
	}
	return 0;
}

static void read_digests(struct event_log *log, struct event *event)
{
	struct reader *rd = &log->rd;
	uint32_t count = rd_u32le(rd, "digestCount");

	if (count > log->bank_count)
		rd_fail(rd, TOBI_E_MALFORMED, "digestCount");
	for (uint32_t i = 0; i < count && !rd_failed(rd); i++) {
		struct event_digest *digest = &event->digests[i];

		digest->algorithm = rd_u16le(rd, "algorithmId");
		if (size_in(log, digest->algorithm) == 0 ||
		    event_digest_of(event, digest->algorithm).size)
			rd_fail(rd, TOBI_E_MALFORMED, "algorithmId");
		digest->value = rd_bytes(rd, size_in(log, digest->algorithm), "digest");
		event->digest_count = i + 1;
	}
}

bool event_log_next(struct event_log *log, struct event *ret_event)
{
	struct event event = {0};
	struct reader *rd = &log->rd;

	if (at_end(log))
		return false;
	if (++log->read > LIMIT_EVENTS)
		rd_fail(rd, TOBI_E_LIMIT, "events");
	event.index = rd_u32le(rd, "pcrIndex");
	event.type = rd_u32le(rd, "eventType");
	/* Windows logs what extends nothing under that number. */
	if (event.index == UNUSED && event.type != EVENT_NO_ACTION)
		rd_fail(rd, TOBI_E_TRAILING, "filling");
	if (log->sha1_only) {
		event.digests[0] =
		    (struct event_digest){TCG_SHA1, rd_bytes(rd, SHA1_SIZE, "digest")};
		event.digest_count = 1;
	} else {
		read_digests(log, &event);
	}
	event.data = rd_bytes(rd, rd_u32le(rd, "eventSize"), "event");
	if (rd_failed(rd))
		return false;
	*ret_event = event;
	return true;
}

enum tobi_err event_log_finish(const struct event_log *log, const char *object,
			       struct tobi_fault *fault)
{
	return rd_status(&log->rd, object, fault);
}

struct tobi_bytes event_digest_of(const struct event *event, uint16_t algorithm)
{
	for (size_t i = 0; i < event->digest_count; i++) {
		if (event->digests[i].algorithm == algorithm)
			return event->digests[i].value;
	}
	return (struct tobi_bytes){0};
}

bool event_data_is_proven(const struct event *event, const struct event_hash *hash)
{
	return event_hash_is(hash, event_digest_of(event, hash->algorithm), event->data);
}

enum tobi_err event_replay_start(struct event_replay *replay, uint16_t algorithm,
				 const char *object, struct tobi_fault *fault)
{
	*replay = (struct event_replay){0};
	return event_hash_start(algorithm, object, &replay->hash, fault);
}

void event_replay_done(struct event_replay *replay)
{
	event_hash_done(&replay->hash);
}

struct tobi_bytes event_replay_register(const struct event_replay *replay, unsigned index)
{
	return (struct tobi_bytes){replay->registers[index], replay->hash.size};
}

bool event_replay_extend(struct event_replay *replay, unsigned index,
			 struct tobi_bytes digest)
{
	struct tobi_bytes parts[] = {event_replay_register(replay, index), digest};

	return event_hash_run(&replay->hash, parts, 2, replay->registers[index]);
}

enum tobi_err event_replay_add(struct event_replay *replay, const struct event *event,
			       const char *object, struct tobi_fault *fault)
{
	struct tobi_bytes digest = event_digest_of(event, replay->hash.algorithm);

	replay->events++;
	if (event->type == EVENT_NO_ACTION)
		return TOBI_OK;
	if (event->index >= EVENT_REGISTERS)
		return fault_set(fault, TOBI_E_MALFORMED, object, "pcrIndex",
				 "event %zu is for register %u, which there is not",
				 replay->events, event->index);
	if (digest.size != replay->hash.size)
		return fault_set(fault, TOBI_E_MALFORMED, object, "digest",
				 "event %zu has no digest of %s, which is replayed",
				 replay->events, event_hash_name(replay->hash.algorithm));
	if (!event_replay_extend(replay, event->index, digest))
		return fault_openssl(fault, object, "digest", "cannot replay");
	replay->extended[event->index] = true;
	return TOBI_OK;
}

bool ccel_table_starts(struct tobi_bytes bytes)
{
	return bytes.size >= 4 && memcmp(bytes.ptr, "CCEL", 4) == 0;
}

enum tobi_err ccel_table_read(struct tobi_bytes bytes, const char *object,
			      struct ccel_table *ret_table, struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct ccel_table table = {0};
	uint8_t sum = 0;
	enum tobi_err err;

	if (!ccel_table_starts(rd_bytes(&rd, 4, "signature")))
		rd_fail(&rd, TOBI_E_MALFORMED, "signature");
	if (rd_u32le(&rd, "length") != CCEL_TABLE_SIZE)
		rd_fail(&rd, TOBI_E_MALFORMED, "length");
	rd_bytes(&rd, 28, "header");
	table.type = rd_u8(&rd, "CC type");
	table.subtype = rd_u8(&rd, "CC subtype");
	rd_u16le(&rd, "reserved");
	table.log_size = rd_u64le(&rd, "log length");
	rd_u64le(&rd, "log address");
	err = rd_finish(&rd, object, fault);
	if (err)
		return err;
	for (size_t i = 0; i < bytes.size; i++)
		sum = (uint8_t)(sum + bytes.ptr[i]);
	if (sum != 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, "checksum",
				 "its bytes do not add up to 0");
	*ret_table = table;
	return TOBI_OK;
}
