#include "token/cmw.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

enum {
	MAX_MEDIA_TYPE = 255,
	MAX_CONTENT_FORMAT = 65535,
};

/* Record: [type, value bstr, ? indicator]. The type is a media type or a CoAP content
 * format (section 3.1 of the draft). */
static void read_record(struct cbor *cbor, struct cmw_record *record)
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
		read_record(&cbor, &record);
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

void cmw_write(struct writer *out, const struct cmw_record *records, size_t count)
{
	cbor_write_map(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct cmw_record *record = &records[i];

		cbor_write_text_bytes(out, record->key);
		cbor_write_array(out, record->indicator ? 3 : 2);
		if (record->media_type.size)
			cbor_write_text_bytes(out, record->media_type);
		else
			cbor_write_uint(out, record->content_format);
		cbor_write_bytes(out, record->value);
		if (record->indicator)
			cbor_write_uint(out, record->indicator);
	}
}
