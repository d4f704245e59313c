#include "tee/nitro_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/fault.h"
#include "base/secret.h"

static const char *const enclave_names[NITRO_PCRS] = {
    [NITRO_PCR_IMAGE] = "PCR 0, image",
    [NITRO_PCR_KERNEL] = "PCR 1, kernel",
    [NITRO_PCR_APPLICATION] = "PCR 2, application",
    [NITRO_PCR_ROLE] = "PCR 3, IAM role",
    [NITRO_PCR_INSTANCE] = "PCR 4, instance",
    [NITRO_PCR_SIGNER] = "PCR 8, signer",
};
/* TCG PC Client Platform Firmware Profile, section 3.3.4. */
static const char *const tpm_names[NITRO_PCRS] = {
    [0] = "PCR 0, firmware",	   [1] = "PCR 1, its settings",
    [2] = "PCR 2, option ROMs",	   [3] = "PCR 3, their settings",
    [4] = "PCR 4, boot loader",	   [5] = "PCR 5, partitions",
    [6] = "PCR 6, platform",	   [7] = "PCR 7, Secure Boot",
    [12] = "PCR 12, command line",
};

static bool is_zero(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

/* A PCR that nothing was ever measured into. */
static bool is_set(struct tobi_bytes pcr)
{
	return pcr.size && !is_zero(pcr);
}

static struct nitro_claims *copy(const struct nitro_document *document,
				 enum nitro_kind kind, struct arena *arena)
{
	struct nitro_claims *claims = arena_alloc(arena, sizeof(*claims));
	struct tobi_bytes *const out[] = {&claims->module_id, &claims->public_key,
					  &claims->user_data, &claims->nonce};
	const struct tobi_bytes in[] = {document->module_id, document->public_key,
					document->user_data, document->nonce};

	if (!claims)
		return NULL;
	claims->tpm = kind == NITRO_TPM;
	for (size_t i = 0; i < 4; i++) {
		*out[i] = in[i].ptr ? arena_copy(arena, in[i]) : in[i];
		if (in[i].ptr && !out[i]->ptr)
			return NULL;
	}
	for (unsigned i = 0; i < NITRO_PCRS; i++) {
		struct tobi_bytes pcr = document->pcrs[i];

		claims->pcrs[i] = pcr.ptr ? arena_copy(arena, pcr) : pcr;
		if (pcr.ptr && !claims->pcrs[i].ptr)
			return NULL;
	}
	return claims;
}

/* Bytes of the application's: as text, too, where they are some. */
static void add_bytes(struct tee_claims *claims, struct arena *arena, const char *name,
		      struct tobi_bytes bytes)
{
	bool printable = bytes.size > 0;

	for (size_t i = 0; i < bytes.size; i++)
		printable &= bytes.ptr[i] >= 0x20 && bytes.ptr[i] < 0x7f;
	if (!bytes.ptr)
		tee_fact(claims, arena, name, "none");
	else if (printable && bytes.size <= 128)
		tee_fact(claims, arena, name, "\"%.*s\"", (int)bytes.size,
			 (const char *)bytes.ptr);
	else if (bytes.size > 128)
		tee_fact(claims, arena, name, "%zu bytes", bytes.size);
	else
		tee_fact_hex(claims, arena, name, bytes);
}

static void add_pcrs(struct tee_claims *claims, struct arena *arena,
		     const struct nitro_claims *nitro)
{
	const char *const *names = nitro->tpm ? tpm_names : enclave_names;

	for (unsigned i = 0; i < NITRO_PCRS; i++) {
		struct tobi_bytes pcr = nitro->pcrs[i];
		const char *name = names[i] ? names[i] : arena_printf(arena, "PCR %u", i);

		if (!name || !pcr.size || (!is_set(pcr) && !names[i]))
			continue;
		if (is_set(pcr))
			tee_fact_hex(claims, arena, name, pcr);
		else
			tee_fact(claims, arena, name, "zero: nothing was measured");
	}
}

static void add_time(struct tee_claims *claims, struct arena *arena, uint64_t timestamp)
{
	time_t time = (time_t)(timestamp / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&time, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		tee_fact(claims, arena, "signed at", "%s.%03uZ", text,
			 (unsigned)(timestamp % 1000));
}

enum tobi_err nitro_take_claims(const struct nitro_document *document,
				enum nitro_kind kind, struct arena *arena,
				struct tee_claims *claims, struct tobi_fault *fault)
{
	const struct nitro_claims *nitro = copy(document, kind, arena);
	const char *module = arena_text(arena, document->module_id);
	struct tobi_bytes signer;

	if (!nitro || !module)
		return fault_set(fault, TOBI_E_MEMORY, "Nitro document", "",
				 "out of memory, or too large");
	claims->nitro = nitro;
	claims->root_kind = "hardware";
	claims->nonce = nitro->nonce;
	claims->issued = (int64_t)(document->timestamp / 1000);
	claims->image_id = nitro->pcrs[nitro->tpm ? NITRO_TPM_PCR_BOOT : NITRO_PCR_IMAGE];
	signer = nitro->pcrs[NITRO_PCR_SIGNER];
	if (!nitro->tpm && is_set(signer))
		claims->signers[claims->signer_count++] = signer;
	/* An enclave under a debugger has zeros there; and zeros say of nobody what it
	 * runs. */
	for (unsigned i = 0; i <= NITRO_PCR_APPLICATION && !nitro->tpm; i++)
		claims->debug |= !is_set(nitro->pcrs[i]);
	tee_fact(claims, arena, "module", "%s", module);
	add_time(claims, arena, document->timestamp);
	add_pcrs(claims, arena, nitro);
	add_bytes(claims, arena, nitro->tpm ? "TPM's AK" : "public key",
		  nitro->public_key);
	add_bytes(claims, arena, "user data", nitro->user_data);
	add_bytes(claims, arena, "nonce", nitro->nonce);
	return TOBI_OK;
}
