/* What the files that pack a program share. */
#ifndef TOBI_IMAGE_PACK_TOOLS_H
#define TOBI_IMAGE_PACK_TOOLS_H

#include <limits.h>

#include "image/pack.h"
#include "image/stage.h"

/* Names of an enclave, and of nothing else: it has no network. */
#define PACK_HOSTS "127.0.0.1 localhost enclave\n::1 localhost\n"
#define PACK_HOSTNAME "enclave\n"

struct pack {
	char folder[256]; /* holds root/ and, later, the file system made of it */
	struct stage stage;
	const volatile sig_atomic_t *stop;
	char loader[256]; /* of the program; "" for a static one */
	/* Files that may be shared objects, whose libraries are looked for at the end. */
	bool note_objects;
	char **objects;
	size_t object_count, object_room;
	char left_out[PATH_MAX];
	size_t left_out_count;
	struct writer extras;
	bool without_caches; /* no __pycache__ */
};

TOBI_MUST_USE enum tobi_err pack_stopped(const struct pack *pack,
					 struct tobi_fault *fault);
/* Starts arguments[0] without environment, and waits. out: what it prints, or NULL;
 * ret_status: its exit status, 128 when a signal ended it. */
TOBI_MUST_USE enum tobi_err pack_run(const struct pack *pack, char *const *arguments,
				     int *ret_status, char *out, size_t room,
				     struct tobi_fault *fault);
/* Writable memory inside takes no programs: files below its paths are put below /opt. */
bool pack_is_memory(const char *path);
/* Adds a program or a library; ret_inside: where it is inside, PATH_MAX. */
TOBI_MUST_USE enum tobi_err pack_add_code(struct pack *pack, const char *path,
					  char *ret_inside, struct tobi_fault *fault);
/* A loader is run: only what root put on this host. path: the program that names it. */
TOBI_MUST_USE enum tobi_err pack_check_loader(const char *loader, const char *path,
					      struct tobi_fault *fault);
/* strict: a library that is not there is an error. */
TOBI_MUST_USE enum tobi_err pack_add_libraries(struct pack *pack, const char *path,
					       bool strict, struct tobi_fault *fault);
/* The libraries of noted objects, as far as the host has them. */
TOBI_MUST_USE enum tobi_err pack_resolve(struct pack *pack, struct tobi_fault *fault);
/* The entry point is in the image, and can be started on this architecture. */
TOBI_MUST_USE enum tobi_err pack_check_entry(const struct pack *pack,
					     const struct manifest *manifest,
					     struct tobi_fault *fault);
/* What is loaded by name later, for the program at the path and for every program. */
TOBI_MUST_USE enum tobi_err pack_add_known(struct pack *pack, const char *program,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err pack_add_surroundings(struct pack *pack, uint32_t uid,
						  uint32_t gid, struct tobi_fault *fault);

#endif
