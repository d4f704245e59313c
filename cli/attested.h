/* One request to a broker, in attested TLS: this machine shows its hardware's evidence,
 * and the broker that it is the one that is meant (docs/PROTOCOL.md section 18.2). */
#ifndef CLI_ATTESTED_H
#define CLI_ATTESTED_H

#include <getopt.h>
#include <stdbool.h>

#include "base/writer.h"
#include "cli/attest_platform.h"
#include "cli/collateral_load.h"
#include "pki/key.h"

struct attested_options {
	const char *target; /* HOST:PORT */
	/* Who it is, by each that is there, and one is at least: its public key, as
	 * cli_read_key_hash() takes it; a policy that it meets (a file); CAs (a file),
	 * one of which has certified it for name, or NULL: for target's host. */
	const char *key, *policy, *ca, *name;
	struct collateral_paths collateral; /* for the policy */
	struct attest_options platform;
};

/* What each such command takes; attested_option() reads it. */
#define ATTESTED_OPTIONS                                                                 \
	{"broker", required_argument, NULL, 'b'},                                        \
	    {"broker-key", required_argument, NULL, 'k'},                                \
	    {"broker-policy", required_argument, NULL, 'p'},                             \
	    {"collateral", required_argument, NULL, 'c'},                                \
	    {"platform", required_argument, NULL, 'P'},                                  \
	    {"device", required_argument, NULL, 'D'},                                    \
	    {"metadata", required_argument, NULL, 'm'},                                  \
	    {"quote-service", required_argument, NULL, 'Q'},                             \
	    {"timeout", required_argument, NULL, 't'},                                   \
	    {"ca", required_argument, NULL, 'A'},                                        \
	    {"name", required_argument, NULL, 'n'},                                      \
	    {"privilege", required_argument, NULL, 'v'},                                 \
	{                                                                                \
		"logs", no_argument, NULL, 'L'                                           \
	}
void attested_options_init(struct attested_options *options);
/* False for an option that is none of them. *ret_wrong: what is wrong with its value. */
bool attested_option(struct attested_options *options, int option,
		     const char **ret_wrong);
/* NULL, or what they lack to say which broker is meant, and by what it is known. */
const char *attested_options_lack(const struct attested_options *options);
/* How a command ends that could not: EXIT_REFUSED when a side refuses the other. */
int attested_refused(const struct tobi_fault *fault);

struct attested_request {
	const char *method, *path; /* path: checked by the caller */
	struct tobi_bytes body;
	size_t reply_limit;
};

struct attested_reply {
	int status;
	struct writer body; /* wr_done() it, which wipes it */
	/* Of the headers, 0 without one; and where in the log the decision is. */
	uint64_t version, log_index;
	bool has_log_index;
	uint8_t key[SHA384_SIZE]; /* of the broker's SubjectPublicKeyInfo */
};

/* TOBI_E_DENIED: it is not the broker that is meant, or it refuses this machine before it
 * has heard the request; TOBI_E_REFUSED: its evidence is refused here. */
TOBI_MUST_USE enum tobi_err attested_ask(struct attested_options *options,
					 const struct attested_request *request,
					 struct attested_reply *ret_reply,
					 struct tobi_fault *fault);

#endif
