#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "codec/base64.h"

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

json_t *json_base64url(struct tobi_bytes bytes, size_t ceiling)
{
	CLEANUP(wr_done) struct writer text = wr_init(ceiling);

	base64url_write(&text, bytes);
	if (wr_err(&text))
		return NULL;
	return json_stringn(text.size ? (const char *)text.ptr : "", text.size);
}
