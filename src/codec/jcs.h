/*
 * JSON in one form for one value (RFC 8785, JCS): what is hashed and compared.
 *
 * Numbers are integers from -(2^53 - 1) to 2^53 - 1. RFC 8785 has a text for each number
 * of IEEE 754; but nobody hashes a fraction here, and two libraries that read one
 * differently would be a way around a hash: they are refused.
 */
#ifndef TOBI_CODEC_JCS_H
#define TOBI_CODEC_JCS_H

#include <jansson.h>

#include "base/writer.h"

/* Appends. Errors: TOBI_E_UNSUPPORTED for a number that is no such integer; _LIMIT for
 * what is nested deeper than json_parse() takes; _MEMORY; those of the writer. */
TOBI_MUST_USE enum tobi_err jcs_write(const json_t *json, struct writer *out,
				      struct tobi_fault *fault);

#endif
