#include "image/oci_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "image/oci_tar.h"

enum { MAX_LINKS = 8, CHUNK = 64 << 10 };

static const char object[] = "container image";

struct member {
	char *name;
	char *link; /* of a symbolic link or a hard link; else NULL */
	bool hard;
	uint64_t at; /* where its header starts */
	uint64_t size;
};

struct oci_source {
	int folder; /* or -1 */
	int file;   /* the archive, or -1 */
	struct member *members;
	size_t count, room;
};

DEFINE_CLEANUP(struct oci_source *, oci_source_free)
DEFINE_CLEANUP(struct archive *, oci_archive_free)

enum tobi_err oci_stopped(const volatile sig_atomic_t *stop, struct tobi_fault *fault)
{
	if (stop && *stop)
		return fault_set(fault, TOBI_E_SYSTEM, object, "",
				 "interrupted; nothing was written");
	return TOBI_OK;
}

void oci_source_free(struct oci_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->count; i++) {
		free(source->members[i].name);
		free(source->members[i].link);
	}
	free(source->members);
	fd_close(&source->folder);
	fd_close(&source->file);
	free(source);
}

static enum tobi_err out_of_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

static enum tobi_err add_member(struct oci_source *source, struct archive *archive,
				struct archive_entry *entry, struct tobi_fault *fault)
{
	const char *name = archive_entry_pathname(entry);
	const char *link = archive_entry_hardlink(entry);
	char path[LIMIT_PATH + 1];
	struct member *member;
	enum tobi_err err;

	if (!link && archive_entry_filetype(entry) == AE_IFLNK)
		link = archive_entry_symlink(entry);
	if (!name || (!link && archive_entry_filetype(entry) != AE_IFREG))
		return TOBI_OK;
	err = oci_tar_path(name, object, path, fault);
	if (err)
		return err;
	if (source->count == LIMIT_OCI_MEMBERS)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "the archive has more than %d files", LIMIT_OCI_MEMBERS);
	if (source->count == source->room) {
		size_t room = source->room ? 2 * source->room : 64;
		struct member *larger =
		    reallocarray(source->members, room, sizeof(*larger));

		if (!larger)
			return out_of_memory(fault);
		source->members = larger;
		source->room = room;
	}
	member = &source->members[source->count];
	*member = (struct member){.name = strdup(path + 1),
				  .link = link ? strdup(link) : NULL,
				  .hard = archive_entry_hardlink(entry) != NULL,
				  .at = (uint64_t)archive_read_header_position(archive),
				  .size = (uint64_t)archive_entry_size(entry)};
	source->count++;
	return member->name && (!link || member->link) ? TOBI_OK : out_of_memory(fault);
}

/* Notes what the archive has, and where. */
static enum tobi_err list_members(struct oci_source *source,
				  const volatile sig_atomic_t *stop,
				  struct tobi_fault *fault)
{
	CLEANUP(oci_archive_freep) struct archive *archive = NULL;
	CLEANUP(oci_file_done) struct oci_file file = {.fd = -1};
	struct archive_entry *entry = NULL;
	enum tobi_err err = oci_file_init(source->file, 0, &file, fault);

	if (!err)
		err = oci_tar_open(oci_file_read, oci_file_skip, &file, object, &archive,
				   fault);
	while (!err) {
		err = oci_stopped(stop, fault);
		if (!err)
			err = oci_tar_next(archive, object, &entry, fault);
		if (err || !entry)
			break;
		err = add_member(source, archive, entry, fault);
	}
	return err;
}

