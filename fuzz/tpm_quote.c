/*
 * Examines a TPM's quote: the input is the pin of a root (SHA-256 of its key), the size
 * of the evidence (two bytes), the evidence, and what comes beside it (an array of byte
 * strings). Every check is owed; nothing in the claims lies in the input; a second time,
 * with the key remembered, gives the same.
 */
#include <string.h>

#include "codec/cbor.h"
#include "fuzz/fuzz.h"
#include "pki/memo.h"
#include "tee/tpm.h"
#include "tests/quote_scene.h"

enum { HEAD = SHA256_SIZE + 2 };

struct outcome {
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	enum tobi_err err;
};

static struct outcome *examine(const struct tee_request *request)
{
	struct outcome *outcome = calloc(1, sizeof(*outcome));
	struct tobi_fault fault = {0};

	must(outcome != NULL);
	outcome->arena = arena_init(LIMIT_APPRAISAL);
	outcome->list.arena = &outcome->arena;
	outcome->err = tee_tpm.examine(request, &outcome->list, &outcome->claims, &fault);
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
	const struct tpm_claims *tpm = claims->tpm;

	must_be_outside(claims->nonce, input);
	must_be_outside(claims->hardware, input);
	must(claims->fact_count <= TEE_FACTS_MAX);
	for (size_t i = 0; i < claims->fact_count; i++)
		must(claims->facts[i].name && claims->facts[i].value);
	if (!tpm)
		return;
	must(tpm->bank_count <= TPM_BANKS_MAX);
	must_be_outside(tpm->extra, input);
	must_be_outside(tpm->signer, input);
	must_be_outside(tpm->digest, input);
	must_be_outside(tpm->certified_key, input);
	for (size_t i = 0; i < tpm->bank_count; i++) {
		for (unsigned j = 0; j < TPM_PCRS; j++)
			must_be_outside(tpm->banks[i].pcrs[j], input);
	}
}

static bool passes(const struct outcome *outcome)
{
	bool good = !outcome->err;
	size_t owed = 0;

	while (tee_tpm.checks[owed])
		owed++;
	must(outcome->list.count >= owed); /* a NitroTPM document owes its own */
	for (size_t i = 0; i < outcome->list.count; i++)
		good &= outcome->list.records[i].outcome == TOBI_PASSED ||
			outcome->list.records[i].outcome == TOBI_NOT_ASKED;
	must(!good || strcmp(outcome->claims.tier, "tpm") == 0);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tee_request request = {.time = QUOTE_NOW, .pins = {.count = 1}};
	struct outcome *first, *second;
	size_t size;
	bool good;

	if (input.size < HEAD)
		return false;
	memcpy(request.pins.keys[0], input.ptr, SHA256_SIZE);
	size = (size_t)input.ptr[SHA256_SIZE] << 8 | input.ptr[SHA256_SIZE + 1];
	if (size > input.size - HEAD)
		return false;
	request.evidence = (struct tobi_bytes){input.ptr + HEAD, size};
	request.endorsements =
	    (struct tobi_bytes){input.ptr + HEAD + size, input.size - HEAD - size};
	request.memo = memo_new();
	first = examine(&request);
	second = examine(&request);
	check_claims(&first->claims, input);
	good = passes(first);
	must(first->err == second->err && good == passes(second));
	must(first->list.count == second->list.count);
	for (size_t i = 0; i < first->list.count; i++)
		must(first->list.records[i].outcome == second->list.records[i].outcome);
	outcome_done(first);
	outcome_done(second);
	memo_free(request.memo);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const enum quote_key kinds[] = {QUOTE_P256, QUOTE_RSA, QUOTE_P384,
					       QUOTE_RSAPSS};
	struct quote_scene scene;
	struct quote_parts parts;
	uint8_t pin[SHA256_SIZE];

	if (number >= 7)
		return FUZZ_NO_SEED;
	quote_scene_make(&scene, kinds[number % 4]);
	scene.with_ek = number & 1;
	scene.with_certify = number & 2;
	scene.bare_signature = number == 1;
	scene.ak_certificate.names_instance = number == 3;
	scene.damage_signature = number == 4;
	scene.damage_digest = number == 5;
	scene.ak_certificate.damaged_instance = number == 6;
	scene.ak_certificate.names_instance |= number == 6;
	quote_scene_parts(&scene, &parts);
	must(!key_spki_sha256(scene.root_key, pin, NULL));
	wr_bytes(out, pin, sizeof(pin));
	wr_uint_be(out, parts.quote.size, 2);
	wr_bytes(out, parts.quote.ptr, parts.quote.size);
	cbor_write_array(out, parts.count);
	for (size_t i = 0; i < parts.count; i++)
		cbor_write_bytes(out, wr_view(&parts.pieces[i]));
	quote_parts_done(&parts);
	quote_scene_done(&scene);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
