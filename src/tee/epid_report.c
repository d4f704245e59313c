#include "tee/epid_report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"

#define OBJECT "EPID report"

enum { TEXT_MAX = 256, FIRST_VERSION = 2, STAMP_SIZE = 19, FRACTION_MAX = 9 };

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
}

static bool is_printable(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return true;
}

/* Printable ASCII of bounded length; "" for an optional one that is absent. */
static enum tobi_err take_text(const json_t *json, const char *name, bool optional,
			       size_t max, struct arena *arena, const char **ret_text,
			       struct tobi_fault *fault)
{
	json_t *member = NULL;
	enum tobi_err err;

	*ret_text = "";
	if (optional && !json_object_get(json, name))
		return TOBI_OK;
	err = json_member(json, name, JSON_STRING, OBJECT, &member, fault);
	if (err)
		return err;
	if (json_string_length(member) > max ||
	    !is_printable(json_string_value(member), json_string_length(member)))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, name,
				 "it is no text of at most %zu printable characters",
				 max);
	*ret_text = arena_printf(arena, "%s", json_string_value(member));
	return *ret_text ? TOBI_OK : no_memory(fault);
}

static enum tobi_err take_version(const json_t *json, uint64_t *ret_version,
				  struct tobi_fault *fault)
{
	json_t *member = json_object_get(json, "version");

	*ret_version = FIRST_VERSION;
	if (!member)
		return TOBI_OK;
	if (!json_is_integer(member) || json_integer_value(member) < 0)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "version",
				 "it is no number");
	*ret_version = (uint64_t)json_integer_value(member);
	return TOBI_OK;
}

/* 2020-05-11T09:21:15.483498: UTC, without saying so. */
static enum tobi_err take_timestamp(const json_t *json, struct arena *arena,
				    int64_t *ret_time, struct tobi_fault *fault)
{
	struct tm tm = {0};
	char again[STAMP_SIZE + 1] = "";
	const char *text, *end = NULL;
	size_t digits;
	enum tobi_err err =
	    take_text(json, "timestamp", false, TEXT_MAX, arena, &text, fault);

	if (err)
		return err;
	if (strlen(text) >= STAMP_SIZE)
		end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == text + STAMP_SIZE) {
		*ret_time = timegm(&tm);
		strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%S", &tm);
	}
	/* Written again it must be the same: so it is a day that there is. */
	digits = end && *end == '.' ? strspn(end + 1, "0123456789") : 0;
	if (!end || strncmp(text, again, STAMP_SIZE) != 0 || *ret_time < 0 ||
	    (*end && (digits == 0 || digits > FRACTION_MAX || end[1 + digits])))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "timestamp",
				 "a time like 2020-05-11T09:21:15.483498 is needed");
	return TOBI_OK;
}

static enum tobi_err take_advisories(const json_t *json, struct arena *arena,
				     struct epid_report *report, struct tobi_fault *fault)
{
	json_t *list = NULL;
	const char **texts;
	size_t count;
	enum tobi_err err;

	if (!json_object_get(json, "advisoryIDs"))
		return TOBI_OK;
	err = json_member(json, "advisoryIDs", JSON_ARRAY, OBJECT, &list, fault);
	if (err)
		return err;
	count = json_array_size(list);
	if (count > EPID_ADVISORIES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "advisoryIDs",
				 "more than %d", EPID_ADVISORIES_MAX);
	texts = arena_array(arena, count + 1, sizeof(*texts));
	if (!texts)
		return no_memory(fault);
	for (size_t i = 0; i < count; i++) {
		json_t *text = json_array_get(list, i);

		if (!json_is_string(text) || json_string_length(text) > EPID_NONCE_MAX ||
		    !is_printable(json_string_value(text), json_string_length(text)))
			return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "advisoryIDs",
					 "entry %zu is no advisory's name", i + 1);
		texts[i] = arena_printf(arena, "%s", json_string_value(text));
		if (!texts[i])
			return no_memory(fault);
	}
	report->advisories = texts;
	report->advisory_count = count;
	return TOBI_OK;
}

static enum tobi_err take_quote(const json_t *json, struct arena *arena,
				struct tobi_bytes *ret_quote, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer quote = wr_init(EPID_QUOTE_SIZE);
	json_t *member = NULL;
	enum tobi_err err =
	    json_member(json, "isvEnclaveQuoteBody", JSON_STRING, OBJECT, &member, fault);

	if (err)
		return err;
	err = base64_read(bytes_of_text(json_string_value(member)), OBJECT, &quote, NULL);
	if (err || quote.size != EPID_QUOTE_SIZE)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "isvEnclaveQuoteBody",
				 "it is not the base64 of %d bytes", EPID_QUOTE_SIZE);
	*ret_quote = arena_copy(arena, wr_view(&quote));
	return ret_quote->ptr ? TOBI_OK : no_memory(fault);
}

/* Type 21, version 2, and a size; big-endian, but for the versions in it. Of the 101
 * bytes the last 64 are a signature for the platform's software. */
