#include "tee/tdx_log.h"

#include "base/fault.h"
#include "codec/cbor.h"
#include "tee/boot.h"

enum { CC_TYPE_TDX = 2 };

static const char object[] = "CCEL table";

static enum tobi_err take_piece(struct tobi_bytes piece, struct tobi_bytes *table,
				struct tobi_fault *fault)
{
	if (!ccel_table_starts(piece))
		return TOBI_OK;
	if (table->size)
		return fault_set(fault, TOBI_E_EXISTS, object, "",
				 "two came with the quote");
	*table = piece;
	return TOBI_OK;
}

static enum tobi_err find_table(const struct tee_request *request,
				struct tobi_bytes *table, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(request->endorsements, CBOR_DETERMINISTIC);
	enum tobi_err err = TOBI_OK;
	size_t count;

	for (size_t i = 0; i < request->piece_count && !err; i++)
		err = take_piece(request->pieces[i], table, fault);
	if (err || !request->endorsements.size)
		return err;
	count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
	for (size_t i = 0; i < count && !err; i++)
		err = take_piece(cbor_bytes(&cbor, LIMIT_EVIDENCE, "endorsements"), table,
				 fault);
	return err ? err : cbor_finish(&cbor, "endorsements", fault);
}

enum tobi_err tdx_table_check(const struct tee_request *request, struct tobi_fault *fault)
{
	struct tobi_bytes bytes = {0};
	struct boot_logs logs = {0};
	struct ccel_table table;
	enum tobi_err err = find_table(request, &bytes, fault);

	if (err || !bytes.size)
		return err;
	err = boot_logs_find(request, &logs, fault);
	if (!err && !logs.found)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "CCEL",
				"its table came without the log");
	if (!err)
		err = ccel_table_read(bytes, object, &table, fault);
	if (err)
		return err;
	if (table.type != CC_TYPE_TDX)
		return fault_set(fault, TOBI_E_MISMATCH, object, "CC type",
				 "it is not of TDX");
	if (logs.log.size > table.log_size)
		return fault_set(fault, TOBI_E_MISMATCH, object, "log length",
				 "the log is longer than its area");
	return TOBI_OK;
}
