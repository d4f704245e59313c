/*
 * A whole broker for the tests of its web page: log and keys are real. An operator, the
 * owners alice (repositories red, green) and bob (blue), and evidence that the scene's
 * policy accepts.
 */
#ifndef TESTS_PAGE_WORLD_H
#define TESTS_PAGE_WORLD_H

#include "broker/decision.h"
#include "broker/page.h"
#include "broker/resource.h"
#include "tests/db_world.h"
#include "tests/evidence.h"

enum { PAGE_NOW = TEST_NOW };

struct page_world {
	struct broker *broker;
	struct tobi_fault fault;
	struct test_scene scene;
	struct writer policy, evidence;
	struct principal alice, bob, operator;
	int64_t now;
};
extern struct page_world page;

int page_world_enter(void **state);
int page_world_leave(void **state);
/* Another broker of the same database and keys; broker_free() it. */
struct broker *page_world_open(void);

/* A request. What is NULL is not sent. */
struct look {
	enum http_method method; /* 0: GET */
	const char *target;	 /* path and query */
	const char *body;
	const char *cookie; /* the whole header */
	const char *site, *origin;
	const struct principal *signer;	     /* of POST /v1/login */
	const struct principal *certificate; /* whose key the connection has shown */
	struct broker *broker;		     /* NULL: the world's */
	bool in_clear;
};
/* The status. What came is in page_seen until the next one. */
int look(const struct look *look);
/* The same, for what is the broker's own failure: which. */
enum tobi_err look_fails(const struct look *look);
struct page_seen {
	int status;
	char *body;
	char location[64], cookie[256]; /* Set-Cookie, the whole */
	char policy[256];		/* Content-Security-Policy */
	char type[64], cache[64];
	bool secret;
};
extern struct page_seen page_seen;
bool seen(const char *text);
/* As this one, by the certificate; the status. */
int look_as(const struct principal *who, const char *target);

/* "__Host-tobichi=..." of a new session. free() it. */
char *page_log_in(const struct principal *who);
/* The token of a link. free() it. */
char *page_token(const struct principal *who);

/* With a key of his own. */
struct principal page_add_owner(const char *name, const char *const *repositories,
				size_t count);
/* A decision in the log; its index. */
uint64_t page_decide(const char *owner, const char *resource, bool accepted,
		     const char *reason);
/* A release that was asked for by the scene's evidence, of alice's; the decision's index.
 */
uint64_t page_release(const char *resource);
void page_put_secret(const char *owner, const char *name, int64_t expires,
		     int64_t releases);
void page_put_policy(const char *owner, const char *scope, struct tobi_bytes text);

#endif
