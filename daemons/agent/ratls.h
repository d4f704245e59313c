/*
 * The certificate that carries this enclave's own evidence, for clients that speak ra-tls
 * (docs/PROTOCOL.md section 4.4): made at the start and again every two minutes, because
 * its evidence is for nobody's nonce. Only where the launch config says so.
 */
#ifndef AGENT_RATLS_H
#define AGENT_RATLS_H

#include "atls/ratls.h"
#include "evidence.h"

enum { RATLS_REMAKE_S = 120 };

struct agent_ratls;

struct agent_ratls_setup {
	struct event_base *base;
	struct evidence *evidence;
	struct ratls_server *server; /* gets each certificate */
	EVP_PKEY *key;
	int64_t (*now)(void);
	int64_t remake_ms; /* 0: RATLS_REMAKE_S */
	/* Once: the first certificate is in use, or there is none to be had. */
	void (*ready)(void *context);
	void (*failed)(void *context, const struct tobi_fault *fault);
	void *context;
};

/* Asks for the first evidence at once. */
TOBI_MUST_USE enum tobi_err agent_ratls_new(const struct agent_ratls_setup *setup,
					    struct agent_ratls **ret_ratls,
					    struct tobi_fault *fault);
void agent_ratls_free(struct agent_ratls *ratls);

/* A self-signed certificate for key that carries what an evidence collection over a
 * claims-buffer without a nonce holds; DER, appended. */
TOBI_MUST_USE enum tobi_err agent_ratls_certificate(EVP_PKEY *key,
						    struct tobi_bytes collection,
						    int64_t now, struct writer *out,
						    struct tobi_fault *fault);

#endif
