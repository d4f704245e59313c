/*
 * A TPM 2.0 by /dev/tpmrm0, or another way of tpm2-tss: a quote, its key, the values of
 * the PCRs, and the certificates that a maker or a cloud has put into its NV memory.
 *
 * Source: TCG EK Credential Profile for TPM 2.0, 2.2.1.4 (EK certificates); Google's and
 * Azure's indices: docs/PLATFORMS.md.
 */
#include "attest/rows.h"
#include "attest/tpm_ask.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "pki/chain.h"
#include "tee/tpm_structs.h"

/* Of an attestation key, or of the endorsement key. */
static const struct {
	uint32_t index;
	const char *name;
} certificates[] = {{0x01c101d0, "ak-azure.der"},
		    {0x01c10000, "ak-google-rsa.der"},
		    {0x01c10002, "ak-google-ecc.der"},
		    {0x01c00002, "ek-rsa.der"},
		    {0x01c0000a, "ek-ecc.der"}};

/* A DER certificate in memory that may be longer than it. */
static struct tobi_bytes trim(struct tobi_bytes bytes)
{
	size_t size;

	if (bytes.size < 4 || bytes.ptr[0] != 0x30 || bytes.ptr[1] != 0x82)
		return (struct tobi_bytes){0};
	size = 4 + ((size_t)bytes.ptr[2] << 8 | bytes.ptr[3]);
	return (struct tobi_bytes){bytes.ptr, size <= bytes.size ? size : 0};
}

/* Only the certificate of the key that has signed says something of the quote. */
static enum attest_piece_kind kind_of(struct tobi_bytes certificate,
				      struct tobi_bytes public)
{
	CLEANUP(X509_freep) X509 *x509 = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tpm_public parsed;

	return !chain_read_certificate(certificate, "certificate", &x509, NULL) &&
		       !tpm_public_parse(public, &parsed, NULL) &&
		       !tpm_public_key(&parsed, &key, NULL) &&
		       EVP_PKEY_eq(X509_get0_pubkey(x509), key) == 1
		   ? ATTEST_ENDORSEMENT
		   : ATTEST_EXTRA;
}

static enum tobi_err add_certificates(struct tpm *tpm, struct tobi_bytes public,
				      struct attest_output *output,
				      struct tobi_fault *fault)
{
	for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++) {
		CLEANUP(wr_done) struct writer bytes = wr_init(TPM_ASK_NV_MAX);
		struct tobi_bytes certificate;
		struct writer *piece;

		/* Most TPMs have few of them, and some are not for everybody to read. */
		if (tpm_ask_nv_read(tpm, certificates[i].index, &bytes, NULL))
			continue;
		certificate = trim(wr_view(&bytes));
		if (!certificate.size)
			continue;
		piece = attest_piece_add(output, kind_of(certificate, public),
					 certificates[i].name);
		if (!piece)
			return fault_set(fault, TOBI_E_LIMIT, "attester", "",
					 "there are too many pieces");
		wr_bytes(piece, certificate.ptr, certificate.size);
	}
	return TOBI_OK;
}

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};

	*ret_kind = "tpm-quote";
	return tpm_ask_open(request, &tpm, fault);
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};
	CLEANUP(tpm_asked_done) struct tpm_asked asked = {0};
	CLEANUP(wr_done) struct writer public = wr_init(4096);
	ESYS_TR key = ESYS_TR_NONE;
	enum tobi_err err = tpm_ask_open(request, &tpm, fault);

	if (!err)
		err = tpm_ask_key(&tpm, request->tpm_ak, &key, fault);
	if (!err)
		err = tpm_ask_public(&tpm, key, &public, fault);
	if (!err)
		err = tpm_ask_quote(
		    &tpm, key, (struct tobi_bytes){request->data, request->data_size},
		    request->pcrs, &asked, fault);
	if (err)
		return err;
	output->kind = "tpm-quote";
	wr_bytes(&output->evidence, asked.attest.ptr, asked.attest.size);
	err = tpm_asked_add(&asked, wr_view(&public), output, fault);
	return err ? err : add_certificates(&tpm, wr_view(&public), output, fault);
}

const struct attester attester_tpm = {
    .name = "tpm",
    .title = "a TPM 2.0, by /dev/tpmrm0 or --device",
    .present = present,
    .get = get,
};
