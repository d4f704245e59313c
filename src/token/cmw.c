#include "token/cmw.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "token/cmw_record.h"

/* Record: [type, value bstr, ? indicator]. The type is a media type or a CoAP content
 * format (section 3.1 of the draft). */
void cmw_read_record(struct cbor *cbor, struct cmw_record *record)
{
	size_t count;

	switch (cbor_peek(cbor)) {
	case CBOR_ARRAY:
		break;
	case CBOR_MAP: /* a collection in the collection */
	case CBOR_TAG: /* a CBOR tag as the record */
		cbor_fail(cbor, TOBI_E_UNSUPPORTED, "record");
		return;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "record");
		return;
	}
	count = cbor_array(cbor, 3, "record");
	if (!cbor_failed(cbor) && count < 2)
		cbor_fail(cbor, TOBI_E_MALFORMED, "record");
	if (cbor_peek(cbor) == CBOR_TEXT)
		record->media_type = cbor_text(cbor, MAX_MEDIA_TYPE, "type");
	else
		record->content_format = cbor_uint_max(cbor, MAX_CONTENT_FORMAT, "type");
	record->value = cbor_bytes(cbor, LIMIT_CMW, "value");
	if (count == 3) {
		record->indicator =
		    (unsigned)cbor_uint_max(cbor, UINT32_MAX, "indicator");
		/* 0 would be a second way to write "absent". */
		if (!record->indicator)
			cbor_fail(cbor, TOBI_E_MALFORMED, "indicator");
	}
}

enum tobi_err cmw_parse(struct tobi_bytes bytes, const char *object, struct cmw *ret_cmw,
			struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct cmw cmw = {0};
	struct tobi_bytes key;
	struct cbor_map map;
	enum tobi_err err;

	if (bytes.size > LIMIT_CMW)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it has %zu bytes; at most %d are read", bytes.size,
				 LIMIT_CMW);
	map = cbor_map(&cbor, LIMIT_CMW_ENTRIES, "collection");
	while (cbor_map_text(&cbor, &map, &key, "key")) {
		struct cmw_record record = {.key = key};

		if (!key.size)
			cbor_fail(&cbor, TOBI_E_MALFORMED, "key");
		/* A collection type may change what the records mean; none is known here.
		 */
		if (bytes_equal_text(key, "__cmwc_t"))
			cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "__cmwc_t");
		cmw_read_record(&cbor, &record);
		if (cbor_failed(&cbor))
			break;
		cmw.records[cmw.count++] = record;
	}
	if (!cbor_failed(&cbor) && !cmw.count)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "collection");
	err = cbor_finish(&cbor, object, fault);
	if (err)
		return err;
	*ret_cmw = cmw;
	return TOBI_OK;
}

const struct cmw_record *cmw_find(const struct cmw *cmw, const char *key)
{
	for (size_t i = 0; i < cmw->count; i++)
		if (bytes_equal_text(cmw->records[i].key, key))
			return &cmw->records[i];
	return NULL;
}

static void write_record(struct writer *out, const struct cmw_record *record)
{
	cbor_write_array(out, record->indicator ? 3 : 2);
	if (record->media_type.size)
		cbor_write_text_bytes(out, record->media_type);
	else
		cbor_write_uint(out, record->content_format);
	cbor_write_bytes(out, record->value);
	if (record->indicator)
		cbor_write_uint(out, record->indicator);
}

void cmw_write(struct writer *out, const struct cmw_record *records, size_t count)
{
	cbor_write_map(out, count);
	for (size_t i = 0; i < count; i++) {
		cbor_write_text_bytes(out, records[i].key);
		write_record(out, &records[i]);
	}
}

/* ---- JSON: [type, base64url, ? indicator] ---- */

static json_t *record_json(const struct cmw_record *record)
{
	json_t *json = json_array();

	json_array_append_new(json,
			      record->media_type.size
				  ? json_stringn((const char *)record->media_type.ptr,
						 record->media_type.size)
				  : json_integer((json_int_t)record->content_format));
	json_array_append_new(json, json_base64url(record->value, 2 * LIMIT_CMW));
	if (record->indicator)
		json_array_append_new(json, json_integer(record->indicator));
	return json;
}

static void put_json(struct writer *out, json_t *json)
{
	if ((!json || json_write(json, false, out, NULL)) && !out->err)
		out->err = TOBI_E_MEMORY;
	json_decref(json);
}

void cmw_write_json(struct writer *out, const struct cmw_record *records, size_t count)
{
	json_t *json = json_object();

	for (size_t i = 0; json && i < count; i++)
		json_object_setn_new(json, (const char *)records[i].key.ptr,
				     records[i].key.size, record_json(&records[i]));
	put_json(out, json);
}

void cmw_write_record(struct writer *out, enum cmw_form form,
		      const struct cmw_record *record)
{
	if (form == CMW_CBOR)
		write_record(out, record);
	else
		put_json(out, record_json(record));
}

enum { FORMATS_IN_ROW = 255, ROW = 256 };
static const uint64_t first_tag = 0x63740101;

uint64_t cmw_tag_of(uint64_t format)
{
	return first_tag + format / FORMATS_IN_ROW * ROW + format % FORMATS_IN_ROW;
}

uint64_t cmw_format_of(uint64_t tag)
{
	uint64_t format;

	if (tag < first_tag || (tag - first_tag) % ROW == FORMATS_IN_ROW)
		return UINT64_MAX;
	format = (tag - first_tag) / ROW * FORMATS_IN_ROW + (tag - first_tag) % ROW;
	return format <= MAX_CONTENT_FORMAT ? format : UINT64_MAX;
}

void cmw_write_tag(struct writer *out, const struct cmw_record *record)
{
	cbor_write_tag(out, cmw_tag_of(record->content_format));
	cbor_write_bytes(out, record->value);
}
