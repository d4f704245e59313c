#include "corim/reader.h"

#include "base/limits.h"
#include "base/secret.h"

enum { VALUES_MAX = 64, TEXTS_MAX = 256 };

static const unsigned classes =
    CORIM_MAY(CORIM_ID_OID) | CORIM_MAY(CORIM_ID_UUID) | CORIM_MAY(CORIM_ID_BYTES);
static const unsigned instances = CORIM_MAY(CORIM_ID_UEID) | CORIM_MAY(CORIM_ID_UUID) |
				  CORIM_MAY(CORIM_ID_BYTES) | CORIM_MAY(CORIM_ID_OTHER);
static const unsigned groups = CORIM_MAY(CORIM_ID_UUID) | CORIM_MAY(CORIM_ID_BYTES);
static const unsigned elements = CORIM_MAY(CORIM_ID_OID) | CORIM_MAY(CORIM_ID_UUID) |
				 CORIM_MAY(CORIM_ID_UINT) | CORIM_MAY(CORIM_ID_TEXT);

static void read_class(struct corim_reader *rd, struct corim_environment *environment)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, 16, "class");
	int64_t key = 0;
	bool any = false;

	while (cbor_map_int(cbor, &map, &key, "class")) {
		any = true;
		switch (key) {
		case 0:
			environment->class_id = corim_read_id(rd, classes, "class-id");
			break;
		case 1:
			environment->vendor = cbor_text(cbor, CORIM_TEXT_MAX, "vendor");
			break;
		case 2:
			environment->model = cbor_text(cbor, CORIM_TEXT_MAX, "model");
			break;
		case 3:
			environment->has_layer = true;
			environment->layer = cbor_uint(cbor, "layer");
			break;
		case 4:
			environment->has_index = true;
			environment->index = cbor_uint(cbor, "index");
			break;
		default:
			corim_fail(rd, TOBI_E_MALFORMED, "class");
		}
	}
	cbor_require(cbor, any, "class");
}

struct corim_environment corim_read_environment(struct corim_reader *rd)
{
	struct corim_environment environment = {0};
	struct cbor_map map = cbor_map(&rd->cbor, 3, "environment");
	int64_t key = 0;
	bool any = false;

	while (cbor_map_int(&rd->cbor, &map, &key, "environment")) {
		any = true;
		if (key == 0)
			read_class(rd, &environment);
		else if (key == 1)
			environment.instance = corim_read_id(rd, instances, "instance");
		else if (key == 2)
			environment.group = corim_read_id(rd, groups, "group");
		else
			corim_fail(rd, TOBI_E_MALFORMED, "environment");
	}
	cbor_require(&rd->cbor, any, "environment");
	return environment;
}

static void read_version(struct corim_reader *rd, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, 2, "version");
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "version")) {
		if (key == 0) {
			values->version = cbor_text(cbor, CORIM_TEXT_MAX, "version");
		} else if (key == 1 && cbor_peek(cbor) != CBOR_TEXT) {
			values->has_scheme = true;
			values->scheme = cbor_int(cbor, "version-scheme");
		} else if (key == 1) {
			cbor_text(cbor, CORIM_TEXT_MAX, "version-scheme");
		} else {
			corim_fail(rd, TOBI_E_MALFORMED, "version");
		}
	}
	cbor_require(cbor, values->version.ptr, "version");
}

static void read_svn(struct corim_reader *rd, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;
	uint64_t tag = CORIM_TAG_SVN;

	if (cbor_peek(cbor) == CBOR_TAG)
		tag = cbor_tag(cbor, "svn");
	if (tag != CORIM_TAG_SVN && tag != CORIM_TAG_MIN_SVN)
		corim_fail(rd, TOBI_E_MALFORMED, "svn");
	values->svn_kind = tag == CORIM_TAG_SVN ? CORIM_SVN_EXACT : CORIM_SVN_LEAST;
	values->svn = cbor_uint(cbor, "svn");
}

static void set_unknown(struct corim_values *values, int64_t key)
{
	if (!values->has_unknown)
		values->unknown = key;
	values->has_unknown = true;
}

static void read_flags(struct corim_reader *rd, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, VALUES_MAX, "flags");
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "flags")) {
		bool value = cbor_bool(cbor, "flag");

		if (key < 0 || key >= TEE_FLAGS) {
			set_unknown(values, 3);
			continue;
		}
		values->flags_given |= 1U << key;
		values->flags |= (uint32_t)value << key;
	}
	cbor_require(cbor, values->flags_given || values->has_unknown, "flags");
}

