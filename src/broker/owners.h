/*
 * Who administers what: owners with their keys and repositories, and the operator, which
 * is a principal of its own.
 *
 * The operator makes owners and takes them away; it cannot give a key to one that is
 * there: with it, it could put a policy of its own, and so have the owner's secrets.
 */
#ifndef TOBI_BROKER_OWNERS_H
#define TOBI_BROKER_OWNERS_H

#include "broker/principal.h"
#include "pki/key.h"

/* The name of the principal whose keys are the operator's; no owner can have it. */
#define OPERATOR_NAME "operator"

enum { OWNER_SPKI_MAX = 128 };

struct owner_key {
	uint8_t id[PRINCIPAL_ID_SIZE];
	uint8_t spki[OWNER_SPKI_MAX]; /* P-256, P-384 or Ed25519 */
	size_t spki_size;
};

/* A public key, PEM. Errors: those of key_read_public(). */
TOBI_MUST_USE enum tobi_err owner_key_read(struct tobi_bytes pem,
					   struct owner_key *ret_key,
					   struct tobi_fault *fault);

/* The operator's keys are these from now on, and no others: at broker init, and when the
 * configuration names them. TOBI_E_EXISTS when one is an owner's. */
TOBI_MUST_USE enum tobi_err owner_set_operator(struct broker *broker,
					       const struct owner_key *keys, size_t count,
					       int64_t now, struct tobi_fault *fault);

struct owner_new {
	const char *name; /* as a part of a resource's name, at most 64 characters */
	const struct owner_key *keys;
	size_t key_count; /* at least one */
	const char *const *repositories;
	size_t repository_count;
};
/* TOBI_E_EXISTS (the fault says what: the name, a key, a repository), _ARGUMENT, _LIMIT,
 * _MALFORMED. */
TOBI_MUST_USE enum tobi_err owner_add(struct broker *broker, const struct owner_new *new,
				      int64_t now, struct tobi_fault *fault);
/* with_secrets: its resources and policies are deleted, too; else TOBI_E_EXISTS while
 * there are some. TOBI_E_NOT_FOUND. */
TOBI_MUST_USE enum tobi_err owner_remove(struct broker *broker, const char *name,
					 bool with_secrets, struct tobi_fault *fault);
/* By the owner itself. TOBI_E_EXISTS, _LIMIT. */
TOBI_MUST_USE enum tobi_err owner_add_key(struct broker *broker, const char *name,
					  const struct owner_key *key, int64_t now,
					  struct tobi_fault *fault);
/* From the next request on. The last one stays (TOBI_E_ARGUMENT): without it nobody could
 * administer the owner's secrets. TOBI_E_NOT_FOUND. */
TOBI_MUST_USE enum tobi_err owner_remove_key(struct broker *broker, const char *name,
					     const uint8_t id[static PRINCIPAL_ID_SIZE],
					     struct tobi_fault *fault);
/* A repository that is nobody's. TOBI_E_EXISTS, _NOT_FOUND (the owner), _LIMIT. */
TOBI_MUST_USE enum tobi_err owner_add_repository(struct broker *broker, const char *name,
						 const char *repository,
						 struct tobi_fault *fault);
/* TOBI_E_EXISTS while something is in it; _NOT_FOUND. */
TOBI_MUST_USE enum tobi_err owner_remove_repository(struct broker *broker,
						    const char *name,
						    const char *repository,
						    struct tobi_fault *fault);

struct owner_info {
	char name[PRINCIPAL_NAME_MAX + 1];
	int64_t created;
};
typedef enum tobi_err owner_visit(void *context, const struct owner_info *info,
				  struct tobi_fault *fault);
/* At most limit of them, by name, after the name `after` (or NULL). */
TOBI_MUST_USE enum tobi_err owner_list(struct broker *broker, const char *after,
				       size_t limit, owner_visit *visit, void *context,
				       struct tobi_fault *fault);
/* The one of this name, if there is one. */
TOBI_MUST_USE enum tobi_err owner_find(struct broker *broker, const char *name,
				       owner_visit *visit, void *context,
				       struct tobi_fault *fault);
typedef enum tobi_err owner_key_visit(void *context,
				      const uint8_t id[static PRINCIPAL_ID_SIZE],
				      int64_t created, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err owner_keys(struct broker *broker, const char *name,
				       owner_key_visit *visit, void *context,
				       struct tobi_fault *fault);
typedef enum tobi_err owner_repository_visit(void *context, const char *repository,
					     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err owner_repositories(struct broker *broker, const char *name,
					       owner_repository_visit *visit,
					       void *context, struct tobi_fault *fault);

/* What the MAC of a key's row is over. */
enum { OWNER_KEY_PARTS = 4 };
void owner_key_parts(const char *name, bool is_operator, struct tobi_bytes id,
		     struct tobi_bytes spki,
		     struct tobi_bytes ret_parts[static OWNER_KEY_PARTS]);

/* In a transaction: TOBI_E_DENIED unless the repository is this owner's. */
TOBI_MUST_USE enum tobi_err owner_must_have(struct db_conn *conn, const char *owner,
					    const char *repository,
					    struct tobi_fault *fault);

/* Whose a repository is; an empty name for one that is nobody's. */
TOBI_MUST_USE enum tobi_err
owner_of_repository(struct broker *broker, const char *repository,
		    char ret_owner[static PRINCIPAL_NAME_MAX + 1],
		    struct tobi_fault *fault);

/* Whose key that is. storage gets its SubjectPublicKeyInfo; it may be NULL.
 * TOBI_E_NOT_FOUND; _SIGNATURE for a row that no broker of these keys wrote. */
TOBI_MUST_USE enum tobi_err owner_by_key(struct broker *broker,
					 const uint8_t id[static PRINCIPAL_ID_SIZE],
					 struct principal *ret_principal,
					 struct writer *storage,
					 struct tobi_fault *fault);

#endif
