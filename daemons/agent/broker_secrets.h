/*
 * The secrets that an image declares, fetched from the broker of its launch before its
 * program starts: one after the other, and again while the broker cannot be reached. What
 * the broker has decided is final: the enclave ends.
 */
#ifndef AGENT_BROKER_SECRETS_H
#define AGENT_BROKER_SECRETS_H

#include "broker_client.h"
#include "secrets.h"

enum { BROKER_RETRY_MS = 250, BROKER_RETRY_MOST_MS = 5000 };

struct broker_secrets_setup {
	struct event_base *base;
	struct broker_client *client;
	const struct manifest *manifest;
	struct tobi_bytes place; /* repository/type */
	struct secret_store *store;
	int64_t retry_ms, retry_most_ms; /* doubled from the one to the other */
	/* One more is in the store. */
	void (*stored)(void *context);
	/* It cannot be reached; said again when it is for another reason. */
	void (*waits)(void *context, const struct tobi_fault *why);
	/* The secret is not to be had. Nothing comes after it. */
	void (*failed)(void *context, const struct tobi_fault *why);
	void *context;
};

struct broker_secrets;

/* Asks for the first one. What is borrowed outlives it; the client is freed first. */
TOBI_MUST_USE enum tobi_err broker_secrets_new(const struct broker_secrets_setup *setup,
					       struct broker_secrets **ret_secrets,
					       struct tobi_fault *fault);
/* Accepts NULL. */
void broker_secrets_free(struct broker_secrets *secrets);

#endif
