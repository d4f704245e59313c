/*
 * The one place that gives a secret out. Both channels come here: the key-broker protocol
 * with evidence that was handed in, and attested TLS with the evidence of its session.
 *
 * The order is fixed: find the resource and its policy, appraise, write the decision to
 * the log, count the release, and only then open the secret.
 */
#ifndef TOBI_BROKER_RELEASE_H
#define TOBI_BROKER_RELEASE_H

#include "base/secret.h"
#include "broker/broker.h"

enum { RESOURCE_PART_MAX = 128 };

/* Each part: 1 to 128 of A-Z a-z 0-9 . _ -, and no dot at its start. */
struct resource_name {
	char repository[RESOURCE_PART_MAX + 1], type[RESOURCE_PART_MAX + 1],
	    tag[RESOURCE_PART_MAX + 1];
};
/* "repository/type/tag". TOBI_E_MALFORMED, TOBI_E_LIMIT. */
TOBI_MUST_USE enum tobi_err resource_name_read(const char *text,
					       struct resource_name *ret_name,
					       struct tobi_fault *fault);

/* What was presented, and how it was bound to who asks. Borrowed. */
struct presented {
	struct tobi_bytes evidence; /* a CMW collection, or a vendor's as it is */
	const struct tobi_bytes *pieces;
	size_t piece_count;
	struct tobi_bytes nonce; /* that raw evidence must carry as its report data */
	/* The same of a CMW collection: the claims-buffer that this side expects. */
	struct tobi_bytes claims_buffer;
	/* What devices beside the CPU were asked with; empty: the hash of its evidence.
	 */
	struct tobi_bytes device_nonce;
	/* It was configured at its launch with something that nobody has shown. */
	bool config_unknown;
	/* When the session began for which it was made, seconds since 1970: a policy says
	 * how old one may grow (max-age). 0: the evidence's freshness is its nonce's. */
	int64_t since;
	const char *remote, *channel;
};

enum release_outcome {
	RELEASE_GIVEN,
	/* One word to who asks, whatever the reason: there is none, it has no policy, its
	 * policy refuses, it is used up, it has expired. The log has which. */
	RELEASE_DENIED,
};

struct release {
	enum release_outcome outcome;
	struct secret secret; /* secret_done() it */
	uint64_t version;
	uint64_t index; /* of the decision in the log */
};

/* version 0: the newest. An error is the broker's own: nothing was given out. */
TOBI_MUST_USE enum tobi_err
broker_release(struct broker *broker, const struct resource_name *name, uint64_t version,
	       const struct presented *presented, struct release *ret_release,
	       struct tobi_fault *fault);

#endif