/* Unpacked, or copied from where one cannot seek. */
static enum tobi_err make_copy(int from, const char *temporary,
			       const volatile sig_atomic_t *stop, int *ret_file,
			       struct tobi_fault *fault)
{
	CLEANUP(oci_archive_freep) struct archive *archive = NULL;
	CLEANUP(fd_close)
	int out = open(temporary, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CLEANUP(oci_file_done) struct oci_file file = {.fd = -1};
	CLEANUP(freep) uint8_t *chunk = malloc(CHUNK);
	uint64_t total = 0;
	enum tobi_err err;

	if (out < 0)
		return fault_errno(fault, object, "",
				   "no temporary file in %.200s; set TMPDIR", temporary);
	if (!chunk)
		return out_of_memory(fault);
	err = oci_file_init(from, 0, &file, fault);
	if (!err)
		err = oci_unpack_open(oci_file_read, &file, object, &archive, fault);
	while (!err) {
		la_ssize_t got = archive_read_data(archive, chunk, CHUNK);

		if (got == 0)
			break;
		if (got < 0)
			return oci_archive_fault(archive, object, "", fault);
		total += (uint64_t)got;
		if (total > LIMIT_OCI_UNPACKED)
			return fault_set(fault, TOBI_E_LIMIT, object, "",
					 "unpacked it has more than 32 GiB");
		err = fd_write_all(out, (struct tobi_bytes){chunk, (size_t)got}, object,
				   fault);
		if (!err)
			err = oci_stopped(stop, fault);
	}
	if (err)
		return err;
	*ret_file = out;
	out = -1;
	return TOBI_OK;
}

static bool is_packed(int fd)
{
	uint8_t head[4] = {0};

	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	return (head[0] == 0x1f && head[1] == 0x8b) ||
	       (head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd);
}

static enum tobi_err open_archive(struct oci_source *source, const char *path,
				  const char *temporary,
				  const volatile sig_atomic_t *stop,
				  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	enum tobi_err err;

	if (fd < 0 || fstat(fd, &st))
		return fault_errno(fault, object, "", "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "%s is neither a folder nor a file", path);
	if (is_packed(fd)) {
		err = make_copy(fd, temporary, stop, &source->file, fault);
		if (err)
			return err;
	} else {
		source->file = fd;
		fd = -1;
	}
	return list_members(source, stop, fault);
}

enum tobi_err oci_source_open(const char *path, const char *temporary,
			      const volatile sig_atomic_t *stop,
			      struct oci_source **ret_source, struct tobi_fault *fault)
{
	CLEANUP(oci_source_freep) struct oci_source *source = calloc(1, sizeof(*source));
	enum tobi_err err = TOBI_OK;

	if (!source)
		return out_of_memory(fault);
	source->file = -1;
	source->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (source->folder < 0 && errno != ENOTDIR)
		return fault_errno(fault, object, "", "cannot read %s", path);
	if (source->folder < 0)
		err = open_archive(source, path, temporary, stop, fault);
	if (err)
		return err;
	*ret_source = TAKE(source);
	return TOBI_OK;
}

/* The last of a name: what unpacking would leave. */
static const struct member *find_member(const struct oci_source *source, const char *name)
{
	for (size_t i = source->count; i > 0; i--) {
		if (strcmp(source->members[i - 1].name, name) == 0)
			return &source->members[i - 1];
	}
	return NULL;
}

/* Where a link of the archive leads; a path that leads out of the archive leads nowhere.
 */
static bool follow(const struct member *link, char *out, size_t room)
{
	char joined[2 * LIMIT_PATH + 2];
	const char *slash = strrchr(link->name, '/');
	size_t used = 0;

	if (link->hard || !slash || link->link[0] == '/')
		snprintf(joined, sizeof(joined), "%s", link->link);
	else
		snprintf(joined, sizeof(joined), "%.*s/%s", (int)(slash - link->name),
			 link->name, link->link);
	out[0] = 0;
	for (const char *at = joined; *at;) {
		size_t size = strcspn(at, "/");

		if (size == 2 && strncmp(at, "..", 2) == 0) {
			char *up = strrchr(out, '/');

			if (!out[0])
				return false;
			*(up ? up : out) = 0;
			used = strlen(out);
		} else if (size > 0 && !(size == 1 && at[0] == '.')) {
			if (used + size + 2 > room)
				return false;
			used += (size_t)snprintf(out + used, room - used, "%s%.*s",
						 used ? "/" : "", (int)size, at);
		}
		at += size;
		at += strspn(at, "/");
	}
	return out[0];
}

/* The file of that name, through links. */
static const struct member *find_file(const struct oci_source *source, const char *name)
{
	const struct member *member = find_member(source, name);
	char next[LIMIT_PATH + 1];

	for (int i = 0; member && member->link; i++) {
		if (i == MAX_LINKS || !follow(member, next, sizeof(next)))
			return NULL;
		member = find_member(source, next);
	}
	return member;
}

static int open_in_folder(const struct oci_source *source, const char *name)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, source->folder, name, &how, sizeof(how));
}

