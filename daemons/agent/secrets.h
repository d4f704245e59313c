/*
 * Secrets: the store below /run/secrets, and the agent's side of tobichi-secrets/1
 * (docs/PROTOCOL.md section 5).
 */
#ifndef AGENT_SECRETS_H
#define AGENT_SECRETS_H

#include <sys/types.h>

#include "image/manifest.h"

enum secret_status {
	SECRET_STORED = 0,
	SECRET_NOT_ALLOWED = 1,
	SECRET_EXISTS = 2,
	SECRET_TOO_LARGE = 3,
	SECRET_NOT_OWNER = 4,
	SECRET_INTERNAL = 5,
};

/* A frame of the protocol: the largest content and what is around it. */
enum { LIMIT_SECRETS_FRAME = LIMIT_SECRET + 1024 };

struct secrets_message {
	bool done;			 /* DONE; else PUT */
	struct tobi_bytes name, content; /* borrowed */
	bool name_is_valid, too_large;
};

/* One frame's map. A name or size that is not allowed is no error here: it has an answer
 * of its own. Errors are the reader's; the session ends then. */
TOBI_MUST_USE enum tobi_err secrets_message_parse(struct tobi_bytes bytes,
						  struct secrets_message *ret_message,
						  struct tobi_fault *fault);
/* A whole frame, with its size. */
void secrets_write_reply(struct writer *out, enum secret_status status, const char *text);

struct secret_store;

/*
 * folder: an empty folder in memory, e.g. /run/secrets. Files get mode 0400 and the owner
 * uid:gid, unless uid is (uid_t)-1. When the manifest declares names, only these are
 * taken; else any valid name is. manifest is borrowed.
 */
TOBI_MUST_USE enum tobi_err secret_store_new(const char *folder,
					     const struct manifest *manifest, uid_t uid,
					     gid_t gid, struct secret_store **ret_store,
					     struct tobi_fault *fault);
/* Overwrites each content with zeros, removes the files, frees. Accepts NULL. */
void secret_store_free(struct secret_store *store);
/* A file is there whole or not at all. */
enum secret_status secret_store_put(struct secret_store *store,
				    const struct secrets_message *message);
/* True when there is a secret by this name. */
bool secret_store_has(const struct secret_store *store, struct tobi_bytes name);
/* True when every name that the manifest declares is there. */
bool secret_store_is_complete(const struct secret_store *store);

#endif
