/* The JSON in which others write down evidence of an Azure confidential VM: Trustee's two
 * forms, and what is like them. */
#ifndef TOBI_TEE_AZURE_JSON_H
#define TOBI_TEE_AZURE_JSON_H

#include "tee/azure_parts.h"

/* Whether it starts as JSON and has the members that only such evidence has. */
bool azure_json_recognise(struct tobi_bytes bytes, enum azure_report kind);
/* All parts are copied. Errors: TOBI_E_MALFORMED, _LIMIT, _UNSUPPORTED, _MEMORY. */
TOBI_MUST_USE enum tobi_err azure_json_read(struct tobi_bytes bytes, struct arena *arena,
					    struct azure_parts *ret_parts,
					    struct tobi_fault *fault);

#endif
