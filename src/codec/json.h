/* JSON over jansson, bounded: duplicates, NaN, depth and size over the limits refused. */
#ifndef TOBI_CODEC_JSON_H
#define TOBI_CODEC_JSON_H

#include <jansson.h>

#include "base/writer.h"

/* json_decref() the result. The fault has jansson's byte offset. */
TOBI_MUST_USE enum tobi_err json_parse(struct tobi_bytes bytes, size_t ceiling,
				       const char *object, json_t **ret_json,
				       struct tobi_fault *fault);
/* From now on, and in the whole process, what jansson gives back is wiped before: for
 * programs that read secrets as JSON. Before there are threads. */
void json_wipe_memory(void);
/* Compact or indented, keys in the order of insertion, newline at the end if indented. */
TOBI_MUST_USE enum tobi_err json_write(const json_t *json, bool indented,
				       struct writer *out, struct tobi_fault *fault);
/* The member by name; TOBI_E_MALFORMED naming it when absent or of another type. */
TOBI_MUST_USE enum tobi_err json_member(const json_t *json, const char *name,
					json_type type, const char *object,
					json_t **ret_borrowed, struct tobi_fault *fault);
/* A text of the bytes in base64url, of at most ceiling characters; NULL when it would be
 * longer, and without memory. */
json_t *json_base64url(struct tobi_bytes bytes, size_t ceiling);

#endif
