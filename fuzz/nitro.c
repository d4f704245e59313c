/*
 * Examines a Nitro document: the input is the pin of a root (SHA-256 of its key), and the
 * document. Every check is owed; nothing in the claims lies in the input; a second time,
 * with the chain remembered, gives the same.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "pki/memo.h"
#include "tee/nitro.h"
#include "tests/nitro_scene.h"

struct outcome {
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	enum tobi_err err;
};

static struct outcome *examine(const struct tee_verifier *verifier,
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

static void outcome_done(struct outcome *outcome)
{
	arena_done(&outcome->arena);
	free(outcome);
}

static void must_be_outside(struct tobi_bytes part, struct tobi_bytes input)
{
	must(part.size == 0 || part.ptr + part.size <= input.ptr ||
	     part.ptr >= input.ptr + input.size);
}

static void check_claims(const struct tee_claims *claims, struct tobi_bytes input)
{
	must_be_outside(claims->nonce, input);
	must_be_outside(claims->image_id, input);
	for (size_t i = 0; i < claims->signer_count; i++)
		must_be_outside(claims->signers[i], input);
	must(claims->fact_count <= TEE_FACTS_MAX);
	for (size_t i = 0; i < claims->fact_count; i++)
		must(claims->facts[i].name && claims->facts[i].value);
	if (!claims->nitro)
		return;
	must_be_outside(claims->nitro->module_id, input);
	must_be_outside(claims->nitro->public_key, input);
	must_be_outside(claims->nitro->user_data, input);
	for (size_t i = 0; i < NITRO_PCRS; i++)
		must_be_outside(claims->nitro->pcrs[i], input);
}

static bool passes(const struct outcome *outcome, const struct tee_verifier *verifier)
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

static bool run(const struct tee_verifier *verifier, struct tee_request *request)
{
	struct outcome *first, *second;
	bool good;

	request->memo = memo_new();
	first = examine(verifier, request);
	second = examine(verifier, request);
	check_claims(&first->claims, request->evidence);
	good = passes(first, verifier);
	must(first->err == second->err && good == passes(second, verifier));
	for (size_t i = 0; i < first->list.count; i++)
		must(first->list.records[i].outcome == second->list.records[i].outcome);
	outcome_done(first);
	outcome_done(second);
	memo_free(request->memo);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tee_request request = {.time = NITRO_NOW, .pins = {.count = 1}};

	if (input.size < SHA256_SIZE)
		return false;
	memcpy(request.pins.keys[0], input.ptr, SHA256_SIZE);
	request.evidence =
	    (struct tobi_bytes){input.ptr + SHA256_SIZE, input.size - SHA256_SIZE};
	/* One of them at most: a document has PCRs of one kind. */
	return run(&tee_nitro, &request) + run(&tee_nitro_tpm, &request) == 1;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_nitro nitro;
	struct writer document = wr_init(LIMIT_NITRO);
	uint8_t pin[SHA256_SIZE];

	if (number >= 6)
		return FUZZ_NO_SEED;
	test_nitro_make(&nitro, number & 1 ? NITRO_TPM : NITRO_ENCLAVE);
	nitro.tagged = number & 2;
	nitro.indefinite = number == 1;
	nitro.damaged_signature = number == 4;
	if (number == 5)
		nitro.certificates[NITRO_LEAF].usage = "keyAgreement";
	test_nitro_document(&nitro, &document);
	must(!key_spki_sha256(nitro.certificates[NITRO_ROOT].key, pin, NULL));
	wr_bytes(out, pin, sizeof(pin));
	wr_bytes(out, document.ptr, document.size);
	wr_done(&document);
	test_nitro_done(&nitro);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
