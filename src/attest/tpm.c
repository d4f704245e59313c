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

/* Of the attestation key, or of the EK. */
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

static enum tobi_err add_certificates(struct tpm *tpm, struct attest_output *output,
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
		piece =
		    attest_piece_add(output, ATTEST_ENDORSEMENT, certificates[i].name);
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
	return err ? err : add_certificates(&tpm, output, fault);
}

const struct attester attester_tpm = {
    .name = "tpm",
    .title = "a TPM 2.0, by /dev/tpmrm0 or --device",
    .present = present,
    .get = get,
};
