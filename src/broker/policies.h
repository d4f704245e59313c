/*
 * Policies of resources: tobichi-policy(5), for one resource, or for all of a repository,
 * or of a type in it; the longest scope counts. A policy that cannot be used is refused
 * when it is put, and so is one whose reference-value files do not come with it.
 *
 * Threads: a policy once parsed is only read; what it remembers (pki/memo.h) has locks of
 * its own. So workers share it.
 */
#ifndef TOBI_BROKER_POLICIES_H
#define TOBI_BROKER_POLICIES_H

#include "broker/broker.h"
#include "broker/release.h"
#include "pki/key.h"

/* A file of reference values, by the name that the policy has for it. */
struct policy_file {
	const char *name;
	struct tobi_bytes content;
};

/* Borrowed. */
struct policy_source {
	const char *scope; /* resource_scope_read() */
	struct tobi_bytes text;
	const struct policy_file *files;
	size_t file_count;
};

/* A row to be. */
struct policy_row {
	struct policy_source source;
	const char *owner;
	uint8_t hash[SHA384_SIZE], text_hash[SHA384_SIZE], mac[32];
	int64_t changed;
};

/* Parses it with its files, and seals the row. Errors: those of tobi_policy_parse() and
 * tobi_policy_give_reference(), with the file's name; TOBI_E_NOT_FOUND (a file that the
 * policy names did not come), _ARGUMENT (one came that it does not name), _LIMIT. */
TOBI_MUST_USE enum tobi_err policy_prepare(const struct broker *broker, const char *owner,
					   const struct policy_source *source,
					   int64_t now, struct policy_row *ret_row,
					   struct tobi_fault *fault);
/* In a transaction; whoever calls has checked whose repository it is. */
TOBI_MUST_USE enum tobi_err policy_write(struct db_conn *conn,
					 const struct policy_row *row,
					 struct tobi_fault *fault);

/* Replaces one that is there. TOBI_E_DENIED when the repository is another's. */
TOBI_MUST_USE enum tobi_err policy_put(struct broker *broker, const char *owner,
				       const struct policy_source *source, int64_t now,
				       struct tobi_fault *fault);
/* TOBI_E_NOT_FOUND, _DENIED. */
TOBI_MUST_USE enum tobi_err policy_delete(struct broker *broker, const char *owner,
					  const char *scope, struct tobi_fault *fault);
/* In a transaction: of this scope alone, if there is one. */
TOBI_MUST_USE enum tobi_err policy_erase(struct db_conn *conn, const char *scope,
					 uint64_t *ret_erased, struct tobi_fault *fault);

struct policy_info {
	char scope[3 * RESOURCE_PART_MAX + 3], owner[65];
	uint8_t hash[SHA384_SIZE], text_hash[SHA384_SIZE], mac[32];
	int64_t changed;
};
typedef enum tobi_err policy_visit(void *context, const struct policy_info *info,
				   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err policy_list(struct broker *broker, const char *owner,
					policy_visit *visit, void *context,
					struct tobi_fault *fault);
/* The text of the owner's own. TOBI_E_NOT_FOUND. */
TOBI_MUST_USE enum tobi_err policy_text(struct broker *broker, const char *owner,
					const char *scope, struct writer *out,
					struct tobi_fault *fault);
/* The names of its files, in their order; each visited once. */
typedef enum tobi_err policy_file_visit(void *context, const char *name, uint64_t size,
					struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err policy_files(struct broker *broker, const char *scope,
					 policy_file_visit *visit, void *context,
					 struct tobi_fault *fault);

/* The row that counts for a resource of this owner: of the longest scope, and by the
 * owner itself. TOBI_E_NOT_FOUND when there is none; _SIGNATURE for a row that no broker
 * of these keys wrote. */
TOBI_MUST_USE enum tobi_err policy_find(struct broker *broker,
					const struct resource_name *name,
					const char *owner, struct policy_info *ret_info,
					struct tobi_fault *fault);

/* A parsed policy in use; policy_unref() it. */
struct cached_policy {
	const struct tobi_policy *policy;
	uint8_t text_hash[SHA384_SIZE];
};
/* From the cache, or read and parsed for it. */
TOBI_MUST_USE enum tobi_err policy_get(struct broker *broker,
				       const struct policy_info *info,
				       const struct cached_policy **ret_policy,
				       struct tobi_fault *fault);
/*
 * What stands for a policy where there is none, so that as much is done there as
 * elsewhere: one that was used of late, whosesoever; NULL when none was. Its verdict
 * counts for nothing.
 */
const struct cached_policy *policy_stand_in(struct broker *broker);
/* The same of last resort: it accepts nothing. Lives as long as the broker. */
const struct tobi_policy *policy_of_nothing(const struct broker *broker);
/* Accepts NULL. */
void policy_unref(struct broker *broker, const struct cached_policy *policy);

/* NULL without memory, or when the policy of nothing cannot be made. */
struct policy_cache *policy_cache_new(void);
void policy_cache_free(struct policy_cache *cache);

#endif