bool oci_source_has(const struct oci_source *source, const char *name)
{
	CLEANUP(fd_close) int fd = -1;

	if (source->folder < 0)
		return find_file(source, name) != NULL;
	fd = open_in_folder(source, name);
	return fd >= 0;
}

static enum tobi_err open_file(const struct oci_source *source, const char *name,
			       struct oci_stream *stream, struct tobi_fault *fault)
{
	struct stat st;

	stream->fd = open_in_folder(source, name);
	if (stream->fd < 0 && errno == ENOENT)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "it has no file %.128s", name);
	if (stream->fd < 0 && errno == EXDEV)
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "%.128s is a link that leads out of its folder", name);
	if (stream->fd < 0 || fstat(stream->fd, &st))
		return fault_errno(fault, object, "", "cannot read %.128s", name);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "%.128s is not a file", name);
	stream->size = (uint64_t)st.st_size;
	return TOBI_OK;
}

static enum tobi_err open_member(const struct oci_source *source, const char *name,
				 struct oci_stream *stream, struct tobi_fault *fault)
{
	const struct member *member = find_file(source, name);
	struct oci_file *file;
	struct archive_entry *entry = NULL;
	enum tobi_err err;

	if (!member)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "it has no file %.128s", name);
	stream->reader = file = calloc(1, sizeof(*file));
	if (!file)
		return out_of_memory(fault);
	err = oci_file_init(source->file, member->at, file, fault);
	if (!err)
		err = oci_tar_open(oci_file_read, oci_file_skip, file, object,
				   &stream->archive, fault);
	if (!err)
		err = oci_tar_next(stream->archive, object, &entry, fault);
	/* It may be another file by now. */
	if (!err && (!entry || (uint64_t)archive_entry_size(entry) != member->size))
		err = fault_set(fault, TOBI_E_MISMATCH, object, "",
				"the archive changes while it is read");
	stream->size = member->size;
	return err;
}

enum tobi_err oci_stream_open(const struct oci_source *source, const char *name,
			      struct oci_stream *ret_stream, struct tobi_fault *fault)
{
	struct oci_stream stream = {.fd = -1};
	enum tobi_err err = source->folder < 0 ? open_member(source, name, &stream, fault)
					       : open_file(source, name, &stream, fault);

	if (err)
		oci_stream_done(&stream);
	else
		*ret_stream = stream;
	return err;
}

enum tobi_err oci_stream_read(struct oci_stream *stream, uint8_t *out, size_t room,
			      size_t *ret_size, struct tobi_fault *fault)
{
	la_ssize_t got;

	if (stream->archive) {
		got = archive_read_data(stream->archive, out, room);
		if (got < 0)
			return oci_archive_fault(stream->archive, object, "", fault);
	} else {
		do
			got = read(stream->fd, out, room);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return fault_errno(fault, object, "", "cannot be read");
	}
	*ret_size = (size_t)got;
	return TOBI_OK;
}

void oci_stream_done(struct oci_stream *stream)
{
	oci_archive_free(stream->archive);
	stream->archive = NULL;
	if (stream->reader)
		oci_file_done(stream->reader);
	free(stream->reader);
	stream->reader = NULL;
	fd_close(&stream->fd);
}
