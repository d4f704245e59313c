#include <string.h>

#include "appraise/ear_result.h"
#include "appraise/explain.h"
#include "tee/dcap.h"
#include "tee/dcap_tcb.h"

/* Values of AR4SI that are given here (token/ear_tier.c has their meanings). */
enum {
	AFFIRMED = 2,
	BOOT_ONLY = 3,
	UNRECOGNISED = 33,
	WEAK = 32, /* unsafe; isolated only; keys of software; known weaknesses */
	BAD = 96,
	UNKNOWN = 97,
	NOT_GENUINE = 99,
};

/* What a failed check says of the attester, by the start of its code; the first that fits
 * counts, and the last fits all. */
static const struct {
	const char *code;
	enum ar4si_claim claim;
	int value;
} meanings[] = {
    {"RATLS-KIND", AR4SI_CONFIGURATION, BAD},
    {"RATLS-MODE", AR4SI_CONFIGURATION, BAD},
    {"ATLS-IDENTITY", AR4SI_INSTANCE, UNKNOWN},
    {"DCAP-TCB-LEVEL", AR4SI_HARDWARE, BAD},
    {"DCAP-QE-LEVEL", AR4SI_HARDWARE, BAD},
    {"DCAP-PCK-REVOCATION", AR4SI_HARDWARE, BAD},
    {"SNP-REVOKED", AR4SI_HARDWARE, BAD},
    {"TDX-SEAM", AR4SI_HARDWARE, BAD},
    {"POLICY-DCAP-", AR4SI_HARDWARE, BAD},
    {"POLICY-SNP-CHIP", AR4SI_INSTANCE, UNKNOWN},
    {"POLICY-IDENTITY", AR4SI_INSTANCE, UNKNOWN},
    {"POLICY-FRESHNESS", AR4SI_INSTANCE, NOT_GENUINE},
    {"POLICY-DEBUG", AR4SI_RUNTIME, BAD}, /* visible */
    {"POLICY-TIER", AR4SI_CONFIGURATION, BAD},
    {"POLICY-CONFIG", AR4SI_CONFIGURATION, BAD},
    {"POLICY-NITRO-PCRS", AR4SI_EXECUTABLES, BAD},
    {"POLICY-NITRO-", AR4SI_INSTANCE, UNKNOWN},
    {"POLICY-EAR-", AR4SI_SOURCES, BAD},
    {"POLICY-", AR4SI_EXECUTABLES, BAD},
    {"", AR4SI_INSTANCE, NOT_GENUINE},
};

/* The worse of what is there and this. */
static void claim(struct ear_vector *vector, enum ar4si_claim name, int value)
{
	enum ear_tier old =
	    vector->has[name] ? ear_tier_of(vector->values[name]) : EAR_NONE;

	if (vector->has[name] && old >= ear_tier_of(value))
		return;
	vector->has[name] = true;
	vector->values[name] = value;
}

static void add_failures(const struct tobi_result *result, struct ear_vector *vector)
{
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];
		size_t row = 0;

		if (record->outcome == TOBI_PASSED || record->outcome == TOBI_NOT_ASKED)
			continue;
		while (strncmp(record->check->code, meanings[row].code,
			       strlen(meanings[row].code)) != 0)
			row++;
		claim(vector, meanings[row].claim, meanings[row].value);
	}
}

/*
 * What an accepted attester of a tier gives; 0: its evidence does not speak of it.
 *
 * runtime: encrypted for everybody outside, or kept apart only: by the kernel (soft), by
 * a hypervisor (nitro, vm). hardware: a key that its
 * maker certified signed; known weaknesses where the kind itself is broken or retired.
 */
