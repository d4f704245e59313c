/*
 * Comparing what evidence says was measured with reference values, and adding what
 * endorsements say of it.
 *
 * A reference triple matches when its environment is the evidence's and each of its
 * measurements is met by one of the evidence's under the same key. What a reference says
 * and this version cannot compare is never met.
 *
 * Source: draft-ietf-rats-corim, sections 5.1.5 to 5.1.8 and 8.6; docs/PROTOCOL.md
 * section 16.
 */
#ifndef TOBI_CORIM_MATCH_H
#define TOBI_CORIM_MATCH_H

#include "corim/corim.h"
#include "pki/key.h"

/* A document that counts. */
struct corim_source {
	const struct corim *corim;
	EVP_PKEY *signer; /* NULL: unsigned; then no authorized-by is met */
};

/* What is known of the attester: the evidence's claims, and what was endorsed. */
struct corim_claim {
	struct tee_environment environment;
	struct tee_measurement measurement;
	EVP_PKEY *authority; /* who endorsed it; NULL: the evidence itself */
	bool endorsed;
};

/* Why nothing matched: of the triple that came closest. Printable, in the arena. */
struct corim_difference {
	unsigned closeness; /* 0: there is none */
	const char *expected, *found;
};

struct corim_evidence {
	const struct tee_environment *environment;
	const struct tee_measurement *measurements;
	size_t count; /* at most TEE_MEASUREMENTS_MAX */
};

enum { CORIM_CLAIMS_MAX = 256 };

struct corim_outcome {
	size_t reference_count; /* triples that were compared */
	size_t matched;		/* of them */
	/* Which measurements of the evidence a matching triple speaks of. */
	bool covered[TEE_MEASUREMENTS_MAX];
	struct corim_difference difference;
	/* The evidence's claims first, in their order; then what was endorsed. */
	struct corim_claim *claims;
	size_t claim_count;
	bool left_out; /* there were more endorsements than there is room for */
};

/* TOBI_E_MEMORY. */
TOBI_MUST_USE enum tobi_err corim_match(const struct corim_source *sources, size_t count,
					const struct corim_evidence *evidence,
					struct arena *arena,
					struct corim_outcome *ret_outcome,
					struct tobi_fault *fault);
/* Whether what was launched is among what matched: one of the measurements that the
 * evidence marks as the image (they are the same thing, said in several ways), or where
 * it marks none, each that has digests. */
bool corim_covers_image(const struct corim_outcome *outcome,
			const struct corim_evidence *evidence);

/* For compare.c and match.c. */
bool corim_environment_holds(const struct corim_environment *want,
			     const struct tee_environment *have);
bool corim_measurement_holds(const struct corim_measurement *want,
			     const struct tee_measurement *have, struct arena *arena,
			     struct corim_difference *difference);
bool corim_register_is(const struct corim_register *want,
		       const struct tee_register *have);
bool corim_mkey_is(const struct corim_id *want, const struct tee_measurement *have);
/* For people: "mkey 641", "the anonymous measurement". In the arena. */
const char *corim_mkey_text(const struct corim_id *mkey, struct arena *arena);
const char *corim_environment_text(const struct corim_environment *environment,
				   struct arena *arena);
/* An endorsement as evidence would say it. False when there is no memory. */
bool corim_claim_of(const struct corim_environment *environment,
		    const struct corim_measurement *measurement, struct arena *arena,
		    struct corim_claim *ret_claim);

#endif
