#include "tee/tdx_log.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

/* In a CCEL 0 stands for MRTD, which no event extends, and 1 to 4 for RTMR0 to 3. */
enum { FIRST_RTMR = 1, CC_TYPE_TDX = 2 };

static const char object[] = "event log";

static enum tobi_err take_piece(struct tobi_bytes piece, struct tdx_log *log,
				struct tobi_fault *fault)
{
	bool is_log = event_log_starts(piece);

	if (!is_log && !ccel_table_starts(piece))
		return TOBI_OK;
	if (is_log ? log->found : log->has_table)
		return fault_set(fault, TOBI_E_EXISTS, object, "",
				 "two came with the quote");
	if (is_log) {
		log->found = true;
		log->bytes = piece;
	} else {
		log->has_table = true;
		log->table = piece;
	}
	return TOBI_OK;
}

static enum tobi_err take_endorsements(struct tobi_bytes endorsements,
				       struct tdx_log *log, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(endorsements, CBOR_DETERMINISTIC);
	size_t count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < count && !err; i++)
		err = take_piece(cbor_bytes(&cbor, LIMIT_EVIDENCE, "endorsements"), log,
				 fault);
	return err ? err : cbor_finish(&cbor, "endorsements", fault);
}

enum tobi_err tdx_log_find(const struct tee_request *request, struct tdx_log *ret_log,
			   struct tobi_fault *fault)
{
	struct tdx_log log = {0};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < request->piece_count && !err; i++)
		err = take_piece(request->pieces[i], &log, fault);
	if (!err && request->endorsements.size)
		err = take_endorsements(request->endorsements, &log, fault);
	if (!err && log.has_table && !log.found)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "CCEL",
				"its table came without the log");
	if (!err)
		*ret_log = log;
	return err;
}

/* The table says whose log it is, and how large the area of it. */
static enum tobi_err check_table(const struct tdx_log *log, struct tobi_fault *fault)
{
	struct ccel_table table;
	enum tobi_err err = ccel_table_read(log->table, "CCEL table", &table, fault);

	if (err)
		return err;
	if (table.type != CC_TYPE_TDX)
		return fault_set(fault, TOBI_E_MISMATCH, "CCEL table", "CC type",
				 "it is not of TDX");
	if (log->bytes.size > table.log_size)
		return fault_set(fault, TOBI_E_MISMATCH, "CCEL table", "log length",
				 "the log is longer than its area");
	return TOBI_OK;
}

static enum tobi_err compare(const struct event_replay *replay,
			     const struct tdx_report *td, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < EVENT_REGISTERS; i++) {
		bool is_rtmr = i >= FIRST_RTMR && i < FIRST_RTMR + TDX_RTMRS;

		if (!is_rtmr && replay->extended[i])
			return fault_set(fault, TOBI_E_MISMATCH, object, "pcrIndex",
					 "an event extends register %u, which no event "
					 "can",
					 i);
	}
	for (unsigned i = 0; i < TDX_RTMRS; i++) {
		struct tobi_bytes made = {replay->registers[FIRST_RTMR + i],
					  replay->digest_size};

		if (!bytes_equal(made, td->rtmrs[i]))
			return fault_set(fault, TOBI_E_MISMATCH, object, "RTMR",
					 "its events do not give RTMR%u", i);
	}
	return TOBI_OK;
}

enum tobi_err tdx_log_replay(const struct tdx_log *log, const struct tdx_report *td,
			     size_t *ret_events, struct tobi_fault *fault)
{
	struct event_log reader;
	struct event_replay replay;
	struct event event;
	enum tobi_err err = log->has_table ? check_table(log, fault) : TOBI_OK;

	if (!err)
		err = event_log_open(log->bytes, object, &reader, fault);
	if (!err)
		err = event_replay_start(&replay, TCG_SHA384, object, fault);
	while (!err && event_log_next(&reader, &event))
		err = event_replay_add(&replay, &event, object, fault);
	if (!err)
		err = event_log_finish(&reader, object, fault);
	if (!err)
		err = compare(&replay, td, fault);
	if (!err)
		*ret_events = replay.events;
	return err;
}
