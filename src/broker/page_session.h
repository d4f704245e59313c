/*
 * Who looks at the pages (docs/PROTOCOL.md section 18.8): an owner or the operator, by
 * the certificate of the connection, or by a cookie, which a one-time token was changed
 * for. Tokens and cookies are random; the database has their hashes alone, so any broker
 * of it takes them, and who reads it can use none.
 *
 * What has logged in is a key: with it, with its owner, and with the time its sessions
 * end.
 */
#ifndef TOBI_BROKER_PAGE_SESSION_H
#define TOBI_BROKER_PAGE_SESSION_H

#include "broker/principal.h"

#define PAGE_COOKIE "__Host-tobichi"

enum {
	PAGE_LOGIN_SECONDS = 60,
	PAGE_IDLE_SECONDS = 15 * 60,
	PAGE_SESSION_SECONDS = 8 * 3600,
	PAGE_TOKEN_TEXT = 43, /* 32 bytes in base64url */
};

struct page_session {
	struct principal who;
	bool by_cookie; /* else by the certificate */
	char token[PAGE_TOKEN_TEXT + 1];
	/* What forms of this session carry; empty without a cookie. */
	char form[PAGE_TOKEN_TEXT + 1];
};

/* A token that logs in once, as long as it counts. TOBI_E_LIMIT: too many wait. */
TOBI_MUST_USE enum tobi_err page_login_make(struct broker *broker,
					    const struct principal *who, int64_t now,
					    char ret_token[static PAGE_TOKEN_TEXT + 1],
					    struct tobi_fault *fault);
/* Uses it up: *ret_who has logged in, and *ret_cookie is the session's. TOBI_E_DENIED for
 * a token that is none, was used, or is too old: who asks is not told which. */
TOBI_MUST_USE enum tobi_err page_login_use(struct broker *broker, const char *token,
					   int64_t now, struct principal *ret_who,
					   char ret_cookie[static PAGE_TOKEN_TEXT + 1],
					   struct tobi_fault *fault);
/* The one place that says who looks at a page. TOBI_E_DENIED: nobody known. */
TOBI_MUST_USE enum tobi_err page_session_find(struct broker *broker,
					      const struct broker_request *request,
					      struct page_session *ret_session,
					      struct tobi_fault *fault);
/* Of one by cookie: it counts no more, at any broker of the database. */
TOBI_MUST_USE enum tobi_err page_session_end(struct broker *broker,
					     const struct page_session *session,
					     struct tobi_fault *fault);

#endif
