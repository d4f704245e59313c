#include "tee/eat_wrapped.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

enum {
	CONTENT_CWT = 61,
	CONTENT_EAT_CWT = 263,
	CONTENT_EAT_JWT = 264,
	DEPTH_MAX = 4,
};

static bool is_record(const json_t *json)
{
	const json_t *type = json_array_get(json, 0);
	const char *text = json_string_value(type);
	size_t count = json_array_size(json);

	return count >= 2 && count <= 3 && json_is_string(json_array_get(json, 1)) &&
	       (text ? strchr(text, '/') != NULL
		     : json_is_integer(type) && json_integer_value(type) >= 0);
}

/* An object in which there is nothing but records is no claims-set: of the claims that
 * are lists none begins with a media type. Objects in it are put behind, as they may be
 * either. */
static bool is_collection(const json_t *json)
{
	const json_t *objects[LIMIT_CMW_ENTRIES] = {json};
	size_t count = 1, records = 0;

	for (size_t i = 0; i < count; i++) {
		const char *name;
		json_t *value;

		json_object_foreach((json_t *)objects[i], name, value)
		{
			if (is_record(value))
				records++;
			else if (strcmp(name, "__cmwc_t") == 0)
				continue;
			else if (!json_is_object(value) || count == LIMIT_CMW_ENTRIES)
				return false;
			else
				objects[count++] = value;
		}
	}
	return records > 0;
}

bool eat_wrapped_is(const json_t *submodule)
{
	if (!json_is_object(submodule))
		return is_record(submodule);
	return json_object_get(submodule, "__cmwc_t") || is_collection(submodule);
}

enum tobi_err eat_wrapped_open(const json_t *submodule, struct arena *arena,
			       struct cmw *ret_cmw, struct tobi_fault *fault)
{
	CLEANUP(freep) char *text = NULL;

	if (!json_is_array(submodule) && !json_is_object(submodule))
		return fault_set(fault, TOBI_E_MALFORMED, "token", "cmw",
				 "it is neither a record nor a collection");
	text = json_dumps(submodule, JSON_COMPACT);
	return text
		   ? cmw_open(bytes_of_text(text), "token", arena, ret_cmw, fault)
		   : fault_set(fault, TOBI_E_MEMORY, "token", "submods", "out of memory");
}

bool eat_wrapped_starts(struct tobi_bytes bytes)
{
	enum cmw_form form = CMW_JSON;

	return cmw_form_of(bytes, &form) && form == CMW_CBOR;
}

/* A type may have parameters: application/eat+cwt; eat_profile="...". */
static bool is_type(struct tobi_bytes type, const char *name)
{
	size_t size = strlen(name);

	return type.size >= size && memcmp(type.ptr, name, size) == 0 &&
	       (type.size == size || type.ptr[size] == ';' || type.ptr[size] == ' ');
}

bool eat_wrapped_token(const struct cmw_record *record, bool *ret_is_jwt)
{
	static const struct {
		const char *type;
		uint64_t format; /* 0: none */
		bool is_jwt;
	} tokens[] = {{"application/eat+cwt", CONTENT_EAT_CWT, false},
		      {"application/eat+jwt", CONTENT_EAT_JWT, true},
		      {"application/cwt", CONTENT_CWT, false},
		      {"application/jwt", 0, true}};

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		if (record->media_type.size
			? is_type(record->media_type, tokens[i].type)
			: tokens[i].format &&
			      record->content_format == tokens[i].format) {
			*ret_is_jwt = tokens[i].is_jwt;
			return true;
		}
	}
	return false;
}

const char *eat_wrapped_type(const struct cmw_record *record, struct arena *arena)
{
	return record->media_type.size ? arena_text(arena, record->media_type)
				       : arena_printf(arena, "content format %" PRIu64,
						      record->content_format);
}
