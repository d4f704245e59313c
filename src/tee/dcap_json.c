#include "tee/dcap_json.h"

#include <string.h>

#include "base/date.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/secret.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next byte, without taking it; 0 at the end. */
static uint8_t peek(const struct reader *rd)
{
	return rd_left(rd) && !rd_failed(rd) ? rd->start[rd->pos] : 0;
}

static void skip_blanks(struct reader *rd)
{
	while (is_blank(peek(rd)))
		rd_u8(rd, "blank");
}

static void expect(struct reader *rd, char c, const char *field)
{
	skip_blanks(rd);
	if (peek(rd) == (uint8_t)c)
		rd_u8(rd, field);
	else
		rd_fail(rd, rd_left(rd) ? TOBI_E_MALFORMED : TOBI_E_TRUNCATED, field);
}

/* A text as it is written: no name, nor a signature, has an escape in it, so that one
 * with an escape is another. */
static struct tobi_bytes plain_text(struct reader *rd, const char *field)
{
	size_t start;

	expect(rd, '"', field);
	start = rd->pos;
	while (!rd_failed(rd) && peek(rd) != '"')
		rd_u8(rd, field);
	rd_u8(rd, field);
	return rd_failed(rd)
		   ? (struct tobi_bytes){0}
		   : (struct tobi_bytes){rd->start + start, rd->pos - 1 - start};
}

/* From { to the } that belongs to it. What is between is read later, from these bytes
 * alone: a span that was cut wrongly is no JSON. */
static struct tobi_bytes object_span(struct reader *rd, const char *field)
{
	size_t start, depth = 0;
	bool in_text = false;

	skip_blanks(rd);
	if (peek(rd) != '{') {
		rd_fail(rd, rd_left(rd) ? TOBI_E_MALFORMED : TOBI_E_TRUNCATED, field);
		return (struct tobi_bytes){0};
	}
	start = rd->pos;
	do {
		uint8_t c = rd_u8(rd, field);

		if (in_text && c == '\\')
			rd_u8(rd, field);
		else if (c == '"')
			in_text = !in_text;
		else if (!in_text && c == '{')
			depth++;
		else if (!in_text && c == '}')
			depth--;
	} while (depth && !rd_failed(rd));
	return rd_failed(rd) ? (struct tobi_bytes){0}
			     : (struct tobi_bytes){rd->start + start, rd->pos - start};
}

static void read_signature(struct reader *rd, struct dcap_envelope *out)
{
	struct tobi_bytes text = plain_text(rd, "signature");
	char digits[2 * DCAP_SIGNATURE_SIZE + 1] = "";

	if (text.size == sizeof(digits) - 1)
		bytes_copy(digits, sizeof(digits) - 1, text.ptr, text.size);
	if (!hex_read(digits, out->signature, sizeof(out->signature)))
		rd_fail(rd, TOBI_E_MALFORMED, "signature");
}

enum tobi_err dcap_envelope_read(struct tobi_bytes bytes, const char *member,
				 const char *object, struct dcap_envelope *ret_envelope,
				 struct tobi_fault *fault)
{
	struct dcap_envelope envelope = {0};
	bool has_value = false, has_signature = false;
	struct reader rd;

	/* Intel's library hands texts around with the zero that ends them. */
	while (bytes.size &&
	       (bytes.ptr[bytes.size - 1] == 0 || is_blank(bytes.ptr[bytes.size - 1])))
		bytes.size--;
	rd = rd_init(bytes);
	expect(&rd, '{', "envelope");
	for (int i = 0; i < 2 && !rd_failed(&rd); i++) {
		struct tobi_bytes name;

		if (i)
			expect(&rd, ',', "envelope");
		name = plain_text(&rd, "name of a member");
		expect(&rd, ':', "envelope");
		if (!has_signature && bytes_equal_text(name, "signature")) {
			has_signature = true;
			read_signature(&rd, &envelope);
		} else if (!has_value && bytes_equal_text(name, member)) {
			has_value = true;
			envelope.signed_part = object_span(&rd, "value");
		} else {
			rd_fail(&rd, TOBI_E_MALFORMED, "name of a member");
		}
	}
	expect(&rd, '}', "envelope");
	if (!rd_failed(&rd))
		*ret_envelope = envelope;
	return rd_finish(&rd, object, fault);
}

static const char *const status_names[DCAP_STATUSES] = {
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
};

const char *dcap_status_name(enum dcap_status status)
{
	return (unsigned)status < DCAP_STATUSES ? status_names[status] : "unknown";
}

bool dcap_status_find(const char *name, enum dcap_status *ret_status)
{
	for (unsigned i = 0; i < DCAP_STATUSES; i++) {
		if (strcmp(status_names[i], name) == 0) {
			*ret_status = (enum dcap_status)i;
			return true;
		}
	}
	return false;
}

