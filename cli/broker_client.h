/* Asking a broker as one of its principals: signed requests over HTTPS. */
#ifndef CLI_BROKER_CLIENT_H
#define CLI_BROKER_CLIENT_H

#include "base/limits.h"
#include "base/secret.h"
#include "cli/cli.h"

/* What each command that asks a broker takes. */
struct broker_options {
	const char *url; /* --broker; else the environment's TOBICHI_BROKER */
	const char *key; /* --key */
	const char *ca;	 /* --tls-ca */
	bool json;
};
#define BROKER_OPTIONS                                                                   \
	{"broker", required_argument, NULL, 'b'}, {"key", required_argument, NULL, 'k'}, \
	    {"tls-ca", required_argument, NULL, 'c'},                                    \
	{                                                                                \
		"json", no_argument, NULL, 'j'                                           \
	}
/* False for an option that is none of them. */
bool broker_option(struct broker_options *options, int option);

struct http_client;
struct broker_client {
	struct http_client *http;
	EVP_PKEY *key;
	char origin[LIMIT_PATH], audience[LIMIT_TARGET + 1];
};
TOBI_MUST_USE enum tobi_err broker_client_open(const struct broker_options *options,
					       struct broker_client *ret_client,
					       struct tobi_fault *fault);
void broker_client_done(struct broker_client *client);

/*
 * One request; target is path and query. json_decref() the answer. What the broker
 * refuses is an error with its own words: TOBI_E_DENIED, _NOT_FOUND, _EXISTS, ...;
 * TOBI_E_PROTOCOL for what is no answer of a broker.
 */
TOBI_MUST_USE enum tobi_err broker_ask(struct broker_client *client, const char *method,
				       const char *target, struct tobi_bytes body,
				       json_t **ret_answer, struct tobi_fault *fault);
/* The same with a body in JSON; takes the reference. */
TOBI_MUST_USE enum tobi_err broker_ask_json(struct broker_client *client,
					    const char *method, const char *target,
					    json_t *body, json_t **ret_answer,
					    struct tobi_fault *fault);
/* All pages of a list, by the member of this name, into one. */
TOBI_MUST_USE enum tobi_err broker_ask_list(struct broker_client *client,
					    const char *path, const char *name,
					    json_t *list, struct tobi_fault *fault);
/* Whether a name may be put into a path as it is: so many parts of A-Z a-z 0-9 . _ - with
 * a slash between them, and no dot at the start of one. */
bool broker_is_name(const char *text, size_t least, size_t most);
/* How a command ends that could not: EXIT_REFUSED when the broker does not allow it. */
int broker_fail(const struct tobi_fault *fault);

/* What a policy of a file consists of, as the broker takes it: members "policy" and
 * "files" are added. It is parsed here first, so that a fault names the file. */
TOBI_MUST_USE enum tobi_err broker_add_policy(json_t *body, const char *path,
					      struct tobi_fault *fault);

#endif