static void read_raw(struct corim_reader *rd, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;
	uint64_t tag;

	if (cbor_peek(cbor) != CBOR_TAG) { /* a profile's own form */
		cbor_skip(cbor, "raw value");
		set_unknown(values, 4);
		return;
	}
	tag = cbor_tag(cbor, "raw value");
	if (tag == CORIM_TAG_BYTES) {
		values->raw = cbor_bytes(cbor, CORIM_BYTES_MAX, "raw value");
	} else if (tag == CORIM_TAG_MASKED) {
		if (cbor_array(cbor, 2, "raw value") != 2)
			corim_fail(rd, TOBI_E_MALFORMED, "raw value");
		values->raw = cbor_bytes(cbor, CORIM_BYTES_MAX, "raw value");
		values->mask = cbor_bytes_exact(cbor, values->raw.size, "mask");
	} else {
		cbor_skip(cbor, "raw value");
		set_unknown(values, 4);
	}
}

static void read_registers(struct corim_reader *rd, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, VALUES_MAX, "registers");
	size_t count = cbor_failed(cbor) ? 0 : map.left, i = 0;
	struct corim_register *list = arena_array(rd->arena, count, sizeof(*list));

	cbor_require(cbor, count > 0, "registers");
	if (!list && !cbor_failed(cbor))
		corim_fail(rd, TOBI_E_MEMORY, "registers");
	while (map.left > 0 && !cbor_failed(cbor)) {
		struct corim_register *reg = &list[i];
		int64_t number = 0;

		/* Numbers and texts may be mixed, and each opens the next key. */
		reg->is_text = cbor_peek(cbor) == CBOR_TEXT;
		if (reg->is_text ? !cbor_map_text(cbor, &map, &reg->text, "register")
				 : !cbor_map_int(cbor, &map, &number, "register"))
			break;
		if (number < 0)
			corim_fail(rd, TOBI_E_MALFORMED, "register");
		reg->number = (uint64_t)number;
		reg->digests = corim_read_digests(rd, "register");
		i++;
	}
	values->registers = list;
	values->register_count = i;
}

static bool read_end(struct cbor *cbor, int64_t *ret_value)
{
	if (cbor_peek(cbor) == CBOR_NULL) {
		cbor_null(cbor, "range");
		return false;
	}
	*ret_value = cbor_int(cbor, "range");
	return true;
}

static void read_range(struct corim_reader *rd, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;

	values->has_range = true;
	if (cbor_peek(cbor) != CBOR_TAG) {
		values->has_least = values->has_most = true;
		values->least = values->most = cbor_int(cbor, "range");
		return;
	}
	if (cbor_tag(cbor, "range") != CORIM_TAG_RANGE ||
	    cbor_array(cbor, 2, "range") != 2)
		corim_fail(rd, TOBI_E_MALFORMED, "range");
	values->has_least = read_end(cbor, &values->least);
	values->has_most = read_end(cbor, &values->most);
}

/* A list of digests, or of texts. */
static void read_set(struct corim_reader *rd, struct corim_extension *extension)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor ahead = *cbor;
	struct tobi_bytes *texts;

	cbor_array(&ahead, LIMIT_CORIM_ITEMS, "set");
	if (cbor_peek(&ahead) == CBOR_ARRAY) {
		extension->form = CORIM_FORM_DIGESTS;
		extension->digests = corim_read_digests(rd, "set");
		return;
	}
	if (cbor_peek(&ahead) != CBOR_TEXT) {
		cbor_skip(cbor, "set");
		return;
	}
	texts = corim_list(rd, 1, sizeof(*texts), "set", &extension->text_count);
	for (size_t i = 0; i < extension->text_count && !corim_failed(rd); i++)
		texts[i] = cbor_text(cbor, CORIM_TEXT_MAX, "set");
	extension->texts = texts;
	extension->form = CORIM_FORM_TEXTS;
}

static void read_operand(struct corim_reader *rd, struct corim_extension *extension)
{
	struct cbor *cbor = &rd->cbor;

	switch (cbor_peek(cbor)) {
	case CBOR_UINT:
		extension->form = CORIM_FORM_NUMBER;
		extension->number = cbor_uint(cbor, "value");
		return;
	case CBOR_BYTES:
		extension->form = CORIM_FORM_BYTES;
		extension->bytes = cbor_bytes(cbor, CORIM_BYTES_MAX, "value");
		return;
	case CBOR_TEXT:
		extension->form = CORIM_FORM_TEXT;
		extension->bytes = cbor_text(cbor, CORIM_TEXT_MAX, "value");
		return;
	case CBOR_ARRAY:
		read_set(rd, extension);
		return;
	default:
		cbor_skip(cbor, "value");
	}
}