static void fail_with(struct dcap_reader *rd, enum tobi_err err, const char *name,
		      const char *what)
{
	if (!rd->err)
		rd->err = fault_set(rd->fault, err, rd->object, name, "%s", what);
}

void dcap_fail(struct dcap_reader *rd, const char *name, const char *what)
{
	fail_with(rd, TOBI_E_MALFORMED, name, what);
}

/* Numbers are the caller's to check. */
static const json_t *member(struct dcap_reader *rd, const json_t *object,
			    const char *name, json_type type)
{
	json_t *found = NULL;

	if (!rd->err)
		rd->err = json_member(object, name, type, rd->object, &found, rd->fault);
	return rd->err ? NULL : found;
}

const json_t *dcap_array(struct dcap_reader *rd, const json_t *object, const char *name,
			 size_t max)
{
	const json_t *array = member(rd, object, name, JSON_ARRAY);

	if (array && json_array_size(array) > max) {
		fail_with(rd, TOBI_E_LIMIT, name, "it has too many entries");
		return NULL;
	}
	return array;
}

const json_t *dcap_object(struct dcap_reader *rd, const json_t *object, const char *name)
{
	return member(rd, object, name, JSON_OBJECT);
}

/* Nothing in it may do more in a message than to be read. */
static bool is_plain(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return size > 0 && size <= LIMIT_NAME;
}

const char *dcap_text(struct dcap_reader *rd, const json_t *object, const char *name)
{
	const json_t *text = member(rd, object, name, JSON_STRING);

	if (text && is_plain(json_string_value(text), json_string_length(text)))
		return json_string_value(text);
	if (text)
		dcap_fail(rd, name, "it is not a short, plain text");
	return "";
}

uint64_t dcap_number(struct dcap_reader *rd, const json_t *object, const char *name,
		     uint64_t max)
{
	const json_t *number = member(rd, object, name, JSON_INTEGER);
	json_int_t value = number ? json_integer_value(number) : 0;

	if (value >= 0 && (uint64_t)value <= max)
		return (uint64_t)value;
	dcap_fail(rd, name, "the number is out of its range");
	return 0;
}

void dcap_hex(struct dcap_reader *rd, const json_t *object, const char *name,
	      uint8_t *out, size_t size)
{
	const json_t *text = member(rd, object, name, JSON_STRING);

	if (text && (json_string_length(text) != 2 * size ||
		     !hex_read(json_string_value(text), out, size)))
		dcap_fail(rd, name,
			  "it is not hexadecimal of the size that it must have");
}

int64_t dcap_date(struct dcap_reader *rd, const json_t *object, const char *name)
{
	const char *text = dcap_text(rd, object, name);
	int64_t seconds = 0;

	if (!rd->err && !date_read(text, &seconds))
		dcap_fail(rd, name, "it is not a time like 2025-06-19T10:32:27Z");
	return seconds;
}

static void read_advisories(struct dcap_reader *rd, const json_t *level,
			    struct dcap_advice *out)
{
	const json_t *list;
	const char **ids;

	if (!json_object_get(level, "advisoryIDs"))
		return;
	list = dcap_array(rd, level, "advisoryIDs", DCAP_ADVISORIES_MAX);
	ids = arena_array(rd->arena, list ? json_array_size(list) + 1 : 1, sizeof(*ids));
	if (!ids)
		fail_with(rd, TOBI_E_MEMORY, "advisoryIDs", "out of memory");
	for (size_t i = 0; !rd->err && i < json_array_size(list); i++) {
		const json_t *id = json_array_get(list, i);

		if (!json_is_string(id) ||
		    !is_plain(json_string_value(id), json_string_length(id)))
			dcap_fail(rd, "advisoryIDs",
				  "an entry is not a short, plain text");
		else if (!(ids[i] = arena_printf(rd->arena, "%s", json_string_value(id))))
			fail_with(rd, TOBI_E_MEMORY, "advisoryIDs", "out of memory");
	}
	out->advisories = ids;
	out->advisory_count = rd->err ? 0 : json_array_size(list);
}

struct dcap_advice dcap_advice(struct dcap_reader *rd, const json_t *level)
{
	struct dcap_advice advice = {0};
	const char *status = dcap_text(rd, level, "tcbStatus");

	if (!rd->err && (!dcap_status_find(status, &advice.status) ||
			 advice.status == DCAP_TD_RELAUNCH_ADVISED ||
			 advice.status == DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED))
		dcap_fail(rd, "tcbStatus", "a status that Intel does not give");
	advice.date = dcap_date(rd, level, "tcbDate");
	read_advisories(rd, level, &advice);
	return advice;
}
