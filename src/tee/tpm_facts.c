#include "tee/tpm_facts.h"

#include <inttypes.h>

#include "base/secret.h"

/* TCG PC Client Platform Firmware Profile, section 3.3.4; systemd, TPM2 PCR
 * Measurements. */
static const char *const names[TPM_PCRS] = {
    "PCR 0, firmware",
    "PCR 1, its settings",
    "PCR 2, option ROMs",
    "PCR 3, their settings",
    "PCR 4, boot loader",
    "PCR 5, partitions",
    "PCR 6, platform",
    "PCR 7, Secure Boot",
    "PCR 8, commands of GRUB",
    "PCR 9, kernel and initrd",
    "PCR 10, IMA",
    "PCR 11, unified kernel image",
    "PCR 12, command line",
    "PCR 13, system extensions",
    "PCR 14, shim's keys",
    "PCR 15, system identity",
    "PCR 16, debug",
    "PCR 17, late launch",
    "PCR 18, late launch",
    "PCR 19, late launch",
    "PCR 20, late launch",
    "PCR 21, late launch",
    "PCR 22, late launch",
    "PCR 23, application",
};

/* Nothing was ever measured into it. */
static bool is_zero(struct tobi_bytes value)
{
	for (size_t i = 0; i < value.size; i++) {
		if (value.ptr[i])
			return false;
	}
	return true;
}

static const struct tpm_bank *strongest(const struct tpm_claims *tpm)
{
	const struct tpm_bank *best = NULL;

	for (size_t i = 0; i < tpm->bank_count; i++) {
		if (!best ||
		    tpm_hash_size(tpm->banks[i].hash) > tpm_hash_size(best->hash))
			best = &tpm->banks[i];
	}
	return best;
}

static const char *selection_text(uint32_t pcrs, struct arena *arena)
{
	CLEANUP(wr_done) struct writer out = wr_init(256);

	for (unsigned i = 0; i < TPM_PCRS; i++) {
		unsigned last = i;

		if (!(pcrs >> i & 1))
			continue;
		while (last + 1 < TPM_PCRS && pcrs >> (last + 1) & 1)
			last++;
		wr_printf(&out, "%s%u", out.size ? ", " : "", i);
		if (last > i)
			wr_printf(&out, " to %u", last);
		i = last;
	}
	return arena_printf(arena, "%.*s", (int)out.size, (const char *)out.ptr);
}

void tpm_facts_quote(const struct tpm_claims *tpm, struct arena *arena,
		     struct tee_claims *claims)
{
	const struct tpm_bank *bank = strongest(tpm);

	tee_fact(claims, arena, "TPM firmware", "%016" PRIx64, tpm->firmware);
	tee_fact(claims, arena, "TPM clock", "%" PRIu64 " ms%s", tpm->clock,
		 tpm->safe ? "" : ", perhaps set back");
	tee_fact(claims, arena, "TPM resets", "%" PRIu32 ", restarts %" PRIu32,
		 tpm->resets, tpm->restarts);
	for (size_t i = 0; i < tpm->bank_count; i++) {
		const char *hash = tpm_hash_name(tpm->banks[i].hash);
		const char *pcrs = selection_text(tpm->selected[i], arena);

		tee_fact(claims, arena, "quoted PCRs", "%s: %s", hash ? hash : "?",
			 pcrs ? pcrs : "?");
	}
	tee_fact_hex(claims, arena, "nonce", tpm->extra);
	tee_fact_hex(claims, arena, "digest of the PCRs", tpm->digest);
	for (unsigned i = 0; bank && i < TPM_PCRS; i++) {
		if (!is_zero(bank->pcrs[i]))
			tee_fact_hex(claims, arena, names[i], bank->pcrs[i]);
	}
}

static void add_maker(const struct tpm_maker *maker, const char *name,
		      struct arena *arena, struct tee_claims *claims)
{
	if (maker->manufacturer[0] || maker->model[0])
		tee_fact(claims, arena, name, "%s, model %s, version %s",
			 maker->manufacturer, maker->model, maker->version);
}

static void add_gce(const struct gce_identity *gce, struct arena *arena,
		    struct tee_claims *claims)
{
	tee_fact(claims, arena, "Google instance", "%s, id %" PRIu64, gce->instance,
		 gce->instance_id);
	tee_fact(claims, arena, "Google project", "%s, number %" PRIu64, gce->project,
		 gce->project_number);
	tee_fact(claims, arena, "Google zone", "%s", gce->zone);
	if (gce->has_security)
		tee_fact(claims, arena, "Google host", "%s, security version %" PRIu64,
			 gce->is_production ? "in production" : "not in production",
			 gce->security_version);
}

void tpm_facts_signer(const struct tpm_signer *signer, struct arena *arena,
		      struct tee_claims *claims)
{
	tee_fact_hex(claims, arena, "AK", (struct tobi_bytes){signer->spki, SHA256_SIZE});
	if (signer->certified) {
		tee_fact(claims, arena, "AK certified by", "%s", signer->root);
		add_maker(&signer->maker, "TPM", arena, claims);
	}
	if (signer->certified && signer->has_ek)
		tee_fact_hex(claims, arena, "EK",
			     (struct tobi_bytes){signer->ek, SHA256_SIZE});
	if (signer->ek_came && !signer->ek_path[0])
		add_maker(&signer->ek_maker, "TPM of the EK certificate", arena, claims);
	if (signer->certified && signer->has_gce)
		add_gce(&signer->gce, arena, claims);
}

/* Named Information Hash Algorithm Registry; 0: not in it. */
static uint64_t registered(unsigned hash)
{
	switch (hash) {
	case TPM_ALG_SHA256:
		return TEE_SHA256;
	case TPM_ALG_SHA384:
		return TEE_SHA384;
	case TPM_ALG_SHA512:
		return TEE_SHA512;
	default:
		return 0;
	}
}

static void measure_pcr(const struct tpm_claims *tpm, unsigned index,
			const struct tee_environment *environment, struct arena *arena,
			struct tee_claims *claims)
{
	struct tee_measurement *measurement = NULL;

	for (size_t i = 0; i < tpm->bank_count; i++) {
		const struct tpm_bank *bank = &tpm->banks[i];

		if (!bank->pcrs[index].size || !registered(bank->hash))
			continue;
		if (!measurement)
			measurement = tee_measurement_add(claims, arena);
		if (!measurement)
			return;
		measurement->environment = environment;
		measurement->mkey = TEE_MKEY_NUMBER;
		measurement->number = index;
		measurement->digests[measurement->digest_count++] =
		    (struct tee_digest){registered(bank->hash), bank->pcrs[index]};
	}
}

struct tee_environment tpm_environment(struct tobi_bytes ak,
				       const struct tpm_maker *maker, struct arena *arena)
{
	return (struct tee_environment){
	    .model = "TPM 2.0",
	    .vendor = maker && maker->manufacturer[0]
			  ? arena_printf(arena, "%s", maker->manufacturer)
			  : NULL,
	    .instance = ak,
	};
}

void tpm_measure(const struct tpm_claims *tpm, const struct tee_environment *environment,
		 struct arena *arena, struct tee_claims *claims)
{
	for (unsigned i = 0; i < TPM_PCRS; i++)
		measure_pcr(tpm, i, environment, arena, claims);
}
