#include "tee/snp_facts.h"

#include <inttypes.h>
#include <stdio.h>

struct bit_name {
	uint64_t bit;
	const char *set, *clear; /* NULL: not said */
};

static const struct bit_name guest_policy[] = {
    {SNP_POLICY_DEBUG, "debugging allowed", "no debugging"},
    {SNP_POLICY_MIGRATE_MA, "migration allowed", "no migration"},
    {SNP_POLICY_SMT, "SMT allowed", "no SMT"},
    {SNP_POLICY_SINGLE_SOCKET, "one socket only", NULL},
    {SNP_POLICY_CXL, "CXL allowed", NULL},
    {SNP_POLICY_AES_256_XTS, "AES-256-XTS for memory", NULL},
    {SNP_POLICY_RAPL_OFF, "RAPL must be off", NULL},
    {SNP_POLICY_HIDING, "ciphertext hiding for memory", NULL},
    {SNP_POLICY_NO_PAGE_SWAP, "no page swap", NULL},
    {0, NULL, NULL},
};
static const struct bit_name platform[] = {
    {SNP_PLATFORM_SMT, "SMT on", "SMT off"},
    {SNP_PLATFORM_TSME, "TSME on", NULL},
    {SNP_PLATFORM_ECC, "ECC memory", NULL},
    {SNP_PLATFORM_RAPL_OFF, "RAPL off", NULL},
    {SNP_PLATFORM_HIDING, "ciphertext hiding on", NULL},
    {SNP_PLATFORM_ALIAS_CHECK, "alias check done", "alias check not reported"},
    {SNP_PLATFORM_TIO, "trusted devices on", NULL},
    {0, NULL, NULL},
};

static void bits_fact(struct tee_claims *claims, struct arena *arena, const char *name,
		      const struct bit_name *names, uint64_t value)
{
	char text[320] = "";
	size_t used = 0;

	for (; names->bit; names++) {
		const char *said = value & names->bit ? names->set : names->clear;

		if (said && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", said);
	}
	tee_fact(claims, arena, name, "%s (0x%" PRIx64 ")", text, value);
}

static void tcb_fact(struct tee_claims *claims, struct arena *arena, const char *name,
		     const struct snp_product *product, struct tobi_bytes tcb)
{
	const uint8_t *at = tcb.ptr;

	if (!product)
		tee_fact_hex(claims, arena, name, tcb);
	else if (product->has_fmc)
		tee_fact(claims, arena, name,
			 "FMC %u, boot loader %u, TEE %u, SNP %u, microcode %u", at[0],
			 at[1], at[2], at[3], at[7]);
	else
		tee_fact(claims, arena, name,
			 "boot loader %u, TEE %u, SNP %u, microcode %u", at[0], at[1],
			 at[6], at[7]);
}

static void firmware_fact(struct tee_claims *claims, struct arena *arena,
			  const char *name, struct snp_firmware firmware)
{
	tee_fact(claims, arena, name, "%u.%u.%u", firmware.major, firmware.minor,
		 firmware.build);
}

static void digest_fact(struct tee_claims *claims, struct arena *arena, const char *name,
			struct tobi_bytes digest)
{
	if (!snp_is_zero(digest))
		tee_fact_hex(claims, arena, name, digest);
}

static void guest_facts(struct tee_claims *claims, struct arena *arena,
			const struct snp_report *report)
{
	tee_fact_hex(claims, arena, "launch measurement", report->measurement);
	tee_fact_hex(claims, arena, "report data", report->report_data);
	tee_fact_hex(claims, arena, "host data", report->host_data);
	if (report->vmpl > 3)
		tee_fact(claims, arena, "asked for by", "the host");
	else
		tee_fact(claims, arena, "asked for by", "the guest, at VMPL %" PRIu32,
			 report->vmpl);
	bits_fact(claims, arena, "guest policy", guest_policy, report->policy);
	tee_fact(claims, arena, "least firmware ABI", "%u.%u",
		 (unsigned)(report->policy >> 8 & 0xff),
		 (unsigned)(report->policy & 0xff));
	tee_fact(claims, arena, "guest SVN", "%" PRIu32, report->guest_svn);
	digest_fact(claims, arena, "family id", report->family_id);
	digest_fact(claims, arena, "image id", report->image_id);
	digest_fact(claims, arena, "ID key digest", report->id_key_digest);
	digest_fact(claims, arena, "author key digest", report->author_key_digest);
	tee_fact_hex(claims, arena, "report id", report->report_id);
}

static void platform_facts(struct tee_claims *claims, struct arena *arena,
			   const struct snp_claims *snp)
{
	const struct snp_report *report = &snp->report;

	if (snp_report_has_cpu(report))
		tee_fact(claims, arena, "CPU", "family %u, model %u, stepping %u",
			 report->family, report->model, report->stepping);
	tcb_fact(claims, arena, "TCB reported", snp->product, report->reported_tcb);
	tcb_fact(claims, arena, "TCB current", snp->product, report->current_tcb);
	tcb_fact(claims, arena, "TCB committed", snp->product, report->committed_tcb);
	tcb_fact(claims, arena, "TCB at launch", snp->product, report->launch_tcb);
	firmware_fact(claims, arena, "firmware current", report->current);
	firmware_fact(claims, arena, "firmware committed", report->committed);
	bits_fact(claims, arena, "platform", platform, report->platform);
	if (!snp_report_has_mitigations(report))
		return;
	tee_fact_hex(claims, arena, "mitigations at launch", report->launch_mitigations);
	tee_fact_hex(claims, arena, "mitigations current", report->current_mitigations);
}

void snp_facts_add(struct tee_claims *claims, struct arena *arena,
		   const struct snp_claims *snp)
{
	if (snp->product)
		tee_fact(claims, arena, "product", "AMD EPYC, %s", snp->product->name);
	tee_fact(claims, arena, "report version", "%" PRIu32, snp->report.version);
	if (snp->has_leaf)
		tee_fact(claims, arena, "signed with", "%s",
			 snp->key == SNP_KEY_VLEK ? "a VLEK, a key of the cloud's owner"
						  : "a VCEK, a key of this chip");
	if (snp->has_leaf && snp->key == SNP_KEY_VLEK)
		tee_fact(claims, arena, "cloud", "%s", snp->csp);
	if (snp_is_zero(snp->report.chip_id))
		tee_fact(claims, arena, "chip id", "not shown");
	else
		tee_fact_hex(claims, arena, "chip id", claims->hardware);
	guest_facts(claims, arena, &snp->report);
	platform_facts(claims, arena, snp);
}
