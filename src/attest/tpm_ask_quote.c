/* Quotes of a TPM, and the values that they are about. */
#include <tss2/tss2_mu.h>

#include "attest/tpm_ask.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"
#include "tee/tpm_structs.h"

enum { TRIES = 5, BITMAP = TPM_ASK_PCRS / 8, SIGNATURE_MAX = 1024 };

#define NONE ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE

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

/* Appends some values: a TPM gives as many as it likes, in order, and says which. */
static enum tobi_err read_some(struct tpm *tpm, uint32_t *left, struct writer *out,
			       struct tobi_fault *fault)
{
	const TPML_PCR_SELECTION wanted = select_pcrs(*left);
	TPML_PCR_SELECTION *read = NULL;
	TPML_DIGEST *list = NULL;
	uint32_t given = 0, lowest;
	enum tobi_err err =
	    tpm_result(tpm, Esys_PCR_Read(tpm->esys, NONE, &wanted, NULL, &read, &list),
		       "PCRs", fault);

	if (err)
		return err;
	given = selected(read) & *left;
	/* The lowest of those that are left, without a gap: they are written in order. */
	lowest = given ? *left & ((2u << (31 - __builtin_clz(given))) - 1) : 0;
	if (!given || given != lowest ||
	    (unsigned)__builtin_popcount(given) != list->count)
		err = fault_set(fault, TOBI_E_UNSUPPORTED, "TPM", "PCRs",
				"it has no SHA-256 bank with these; switch it on in the "
				"firmware's settings, or with tpm2_pcrallocate "
				"sha256:all");
	for (size_t i = 0; !err && i < list->count; i++) {
		if (list->digests[i].size != SHA256_SIZE)
			err = fault_set(fault, TOBI_E_MALFORMED, "TPM", "PCRs",
					"a value has %u bytes", list->digests[i].size);
		wr_bytes(out, list->digests[i].buffer, SHA256_SIZE);
	}
	*left &= ~given;
	Esys_Free(read);
	Esys_Free(list);
	return err;
}

/* The scheme that the key has; a key without one gets the usual. */
static TPMT_SIG_SCHEME scheme_of(struct tpm *tpm, ESYS_TR key)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(4096);
	TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
	struct tpm_public public;

	if (tpm_ask_public(tpm, key, &bytes, NULL) ||
	    tpm_public_parse(wr_view(&bytes), &public, NULL) ||
	    public.scheme != TPM_ALG_NULL)
		return scheme;
	scheme.scheme = public.type == TPM_ALG_RSA ? TPM2_ALG_RSASSA : TPM2_ALG_ECDSA;
	scheme.details.any.hashAlg = TPM2_ALG_SHA256;
	return scheme;
}

static enum tobi_err keep(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *signature,
			  struct tpm_asked *asked, struct tobi_fault *fault)
{
	uint8_t bytes[SIGNATURE_MAX];
	size_t size = 0;

	if (Tss2_MU_TPMT_SIGNATURE_Marshal(signature, bytes, sizeof(bytes), &size))
		return fault_set(fault, TOBI_E_LIMIT, "TPM", "signature",
				 "it is too long");
	wr_bytes(&asked->attest, attest->attestationData, attest->size);
	wr_bytes(&asked->signature, bytes, size);
	return TOBI_OK;
}

static enum tobi_err quote_once(struct tpm *tpm, ESYS_TR key, const TPM2B_DATA *extra,
				uint32_t pcrs, struct tpm_asked *asked,
				struct tobi_fault *fault)
{
	const TPML_PCR_SELECTION selection = select_pcrs(pcrs);
	const TPMT_SIG_SCHEME scheme = scheme_of(tpm, key);
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	enum tobi_err err = TOBI_OK;

	for (uint32_t left = pcrs; left && !err;)
		err = read_some(tpm, &left, &asked->values, fault);
	if (!err)
		err = tpm_result(tpm,
				 Esys_Quote(tpm->esys, key, ESYS_TR_PASSWORD,
					    ESYS_TR_NONE, ESYS_TR_NONE, extra, &scheme,
					    &selection, &attest, &signature),
				 "quote", fault);
	if (!err)
		err = keep(attest, signature, asked, fault);
	Esys_Free(attest);
	Esys_Free(signature);
	return err;
}

static const EVP_MD *hash_of_signature(struct tobi_bytes signature)
{
	struct tpm_signature parsed;

	if (tpm_signature_parse(signature, &parsed, NULL))
		return NULL;
	return parsed.hash == TPM_ALG_SHA256   ? EVP_sha256()
	       : parsed.hash == TPM_ALG_SHA384 ? EVP_sha384()
					       : NULL;
}

/* Whether the values that were read are those that were quoted. The digest's hash is that
 * of the signature. */
static bool is_of_values(const struct tpm_asked *asked)
{
	const EVP_MD *md = hash_of_signature(wr_view(&asked->signature));
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct tpm_attest attest;
	unsigned size = 0;

	return md && !tpm_attest_parse(wr_view(&asked->attest), &attest, NULL) &&
	       EVP_Digest(asked->values.ptr, asked->values.size, hash, &size, md, NULL) &&
	       bytes_equal(attest.pcr_digest, (struct tobi_bytes){hash, size});
}

enum tobi_err tpm_ask_quote(struct tpm *tpm, ESYS_TR key, struct tobi_bytes extra,
			    uint32_t pcrs, struct tpm_asked *ret_asked,
			    struct tobi_fault *fault)
{
	TPM2B_DATA data = {.size = (uint16_t)extra.size};

	if (extra.size > sizeof(data.buffer))
		return fault_set(fault, TOBI_E_ARGUMENT, "TPM", "quote",
				 "a TPM takes at most %zu bytes", sizeof(data.buffer));
	bytes_copy(data.buffer, sizeof(data.buffer), extra.ptr, extra.size);
	for (unsigned i = 0; i < TRIES; i++) {
		struct tpm_asked asked = {wr_init(4096), wr_init(SIGNATURE_MAX),
					  wr_init(TPM_ASK_PCRS * SHA256_SIZE)};
		enum tobi_err err = quote_once(
		    tpm, key, &data, pcrs ? pcrs : TPM_ASK_ALL_PCRS, &asked, fault);

		if (!err && is_of_values(&asked)) {
			*ret_asked = asked;
			return TOBI_OK;
		}
		tpm_asked_done(&asked);
		if (err)
			return err;
	}
	return fault_set(fault, TOBI_E_EXISTS, "TPM", "PCRs",
			 "they change all the time; try again");
}
