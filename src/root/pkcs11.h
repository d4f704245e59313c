/*
 * A PKCS#11 token (v2.40) and the two keys of a platform in it. The module is a shared
 * object of the token's maker: nothing that it answers is taken without its bounds.
 */
#ifndef TOBI_ROOT_PKCS11_H
#define TOBI_ROOT_PKCS11_H

#define CRYPTOKI_GNU 1
#include <p11-kit/pkcs11.h>

#include "root/provider.h"

enum {
	P11_LABEL = 32, /* as in the standard's token information */
	P11_SERIAL = 16,
	P11_ID = 16,			/* CKA_ID of an object: random */
	P11_POINT = 2 + 1 + 2 * 48 + 1, /* an EC point of P-384 as an octet string */
	P11_SIGNATURE = 2 * 48,
};

/* Where a platform's keys are: what the file pkcs11.root says. */
struct p11_place {
	char module[LIMIT_PATH + 1], pin_file[LIMIT_PATH + 1]; /* absolute */
	char label[P11_LABEL + 1], serial[P11_SERIAL + 1];     /* without padding */
	uint8_t key_id[P11_ID], seal_id[P11_ID];
};

/* An open token. */
struct p11 {
	struct p11_place place;
	struct ck_function_list *call; /* NULL: no module yet */
	bool started;		       /* C_Initialize was called here */
	bool unsaved;		       /* the objects belong to nobody yet */
	bool pin_refused;	       /* never tried again by this process */
	bool has_session;
	ck_slot_id_t slot;
	ck_session_handle_t session;
	ck_object_handle_t key, public_key, seal; /* 0: not found yet */
};

/* One value of a template, which takes it without const, and does not write to it. */
static inline struct ck_attribute p11_attribute(ck_attribute_type_t type,
						const void *value, size_t size)
{
	return (struct ck_attribute){type, (void *)(uintptr_t)value, size};
}
#define P11_VALUE(type, value) p11_attribute(type, &(value), sizeof(value))

/* pkcs11_marker.c */
TOBI_MUST_USE enum tobi_err p11_place_read(struct tobi_bytes bytes,
					   struct p11_place *ret_place,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err p11_place_write(const struct p11_place *place,
					    struct writer *out, struct tobi_fault *fault);

/* pkcs11_module.c. What a failed call means, for people. */
enum tobi_err p11_fault(struct tobi_fault *fault, ck_rv_t status, const char *field,
			const char *what);
/* Loads place.module and starts it. The file and what is above it must be root's or this
 * user's, and nobody else may write to them. */
TOBI_MUST_USE enum tobi_err p11_load(struct p11 *p11, struct tobi_fault *fault);
/* Many modules look for their tokens only then. The session is closed before. */
TOBI_MUST_USE enum tobi_err p11_restart(struct p11 *p11, struct tobi_fault *fault);
void p11_unload(struct p11 *p11);

/* pkcs11_token.c. Finds the token by label and serial; with an empty serial by one of
 * the two, which is then filled in. */
TOBI_MUST_USE enum tobi_err p11_find_token(struct p11 *p11, struct tobi_fault *fault);
/* A session in which the user is logged in. */
TOBI_MUST_USE enum tobi_err p11_log_in(struct p11 *p11, bool writable,
				       struct tobi_fault *fault);
void p11_close_session(struct p11 *p11);

/* pkcs11_keys.c. Ids for keys that are to be made. */
TOBI_MUST_USE enum tobi_err p11_new_ids(struct p11_place *place,
					struct tobi_fault *fault);
/* These need a session. prk: the seal root to import; empty: a new one. */
TOBI_MUST_USE enum tobi_err p11_make_keys(struct p11 *p11, struct tobi_bytes prk,
					  struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err p11_find_keys(struct p11 *p11, struct tobi_fault *fault);
/* Those that are there of keys whose making was interrupted. */
void p11_find_left(struct p11 *p11);
/* The keys can be used, and not be read. made: the token says so of all their life. */
TOBI_MUST_USE enum tobi_err p11_check_keys(struct p11 *p11, bool made,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err p11_public_key(struct p11 *p11, EVP_PKEY **ret_key,
					   struct tobi_fault *fault);
/* All that are known; needs a writable session. */
TOBI_MUST_USE enum tobi_err p11_destroy_keys(struct p11 *p11, struct tobi_fault *fault);
/* One signature or HMAC: appended. status is the module's own, CKR_OK when the failure is
 * not its. */
TOBI_MUST_USE enum tobi_err p11_compute(struct p11 *p11, ck_mechanism_type_t mechanism,
					ck_object_handle_t key, struct tobi_bytes data,
					struct writer *ret_result, ck_rv_t *ret_status,
					struct tobi_fault *fault);

#endif
