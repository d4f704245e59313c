/*
 * Counters for sealed state (docs/PROTOCOL.md section 18.6): each goes up only, and is of
 * the identity that moved it first. Where the platform has no counter that its host
 * cannot turn back, an enclave asks here.
 *
 * A row carries a MAC (row_seal.h): who can write to the database and no more can put an
 * old row back, but make none, and give none to another identity.
 */
#ifndef TOBI_BROKER_COUNTER_H
#define TOBI_BROKER_COUNTER_H

#include "broker/broker.h"
#include "broker/principal.h"
#include "broker/release.h"
#include "tee/tee.h"

#define COUNTER_MAX INT64_MAX /* what a database can hold */

/* The numbers are stored. */
enum counter_to {
	COUNTER_TO_IMAGE = 0,  /* this image, to the last byte */
	COUNTER_TO_SIGNER = 1, /* images of the signer, of this one's product id */
};

struct counter_request {
	bool increment;
	enum counter_to to;
	struct tobi_bytes signer; /* in signer_bytes; empty: the only one */
	uint8_t signer_bytes[64];
};
/* The body, JSON. Errors: TOBI_E_MALFORMED, _LIMIT, _UNSUPPORTED (an operation that is
 * none). */
TOBI_MUST_USE enum tobi_err counter_request_read(struct tobi_bytes body,
						 struct counter_request *ret_request,
						 struct tobi_fault *fault);

enum { COUNTER_ID_SIZE = 32 };
struct counter_identity {
	enum counter_to to;
	uint8_t id[COUNTER_ID_SIZE];
};
/* Whose a counter is, by what evidence says that was accepted. TOBI_E_DENIED when it says
 * no such thing: no image, no signer, several, or not that one. */
TOBI_MUST_USE enum tobi_err counter_identity_of(const struct tee_claims *claims,
						const struct counter_request *request,
						struct counter_identity *ret_identity,
						struct tobi_fault *fault);

/* Which one. */
struct counter_key {
	const struct resource_name *name;
	const char *owner;
	struct counter_identity identity;
};
/* 0 for one that nobody has moved. TOBI_E_DENIED when it is another identity's;
 * TOBI_E_SIGNATURE for a row that no broker of these keys wrote. */
TOBI_MUST_USE enum tobi_err counter_read(struct broker *broker,
					 const struct counter_key *key,
					 uint64_t *ret_value, struct tobi_fault *fault);
/* When it comes back the new value is on the disk, and nobody else has had it. Errors as
 * above; TOBI_E_LIMIT at COUNTER_MAX, and when the owner has too many. */
TOBI_MUST_USE enum tobi_err counter_increment(struct broker *broker,
					      const struct counter_key *key, int64_t now,
					      uint64_t *ret_value,
					      struct tobi_fault *fault);

struct counter_info {
	struct resource_name name;
	enum counter_to to;
	uint64_t value;
	int64_t changed;
};
typedef enum tobi_err counter_visit(void *context, const struct counter_info *info,
				    struct tobi_fault *fault);
/* The owner's, by name, after that one (or NULL), at most limit. */
TOBI_MUST_USE enum tobi_err counter_list(struct broker *broker, const char *owner,
					 const struct resource_name *after, size_t limit,
					 counter_visit *visit, void *context,
					 struct tobi_fault *fault);
/* It is 0 again, and nobody's: old states count again. TOBI_E_NOT_FOUND, _DENIED. */
TOBI_MUST_USE enum tobi_err counter_delete(struct broker *broker, const char *owner,
					   const struct resource_name *name,
					   struct tobi_fault *fault);

#endif
