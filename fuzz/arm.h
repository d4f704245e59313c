/*
 * Examining a token of Arm's: the input is the size of a public key (DER) in one byte,
 * the key, and the evidence. Every check is owed; nothing in the claims lies in the
 * input; a second time, with what is remembered, gives the same.
 */
#ifndef FUZZ_ARM_H
#define FUZZ_ARM_H

#include <string.h>

#include "fuzz/fuzz.h"
#include "pki/memo.h"
#include "tee/arm_claims.h"
#include "tee/tee.h"

struct outcome {
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	enum tobi_err err;
};

static inline struct outcome *arm_examine(const struct tee_verifier *verifier,
					  const struct tee_request *request)
{
	struct outcome *outcome = calloc(1, sizeof(*outcome));
	struct tobi_fault fault = {0};

	must(outcome != NULL);
	outcome->arena = arena_init(LIMIT_APPRAISAL);
	outcome->list.arena = &outcome->arena;
	outcome->err =
	    verifier->examine(request, &outcome->list, &outcome->claims, &fault);
	must(outcome->err == fault.code);
	return outcome;
}

static inline void arm_done(struct outcome *outcome)
{
	arena_done(&outcome->arena);
	free(outcome);
}

static inline void must_be_outside(struct tobi_bytes part, struct tobi_bytes input)
{
	must(part.size == 0 || part.ptr + part.size <= input.ptr ||
	     part.ptr >= input.ptr + input.size);
}

static inline void arm_check(const struct arm_claims *claims, struct tobi_bytes input)
{
	for (size_t i = 0; i < ARM_CLAIMS; i++)
		must_be_outside(claims->values[i], input);
	for (size_t i = 0; i < CCA_REMS; i++)
		must_be_outside(claims->rems[i], input);
	must(claims->component_count <= ARM_COMPONENTS_MAX);
	for (size_t i = 0; i < claims->component_count; i++) {
		must_be_outside(claims->components[i].value, input);
		must_be_outside(claims->components[i].signer, input);
		must_be_outside(claims->components[i].type, input);
	}
}

static inline void arm_check_all(const struct tee_claims *claims, struct tobi_bytes input)
{
	must_be_outside(claims->nonce, input);
	must_be_outside(claims->image_id, input);
	must_be_outside(claims->environment.class_id, input);
	must(claims->fact_count <= TEE_FACTS_MAX);
	must(claims->measurement_count <= TEE_MEASUREMENTS_MAX);
	if (claims->psa)
		arm_check(claims->psa, input);
	if (claims->cca) {
		arm_check(&claims->cca->platform, input);
		arm_check(&claims->cca->realm, input);
	}
}

static inline bool arm_passes(const struct outcome *outcome,
			      const struct tee_verifier *verifier)
{
	bool good = !outcome->err;
	size_t owed = 0;

	while (verifier->checks[owed])
		owed++;
	must(outcome->list.count == owed);
	for (size_t i = 0; i < owed; i++)
		good &= outcome->list.records[i].outcome == TOBI_PASSED ||
			outcome->list.records[i].outcome == TOBI_NOT_ASKED;
	must(!good ||
	     (outcome->claims.tier && strcmp(outcome->claims.tier, verifier->tier) == 0));
	return good;
}

static inline bool arm_run(const struct tee_verifier *verifier, struct tobi_bytes input,
			   struct tobi_bytes secret)
{
	size_t size = take_choice(&input);
	struct anchor_keys keys = {0};
	struct tee_request request = {
	    .time = 1900000000, .keys = &keys, .secret = secret};
	struct outcome *first, *second;
	bool good;

	if (size > input.size)
		return false;
	if (size && !key_read_spki((struct tobi_bytes){input.ptr, size}, "key",
				   &keys.keys[0], NULL))
		must(!key_spki_sha256(keys.keys[0], keys.spki[keys.count++], NULL));
	/* As a policy does that names keys. */
	request.anchors_pem = (struct tobi_bytes){input.ptr, size};
	request.evidence = (struct tobi_bytes){input.ptr + size, input.size - size};
	request.memo = memo_new();
	first = arm_examine(verifier, &request);
	second = arm_examine(verifier, &request);
	arm_check_all(&first->claims, input);
	good = arm_passes(first, verifier);
	must(first->err == second->err && good == arm_passes(second, verifier));
	for (size_t i = 0; i < first->list.count; i++)
		must(first->list.records[i].outcome == second->list.records[i].outcome);
	must(!good || verifier->recognise(request.evidence));
	arm_done(first);
	arm_done(second);
	memo_free(request.memo);
	anchor_keys_done(&keys);
	return good;
}

/* The key's part of a seed; NULL: none. */
static inline void arm_seed_key(EVP_PKEY *key, struct writer *out)
{
	struct writer spki = wr_init(255);

	if (key)
		must(!key_spki(key, &spki, NULL));
	wr_u8(out, (uint8_t)spki.size);
	wr_bytes(out, spki.ptr, spki.size);
	wr_done(&spki);
}

#endif
