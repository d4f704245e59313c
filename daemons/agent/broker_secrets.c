#include "broker_secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

#define OBJECT "secret"

struct broker_secrets {
	struct broker_secrets_setup setup;
	size_t next; /* of the manifest's */
	int64_t pause_ms;
	struct event *again;
	char told[sizeof(((struct tobi_fault *)0)->message)];
};

static struct tobi_bytes name_of(const struct broker_secrets *secrets)
{
	return secrets->setup.manifest->secrets[secrets->next];
}

static void fail(struct broker_secrets *secrets, const struct tobi_fault *why)
{
	secrets->setup.failed(secrets->setup.context, why);
}

static void wait_and_ask_again(struct broker_secrets *secrets,
			       const struct tobi_fault *why)
{
	const struct timeval pause = {.tv_sec = secrets->pause_ms / 1000,
				      .tv_usec = secrets->pause_ms % 1000 * 1000};
	struct tobi_fault fault;

	if (strcmp(secrets->told, why->message) != 0) {
		snprintf(secrets->told, sizeof(secrets->told), "%s", why->message);
		secrets->setup.waits(secrets->setup.context, why);
	}
	secrets->pause_ms *= 2;
	if (secrets->pause_ms > secrets->setup.retry_most_ms)
		secrets->pause_ms = secrets->setup.retry_most_ms;
	if (event_add(secrets->again, &pause)) {
		fault_set(&fault, TOBI_E_MEMORY, OBJECT, "", "no room for an event");
		fail(secrets, &fault);
	}
}

/* It was not there, or not long enough: a broker that is started later is waited for.
 * What one side has decided about the other stays decided. */
static bool may_be_later(enum tobi_err code)
{
	switch (code) {
	case TOBI_E_SYSTEM:
	case TOBI_E_NOT_FOUND: /* its name */
	case TOBI_E_TIMEOUT:
	case TOBI_E_PROTOCOL:
	case TOBI_E_TRUNCATED:
	case TOBI_E_MEMORY:
		return true;
	default:
		return false;
	}
}

static void refused(struct broker_secrets *secrets, int status)
{
	struct tobi_bytes place = secrets->setup.place, name = name_of(secrets);
	struct tobi_fault fault;

	if (status == 408 || status == 429 || status >= 500) {
		fault_set(&fault, TOBI_E_SYSTEM, OBJECT, "",
			  "the broker cannot answer now (status %d)", status);
		wait_and_ask_again(secrets, &fault);
		return;
	}
	if (status == 403)
		fault_set(&fault, TOBI_E_DENIED, OBJECT, "",
			  "the broker does not give %.*s/%.*s to this enclave. Its log "
			  "says which check failed (`tobichi log follow --entries`): is "
			  "there such a "
			  "secret, and does its policy name this image and this "
			  "launch's config-id?",
			  (int)place.size, (const char *)place.ptr, (int)name.size,
			  (const char *)name.ptr);
	else
		fault_set(&fault, TOBI_E_PROTOCOL, OBJECT, "",
			  "the broker has answered with status %d for %.*s/%.*s", status,
			  (int)place.size, (const char *)place.ptr, (int)name.size,
			  (const char *)name.ptr);
	fail(secrets, &fault);
}

static void ask(struct broker_secrets *secrets);

static void store(struct broker_secrets *secrets, struct tobi_bytes content)
{
	const struct secrets_message message = {
	    .name = name_of(secrets), .content = content, .name_is_valid = true};
	enum secret_status status = secret_store_put(secrets->setup.store, &message);
	struct tobi_fault fault;

	/* An owner may have been faster. */
	if (status != SECRET_STORED && status != SECRET_EXISTS) {
		fault_set(&fault,
			  status == SECRET_TOO_LARGE ? TOBI_E_LIMIT : TOBI_E_SYSTEM,
			  OBJECT, "", "%.*s cannot be stored: %s", (int)message.name.size,
			  (const char *)message.name.ptr,
			  status == SECRET_TOO_LARGE ? "they are too large together"
						     : "no room in memory");
		fail(secrets, &fault);
		return;
	}
	secrets->next++;
	secrets->pause_ms = secrets->setup.retry_ms;
	secrets->setup.stored(secrets->setup.context);
	ask(secrets);
}

static void on_answer(void *context, int status, struct tobi_bytes body,
		      const struct tobi_fault *why)
{
	struct broker_secrets *secrets = context;

	if (!why && status == 200)
		store(secrets, body);
	else if (!why)
		refused(secrets, status);
	else if (may_be_later(why->code))
		wait_and_ask_again(secrets, why);
	else
		fail(secrets, why);
}

static void ask(struct broker_secrets *secrets)
{
	const struct broker_secrets_setup *setup = &secrets->setup;
	struct broker_call call = {.method = "GET",
				   .reply_limit = LIMIT_SECRET,
				   .done = on_answer,
				   .context = secrets};
	struct tobi_fault fault;
	char path[LIMIT_PATH];

	while (secrets->next < setup->manifest->secret_count &&
	       secret_store_has(setup->store, name_of(secrets)))
		secrets->next++;
	if (secrets->next == setup->manifest->secret_count)
		return;
	snprintf(path, sizeof(path), "/v1/secret/%.*s/%.*s", (int)setup->place.size,
		 (const char *)setup->place.ptr, (int)name_of(secrets).size,
		 (const char *)name_of(secrets).ptr);
	call.path = path;
	if (broker_client_call(setup->client, &call, &fault))
		fail(secrets, &fault);
}

static void on_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	ask(context);
}

enum tobi_err broker_secrets_new(const struct broker_secrets_setup *setup,
				 struct broker_secrets **ret_secrets,
				 struct tobi_fault *fault)
{
	struct broker_secrets *secrets = calloc(1, sizeof(*secrets));

	if (secrets) {
		secrets->setup = *setup;
		secrets->pause_ms = setup->retry_ms;
		secrets->again = evtimer_new(setup->base, on_again, secrets);
	}
	if (!secrets || !secrets->again) {
		broker_secrets_free(secrets);
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	}
	*ret_secrets = secrets;
	ask(secrets);
	return TOBI_OK;
}

void broker_secrets_free(struct broker_secrets *secrets)
{
	if (!secrets)
		return;
	if (secrets->again)
		event_free(secrets->again);
	free(secrets);
}
