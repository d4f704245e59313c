/* CMW in all its forms, as one list of records. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "token/cmw_record.h"

enum { DEPTH_MAX = 4, KEY_MAX = 128, TAG_HEAD = 0xda };

struct opening {
	struct arena *arena;
	struct cmw *cmw;
	enum tobi_err err;
	const char *field;
};

static void fail(struct opening *open, enum tobi_err err, const char *field)
{
	if (open->err)
		return;
	open->err = err;
	open->field = field;
}

static void add(struct opening *open, const struct cmw_record *record)
{
	struct cmw *cmw = open->cmw;

	for (size_t i = 0; i < cmw->count; i++) {
		/* {"a/b": .., "a": {"b": ..}} */
		if (bytes_equal(cmw->records[i].key, record->key))
			fail(open, TOBI_E_MALFORMED, "two keys of one name");
	}
	if (cmw->count == LIMIT_CMW_ENTRIES)
		fail(open, TOBI_E_LIMIT, "too many records");
	else if (!open->err)
		cmw->records[cmw->count++] = *record;
}

/* "outer/inner"; empty after failure. */
static struct tobi_bytes join(struct opening *open, struct tobi_bytes outer,
			      struct tobi_bytes key)
{
	char *text;

	if (key.size == 0 || key.size > KEY_MAX)
		fail(open, TOBI_E_MALFORMED, "key");
	if (!outer.size)
		return key;
	text =
	    arena_printf(open->arena, "%.*s/%.*s", (int)outer.size,
			 (const char *)outer.ptr, (int)key.size, (const char *)key.ptr);
	if (!text)
		fail(open, TOBI_E_MEMORY, "key");
	return bytes_of_text(text);
}

/* A type says what the collection is for; each record says of itself what it is. */
static void take_type(struct opening *open, bool outermost, struct tobi_bytes type)
{
	if (type.size == 0)
		fail(open, TOBI_E_MALFORMED, "__cmwc_t");
	if (outermost)
		open->cmw->type = type;
}

/* ---- CBOR ---- */

struct level {
	struct cbor_map map;
	struct tobi_bytes path;
	size_t count; /* of records and collections in it */
};

/* A tag over a byte string, or over the item itself. */
static void read_tag(struct opening *open, struct cbor *cbor, struct cmw_record *record)
{
	uint64_t format = cmw_format_of(cbor_tag(cbor, "tag"));

	if (!cbor_failed(cbor) && format == UINT64_MAX)
		fail(open, TOBI_E_UNSUPPORTED, "tag of no content format");
	record->content_format = format;
	if (cbor_peek(cbor) == CBOR_BYTES)
		record->value = cbor_bytes(cbor, LIMIT_CMW, "value");
	else
		record->value = cbor_skip(cbor, "value");
}

static struct tobi_bytes read_cbor_key(struct opening *open, struct cbor *cbor,
				       struct cbor_map *map, bool *ret_more)
{
	struct tobi_bytes key = {0};
	int64_t number = 0;

	if (map->left && cbor_peek(cbor) == CBOR_TEXT) {
		*ret_more = cbor_map_text(cbor, map, &key, "key");
		return key;
	}
	*ret_more = cbor_map_int(cbor, map, &number, "key");
	if (!*ret_more)
		return key;
	key = bytes_of_text(arena_printf(open->arena, "%" PRId64, number));
	if (!key.size)
		fail(open, TOBI_E_MEMORY, "key");
	return key;
}

/* __cmwc_t: a URI, or an OID (tag 111). */
static void read_cbor_type(struct opening *open, struct cbor *cbor, bool outermost)
{
	if (cbor_peek(cbor) == CBOR_TAG)
		cbor_tag(cbor, "__cmwc_t");
	take_type(open, outermost,
		  cbor_peek(cbor) == CBOR_BYTES ? cbor_bytes(cbor, KEY_MAX, "__cmwc_t")
						: cbor_text(cbor, KEY_MAX, "__cmwc_t"));
}

