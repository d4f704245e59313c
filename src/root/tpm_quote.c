#include "root/tpm_quote.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"
#include "root/tpm_keys.h"
#include "tee/tpm_structs.h"

enum { TRIES = 3, PCR_SIZE = 32, EXTRA_MAX = 32, BITMAP = TPM_PCR_COUNT / 8 };

static const char what[] = "attestation key";

static const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_ECDSA,
				       .details.ecdsa.hashAlg = TPM2_ALG_SHA256};

static enum tobi_err keep(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *signature,
			  struct tpm_blob *ret_attest, struct tpm_blob *ret_signature,
			  struct tobi_fault *fault)
{
	uint8_t bytes[TPM_SIGNATURE_MAX];
	size_t size = 0;

	if (attest->size > TPM_ATTEST_MAX ||
	    tpm_blob_set(ret_attest,
			 (struct tobi_bytes){attest->attestationData, attest->size}) ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(signature, bytes, sizeof(bytes), &size) ||
	    tpm_blob_set(ret_signature, (struct tobi_bytes){bytes, size}))
		return fault_set(fault, TOBI_E_LIMIT, "TPM", what,
				 "its statement is too long");
	return TOBI_OK;
}

enum tobi_err tpm_certify(struct tpm *tpm, struct tpm_record *record, ESYS_TR storage,
			  ESYS_TR key, ESYS_TR ak, struct tobi_fault *fault)
{
	const TPM2B_DATA extra = {0};
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	ESYS_TR second = ESYS_TR_NONE;
	enum tobi_err err = tpm_session_more(tpm, storage, &second, fault);

	if (!err)
		err = tpm_result(tpm,
				 Esys_Certify(tpm->esys, key, ak, tpm_session(tpm, 0),
					      second, ESYS_TR_NONE, &extra, &scheme,
					      &attest, &signature),
				 what, fault);
	if (!err)
		err = keep(attest, signature, &record->certify,
			   &record->certify_signature, fault);
	Esys_Free(attest);
	Esys_Free(signature);
	return err;
}

static TPML_PCR_SELECTION select_pcrs(uint32_t pcrs)
{
	TPML_PCR_SELECTION selection = {
	    .count = 1,
	    .pcrSelections = {{.hash = TPM2_ALG_SHA256, .sizeofSelect = BITMAP}}};

	for (unsigned i = 0; i < BITMAP; i++)
		selection.pcrSelections[0].pcrSelect[i] = (BYTE)(pcrs >> 8 * i);
	return selection;
}

static uint32_t selected(const TPML_PCR_SELECTION *selection)
{
	uint32_t pcrs = 0;

	for (unsigned i = 0; selection->count == 1 &&
			     i < selection->pcrSelections[0].sizeofSelect && i < BITMAP;
	     i++)
		pcrs |= (uint32_t)selection->pcrSelections[0].pcrSelect[i] << 8 * i;
	return pcrs;
}

/* A TPM gives at most eight in one answer, and says which. */
static enum tobi_err take_values(const TPML_PCR_SELECTION *read, const TPML_DIGEST *list,
				 uint32_t *left, struct tpm_quote *quote)
{
	uint32_t pcrs = selected(read) & *left;
	size_t next = 0;

	for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
		if (!(pcrs >> i & 1))
			continue;
		if (next == list->count || list->digests[next].size != PCR_SIZE)
			return TOBI_E_UNSUPPORTED;
		bytes_copy(quote->values[i], PCR_SIZE, list->digests[next++].buffer,
			   PCR_SIZE);
	}
	*left &= ~pcrs;
	return pcrs ? TOBI_OK : TOBI_E_UNSUPPORTED;
}

static enum tobi_err read_pcrs(struct tpm *tpm, uint32_t pcrs, struct tpm_quote *quote,
			       struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (uint32_t left = pcrs; left && !err;) {
		const TPML_PCR_SELECTION wanted = select_pcrs(left);
		TPML_PCR_SELECTION *read = NULL;
		TPML_DIGEST *list = NULL;

		err = tpm_result(tpm,
				 Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
					       ESYS_TR_NONE, &wanted, NULL, &read, &list),
				 "PCRs", fault);
		if (!err && take_values(read, list, &left, quote))
			err = fault_set(fault, TOBI_E_UNSUPPORTED, "TPM", "PCRs",
					"it has no SHA-256 bank with these; switch it on "
					"in the firmware's settings, or with "
					"tpm2_pcrallocate sha256:all");
		Esys_Free(read);
		Esys_Free(list);
	}
	quote->pcrs = pcrs;
	return err;
}

/* Whether the values that were read are those that were quoted. */
static bool is_of_values(const struct tpm_quote *quote)
{
	uint8_t all[TPM_PCR_COUNT * PCR_SIZE], hash[SHA256_SIZE];
	struct tpm_attest attest;
	size_t size = 0;

	for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
		if (!(quote->pcrs >> i & 1))
			continue;
		bytes_copy(all + size, sizeof(all) - size, quote->values[i], PCR_SIZE);
		size += PCR_SIZE;
	}
	return !tpm_attest_parse(tpm_blob_view(&quote->attest), &attest, NULL) &&
	       !hash_sha256((struct tobi_bytes){all, size}, hash) &&
	       bytes_equal(attest.pcr_digest, (struct tobi_bytes){hash, sizeof(hash)});
}

static enum tobi_err quote_once(struct tpm *tpm, ESYS_TR ak, const TPM2B_DATA *extra,
				uint32_t pcrs, struct tpm_quote *quote,
				struct tobi_fault *fault)
{
	const TPML_PCR_SELECTION selection = select_pcrs(pcrs);
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	enum tobi_err err = read_pcrs(tpm, pcrs, quote, fault);

	if (!err)
		err = tpm_result(tpm,
				 Esys_Quote(tpm->esys, ak, tpm_session(tpm, 0),
					    ESYS_TR_NONE, ESYS_TR_NONE, extra, &scheme,
					    &selection, &attest, &signature),
				 what, fault);
	if (!err)
		err = keep(attest, signature, &quote->attest, &quote->signature, fault);
	Esys_Free(attest);
	Esys_Free(signature);
	return err;
}

enum tobi_err tpm_quote(const struct tpm_record *record, struct tobi_bytes extra,
			struct tpm_quote *ret_quote, struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};
	TPM2B_DATA data = {.size = (UINT16)extra.size};
	ESYS_TR ak = ESYS_TR_NONE;
	enum tobi_err err = tpm_open_object(record, &record->ak, what, &tpm, &ak, fault);

	bytes_copy(data.buffer, EXTRA_MAX, extra.ptr, extra.size);
	/* PCRs may change between reading and quoting. */
	for (unsigned i = 0; i < TRIES && !err; i++) {
		err = quote_once(&tpm, ak, &data, record->pcrs, ret_quote, fault);
		if (!err && is_of_values(ret_quote))
			return TOBI_OK;
	}
	return err ? err
		   : fault_set(fault, TOBI_E_SYSTEM, "TPM", "PCRs",
			       "they change all the time; try again");
}
