/*
 * YAML of files that people write, by a schema of libcyaml's. A person must see what the
 * parser sees: one document of plain text, without aliases and escapes; keys that the
 * schema has not are refused.
 */
#ifndef TOBI_CODEC_YAML_H
#define TOBI_CODEC_YAML_H

#include <cyaml/cyaml.h>

#include "base/writer.h"

/*
 * schema is of a pointer to a mapping; yaml_done() what comes. name is of the file, for
 * faults. Errors: TOBI_E_TRUNCATED (empty), _LIMIT (over ceiling), _MALFORMED, _MEMORY.
 */
TOBI_MUST_USE enum tobi_err yaml_read(struct tobi_bytes text, size_t ceiling,
				      const char *name,
				      const struct cyaml_schema_value *schema,
				      void **ret_data, struct tobi_fault *fault);
/* Accepts NULL. */
void yaml_done(const struct cyaml_schema_value *schema, void *data);

#endif
