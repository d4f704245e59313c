/* Tar archives and container images for tests, good and hostile: headers are written as
 * asked, whatever they mean. */
#ifndef TESTS_TAR_H
#define TESTS_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/writer.h"

enum { TAR_BLOCK = 512 };

/* One header and, with content, what it announces. name and link: at most 100 bytes. */
struct tar_entry {
	const char *name;
	char type; /* '0' file, '1' hard link, '2' link, '3' device, '5' folder, ... */
	const char *link;
	const char *content; /* a text; NULL: nothing follows the header */
	uint64_t size;	     /* announced, when it is not that of content */
	unsigned mode;	     /* 0: 0644 */
};
void tar_add(struct writer *out, const struct tar_entry *entry);
/* A PAX record for the next entry: "path", "linkpath", "SCHILY.xattr.user.a", ... */
struct tar_record {
	const char *key;
	struct tobi_bytes value;
};
void tar_pax_list(struct writer *out, const struct tar_record *records, size_t count);
void tar_pax(struct writer *out, const char *key, struct tobi_bytes value);
void tar_end(struct writer *out);

static inline void tar_file(struct writer *out, const char *name, const char *content)
{
	tar_add(out, &(struct tar_entry){name, '0', "", content});
}
static inline void tar_folder(struct writer *out, const char *name)
{
	tar_add(out, &(struct tar_entry){name, '5', "", NULL, 0, 0755});
}
static inline void tar_link(struct writer *out, const char *name, const char *target)
{
	tar_add(out, &(struct tar_entry){name, '2', target});
}
static inline void tar_hard(struct writer *out, const char *name, const char *target)
{
	tar_add(out, &(struct tar_entry){name, '1', target});
}

/* bytes in gzip or zstd, as libarchive packs them. */
void tar_pack(struct tobi_bytes bytes, bool zstd, struct writer *out);
/* "sha256:HEX" of bytes; out has 72. */
void tar_digest(struct tobi_bytes bytes, char *out);

#endif
