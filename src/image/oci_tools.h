/* What the files that read a container image share. */
#ifndef TOBI_IMAGE_OCI_TOOLS_H
#define TOBI_IMAGE_OCI_TOOLS_H

#include "base/arena.h"
#include "image/oci.h"
#include "image/oci_apply.h"

enum { OCI_MAX_NOTES = 64 };

struct oci {
	struct oci_source *source;
	struct oci_manifest manifest;
	struct oci_config config;
	struct oci_tree tree;
	const volatile sig_atomic_t *stop;
	struct arena arena; /* texts of the manifest, notes */
	const char *notes[OCI_MAX_NOTES];
	size_t note_count;
	const char *home; /* of the user; "/" */
};

/* The image that is meant. */
TOBI_MUST_USE enum tobi_err oci_select(const struct oci_source *source, const char *ref,
				       const char *architecture,
				       struct oci_manifest *ret_manifest,
				       struct tobi_fault *fault);
/* Another system's, or another machine's, does not fit; one that says nothing does.
 * architecture as in a manifest. */
bool oci_platform_fits(const struct oci_platform *platform, const char *architecture);
/* "amd64" for "x86_64". */
const char *oci_architecture(const char *architecture);

void oci_note(struct oci *oci, const char *format, ...) TOBI_PRINTF(2, 3);

struct oci_account {
	uint64_t uid, gid;
	char home[LIMIT_PATH + 1]; /* "" where none is known */
};
/* "", "name", "uid", "name:group", "uid:gid": by these two files of the image. */
TOBI_MUST_USE enum tobi_err oci_find_account(const char *user, struct tobi_bytes passwd,
					     struct tobi_bytes group,
					     struct oci_account *ret_account,
					     struct tobi_fault *fault);

#endif
