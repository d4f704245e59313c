/*
 * libarchive, narrowed to what container images need: tar in gzip, in zstd or in nothing.
 * Names come as the bytes that they are: in a UTF-8 locale libarchive would normalise
 * them, and the image would depend on the builder's language. For this room only.
 */
#ifndef TOBI_IMAGE_OCI_TAR_H
#define TOBI_IMAGE_OCI_TAR_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* Reads a file from a position on; the descriptor is borrowed. */
struct oci_file {
	int fd;
	uint64_t at;
	uint8_t *buffer; /* owned */
};

TOBI_MUST_USE enum tobi_err oci_file_init(int fd, uint64_t at, struct oci_file *ret_file,
					  struct tobi_fault *fault);
void oci_file_done(struct oci_file *file);
la_ssize_t oci_file_read(struct archive *archive, void *file, const void **ret_block);
la_int64_t oci_file_skip(struct archive *archive, void *file, la_int64_t size);

/* What read gives is a tar archive. skip may be NULL. oci_archive_free() it. */
TOBI_MUST_USE enum tobi_err oci_tar_open(archive_read_callback *read,
					 archive_skip_callback *skip, void *context,
					 const char *object, struct archive **ret_archive,
					 struct tobi_fault *fault);
/* What read gives is unpacked when it is packed, once. archive_read_data() gives it. */
TOBI_MUST_USE enum tobi_err oci_unpack_open(archive_read_callback *read, void *context,
					    const char *object,
					    struct archive **ret_archive,
					    struct tobi_fault *fault);
void oci_archive_free(struct archive *archive);

/* The next header; NULL at the end. What libarchive warns of is an error here, except
 * that it cannot convert a name: nobody asks it to. */
TOBI_MUST_USE enum tobi_err oci_tar_next(struct archive *archive, const char *object,
					 struct archive_entry **ret_entry,
					 struct tobi_fault *fault);
/* libarchive's last words, with the position in what it reads. */
enum tobi_err oci_archive_fault(struct archive *archive, const char *object,
				const char *field, struct tobi_fault *fault);

/* The path that a name in an archive means: absolute, plain, at most LIMIT_PATH; "/" for
 * the root. TOBI_E_DENIED when it has "..". out: LIMIT_PATH + 1. */
TOBI_MUST_USE enum tobi_err oci_tar_path(const char *name, const char *object, char *out,
					 struct tobi_fault *fault);

#endif
