/*
 * Sessions of the key-broker protocol before anybody has proven anything: nothing of them
 * is kept (docs/PROTOCOL.md section 18.1.2).
 *
 * A session's id says when it was issued and for which platform; its nonce is a MAC of
 * the id under a key of the broker's. So any broker of the same database answers, and
 * whoever asks for a million sessions has asked for nothing that is stored.
 */
#ifndef TOBI_BROKER_KBS_SESSION_H
#define TOBI_BROKER_KBS_SESSION_H

#include "broker/kbs_evidence.h"

enum {
	KBS_SESSION_SIZE = 16,
	KBS_SESSION_DIGITS = 2 * KBS_SESSION_SIZE,
	KBS_SESSION_TEXT = KBS_SESSION_DIGITS + 1, /* with its end */
	KBS_NONCE_TEXT = 44 + 1,		   /* base64 of 32 bytes */
	KBS_SESSION_SECONDS = 300,
	KBS_CLOCKS_SECONDS = 30, /* that brokers of one database may differ */
};

#define KBS_COOKIE "kbs-session-id"

struct kbs_session {
	uint8_t id[KBS_SESSION_SIZE];
	char text[KBS_SESSION_TEXT];
	int64_t issued;
	enum kbs_tee tee;
};

/* TOBI_E_CRYPTO without randomness; _ARGUMENT for a time before 1970 or far off. */
TOBI_MUST_USE enum tobi_err kbs_session_new(enum kbs_tee tee, int64_t now,
					    struct kbs_session *ret_session,
					    struct tobi_fault *fault);
/* 32 digits, in small letters; false for anything else. Nothing says that it was issued:
 * whoever knows its nonce has it from here. */
bool kbs_session_read(const char *text, struct kbs_session *ret_session);
/* The value of the header Cookie, or NULL: the session in it. False without one, and when
 * it is there twice. */
bool kbs_session_cookie(const char *header, struct kbs_session *ret_session);
/* Issued at this time or before, and not yet over. */
bool kbs_session_lives(const struct kbs_session *session, int64_t seconds, int64_t now);
/* Standard base64, terminated. TOBI_E_CRYPTO. */
TOBI_MUST_USE enum tobi_err kbs_session_nonce(const struct kbs_session *session,
					      const uint8_t key[static 32],
					      char ret_nonce[static KBS_NONCE_TEXT],
					      struct tobi_fault *fault);

#endif
