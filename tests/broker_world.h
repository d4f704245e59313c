/*
 * A broker for tests: on an empty database (db_world.h), with an operator, the owners
 * alice (repositories red, green) and bob (blue), and evidence of a test's own platform
 * that the scene's policy accepts.
 */
#ifndef TESTS_BROKER_WORLD_H
#define TESTS_BROKER_WORLD_H

#include <jansson.h>

#include "broker/admin.h"
#include "broker/http.h"
#include "broker/release.h"
#include "broker/resource.h"
#include "tests/broker_stand_in.h"
#include "tests/db_world.h"
#include "tests/evidence.h"

struct broker_world {
	struct broker *broker;
	struct tobi_fault fault;
	struct test_scene scene;
	struct writer policy, evidence; /* YAML; a CMW collection */
	EVP_PKEY *operator_key, *alice, *bob;
	int64_t now;
	const char *host; /* of requests */
};
extern struct broker_world world;

int broker_world_enter(void **state);
int broker_world_leave(void **state);
/* A broker more, on the same database; broker_free() it. */
struct broker *broker_world_open(void);
/* Closes the world's, and opens it anew, as after a start of the program. */
void broker_world_again(void);

struct resource_name named(const char *text);
/* Secrets of alice's and policies, past the handlers. */
enum tobi_err world_put(const char *name, const char *value, int64_t expires,
			int64_t releases);
enum tobi_err world_put_policy(const char *scope, struct tobi_bytes text);
/* Releases it to the scene's evidence: the outcome, or an error as -code. Of a release
 * that was given the value is compared. */
int world_release(const char *name, uint64_t version, const char *value);
struct presented world_presented(void);

/* A signed request, as a test may change it before it goes. */
struct ask {
	enum http_method method;
	const char *target; /* path and query */
	const char *body;   /* text; or NULL */
	EVP_PKEY *key;	    /* NULL: not signed */
	const uint8_t *client_key;
	/* What is signed, where it is not the above. */
	const char *signed_method, *signed_target, *signed_body, *audience;
	int64_t signed_now;
	char *token; /* the header's; made when it is NULL; free() it */
	const char *authorization;
};
/* The status; *ret_answer may be NULL. 500 for an error of the broker's own. */
int ask_send(struct ask *ask, json_t **ret_answer);
/* The same for what is signed as it is. */
int ask_for(EVP_PKEY *key, enum http_method method, const char *target, const char *body);
json_t *ask_json(EVP_PKEY *key, enum http_method method, const char *target,
		 const char *body);
/* {"value": base64 of it, ...}; more is JSON that begins with a comma, or "". free() it.
 */
char *body_of(const char *value, const char *more);
char *key_pem(EVP_PKEY *key);
void key_id(EVP_PKEY *key, char ret_hex[static 2 * SHA384_SIZE + 1]);

#endif