/* Whether a collection was opened. */
static bool read_cbor_entry(struct opening *open, struct cbor *cbor, struct level *level,
			    struct tobi_bytes key, struct level *ret_inner)
{
	struct cmw_record record = {.key = join(open, level->path, key)};

	level->count++;
	switch (cbor_peek(cbor)) {
	case CBOR_MAP:
		*ret_inner = (struct level){.path = record.key};
		ret_inner->map = cbor_map(cbor, LIMIT_CMW_ENTRIES, "collection");
		return true;
	case CBOR_TAG:
		read_tag(open, cbor, &record);
		break;
	default:
		cmw_read_record(cbor, &record);
	}
	if (!cbor_failed(cbor))
		add(open, &record);
	return false;
}

static void read_cbor_collection(struct opening *open, struct cbor *cbor)
{
	struct level levels[DEPTH_MAX] = {0}, inner;
	size_t depth = 1;

	levels[0].map = cbor_map(cbor, LIMIT_CMW_ENTRIES, "collection");
	while (depth && !cbor_failed(cbor) && !open->err) {
		struct level *level = &levels[depth - 1];
		bool more = false;
		struct tobi_bytes key = read_cbor_key(open, cbor, &level->map, &more);

		if (!more) {
			if (!level->count)
				fail(open, TOBI_E_MALFORMED,
				     "collection without a record");
			depth--;
		} else if (bytes_equal_text(key, "__cmwc_t")) {
			read_cbor_type(open, cbor, depth == 1);
		} else if (read_cbor_entry(open, cbor, level, key, &inner)) {
			if (depth == DEPTH_MAX)
				fail(open, TOBI_E_LIMIT, "collections too deep");
			else
				levels[depth++] = inner;
		}
	}
}

static enum tobi_err open_cbor(struct opening *open, struct tobi_bytes bytes,
			       const char *object, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct cmw_record record = {0};

	open->cmw->alone = cbor_peek(&cbor) != CBOR_MAP;
	switch (cbor_peek(&cbor)) {
	case CBOR_MAP:
		read_cbor_collection(open, &cbor);
		break;
	case CBOR_TAG:
		read_tag(open, &cbor, &record);
		add(open, &record);
		break;
	default:
		cmw_read_record(&cbor, &record);
		add(open, &record);
	}
	if (open->err && !cbor_failed(&cbor))
		cbor_fail(&cbor, open->err, open->field);
	return cbor_finish(&cbor, object, fault);
}

/* ---- JSON ---- */

static struct tobi_bytes copy_text(struct opening *open, const char *text)
{
	struct tobi_bytes copy = arena_copy(open->arena, bytes_of_text(text));

	if (!copy.ptr)
		fail(open, TOBI_E_MEMORY, "text");
	return copy;
}

static void read_json_value(struct opening *open, const char *text,
			    struct cmw_record *record)
{
	CLEANUP(wr_done) struct writer value = wr_init(LIMIT_CMW);

	if (!text || base64url_read(bytes_of_text(text), "value", &value, NULL)) {
		fail(open, TOBI_E_MALFORMED, "value");
		return;
	}
	record->value = arena_copy(open->arena, wr_view(&value));
	if (!record->value.ptr)
		fail(open, TOBI_E_MEMORY, "value");
}

static void read_json_record(struct opening *open, const json_t *json,
			     struct cmw_record *record)
{
	size_t count = json_array_size(json);
	json_t *type = json_array_get(json, 0), *indicator = json_array_get(json, 2);
	const char *text = json_string_value(type);

	if (count < 2 || count > 3) {
		fail(open, TOBI_E_MALFORMED, "record");
		return;
	}
	if (text && strlen(text) && strlen(text) <= MAX_MEDIA_TYPE)
		record->media_type = copy_text(open, text);
	else if (json_is_integer(type) && json_integer_value(type) >= 0 &&
		 json_integer_value(type) <= MAX_CONTENT_FORMAT)
		record->content_format = (uint64_t)json_integer_value(type);
	else
		fail(open, TOBI_E_MALFORMED, "type");
	read_json_value(open, json_string_value(json_array_get(json, 1)), record);
	if (count == 3 &&
	    (!json_is_integer(indicator) || json_integer_value(indicator) <= 0 ||
	     json_integer_value(indicator) > UINT32_MAX))
		fail(open, TOBI_E_MALFORMED, "indicator");
	record->indicator = (unsigned)json_integer_value(indicator);
}