/* A value of a profile: [operator, operand] under a tag, or the operand alone. */
static void read_extension(struct corim_reader *rd, struct corim_extension *extension)
{
	struct cbor *cbor = &rd->cbor;
	uint64_t tag;

	if (cbor_peek(cbor) != CBOR_TAG) {
		read_operand(rd, extension);
		return;
	}
	tag = cbor_tag(cbor, "value");
	if (tag == CORIM_TAG_NUMERIC || tag == CORIM_TAG_SET) {
		if (cbor_array(cbor, 2, "expression") != 2)
			corim_fail(rd, TOBI_E_MALFORMED, "expression");
		extension->op = (enum corim_operator)cbor_uint_max(cbor, 64, "operator");
		read_operand(rd, extension);
		/* Anything else is an operator that is not known here. */
		if (extension->op != CORIM_MEMBER && extension->form != CORIM_FORM_NUMBER)
			extension->form = CORIM_FORM_UNKNOWN;
		if (extension->op > CORIM_AT_MOST && extension->op != CORIM_MEMBER)
			extension->form = CORIM_FORM_UNKNOWN;
	} else if (tag == CORIM_TAG_BYTES) {
		read_operand(rd, extension);
	} else {
		cbor_skip(cbor, "value");
	}
}

/* A standard value; false: not one of them. */
static bool read_value(struct corim_reader *rd, int64_t key, struct corim_values *values)
{
	struct cbor *cbor = &rd->cbor;

	switch (key) {
	case 0:
		read_version(rd, values);
		return true;
	case 1:
		read_svn(rd, values);
		return true;
	case 2:
		values->digests = corim_read_digests(rd, "digests");
		return true;
	case 3:
		read_flags(rd, values);
		return true;
	case 4:
		read_raw(rd, values);
		return true;
	case 5:
		values->mask = cbor_bytes(cbor, CORIM_BYTES_MAX, "mask");
		return true;
	case 6:
		values->mac = cbor_bytes(cbor, 8, "mac-addr");
		return true;
	case 7:
		values->ip = cbor_bytes(cbor, 16, "ip-addr");
		return true;
	case 8:
		values->serial = cbor_text(cbor, CORIM_TEXT_MAX, "serial-number");
		return true;
	case 9:
		values->ueid = cbor_bytes(cbor, 33, "ueid");
		return true;
	case 10:
		values->uuid = cbor_bytes_exact(cbor, 16, "uuid");
		return true;
	case 11:
		values->name = cbor_text(cbor, CORIM_TEXT_MAX, "name");
		return true;
	case 13:
		values->keys = corim_read_keys(rd, "cryptokeys");
		return true;
	case 14:
		read_registers(rd, values);
		return true;
	case 15:
		read_range(rd, values);
		return true;
	default:
		return false;
	}
}

struct corim_values corim_read_values(struct corim_reader *rd)
{
	struct corim_values values = {0};
	struct cbor_map map = cbor_map(&rd->cbor, VALUES_MAX, "values");
	size_t count = corim_failed(rd) ? 0 : map.left;
	struct corim_extension *extensions = NULL;
	int64_t key = 0;

	cbor_require(&rd->cbor, count > 0, "values");
	while (cbor_map_int(&rd->cbor, &map, &key, "values")) {
		if (read_value(rd, key, &values))
			continue;
		if (key >= 0) {
			cbor_skip(&rd->cbor, "value");
			set_unknown(&values, key);
			continue;
		}
		if (!extensions)
			extensions = arena_array(rd->arena, count, sizeof(*extensions));
		if (!extensions) {
			corim_fail(rd, TOBI_E_MEMORY, "values");
			break;
		}
		extensions[values.extension_count].key = key;
		read_extension(rd, &extensions[values.extension_count++]);
	}
	values.extensions = extensions;
	if (!corim_failed(rd) && values.mask.ptr && values.mask.size != values.raw.size)
		corim_fail(rd, TOBI_E_MALFORMED, "mask");
	return values;
}

static void read_measurement(struct corim_reader *rd,
			     struct corim_measurement *measurement)
{
	struct cbor_map map = cbor_map(&rd->cbor, 3, "measurement");
	bool has_values = false;
	int64_t key = 0;

	while (cbor_map_int(&rd->cbor, &map, &key, "measurement")) {
		if (key == 0) {
			measurement->mkey = corim_read_id(rd, elements, "mkey");
		} else if (key == 1) {
			has_values = true;
			measurement->values = corim_read_values(rd);
		} else if (key == 2) {
			measurement->authorities = corim_read_keys(rd, "authorized-by");
		} else {
			corim_fail(rd, TOBI_E_MALFORMED, "measurement");
		}
	}
	cbor_require(&rd->cbor, has_values, "mval");
}

struct corim_measurements corim_read_measurements(struct corim_reader *rd, size_t least,
						  const char *field)
{
	size_t count;
	struct corim_measurement *list =
	    corim_list(rd, least, sizeof(*list), field, &count);

	rd->measurements += count;
	if (rd->measurements > LIMIT_CORIM_MEASUREMENTS)
		corim_fail(rd, TOBI_E_LIMIT, field);
	for (size_t i = 0; i < count && !corim_failed(rd); i++)
		read_measurement(rd, &list[i]);
	return (struct corim_measurements){list, count};
}
