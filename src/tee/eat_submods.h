/* The submodules of an EAT (RFC 9711 section 4.2.18), and bundles (section 5). */
#ifndef TOBI_TEE_EAT_SUBMODS_H
#define TOBI_TEE_EAT_SUBMODS_H

#include "tee/tee.h"
#include "token/eat.h"

#include <jansson.h>

/* A detached EAT bundle (tag 602, or a JSON array), or a token alone. */
struct eat_bundle {
	struct tobi_bytes token;
	struct {
		struct tobi_bytes name, claims; /* the encoded claims-set */
	} detached[EAT_SUBMODS_MAX];
	size_t count;
	bool is_bundle;
	bool is_json; /* and so are the detached claims-sets */
};

bool eat_bundle_is(struct tobi_bytes bytes);
/* Bytes that are no bundle are the token. What of JSON is decoded is in the arena.
 * TOBI_E_MALFORMED, _LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err eat_bundle_read(struct tobi_bytes bytes, struct arena *arena,
					    struct eat_bundle *ret_bundle,
					    struct tobi_fault *fault);
/* Lists every submodule of tree, and of those in it, in eat; each that is a token or a
 * digest with whether it is proven. Errors: TOBI_E_MALFORMED, _LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err eat_submods_examine(const struct tee_request *request,
						const json_t *tree,
						const struct eat_bundle *bundle,
						struct arena *arena, struct eat *eat,
						struct tobi_fault *fault);

#endif
