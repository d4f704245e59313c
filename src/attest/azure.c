/*
 * A confidential VM of Azure: the paravisor's report in the NV memory of its virtual TPM,
 * a quote by the key that the report names, and what the host's metadata service adds.
 *
 * Source: kinvolk/azure-cvm-tooling, az-cvm-vtpm/src/vtpm, az-cvm-vtpm/src/hcl.
 */
#include <stdio.h>
#include <string.h>

#include "attest/azure_metadata.h"
#include "attest/echo.h"
#include "attest/rows.h"
#include "attest/tpm_ask.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/reader.h"

enum {
	NV_REPORT = 0x01400001,
	NV_USER_DATA = 0x01400002,
	HANDLE_AK = 0x81000003,
	HARDWARE = 32, /* offset of the hardware's report */
	TDREPORT = 1024,
	TYPE = 1224, /* offset of its kind */
	TYPE_SNP = 2,
	TYPE_TDX = 4,
};

static const char object[] = "azure";

static enum tobi_err read_kind(struct tobi_bytes report, uint32_t *ret_type,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(report);
	struct tobi_bytes magic = rd_bytes(&rd, 4, "magic");

	rd_bytes(&rd, TYPE - 4, "header");
	*ret_type = rd_u32le(&rd, "type");
	if (!rd_failed(&rd) && memcmp(magic.ptr, "HCLA", 4) != 0)
		rd_fail(&rd, TOBI_E_MALFORMED, "magic");
	if (!rd_failed(&rd) && *ret_type != TYPE_SNP && *ret_type != TYPE_TDX)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "type");
	return rd_status(&rd, "paravisor's report", fault);
}

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};
	CLEANUP(wr_done) struct writer report = wr_init(TPM_ASK_NV_MAX);
	uint32_t type = 0;
	enum tobi_err err = tpm_ask_open(request, &tpm, fault);

	if (!err)
		err = tpm_ask_nv_read(&tpm, NV_REPORT, &report, fault);
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(fault, err, object, "",
				 "there is no TPM with a paravisor's report in it: this "
				 "is no confidential VM of Azure");
	if (!err)
		err = read_kind(wr_view(&report), &type, fault);
	*ret_kind = type == TYPE_TDX ? "azure-tdx" : "azure-snp";
	return err;
}

/* The paravisor makes a new report over the user's data when it is read. */
static enum tobi_err read_report(struct tpm *tpm, const struct attest_request *request,
				 struct attest_output *output, struct tobi_fault *fault)
{
	enum tobi_err err =
	    tpm_ask_nv_write(tpm, NV_USER_DATA,
			     (struct tobi_bytes){request->data, ATTEST_DATA_SIZE}, fault);

	return err ? err : tpm_ask_nv_read(tpm, NV_REPORT, &output->evidence, fault);
}

/* Of all PCRs: that is what those who read such evidence expect. */
static enum tobi_err add_quote(struct tpm *tpm, const struct attest_request *request,
			       struct attest_output *output, struct tobi_fault *fault)
{
	CLEANUP(tpm_asked_done) struct tpm_asked asked = {0};
	CLEANUP(wr_done) struct writer public = wr_init(4096);
	struct writer *quote = attest_piece_add(output, ATTEST_ENDORSEMENT, "quote.bin");
	ESYS_TR key = ESYS_TR_NONE;
	enum tobi_err err =
	    tpm_ask_key(tpm, request->tpm_ak ? request->tpm_ak : HANDLE_AK, &key, fault);

	if (!err)
		err = tpm_ask_public(tpm, key, &public, fault);
	if (!err)
		err = tpm_ask_quote(
		    tpm, key, (struct tobi_bytes){request->data, request->data_size}, 0,
		    &asked, fault);
	if (!err)
		err = echo_check("tpm-quote", wr_view(&asked.attest), request, fault);
	if (err)
		return err;
	if (quote)
		wr_bytes(quote, asked.attest.ptr, asked.attest.size);
	return tpm_asked_add(&asked, wr_view(&public), output, fault);
}

static enum tobi_err add_certificates(const struct attest_request *request,
				      struct attest_output *output,
				      struct tobi_fault *fault)
{
	struct writer *vcek = attest_piece_add(output, ATTEST_ENDORSEMENT, "vcek.pem");
	struct writer *chain = attest_piece_add(output, ATTEST_ENDORSEMENT, "chain.pem");

	if (!vcek || !chain)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "too many pieces");
	return azure_ask_certificates(request, vcek, chain, fault);
}

static enum tobi_err add_td_quote(const struct attest_request *request,
				  struct attest_output *output, struct tobi_fault *fault)
{
	struct tobi_bytes report = {output->evidence.ptr + HARDWARE, TDREPORT};
	struct writer *quote =
	    attest_piece_add(output, ATTEST_ENDORSEMENT, "td-quote.bin");

	if (!quote)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "too many pieces");
	return azure_ask_quote(request, report, quote, fault);
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};
	uint32_t type = 0;
	enum tobi_err err = tpm_ask_open(request, &tpm, fault);

	if (!err)
		err = read_report(&tpm, request, output, fault);
	if (!err)
		err = read_kind(wr_view(&output->evidence), &type, fault);
	if (!err)
		err = add_quote(&tpm, request, output, fault);
	if (err)
		return err;
	output->kind = type == TYPE_TDX ? "azure-tdx" : "azure-snp";
	return type == TYPE_TDX ? add_td_quote(request, output, fault)
				: add_certificates(request, output, fault);
}

const struct attester attester_azure = {
    .name = "azure",
    .title = "a confidential VM of Azure, by its virtual TPM and the metadata service",
    .present = present,
    .get = get,
};
