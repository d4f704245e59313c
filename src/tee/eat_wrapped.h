/* A wrapper of others' messages (CMW) in the place of an EAT's submodule. */
#ifndef TOBI_TEE_EAT_WRAPPED_H
#define TOBI_TEE_EAT_WRAPPED_H

#include <jansson.h>

#include "token/cmw.h"

/* Whether a submodule, in the form of JSON, is a record (no form of an EAT's begins with
 * a media type or a content format) or a collection: every member is a record or another
 * collection, or its type is named. */
bool eat_wrapped_is(const json_t *submodule);
/* Everything is in the arena. Errors: those of cmw_open(). */
TOBI_MUST_USE enum tobi_err eat_wrapped_open(const json_t *submodule, struct arena *arena,
					     struct cmw *ret_cmw,
					     struct tobi_fault *fault);
/* Whether bytes begin as a record, a tag of a content format or a collection in CBOR do;
 * so does a token without its tag. */
bool eat_wrapped_starts(struct tobi_bytes bytes);
/* Whether a record has a token in it whose signature can be looked at: a CWT or a JWT.
 * ret_is_jwt says which. */
bool eat_wrapped_token(const struct cmw_record *record, bool *ret_is_jwt);
/* "application/eat+cwt", "content format 263"; in the arena. NULL without memory. */
const char *eat_wrapped_type(const struct cmw_record *record, struct arena *arena);

#endif
