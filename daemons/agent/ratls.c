#include "ratls.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "pki/cert.h"
#include "token/cmw.h"
#include "token/ratls.h"

#define OBJECT "ra-tls certificate"

enum {
	CLOCK_SKEW_S = 3600,
	VALID_S = 24 * 3600, /* the token inside says its age, and policies ask for it */
};

struct agent_ratls {
	struct agent_ratls_setup setup;
	struct event *timer;
	bool told; /* ready() or failed() */
};

static enum tobi_err write_extensions(const struct cmw *cmw, struct writer *evidence,
				      struct writer *endorsements,
				      struct tobi_fault *fault)
{
	const struct cmw_record *cpu = cmw_find(cmw, "cpu");
	const struct cmw_record *claims = cmw_find(cmw, "claims");
	const struct cmw_record *endorse = cmw_find(cmw, "endorse");
	struct ratls_evidence value = {.tag = RATLS_TAG_EAT};

	if (!cpu || !claims)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "evidence",
				 "a record is missing");
	value.evidence = cpu->value;
	value.claims_buffer = claims->value;
	ratls_evidence_write(evidence, &value);
	if (endorse)
		ratls_endorsements_write(endorsements, endorse->value);
	if (wr_err(evidence) || wr_err(endorsements))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "evidence",
				 "it does not fit into a certificate");
	return TOBI_OK;
}

enum tobi_err agent_ratls_certificate(EVP_PKEY *key, struct tobi_bytes collection,
				      int64_t now, struct writer *out,
				      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer evidence = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(wr_done) struct writer endorsements = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(freep) struct cmw *cmw = calloc(1, sizeof(*cmw));
	struct cert_extra extras[2] = {{.name = &ratls_evidence_name},
				       {.name = &ratls_endorsements_name}};
	struct cert_request request = {
	    .role = CERT_TLS,
	    .common_name = "Tobichi enclave",
	    .not_before = now - CLOCK_SKEW_S,
	    .not_after = now + VALID_S,
	    .key = key,
	    .extras = extras,
	};
	enum tobi_err err;

	if (!cmw)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	err = cmw_parse(collection, OBJECT, cmw, fault);
	if (!err)
		err = write_extensions(cmw, &evidence, &endorsements, fault);
	if (err)
		return err;
	extras[0].value = wr_view(&evidence);
	extras[1].value = wr_view(&endorsements);
	request.extra_count = endorsements.size ? 2 : 1;
	return cert_make(&request, NULL, NULL, out, fault);
}

/* A failure later keeps the certificate that is there: its age speaks for itself. */
static void on_evidence(void *context, const struct writer *collection,
			const struct tobi_fault *why)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct agent_ratls *ratls = context;
	const struct agent_ratls_setup *setup = &ratls->setup;
	struct tobi_fault fault = {0};
	bool first = !ratls->told;
	enum tobi_err err;

	ratls->told = true;
	if (!collection) {
		if (first)
			setup->failed(setup->context, why);
		return;
	}
	err = agent_ratls_certificate(setup->key, wr_view(collection), setup->now(), &der,
				      &fault);
	if (!err)
		err = ratls_server_use(setup->server, wr_view(&der), &fault);
	if (first && err)
		setup->failed(setup->context, &fault);
	else if (first)
		setup->ready(setup->context);
}

static enum tobi_err ask(struct agent_ratls *ratls, struct tobi_fault *fault)
{
	const struct tobi_bytes no_nonce = {0};

	return evidence_for_nonce(ratls->setup.evidence, no_nonce, on_evidence, ratls,
				  fault);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	IGNORE(ask(context, NULL));
}

enum tobi_err agent_ratls_new(const struct agent_ratls_setup *setup,
			      struct agent_ratls **ret_ratls, struct tobi_fault *fault)
{
	int64_t ms = setup->remake_ms ? setup->remake_ms : RATLS_REMAKE_S * INT64_C(1000);
	struct timeval pause = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
	struct agent_ratls *ratls = calloc(1, sizeof(*ratls));
	enum tobi_err err = TOBI_OK;

	if (!ratls)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	ratls->setup = *setup;
	ratls->timer = event_new(setup->base, -1, EV_PERSIST, on_timer, ratls);
	if (!ratls->timer || event_add(ratls->timer, &pause))
		err = fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "no timer");
	if (!err)
		err = ask(ratls, fault);
	if (err) {
		agent_ratls_free(ratls);
		return err;
	}
	*ret_ratls = ratls;
	return TOBI_OK;
}

void agent_ratls_free(struct agent_ratls *ratls)
{
	if (!ratls)
		return;
	evidence_forget(ratls->setup.evidence, ratls);
	if (ratls->timer)
		event_free(ratls->timer);
	free(ratls);
}
