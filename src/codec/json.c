#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"

/* jansson's own ceiling on depth (2,048) is far above ours: brackets are counted first.
 */
static bool is_too_deep(struct tobi_bytes bytes)
{
	bool in_text = false;
	int depth = 0;

	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t c = bytes.ptr[i];

		if (in_text && c == '\\')
			i++;
		else if (c == '"')
			in_text = !in_text;
		else if (!in_text && (c == '[' || c == '{') && ++depth > LIMIT_JSON_DEPTH)
			return true;
		else if (!in_text && (c == ']' || c == '}'))
			depth--;
	}
	return false;
}

enum tobi_err json_parse(struct tobi_bytes bytes, size_t ceiling, const char *object,
			 json_t **ret_json, struct tobi_fault *fault)
{
	json_error_t error;
	json_t *json;

	if (bytes.size > ceiling)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %zu bytes",
				 ceiling);
	if (is_too_deep(bytes))
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "nested more than %d deep", LIMIT_JSON_DEPTH);
	json = json_loadb(bytes.size ? (const char *)bytes.ptr : "", bytes.size,
			  JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return fault_at(fault, TOBI_E_MALFORMED, object, "",
				(uint64_t)(error.position > 0 ? error.position : 0),
				"line %d: %s", error.line, error.text);
	*ret_json = json;
	return TOBI_OK;
}

enum tobi_err json_write(const json_t *json, bool indented, struct writer *out,
			 struct tobi_fault *fault)
{
	char *text = json_dumps(json, indented ? JSON_INDENT(2) : JSON_COMPACT);

	if (!text)
		return fault_set(fault, TOBI_E_MEMORY, "JSON", "", "cannot be written");
	wr_bytes(out, text, strlen(text));
	if (indented)
		wr_u8(out, '\n');
	free(text);
	return wr_err(out) ? fault_set(fault, wr_err(out), "JSON", "", "no room")
			   : TOBI_OK;
}

enum tobi_err json_member(const json_t *json, const char *name, json_type type,
			  const char *object, json_t **ret_borrowed,
			  struct tobi_fault *fault)
{
	json_t *member = json_object_get(json, name);

	if (!member)
		return fault_set(fault, TOBI_E_MALFORMED, object, name, "it is missing");
	/* jansson has two types for a boolean. */
	if (json_typeof(member) != type &&
	    !(json_is_boolean(member) && (type == JSON_TRUE || type == JSON_FALSE)))
		return fault_set(fault, TOBI_E_MALFORMED, object, name,
				 "it has the wrong type");
	*ret_borrowed = member;
	return TOBI_OK;
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_write(struct writer *out, struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		uint32_t group = (uint32_t)bytes.ptr[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (left > 2)
			group |= bytes.ptr[i + 2];
		wr_u8(out, (uint8_t)alphabet[group >> 18]);
		wr_u8(out, (uint8_t)alphabet[group >> 12 & 63]);
		if (left > 1)
			wr_u8(out, (uint8_t)alphabet[group >> 6 & 63]);
		if (left > 2)
			wr_u8(out, (uint8_t)alphabet[group & 63]);
	}
}

enum tobi_err base64url_read(struct tobi_bytes text, const char *object,
			     struct writer *out, struct tobi_fault *fault)
{
	uint32_t group = 0;
	unsigned bits = 0;

	if (text.size % 4 == 1)
		return fault_at(fault, TOBI_E_MALFORMED, object, "base64url", text.size,
				"no text has this length");
	for (size_t i = 0; i < text.size; i++) {
		const char *at = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;

		if (!at)
			return fault_at(fault, TOBI_E_MALFORMED, object, "base64url", i,
					"not a character of base64url");
		group = group << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			wr_u8(out, (uint8_t)(group >> bits));
			group &= (1u << bits) - 1;
		}
	}
	/* Bits that belong to no byte must be zero, or two texts would mean the same. */
	if (group)
		return fault_at(fault, TOBI_E_MALFORMED, object, "base64url", text.size,
				"stray bits at the end");
	return wr_err(out) ? fault_set(fault, wr_err(out), object, "base64url", "no room")
			   : TOBI_OK;
}
