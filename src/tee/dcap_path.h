/*
 * The way from a root that the policy trusts to the key of a platform: found among the
 * certificates of the quote, or of what came beside it. Of dcap.c.
 */
#ifndef TOBI_TEE_DCAP_PATH_H
#define TOBI_TEE_DCAP_PATH_H

#include "tee/dcap_certificates.h"
#include "tee/dcap_pck.h"
#include "tee/dcap_quote.h"
#include "tee/tee.h"

#define DCAP_LEAF_NAME "Intel SGX PCK Certificate"
#define DCAP_PLATFORM_CA_NAME "Intel SGX PCK Platform CA"
#define DCAP_PROCESSOR_CA_NAME "Intel SGX PCK Processor CA"
#define DCAP_ROOT_NAME "Intel SGX Root CA"

struct dcap_path {
	struct dcap_certificates pool;
	X509 *leaf;		   /* in the pool; NULL: none was found */
	bool signed_report;	   /* its key signed the report of the quoting enclave */
	struct pinned_chain chain; /* empty until it is verified */
	struct dcap_pck pck;
	const char *ca; /* "platform", "processor" */
	/* In which nothing of it is past its date: with the grace, and without. */
	struct chain_window window;
	int64_t next_update;
};

/* Finds the leaf: of several the one whose key signed the report. TOBI_E_CERTIFICATE says
 * why there is none. */
TOBI_MUST_USE enum tobi_err dcap_path_find(const struct tee_request *request,
					   const struct dcap_quote *quote,
					   struct dcap_path *path,
					   struct tobi_fault *fault);
/* Verifies it: signatures, dates, names, order, curves, what the leaf says. */
TOBI_MUST_USE enum tobi_err dcap_path_verify(const struct tee_request *request,
					     struct dcap_path *path,
					     struct tobi_fault *fault);
/* Whether the CA or the leaf was revoked: an error says so, or that it is not known.
 * After dcap_path_verify(). */
TOBI_MUST_USE enum tobi_err dcap_path_revocation(const struct tee_request *request,
						 struct dcap_path *path,
						 struct tobi_fault *fault);
/* Accepts a zeroed one. */
void dcap_path_done(struct dcap_path *path);

#endif