static const struct {
	const char *tier;
	int hardware, runtime, files, storage;
} tiers[] = {
    {"soft", 0, WEAK, AFFIRMED, WEAK},
    {"vm", 0, WEAK, AFFIRMED, WEAK},
    {"sgx", AFFIRMED, AFFIRMED, 0, 0},
    {"sgx-epid", WEAK, AFFIRMED, 0, 0},
    {"tdx", AFFIRMED, AFFIRMED, 0, 0},
    {"snp", AFFIRMED, AFFIRMED, 0, 0},
    {"azure-snp", AFFIRMED, AFFIRMED, 0, 0},
    {"azure-tdx", AFFIRMED, AFFIRMED, 0, 0},
    {"cca", AFFIRMED, AFFIRMED, 0, 0},
    {"nvidia-gpu", AFFIRMED, AFFIRMED, 0, 0},
    {"nitro", AFFIRMED, WEAK, 0, 0},
    {"sev", WEAK, WEAK, 0, 0},
    {"psa", AFFIRMED, 0, 0, 0},
    {"nitro-tpm", AFFIRMED, 0, 0, 0},
    {"tpm", AFFIRMED, 0, 0, 0},
    {"eat", 0, 0, 0, 0},
};

static void add_tier(const char *tier, struct ear_vector *vector)
{
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (strcmp(tiers[i].tier, tier) != 0)
			continue;
		if (tiers[i].hardware)
			claim(vector, AR4SI_HARDWARE, tiers[i].hardware);
		if (tiers[i].runtime)
			claim(vector, AR4SI_RUNTIME, tiers[i].runtime);
		if (tiers[i].files)
			claim(vector, AR4SI_FILES, tiers[i].files);
		if (tiers[i].storage)
			claim(vector, AR4SI_STORAGE, tiers[i].storage);
	}
}

/* Allowed by the policy, and so accepted: that does not make it better. */
static void add_weaknesses(const struct tobi_result *result, struct ear_vector *vector)
{
	const struct tee_claims *claims = &result->claims;
	const struct dcap_tcb *tcb = claims->dcap ? claims->dcap->tcb : NULL;

	if ((tcb && tcb->status != DCAP_UP_TO_DATE) || claims->in_grace)
		claim(vector, AR4SI_HARDWARE, WEAK);
	if (claims->debug || claims->by_user)
		claim(vector, AR4SI_RUNTIME, BAD);
	if (explain_allowance(result, 0))
		claim(vector, AR4SI_CONFIGURATION, WEAK);
}

/* Another verifier's claims are handed on, the worst of all attesters. */
static void add_result(const struct ear *ear, struct ear_vector *vector)
{
	for (size_t i = 0; i < ear->appraisal_count; i++) {
		const struct ear_vector *own = &ear->appraisals[i].vector;

		for (size_t j = 0; j < AR4SI_CLAIMS; j++) {
			if (own->has[j])
				claim(vector, (enum ar4si_claim)j, own->values[j]);
		}
		if (ear->appraisals[i].status == EAR_WARNING)
			claim(vector, AR4SI_CONFIGURATION, WEAK);
	}
}

struct ear_vector ear_result_vector(const struct tobi_result *result)
{
	const char *tier = result->claims.tier ? result->claims.tier : "";
	struct ear_vector vector = {0};

	if (result->verdict != TOBI_ACCEPT) {
		add_failures(result, &vector);
		return vector;
	}
	if (result->claims.ear) {
		add_result(result->claims.ear, &vector);
		claim(&vector, AR4SI_SOURCES, AFFIRMED);
		add_weaknesses(result, &vector);
		return vector;
	}
	claim(&vector, AR4SI_CONFIGURATION, AFFIRMED);
	claim(&vector, AR4SI_EXECUTABLES,
	      result->start_unknown ? UNRECOGNISED : BOOT_ONLY);
	if (!result->any_instance)
		claim(&vector, AR4SI_INSTANCE, AFFIRMED);
	add_tier(tier, &vector);
	add_weaknesses(result, &vector);
	return vector;
}

enum ear_tier ear_result_status(const struct tobi_result *result,
				const struct ear_vector *vector)
{
	enum ear_tier worst = ear_vector_worst(vector);

	if (result->verdict != TOBI_ACCEPT)
		return EAR_CONTRAINDICATED;
	return worst < EAR_AFFIRMING ? EAR_AFFIRMING : worst;
}
