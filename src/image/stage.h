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
/* Replaces a file or a link. */
TOBI_MUST_USE enum tobi_err stage_link(struct stage *stage, const char *target,
				       const char *inside, struct tobi_fault *fault);

#endif
