#include "image/oci_tar.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"

enum { CHUNK = 64 << 10 };

enum tobi_err oci_file_init(int fd, uint64_t at, struct oci_file *ret_file,
			    struct tobi_fault *fault)
{
	uint8_t *buffer = malloc(CHUNK);

	if (!buffer)
		return fault_set(fault, TOBI_E_MEMORY, "archive", "", "out of memory");
	*ret_file = (struct oci_file){fd, at, buffer};
	return TOBI_OK;
}

void oci_file_done(struct oci_file *file)
{
	free(file->buffer);
	file->buffer = NULL;
}

la_ssize_t oci_file_read(struct archive *archive, void *context, const void **ret_block)
{
	struct oci_file *file = context;
	ssize_t got;

	do
		got = pread(file->fd, file->buffer, CHUNK, (off_t)file->at);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		archive_set_error(archive, errno, "it cannot be read");
		return ARCHIVE_FATAL;
	}
	file->at += (uint64_t)got;
	*ret_block = file->buffer;
	return got;
}

la_int64_t oci_file_skip(struct archive *archive, void *context, la_int64_t size)
{
	struct oci_file *file = context;

	(void)archive;
	if (size <= 0 || (uint64_t)size > INT64_MAX - file->at)
		return 0;
	file->at += (uint64_t)size;
	return size;
}

static enum tobi_err out_of_memory(const char *object, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

enum tobi_err oci_archive_fault(struct archive *archive, const char *object,
				const char *field, struct tobi_fault *fault)
{
	const char *said = archive_error_string(archive);
	la_int64_t at = archive_filter_bytes(archive, 0);
	enum tobi_err err =
	    archive_errno(archive) == ENOMEM ? TOBI_E_MEMORY : TOBI_E_MALFORMED;

	return fault_at(fault, err, object, field, at > 0 ? (uint64_t)at : 0, "%s",
			said ? said : "it is not a tar archive");
}

void oci_archive_free(struct archive *archive)
{
	if (archive)
		archive_read_free(archive);
}

enum tobi_err oci_tar_open(archive_read_callback *read, archive_skip_callback *skip,
			   void *context, const char *object,
			   struct archive **ret_archive, struct tobi_fault *fault)
{
	struct archive *archive = archive_read_new();
	enum tobi_err err;

	if (!archive)
		return out_of_memory(object, fault);
	if (archive_read_support_format_tar(archive) == ARCHIVE_OK &&
	    archive_read_open2(archive, context, NULL, read, skip, NULL) == ARCHIVE_OK) {
		*ret_archive = archive;
		return TOBI_OK;
	}
	err = oci_archive_fault(archive, object, "", fault);
	oci_archive_free(archive);
	return err;
}

enum tobi_err oci_unpack_open(archive_read_callback *read, void *context,
			      const char *object, struct archive **ret_archive,
			      struct tobi_fault *fault)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	enum tobi_err err;

	if (!archive)
		return out_of_memory(object, fault);
	if (archive_read_support_format_raw(archive) == ARCHIVE_OK &&
	    archive_read_support_filter_gzip(archive) == ARCHIVE_OK &&
	    archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
	    archive_read_open2(archive, context, NULL, read, NULL, NULL) == ARCHIVE_OK &&
	    archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		/* libarchive unpacks what it finds packed in it, up to 25 times. */
		if (archive_filter_count(archive) <= 2) {
			*ret_archive = archive;
			return TOBI_OK;
		}
		err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				"it is compressed more than once");
	} else {
		err = oci_archive_fault(archive, object, "", fault);
	}
	oci_archive_free(archive);
	return err;
}

/* Names are bytes to the C locale. Of this thread, for this call. */
static int next_header(struct archive *archive, struct archive_entry **ret_entry)
{
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;
	int result;

	if (plain == (locale_t)0)
		return ARCHIVE_FATAL;
	before = uselocale(plain);
	result = archive_read_next_header(archive, ret_entry);
	uselocale(before);
	freelocale(plain);
	return result;
}

enum tobi_err oci_tar_next(struct archive *archive, const char *object,
			   struct archive_entry **ret_entry, struct tobi_fault *fault)
{
	const char *said;

	switch (next_header(archive, ret_entry)) {
	case ARCHIVE_OK:
		return TOBI_OK;
	case ARCHIVE_EOF:
		*ret_entry = NULL;
		return TOBI_OK;
	case ARCHIVE_WARN:
		said = archive_error_string(archive);
		if (said && strstr(said, "can't be converted from"))
			return TOBI_OK;
		return oci_archive_fault(archive, object, "", fault);
	default:
		return oci_archive_fault(archive, object, "", fault);
	}
}

enum tobi_err oci_tar_path(const char *name, const char *object, char *out,
			   struct tobi_fault *fault)
{
	size_t used = 0;

	for (const char *at = name; *at;) {
		size_t size = strcspn(at, "/");

		if (size == 2 && strncmp(at, "..", 2) == 0)
			return fault_set(fault, TOBI_E_DENIED, object, "",
					 "the name %.128s leads out of the image", name);
		if (size > 0 && !(size == 1 && at[0] == '.')) {
			if (size + 1 > LIMIT_PATH - used)
				return fault_set(
				    fault, TOBI_E_LIMIT, object, "",
				    "the name %.128s... has more than %d bytes", name,
				    LIMIT_PATH);
			out[used++] = '/';
			bytes_copy(out + used, LIMIT_PATH - used, at, size);
			used += size;
		}
		at += size;
		at += strspn(at, "/");
	}
	if (used == 0)
		out[used++] = '/';
	out[used] = 0;
	return TOBI_OK;
}
