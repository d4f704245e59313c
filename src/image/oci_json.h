/* Members of JSON objects that may be absent, with names for faults. For this room only.
 */
#ifndef TOBI_IMAGE_OCI_JSON_H
#define TOBI_IMAGE_OCI_JSON_H

#include <stdbool.h>

#include "codec/json.h"
#include "image/oci_document.h"

/* Where in a document a value stands: "layers[3]." before a member's name. */
struct oci_place {
	const char *object;
	char prefix[40];
};
enum tobi_err oci_bad(const struct oci_place *place, const char *name, enum tobi_err err,
		      const char *why, struct tobi_fault *fault);

/* null counts as absent: Go's encoder writes it for an empty list. */
TOBI_MUST_USE enum tobi_err oci_text(const json_t *json, const char *name,
				     const struct oci_place *place, const char **ret_text,
				     struct tobi_fault *fault); /* absent: NULL */
TOBI_MUST_USE enum tobi_err oci_needed_text(const json_t *json, const char *name,
					    const struct oci_place *place,
					    const char **ret_text,
					    struct tobi_fault *fault);
/* A list of texts; NULL when absent. */
TOBI_MUST_USE enum tobi_err oci_texts(const json_t *json, const char *name,
				      const struct oci_place *place,
				      const json_t **ret_list, struct tobi_fault *fault);
/* An object; NULL when absent. */
TOBI_MUST_USE enum tobi_err oci_object(const json_t *json, const char *name,
				       const struct oci_place *place,
				       const json_t **ret_object,
				       struct tobi_fault *fault);
/* A list that must be there, with at most max entries. */
TOBI_MUST_USE enum tobi_err oci_list(const json_t *json, const char *name, size_t max,
				     const struct oci_place *place,
				     const json_t **ret_list, struct tobi_fault *fault);
/* Digest, size and media type; not where another place has the bytes. */
TOBI_MUST_USE enum tobi_err oci_descriptor(const json_t *json,
					   const struct oci_place *place,
					   struct oci_descriptor *ret_descriptor,
					   struct tobi_fault *fault);

#endif
