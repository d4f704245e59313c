/*
 * The folder in which an image is put together. Every path here is one inside the image:
 * links in it lead to places in it, as they will in the enclave, and never to the host's
 * files. So a hostile root folder cannot make a build write outside. For this room only.
 */
#ifndef TOBI_IMAGE_STAGE_H
#define TOBI_IMAGE_STAGE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct stage {
	int root; /* the folder that is the image's / */
	size_t entries;
	uint64_t bytes; /* of the files in it */
	/* Of these two. stage_init() sets what every image may have; tests set less. */
	size_t max_entries;
	uint64_t max_bytes;
};

/* Over the empty folder at path. On success stage_done() it; the folder is not removed.
 */
TOBI_MUST_USE enum tobi_err stage_init(const char *path, struct stage *ret_stage,
				       struct tobi_fault *fault);
void stage_done(struct stage *stage);

/* Opens what is at the path, through links, O_PATH: -1 with errno when nothing is. */
int stage_open(const struct stage *stage, const char *inside);
bool stage_has(const struct stage *stage, const char *inside);

/* A folder and those above it, where they are not there yet. */
TOBI_MUST_USE enum tobi_err stage_folder(struct stage *stage, const char *inside,
					 struct tobi_fault *fault);
/* The same, and the last one gets the sticky bit and is open to all, as /tmp. */
TOBI_MUST_USE enum tobi_err stage_shared_folder(struct stage *stage, const char *inside,
						struct tobi_fault *fault);
/* The content of the descriptor from, st describing it. Replaces a file or a link. Modes
 * do not depend on umask or builder: 755 when anybody may execute it, else 644. */
TOBI_MUST_USE enum tobi_err stage_file(struct stage *stage, int from,
				       const struct stat *st, const char *inside,
				       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err stage_text(struct stage *stage, const char *inside,
				       const char *text, struct tobi_fault *fault);
/* An empty file for size bytes, which are accounted for; the caller writes them to the
 * descriptor, and closes it. Replaces a file or a link. */
TOBI_MUST_USE enum tobi_err stage_new(struct stage *stage, uint64_t size, bool executable,
				      const char *inside, int *ret_fd,
				      struct tobi_fault *fault);
/* Replaces a file or a link. */
TOBI_MUST_USE enum tobi_err stage_link(struct stage *stage, const char *target,
				       const char *inside, struct tobi_fault *fault);

/* What layers do to those below them. inside: "/" or an absolute path of at most
 * LIMIT_PATH. A link on the way is followed inside, the last name never is. */

/* Its S_IFMT bits; 0 when nothing is there. */
mode_t stage_kind(const struct stage *stage, const char *inside);
/* It and what is below it are gone, or were not there. "/" stays, empty. */
TOBI_MUST_USE enum tobi_err stage_remove(struct stage *stage, const char *inside,
					 struct tobi_fault *fault);
/* The same for what is below it only. */
TOBI_MUST_USE enum tobi_err stage_empty(struct stage *stage, const char *inside,
					struct tobi_fault *fault);
/* A folder that may be there already; shared as by stage_shared_folder(), or not. */
TOBI_MUST_USE enum tobi_err stage_set_folder(struct stage *stage, const char *inside,
					     bool shared, struct tobi_fault *fault);
/* A second name for the file or link at target. TOBI_E_NOT_FOUND when there is none. */
TOBI_MUST_USE enum tobi_err stage_hard_link(struct stage *stage, const char *target,
					    const char *inside, struct tobi_fault *fault);

struct stage_usage {
	uint64_t bytes;	 /* of all files, each name counted */
	uint64_t shared; /* of these, what hard links save */
	size_t files;
};
/* The folder at inside, and what is below it; nothing where there is none. */
TOBI_MUST_USE enum tobi_err stage_measure(const struct stage *stage, const char *inside,
					  struct stage_usage *ret_usage,
					  struct tobi_fault *fault);

#endif
