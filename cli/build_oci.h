/* `tobichi build` from a container image. */
#ifndef TOBI_CLI_BUILD_OCI_H
#define TOBI_CLI_BUILD_OCI_H

#include "image/oci.h"

struct build_oci {
	const char *path; /* NULL: it is not one */
	const char *ref, *platform;
	struct oci_given given;
	struct oci *oci;
};

/* The options I (--oci), r (--ref), l (--platform) and E (--entrypoint); false: not one,
 * or its value is not allowed. The value is borrowed. */
bool build_oci_take(struct build_oci *image, int option, const char *value);
/* What does not go together: says so and gives an exit status, else 0. */
int build_oci_check(const struct build_oci *image, bool root);

/* Opens it, and puts its program into the manifest; before anything is written. */
TOBI_MUST_USE enum tobi_err
build_oci_open(struct build_oci *image, struct manifest *manifest, const char *temporary,
	       const volatile sig_atomic_t *stop, struct tobi_fault *fault);
/* Fills pack and manifest. */
TOBI_MUST_USE enum tobi_err build_oci_fill(struct build_oci *image, struct pack *pack,
					   struct manifest *manifest,
					   struct tobi_fault *fault);
void build_oci_print_notes(const struct build_oci *image);

#endif
