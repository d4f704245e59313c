#include "codec/jcs.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"

static const char object[] = "canonical JSON";

/* 2^53 - 1: up to here one double is one integer. */
#define SAFE ((json_int_t)(INT64_C(1) << 53) - 1)

/* ---- the order of names: by UTF-16 code units (RFC 8785 section 3.2.3) ---- */

/* Bytes of UTF-8 are in this order already, but for two of them: characters from U+10000
 * on (F0 to F4) are surrogates in UTF-16, which come before U+E000 (EE, EF). */
static unsigned weight(uint8_t byte)
{
	return byte == 0xee || byte == 0xef ? byte + 0x10u : byte;
}

static int by_utf16(const void *a, const void *b)
{
	const uint8_t *left = *(const uint8_t *const *)a;
	const uint8_t *right = *(const uint8_t *const *)b;

	while (*left && *left == *right) {
		left++;
		right++;
	}
	return (int)weight(*left) - (int)weight(*right);
}

/* ---- values ---- */

static void write_text(struct writer *out, const char *text)
{
	static const char short_forms[] = "\b\t\n\f\r", letters[] = "btnfr";

	wr_u8(out, '"');
	for (const char *c = text; *c; c++) {
		const char *special = strchr(short_forms, *c);

		if (special)
			wr_printf(out, "\\%c", letters[special - short_forms]);
		else if (*c == '"' || *c == '\\')
			wr_printf(out, "\\%c", *c);
		else if ((unsigned char)*c < ' ')
			wr_printf(out, "\\u%04x", (unsigned)*c);
		else
			wr_u8(out, (uint8_t)*c);
	}
	wr_u8(out, '"');
}

static enum tobi_err write_scalar(struct writer *out, const json_t *json,
				  struct tobi_fault *fault)
{
	json_int_t number = json_integer_value(json);

	switch (json_typeof(json)) {
	case JSON_STRING:
		/* A zero byte would end it; json_parse() lets none in. */
		if (strlen(json_string_value(json)) != json_string_length(json))
			return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
					 "a text has a zero character");
		write_text(out, json_string_value(json));
		return TOBI_OK;
	case JSON_INTEGER:
		if (number < -SAFE || number > SAFE)
			return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
					 "an integer is over 2^53 - 1");
		wr_printf(out, "%" JSON_INTEGER_FORMAT, number);
		return TOBI_OK;
	case JSON_REAL:
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "a number is no integer");
	default:
		wr_printf(out, "%s",
			  json_is_true(json)	? "true"
			  : json_is_false(json) ? "false"
						: "null");
		return TOBI_OK;
	}
}

/* ---- what is nested, without recursion ---- */

struct level {
	const json_t *json;
	const char **names; /* heap, in order; NULL for a list */
	size_t count, at;
};

struct walk {
	struct level levels[LIMIT_JSON_DEPTH];
	size_t depth;
};

static void walk_done(struct walk *walk)
{
	while (walk->depth)
		free(walk->levels[--walk->depth].names);
}

static bool is_nested(const json_t *json)
{
	return json_is_object(json) || json_is_array(json);
}

static enum tobi_err enter(struct walk *walk, const json_t *json, struct writer *out,
			   struct tobi_fault *fault)
{
	struct level *level = &walk->levels[walk->depth];
	const char *name;
	json_t *value;

	if (walk->depth == LIMIT_JSON_DEPTH)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "nested more than %d deep", LIMIT_JSON_DEPTH);
	wr_u8(out, json_is_object(json) ? '{' : '[');
	*level = (struct level){.json = json, .count = json_array_size(json)};
	if (json_is_object(json)) {
		level->names = calloc(json_object_size(json) + 1, sizeof(*level->names));
		if (!level->names)
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
		json_object_foreach((json_t *)json, name, value)
		    level->names[level->count++] = name;
		qsort(level->names, level->count, sizeof(*level->names), by_utf16);
	}
	walk->depth++;
	return TOBI_OK;
}

static enum tobi_err step(struct walk *walk, struct writer *out, struct tobi_fault *fault)
{
	struct level *level = &walk->levels[walk->depth - 1];
	const json_t *value;

	if (level->at == level->count) {
		wr_u8(out, json_is_object(level->json) ? '}' : ']');
		free(level->names);
		walk->depth--;
		return TOBI_OK;
	}
	if (level->at)
		wr_u8(out, ',');
	if (level->names) {
		write_text(out, level->names[level->at]);
		wr_u8(out, ':');
		value = json_object_get(level->json, level->names[level->at]);
	} else {
		value = json_array_get(level->json, level->at);
	}
	level->at++;
	return is_nested(value) ? enter(walk, value, out, fault)
				: write_scalar(out, value, fault);
}

enum tobi_err jcs_write(const json_t *json, struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(walk_done) struct walk walk = {.depth = 0};
	enum tobi_err err;

	if (!json)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "", "there is none");
	err = is_nested(json) ? enter(&walk, json, out, fault)
			      : write_scalar(out, json, fault);
	while (!err && walk.depth)
		err = step(&walk, out, fault);
	if (!err && wr_err(out))
		err = fault_set(fault, wr_err(out), object, "", "no room");
	return err;
}
