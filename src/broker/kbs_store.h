/*
 * Sessions of the key-broker protocol that were attested: what was handed in is kept
 * until they are over, so that any broker of the database answers for it
 * (docs/PROTOCOL.md section 18.1.2). Nothing of it is secret; that a broker wrote it is
 * checked.
 */
#ifndef TOBI_BROKER_KBS_STORE_H
#define TOBI_BROKER_KBS_STORE_H

#include "broker/broker.h"
#include "broker/kbs_session.h"

enum { KBS_DENIALS_MAX = 32 }; /* of one session; then its evidence is not looked at */

struct kbs_kept {
	int64_t expires;
	struct tobi_bytes nonce, device_nonce; /* as struct presented has them */
	struct tobi_bytes evidence;
	struct tobi_bytes pieces[LIMIT_PIECES];
	size_t piece_count;
	bool config_unknown;
	struct tobi_bytes jwk;	 /* JSON */
	struct tobi_bytes token; /* that was given for it */
	int64_t denials;
};

/* The schema's steps. */
extern const char *const schema_kbs[], *const schema_kbs_mac[];

/* TOBI_E_EXISTS: the session was attested before. Errors: the database's. */
TOBI_MUST_USE enum tobi_err kbs_store_add(struct broker *broker,
					  const struct kbs_session *session,
					  const struct kbs_kept *kept, int64_t now,
					  struct tobi_fault *fault);
/* All of it is in the arena. TOBI_E_NOT_FOUND when it was not attested, or is over;
 * TOBI_E_SIGNATURE when no broker of these keys has written it so. */
TOBI_MUST_USE enum tobi_err kbs_store_find(struct broker *broker,
					   const struct kbs_session *session, int64_t now,
					   struct arena *arena, struct kbs_kept *ret_kept,
					   struct tobi_fault *fault);
/* One more that was denied. */
TOBI_MUST_USE enum tobi_err kbs_store_count_denial(struct broker *broker,
						   const struct kbs_session *session,
						   struct tobi_fault *fault);

#endif
