/*
 * The claims of a CWT as those of a JWT: one tree for both, so that what reads EAT and
 * EAR is written once. Integer keys become the names that their registries give them,
 * byte strings base64url, COSE_Key a JWK, and submodules the form that they have in JSON
 * (RFC 9711 section 7.2). A key without a name here becomes its decimal digits.
 */
#ifndef TOBI_TOKEN_CLAIMS_TREE_H
#define TOBI_TOKEN_CLAIMS_TREE_H

#include <jansson.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* CBOR of preferred serialisation and definite lengths, a map of claims. json_decref()
 * the result. Errors: the decoder's; TOBI_E_MALFORMED for a text that is two keys. */
TOBI_MUST_USE enum tobi_err claims_tree_read(struct tobi_bytes cbor, const char *object,
					     json_t **ret_tree, struct tobi_fault *fault);
/* The names of the trustworthiness vector (draft-ietf-rats-ar4si), by number; NULL past
 * the end. */
const char *ar4si_name(size_t claim);

enum { AR4SI_CLAIMS = 8 };
enum ar4si_claim {
	AR4SI_INSTANCE,
	AR4SI_CONFIGURATION,
	AR4SI_EXECUTABLES,
	AR4SI_FILES,
	AR4SI_HARDWARE,
	AR4SI_RUNTIME,
	AR4SI_STORAGE,
	AR4SI_SOURCES,
};

#endif
