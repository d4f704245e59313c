/* One request to a broker, in attested TLS: this machine shows its hardware's evidence,
 * and the broker that it is the one that is meant (docs/PROTOCOL.md section 18.2). */
#ifndef CLI_ATTESTED_H
#define CLI_ATTESTED_H

#include "base/writer.h"
#include "cli/attest_platform.h"
#include "cli/collateral_load.h"

struct attested_options {
	const char *target; /* HOST:PORT */
	/* Who it is: its public key (a file, or SHA-384 of it in hexadecimal digits), or
	 * a policy that it meets (a file); one of them at least. */
	const char *key, *policy;
	struct collateral_paths collateral; /* for the policy */
	struct attest_options platform;
};

struct attested_request {
	const char *method, *path; /* path: checked by the caller */
	struct tobi_bytes body;
	size_t reply_limit;
};

/* *ret_body: wr_done() it, which wipes it. TOBI_E_DENIED: it is not the broker that is
 * meant, or it refuses this machine before it has heard the request; TOBI_E_REFUSED: its
 * evidence is refused here. */
TOBI_MUST_USE enum tobi_err attested_ask(struct attested_options *options,
					 const struct attested_request *request,
					 int *ret_status, struct writer *ret_body,
					 struct tobi_fault *fault);

#endif
