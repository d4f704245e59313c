/*
 * Whom this enclave trusts: the policies that its image and its launch config name, for
 * its clients, for each egress, and for its broker. Both are measured, so the evidence
 * says which they are.
 */
#ifndef AGENT_TRUST_H
#define AGENT_TRUST_H

#include "atls/conn.h"
#include "image/manifest.h"

struct trust {
	struct tobi_policy *clients;		 /* NULL: anybody may connect */
	struct tobi_policy *egress[LIMIT_PORTS]; /* NULL: plain bytes */
	struct tobi_policy *broker; /* NULL: there is none, or its key is enough */
	struct atls_endpoint endpoints[LIMIT_PORTS]; /* tls NULL: plain bytes */
	char hosts[LIMIT_PORTS][LIMIT_TARGET];
};

/* Reads every policy; those in the image while nothing but its measured content is there,
 * before the program runs. A policy that is missing or wrong is an error. Free with
 * trust_done(), on failure too. */
TOBI_MUST_USE enum tobi_err trust_read(const struct manifest *manifest,
				       const struct launch_config *launch,
				       struct trust *ret_trust, struct tobi_fault *fault);
/* The endpoints of attested egress, with this enclave's own key: like's. */
TOBI_MUST_USE enum tobi_err trust_make_endpoints(struct trust *trust,
						 const struct manifest *manifest,
						 const struct atls_endpoint *like,
						 struct tobi_fault *fault);
/* The number of the egress to this target, for a program that brings a policy of its own
 * or does not: TOBI_E_DENIED when the image does not list it, or has another policy;
 * _ARGUMENT when there is none at all. */
TOBI_MUST_USE enum tobi_err trust_way(const struct manifest *manifest,
				      struct tobi_bytes target, bool has_policy,
				      size_t *ret_way, struct tobi_fault *fault);
/* One such endpoint; host and policy are borrowed. policy NULL: who the peer is has to be
 * seen otherwise. */
TOBI_MUST_USE enum tobi_err trust_endpoint(const struct tobi_policy *policy,
					   const char *host,
					   const struct atls_endpoint *like,
					   struct atls_endpoint *ret_endpoint,
					   struct tobi_fault *fault);
/* The host of host:port, without brackets: for identity "ca". */
void trust_host(struct tobi_bytes target, char *ret_host, size_t room);
void trust_done(struct trust *trust);

#endif
