#include "cli/extract.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "appraise/ratls.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "codec/cose.h"
#include "tee/tpm_structs.h"
#include "token/cmw.h"
#include "token/soft_token.h"
#include "token/tpm_evidence.h"

/* Of tpm2-tss: sizes of its structures' arrays. */
enum { SELECTIONS = 16, SELECTION_SIZE = 8, LIST_MOST = 8, DIGEST_MOST = 64 };

static enum tobi_err find_quote(struct tobi_bytes bytes, struct cmw *cmw,
				struct tpm_evidence *ret_evidence,
				struct tobi_fault *fault)
{
	const struct cmw_record *cpu;
	struct cose_sign1 sign1 = {0};
	struct soft_claims claims = {0};
	enum tobi_err err;

	if (ratls_is_certificate(bytes))
		return fault_set(fault, TOBI_E_NOT_FOUND, "evidence", "TPM",
				 "--extract-tpm needs a file of `tobichi attest`, not a "
				 "certificate");
	err = cmw_parse(bytes, "evidence", cmw, fault);
	cpu = err ? NULL : cmw_find(cmw, "cpu");
	if (!err && !cpu)
		err = fault_set(fault, TOBI_E_MALFORMED, "evidence", "cpu",
				"there is no record of this name");
	if (!err)
		err = cose_parse(cpu->value, true, COSE_TAGGED, "soft token", &sign1,
				 fault);
	if (!err)
		err = soft_claims_parse(sign1.payload, &claims, fault);
	if (!err && !claims.tpm.size)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "evidence", "TPM",
				"no TPM's quote is in it");
	return err ? err : tpm_evidence_parse(claims.tpm, ret_evidence, fault);
}

static enum tobi_err put(const char *folder, const char *name, struct tobi_bytes bytes,
			 struct tobi_fault *fault)
{
	char path[LIMIT_PATH];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return fault_set(fault, TOBI_E_LIMIT, "output", "",
				 "the path is too long");
	return file_write(path, 0644, bytes, "output", fault);
}

static void write_le(struct writer *out, uint32_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		wr_u8(out, (uint8_t)(value >> 8 * i));
}

/* As tpm2_quote(1) writes them with --pcrs_format serialized, and tpm2_checkquote(1)
 * reads them: TPML_PCR_SELECTION, a count, and as many TPML_DIGEST, as a little-endian
 * machine has them in memory. */
static void write_pcrs(struct writer *out, const struct tpm_evidence *evidence)
{
	uint32_t pcrs = 0, count = 0, written = 0;

	for (unsigned i = 0; i < TPM_EVIDENCE_PCRS; i++) {
		pcrs |= evidence->pcrs[i].size ? UINT32_C(1) << i : 0;
		count += evidence->pcrs[i].size != 0;
	}
	write_le(out, 1, 4);
	write_le(out, TPM_ALG_SHA256, 2);
	wr_u8(out, TPM_EVIDENCE_PCRS / 8);
	write_le(out, pcrs, 4);
	wr_u8(out, 0);
	wr_reserve(out, (SELECTIONS - 1) * SELECTION_SIZE);
	write_le(out, (count + LIST_MOST - 1) / LIST_MOST, 4);
	for (unsigned i = 0; i < TPM_EVIDENCE_PCRS; i++) {
		if (!evidence->pcrs[i].size)
			continue;
		if (written % LIST_MOST == 0)
			write_le(
			    out,
			    count - written < LIST_MOST ? count - written : LIST_MOST, 4);
		write_le(out, (uint32_t)evidence->pcrs[i].size, 2);
		wr_bytes(out, evidence->pcrs[i].ptr, evidence->pcrs[i].size);
		wr_reserve(out, DIGEST_MOST - evidence->pcrs[i].size);
		written++;
	}
	for (; written % LIST_MOST; written++)
		wr_reserve(out, 2 + DIGEST_MOST);
}

static enum tobi_err put_pcrs(const char *folder, const struct tpm_evidence *evidence,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(4096);

	write_pcrs(&out, evidence);
	if (wr_err(&out))
		return fault_set(fault, wr_err(&out), "output", "", "too large");
	return put(folder, "quote.pcrs", wr_view(&out), fault);
}

static enum tobi_err put_key(const char *folder, const struct tpm_evidence *evidence,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tpm_public public;
	enum tobi_err err = tpm_public_parse(evidence->ak, &public, fault);

	if (!err)
		err = tpm_public_key(&public, &key, fault);
	if (!err)
		err = key_write_public(key, &pem, fault);
	return err ? err : put(folder, "ak.pem", wr_view(&pem), fault);
}

enum tobi_err extract_tpm(struct tobi_bytes bytes, const char *folder,
			  struct tobi_fault *fault)
{
	struct cmw cmw;
	struct tpm_evidence evidence;
	struct tpm_attest quote;
	enum tobi_err err = find_quote(bytes, &cmw, &evidence, fault);

	if (!err)
		err = tpm_attest_parse(evidence.quote, &quote, fault);
	if (!err && mkdir(folder, 0755) && errno != EEXIST)
		err = fault_errno(fault, "output", "", "cannot make %s", folder);
	if (!err)
		err = put(folder, "quote.attest", evidence.quote, fault);
	if (!err)
		err = put(folder, "quote.signature", evidence.quote_signature, fault);
	if (!err)
		err = put(folder, "quote.extra", quote.extra, fault);
	if (!err)
		err = put_pcrs(folder, &evidence, fault);
	return err ? err : put_key(folder, &evidence, fault);
}
