#include "tee/azure_parts.h"

#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tee/azure_json.h"
#include "tee/dcap_quote.h"
#include "tee/event_log.h"
#include "tee/ima_log.h"
#include "tee/tpm_structs.h"

#define OBJECT "Azure evidence"

enum { PCR_SIZE = 32, SIGNATURE_SIZE = 256, MESSAGE_MAX = 1024 };

bool azure_parts_recognise(struct tobi_bytes bytes, enum azure_report kind)
{
	return azure_hcl_is(bytes, kind) || azure_json_recognise(bytes, kind);
}

/* ---- what came beside a paravisor's report that came alone ---- */

static bool is_message(struct tobi_bytes piece)
{
	return piece.size > 6 && load_u32be(piece.ptr) == TPM_GENERATED &&
	       load_u16be(piece.ptr + 4) == TPM_ATTEST_QUOTE;
}

/* TPMT_SIGNATURE of RSA, or its number alone: the key is RSA. */
static bool is_signature(struct tobi_bytes piece)
{
	return piece.size == SIGNATURE_SIZE ||
	       (piece.size == SIGNATURE_SIZE + 6 &&
		load_u16be(piece.ptr) == TPM_ALG_RSASSA &&
		load_u16be(piece.ptr + 4) == SIGNATURE_SIZE);
}

/* As azure-cvm-tooling's tests keep a quote: three parts, each with its size before it
 * (u64, little-endian). */
static bool is_bincode(struct tobi_bytes piece)
{
	return piece.size > SIGNATURE_SIZE + 16 &&
	       load_u64le(piece.ptr) == SIGNATURE_SIZE &&
	       load_u32be(piece.ptr + SIGNATURE_SIZE + 16) == TPM_GENERATED;
}

static bool is_values(struct tobi_bytes piece)
{
	return piece.size == (size_t)TPM_PCRS * PCR_SIZE;
}

static enum tobi_err take(struct tobi_bytes *part, struct tobi_bytes piece,
			  const char *name, struct tobi_fault *fault)
{
	if (part->size && !bytes_equal(*part, piece))
		return fault_set(fault, TOBI_E_EXISTS, OBJECT, name,
				 "two that differ came: give one");
	*part = piece;
	return TOBI_OK;
}

static void take_values(struct azure_parts *parts, struct tobi_bytes values)
{
	for (size_t i = 0; i < TPM_PCRS; i++)
		tpm_parts_add_pcr(
		    &parts->values, TPM_ALG_SHA256, i,
		    (struct tobi_bytes){values.ptr + i * PCR_SIZE, PCR_SIZE});
}

static struct tobi_bytes read_sized(struct reader *rd, size_t max, const char *field)
{
	uint64_t size = rd_u64le(rd, field);

	if (size > max)
		rd_fail(rd, TOBI_E_LIMIT, field);
	return rd_bytes(rd, rd_failed(rd) ? 0 : (size_t)size, field);
}

/* The PCRs: how many, and one after the other. */
static enum tobi_err take_bincode(struct azure_parts *parts, struct tobi_bytes piece,
				  struct tobi_fault *fault)
{
	struct reader rd = rd_init(piece);
	struct tobi_bytes signature = read_sized(&rd, SIGNATURE_SIZE, "signature");
	struct tobi_bytes message = read_sized(&rd, MESSAGE_MAX, "message");
	uint64_t count = rd_u64le(&rd, "PCR values");
	struct tobi_bytes values;
	enum tobi_err err;

	if (!rd_failed(&rd) && count != TPM_PCRS)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "PCR values");
	values = rd_bytes(&rd, (size_t)TPM_PCRS * PCR_SIZE, "PCR values");
	err = rd_finish(&rd, "quote in bincode", fault);
	if (!err)
		err = take(&parts->message, message, "TPM quote", fault);
	if (!err)
		err = take(&parts->signature, signature, "TPM signature", fault);
	if (!err)
		take_values(parts, values);
	return err;
}

/* A log of the virtual TPM is nothing that the hardware knows of. */
static enum tobi_err take_piece(struct azure_parts *parts, struct tobi_bytes piece,
				struct tobi_fault *fault)
{
	if (is_bincode(piece))
		return take_bincode(parts, piece, fault);
	if (is_message(piece))
		return take(&parts->message, piece, "TPM quote", fault);
	if (is_signature(piece))
		return take(&parts->signature, piece, "TPM signature", fault);
	if (is_values(piece)) {
		take_values(parts, piece);
		return TOBI_OK;
	}
	if (tpm_pcrs_add_serialized(&parts->values, piece) ||
	    tpm_pcrs_add_text(&parts->values, piece))
		return TOBI_OK;
	if (dcap_quote_starts(piece, true))
		return take(&parts->td_quote, piece, "TD quote", fault);
	if (event_log_starts(piece) || ccel_table_starts(piece) || ima_log_starts(piece))
		return TOBI_OK;
	if (parts->piece_count == AZURE_PIECES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "pieces", "over %d of them",
				 AZURE_PIECES_MAX);
	parts->pieces[parts->piece_count++] = piece;
	return TOBI_OK;
}

/* In a collection what belongs to it is there: an array of byte strings. */
static enum tobi_err take_endorsements(struct azure_parts *parts, struct tobi_bytes bytes,
				       struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct tobi_bytes members[LIMIT_PIECES];
	size_t count;
	enum tobi_err err;

	if (bytes.size == 0)
		return TOBI_OK;
	count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
	for (size_t i = 0; i < count; i++)
		members[i] = cbor_bytes(&cbor, LIMIT_EVIDENCE, "endorsements");
	err = cbor_finish(&cbor, "endorsements", fault);
	for (size_t i = 0; i < count && !err; i++)
		err = members[i].size ? take_piece(parts, members[i], fault) : TOBI_OK;
	return err;
}

enum tobi_err azure_parts_read(const struct tee_request *request, struct arena *arena,
			       struct azure_parts *ret_parts, struct tobi_fault *fault)
{
	struct azure_parts *parts = ret_parts;
	enum tobi_err err = TOBI_OK;

	*parts = (struct azure_parts){.values = {.arena = arena}};
	if (azure_hcl_starts(request->evidence))
		parts->hcl = request->evidence;
	else
		err = azure_json_read(request->evidence, arena, parts, fault);
	for (size_t i = 0; i < request->piece_count && !err; i++)
		err = take_piece(parts, request->pieces[i], fault);
	if (!err)
		err = take_endorsements(parts, request->endorsements, fault);
	if (!err && (parts->values.twice || parts->values.too_many))
		err = fault_set(fault, TOBI_E_EXISTS, OBJECT, "PCR values",
				"there are two values of a PCR, or too many banks");
	return err;
}

enum tobi_err azure_parts_hardware(const struct tee_request *request, struct arena *arena,
				   struct tobi_bytes *ret_hardware,
				   struct tobi_fault *fault)
{
	struct azure_parts *parts = arena_alloc(arena, sizeof(*parts));
	struct azure_hcl hcl;
	enum tobi_err err;

	if (!parts)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	err = azure_parts_read(request, arena, parts, fault);
	if (!err)
		err = azure_hcl_read(parts->hcl, &hcl, fault);
	if (err)
		return err;
	*ret_hardware =
	    hcl.report_type == AZURE_REPORT_TDX ? parts->td_quote : hcl.hardware;
	return ret_hardware->size
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "TD quote",
			       "there is none with it, and the paravisor's report names "
			       "no platform");
}