static void read_platform_info(struct tobi_bytes blob, struct epid_platform_info *info)
{
	struct reader rd = rd_init(blob);
	bool known = rd_u8(&rd, "type") == 21;
	struct tobi_bytes isv_svn;

	known &= rd_u8(&rd, "version") == 2;
	known &= rd_u16be(&rd, "size") == 101;
	info->group_flags = rd_u8(&rd, "group flags");
	info->tcb_flags = rd_u16be(&rd, "TCB flags");
	info->pse_flags = rd_u16be(&rd, "PSE flags");
	info->latest_cpu_svn = rd_bytes(&rd, EPID_SVN_SIZE, "CPUSVN");
	isv_svn = rd_bytes(&rd, 2, "ISVSVN");
	info->latest_isv_svn = isv_svn.size ? load_u16le(isv_svn.ptr) : 0;
	rd_bytes(&rd, 2 + 4 + 4, "PSE, PSDA, XEID");
	info->group = rd_u32be(&rd, "group");
	rd_bytes(&rd, 64, "signature");
	info->known = known && !rd_finish(&rd, "platform info", NULL);
}

static enum tobi_err take_blob(const json_t *json, struct arena *arena,
			       struct epid_report *report, struct tobi_fault *fault)
{
	uint8_t blob[EPID_BLOB_MAX];
	const char *text;
	enum tobi_err err = take_text(json, "platformInfoBlob", true,
				      (size_t)2 * EPID_BLOB_MAX, arena, &text, fault);
	size_t size = err ? 0 : strlen(text) / 2;

	if (err || !text[0])
		return err;
	if (strlen(text) % 2 || !hex_read(text, blob, size))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "platformInfoBlob",
				 "it is not hexadecimal");
	report->blob = arena_copy(arena, (struct tobi_bytes){blob, size});
	if (!report->blob.ptr)
		return no_memory(fault);
	read_platform_info(report->blob, &report->platform);
	return TOBI_OK;
}

static enum tobi_err take_reason(const json_t *json, struct epid_report *report,
				 struct tobi_fault *fault)
{
	json_t *member = json_object_get(json, "revocationReason");

	if (!member)
		return TOBI_OK;
	if (!json_is_integer(member))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "revocationReason",
				 "it is no number");
	report->has_revocation_reason = true;
	report->revocation_reason = json_integer_value(member);
	return TOBI_OK;
}

static enum tobi_err take_texts(const json_t *json, struct arena *arena,
				struct epid_report *report, struct tobi_fault *fault)
{
	enum tobi_err err =
	    take_text(json, "id", false, TEXT_MAX, arena, &report->id, fault);

	if (!err)
		err = take_text(json, "isvEnclaveQuoteStatus", false, TEXT_MAX, arena,
				&report->status, fault);
	if (!err)
		err = take_text(json, "nonce", true, EPID_NONCE_MAX, arena,
				&report->nonce, fault);
	if (!err)
		err = take_text(json, "pseManifestStatus", true, TEXT_MAX, arena,
				&report->pse_status, fault);
	if (!err)
		err = take_text(json, "epidPseudonym", true, TEXT_MAX, arena,
				&report->pseudonym, fault);
	return err ? err
		   : take_text(json, "advisoryURL", true, TEXT_MAX, arena,
			       &report->advisory_url, fault);
}

enum tobi_err epid_report_parse(struct tobi_bytes body, struct arena *arena,
				struct epid_report *ret_report, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct epid_report report = {0};
	enum tobi_err err = json_parse(body, LIMIT_EPID_REPORT, OBJECT, &json, fault);

	if (!err)
		err = take_version(json, &report.version, fault);
	if (!err)
		err = take_texts(json, arena, &report, fault);
	if (!err)
		err = take_timestamp(json, arena, &report.timestamp, fault);
	if (!err)
		err = take_advisories(json, arena, &report, fault);
	if (!err)
		err = take_quote(json, arena, &report.quote, fault);
	if (!err)
		err = take_blob(json, arena, &report, fault);
	if (!err)
		err = take_reason(json, &report, fault);
	if (!err)
		*ret_report = report;
	return err;
}

enum tobi_err epid_quote_parse(struct tobi_bytes bytes, struct epid_quote *ret_quote,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct epid_quote quote = {0};
	enum tobi_err err;

	quote.version = rd_u16le(&rd, "version");
	quote.sign_type = rd_u16le(&rd, "sign type");
	quote.group = rd_u32le(&rd, "group");
	quote.qe_svn = rd_u16le(&rd, "QE SVN");
	quote.pce_svn = rd_u16le(&rd, "PCE SVN");
	rd_u32le(&rd, "XEID");
	quote.basename = rd_bytes(&rd, 32, "basename");
	quote.cpu_svn = rd_bytes(&rd, EPID_SVN_SIZE, "CPUSVN");
	quote.misc_select = rd_u32le(&rd, "MISCSELECT");
	rd_bytes(&rd, 12, "reserved");
	quote.product_id = rd_bytes(&rd, 16, "ISVEXTPRODID");
	quote.flags = rd_u64le(&rd, "ATTRIBUTES");
	quote.xfrm = rd_u64le(&rd, "XFRM");
	quote.measurement = rd_bytes(&rd, 32, "MRENCLAVE");
	rd_bytes(&rd, 32, "reserved");
	quote.signer = rd_bytes(&rd, 32, "MRSIGNER");
	rd_bytes(&rd, 32, "reserved");
	quote.config_id = rd_bytes(&rd, 64, "CONFIGID");
	quote.product = rd_u16le(&rd, "ISVPRODID");
	quote.svn = rd_u16le(&rd, "ISVSVN");
	quote.config_svn = rd_u16le(&rd, "CONFIGSVN");
	rd_bytes(&rd, 42, "reserved");
	quote.family_id = rd_bytes(&rd, 16, "ISVFAMILYID");
	quote.report_data = rd_bytes(&rd, 64, "REPORTDATA");
	err = rd_finish(&rd, "EPID quote", fault);
	if (!err)
		*ret_quote = quote;
	return err;
}