struct json_level {
	json_t *object;
	void *iterator;
	struct tobi_bytes path;
	size_t count;
};

static void read_json_entry(struct opening *open, struct json_level *levels,
			    size_t *depth)
{
	struct json_level *level = &levels[*depth - 1];
	const char *name = json_object_iter_key(level->iterator);
	json_t *value = json_object_iter_value(level->iterator);
	struct cmw_record record = {0};

	level->iterator = json_object_iter_next(level->object, level->iterator);
	if (strcmp(name, "__cmwc_t") == 0) {
		take_type(open, *depth == 1,
			  copy_text(open, json_is_string(value) ? json_string_value(value)
								: ""));
		return;
	}
	level->count++;
	record.key = join(open, level->path, copy_text(open, name));
	if (json_is_array(value)) {
		read_json_record(open, value, &record);
		add(open, &record);
	} else if (!json_is_object(value)) {
		fail(open, TOBI_E_MALFORMED, "record");
	} else if (*depth == DEPTH_MAX) {
		fail(open, TOBI_E_LIMIT, "collections too deep");
	} else {
		levels[(*depth)++] =
		    (struct json_level){value, json_object_iter(value), record.key, 0};
	}
}

static void read_json_collection(struct opening *open, json_t *json)
{
	struct json_level levels[DEPTH_MAX] = {{json, json_object_iter(json), {0}, 0}};
	size_t depth = 1;

	while (depth && !open->err) {
		if (levels[depth - 1].iterator) {
			read_json_entry(open, levels, &depth);
			continue;
		}
		if (!levels[depth - 1].count)
			fail(open, TOBI_E_MALFORMED, "collection without a record");
		depth--;
	}
}

static enum tobi_err open_json(struct opening *open, struct tobi_bytes bytes,
			       const char *object, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct cmw_record record = {0};
	enum tobi_err err = json_parse(bytes, 2 * LIMIT_CMW, object, &json, fault);

	if (err)
		return err;
	open->cmw->alone = json_is_array(json);
	if (json_is_object(json)) {
		read_json_collection(open, json);
	} else {
		read_json_record(open, json, &record);
		add(open, &record);
	}
	return open->err ? fault_set(fault, open->err, object, open->field,
				     "it is not as CMW has it")
			 : TOBI_OK;
}

bool cmw_form_of(struct tobi_bytes bytes, enum cmw_form *ret_form)
{
	uint8_t first = bytes.size ? bytes.ptr[0] : 0;

	if (first == 0x82 || first == 0x83 || first == TAG_HEAD ||
	    (first >= 0xa0 && first <= 0xbb))
		*ret_form = CMW_CBOR;
	else if (first == '[' || first == '{')
		*ret_form = CMW_JSON;
	else
		return false;
	return true;
}

enum tobi_err cmw_open(struct tobi_bytes bytes, const char *object, struct arena *arena,
		       struct cmw *ret_cmw, struct tobi_fault *fault)
{
	struct cmw cmw = {0};
	struct opening open = {.arena = arena, .cmw = &cmw};
	enum cmw_form form = CMW_CBOR;
	enum tobi_err err;

	if (bytes.size > LIMIT_CMW)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it has %zu bytes; at most %d are read", bytes.size,
				 LIMIT_CMW);
	if (!cmw_form_of(bytes, &form))
		return fault_at(fault, bytes.size ? TOBI_E_MALFORMED : TOBI_E_TRUNCATED,
				object, "", 0, "it begins as no wrapper (CMW) does");
	err = form == CMW_JSON ? open_json(&open, bytes, object, fault)
			       : open_cbor(&open, bytes, object, fault);
	if (!err)
		*ret_cmw = cmw;
	return err;
}
