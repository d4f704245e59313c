/*
 * Init-data: what a guest was configured with when it was launched, shown by the client;
 * its digest is in a field of the evidence (docs/PROTOCOL.md section 18.1.5).
 */
#ifndef TOBI_BROKER_KBS_INIT_DATA_H
#define TOBI_BROKER_KBS_INIT_DATA_H

#include <jansson.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum { KBS_DIGEST_MAX = 64 };

struct kbs_init_data {
	uint8_t digest[KBS_DIGEST_MAX];
	size_t size; /* 0: none was shown */
};

/*
 * json: the member "init-data", NULL or null for none. Of the document (TOML) only what
 * stands before the first table is read: version "0.1.0" and algorithm, sha256, sha384 or
 * sha512; anything else there is refused, as two readers could differ in it. The digest
 * is over the whole text. Errors: TOBI_E_MALFORMED, _UNSUPPORTED, _LIMIT, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err kbs_init_data_read(const json_t *json,
					       struct kbs_init_data *ret_init_data,
					       struct tobi_fault *fault);
/* Whether the field is of exactly this: cut, or filled up with zeros, to its size; or, of
 * a PCR, extended once with it. False for a field that is not there. */
bool kbs_init_data_is_in(const struct kbs_init_data *init_data, struct tobi_bytes field,
			 bool extends);

#endif
