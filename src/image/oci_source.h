/*
 * Where a container image is read from: a folder, or a tar archive (of one that is
 * compressed, an unpacked copy without a name). Both are a set of files by name; none is
 * trusted before its digest was compared. For this room only.
 */
#ifndef TOBI_IMAGE_OCI_SOURCE_H
#define TOBI_IMAGE_OCI_SOURCE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/writer.h"

struct archive;
struct oci_source;

/* A fault once *stop is not zero. */
TOBI_MUST_USE enum tobi_err oci_stopped(const volatile sig_atomic_t *stop,
					struct tobi_fault *fault);

/* temporary: the folder for an unpacked copy; stop as for pack_new(). */
TOBI_MUST_USE enum tobi_err oci_source_open(const char *path, const char *temporary,
					    const volatile sig_atomic_t *stop,
					    struct oci_source **ret_source,
					    struct tobi_fault *fault);
void oci_source_free(struct oci_source *source);
bool oci_source_has(const struct oci_source *source, const char *name);

/* One file of it, from its start. */
struct oci_stream {
	int fd; /* of a folder's file; -1 */
	struct archive *archive;
	void *reader; /* what the archive reads through */
	uint64_t size;
};

/* name: relative, plain. Symbolic links lead to files of the source only. */
TOBI_MUST_USE enum tobi_err oci_stream_open(const struct oci_source *source,
					    const char *name,
					    struct oci_stream *ret_stream,
					    struct tobi_fault *fault);
/* ret_size 0: the end. */
TOBI_MUST_USE enum tobi_err oci_stream_read(struct oci_stream *stream, uint8_t *out,
					    size_t room, size_t *ret_size,
					    struct tobi_fault *fault);
void oci_stream_done(struct oci_stream *stream);

#endif
