/*
 * Resources: named secrets of owners, in versions, each sealed by the keyring in a
 * context of name, version and owner. Nothing here gives a secret out: release.h does.
 *
 * What an owner may administer is checked here, in the transaction that changes it: the
 * repository must be its own (TOBI_E_DENIED, the same whether there is such a repository
 * or not).
 */
#ifndef TOBI_BROKER_RESOURCE_H
#define TOBI_BROKER_RESOURCE_H

#include "broker/policies.h"
#include "broker/release.h"

enum { RESOURCE_NAME_SIZE = 3 * RESOURCE_PART_MAX + 3, RESOURCE_ANY_RELEASES = -1 };

/* One part alone: a repository. TOBI_E_MALFORMED, _LIMIT. */
TOBI_MUST_USE enum tobi_err resource_part_check(const char *text,
						struct tobi_fault *fault);
/* "repository", "repository/type" or a whole name; what is not there stays empty. */
TOBI_MUST_USE enum tobi_err resource_scope_read(const char *text,
						struct resource_name *ret_name,
						struct tobi_fault *fault);
/* Of a scope, too. */
void resource_name_write(const struct resource_name *name,
			 char ret_text[static RESOURCE_NAME_SIZE]);

/* Around a condition, before what it says is deleted: the numbers live on. */
#define RESOURCE_KEEP_NUMBERS                                                            \
	"INSERT INTO resource_past (repository, type, tag, latest) SELECT repository, "  \
	"type, tag, latest FROM resource WHERE "
#define RESOURCE_KEPT_NUMBERS                                                            \
	" ON CONFLICT (repository, type, tag) DO UPDATE SET latest = excluded.latest"

/* A version to be. */
struct resource_value {
	struct tobi_bytes plain; /* 1 byte to 1 MiB */
	int64_t expires;	 /* seconds since 1970, in the future; or 0: never */
	int64_t releases;	 /* at least 1; or RESOURCE_ANY_RELEASES */
};

/* Its first version, and its policy when one is given, or neither. The number is 1, or
 * the one after the last that the name has had: no number ever means two contents.
 * Errors: TOBI_E_ARGUMENT, _LIMIT, _DENIED, _EXISTS; those of policy_prepare() and
 * keyring_seal(). */
TOBI_MUST_USE enum tobi_err resource_put(struct broker *broker, const char *owner,
					 const struct resource_name *name,
					 const struct resource_value *value,
					 const struct policy_source *policy, int64_t now,
					 uint64_t *ret_version, struct tobi_fault *fault);
/* The next version; those before expire after grace seconds, where they do not earlier.
 * What has expired already is deleted. TOBI_E_NOT_FOUND, and as above. */
TOBI_MUST_USE enum tobi_err resource_rotate(struct broker *broker, const char *owner,
					    const struct resource_name *name,
					    const struct resource_value *value,
					    int64_t grace, int64_t now,
					    uint64_t *ret_version,
					    struct tobi_fault *fault);
/* version 0: all, and the policy of this name. The newest version alone cannot go, as an
 * older one would take its place (TOBI_E_ARGUMENT). TOBI_E_NOT_FOUND, _DENIED. */
TOBI_MUST_USE enum tobi_err resource_delete(struct broker *broker, const char *owner,
					    const struct resource_name *name,
					    uint64_t version, struct tobi_fault *fault);

/* What may be seen of a version. */
struct resource_info {
	struct resource_name name;
	char owner[65];
	uint64_t version;
	bool newest;
	int64_t created, expires, releases;
	uint64_t size; /* of the secret */
};
typedef enum tobi_err resource_visit(void *context, const struct resource_info *info,
				     struct tobi_fault *fault);
/* Each version of the owner's, by name and version, after those of the name `after` (or
 * NULL), at most limit. only: of this name; or NULL. */
TOBI_MUST_USE enum tobi_err resource_list(struct broker *broker, const char *owner,
					  const struct resource_name *only,
					  const struct resource_name *after, size_t limit,
					  resource_visit *visit, void *context,
					  struct tobi_fault *fault);

/* For release.c: all that it decides on, but the secret. exists stays false for what is
 * not there. version 0: the newest. */
struct resource_found {
	bool exists;
	char owner[65];
	uint64_t version;
	int64_t expires, releases;
};
TOBI_MUST_USE enum tobi_err
resource_find(struct broker *broker, const struct resource_name *name, uint64_t version,
	      struct resource_found *ret_found, struct tobi_fault *fault);
/* Takes one release off a version that counts them; *ret_taken is false when none is left
 * (any more). */
TOBI_MUST_USE enum tobi_err resource_count(struct broker *broker,
					   const struct resource_name *name,
					   uint64_t version, bool *ret_taken,
					   struct tobi_fault *fault);
/* Gives it back: nothing was given out after all. */
TOBI_MUST_USE enum tobi_err resource_uncount(struct broker *broker,
					     const struct resource_name *name,
					     uint64_t version, struct tobi_fault *fault);
/* TOBI_E_NOT_FOUND when it was deleted meanwhile. */
TOBI_MUST_USE enum tobi_err resource_open(struct broker *broker,
					  const struct resource_name *name,
					  const struct resource_found *found,
					  struct secret *ret_secret,
					  struct tobi_fault *fault);

/* Moving all secrets under the present store key, step by step. Begins as {0}. */
struct resource_rewrap {
	struct resource_name name; /* and version: as far as it came */
	uint64_t version;
	size_t moved;  /* by all steps with this struct */
	size_t failed; /* that no broker of these keys has sealed; left as they are */
	bool done;
};
/* Up to limit versions. */
TOBI_MUST_USE enum tobi_err resource_rewrap_step(struct broker *broker,
						 struct resource_rewrap *rewrap,
						 size_t limit, struct tobi_fault *fault);

#endif
