#include "attest/attester.h"

#include <stdio.h>
#include <string.h>

#include "attest/echo.h"
#include "attest/rows.h"
#include "base/fault.h"
#include "base/secret.h"

/* Azure's guests have a TPM, and may have a driver for reports that are not theirs to
 * ask for; a TPM is what any machine may have. */
static const struct attester *const attesters[] = {
    &attester_gramine,	 &attester_nsm,	      &attester_azure, &attester_tsm,
    &attester_sev_guest, &attester_tdx_guest, &attester_tpm};

enum { ATTESTERS = sizeof(attesters) / sizeof(attesters[0]) };

const struct attester *attester_at(size_t index)
{
	return index < ATTESTERS ? attesters[index] : NULL;
}

const struct attester *attester_named(const char *name)
{
	for (size_t i = 0; i < ATTESTERS; i++) {
		if (strcmp(attesters[i]->name, name) == 0)
			return attesters[i];
	}
	return NULL;
}

const char *attest_kind(struct tobi_bytes name)
{
	static const char *const kinds[] = {"sgx-quote", "tdx-quote", "snp-report",
					    "cca-token", "nitro-doc", "tpm-quote",
					    "azure-snp", "azure-tdx"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (bytes_equal_text(name, kinds[i]))
			return kinds[i];
	}
	return NULL;
}

struct attest_output attest_output_init(void)
{
	return (struct attest_output){.evidence = wr_init(LIMIT_EVIDENCE)};
}

void attest_output_done(struct attest_output *output)
{
	wr_done(&output->evidence);
	for (size_t i = 0; i < output->piece_count; i++)
		wr_done(&output->pieces[i].bytes);
	output->piece_count = 0;
}

struct writer *attest_piece_add(struct attest_output *output, enum attest_piece_kind kind,
				const char *name)
{
	struct attest_piece *piece;

	if (output->piece_count == LIMIT_PIECES)
		return NULL;
	piece = &output->pieces[output->piece_count++];
	piece->kind = kind;
	snprintf(piece->name, sizeof(piece->name), "%s", name);
	piece->bytes = wr_init(LIMIT_EVIDENCE);
	return &piece->bytes;
}

void attest_piece_drop(struct attest_output *output, size_t index)
{
	wr_done(&output->pieces[index].bytes);
	output->piece_count--;
	for (size_t i = index; i < output->piece_count; i++)
		output->pieces[i] = output->pieces[i + 1];
	output->pieces[output->piece_count] = (struct attest_piece){0};
}

static enum tobi_err check_output(const struct attest_request *request,
				  const struct attest_output *output,
				  struct tobi_fault *fault)
{
	const struct writer *evidence = &output->evidence;

	if (wr_err(evidence))
		return fault_set(fault, wr_err(evidence), "attester", "evidence",
				 "there is no room for it");
	if (!evidence->size)
		return fault_set(fault, TOBI_E_TRUNCATED, "attester", "evidence",
				 "the device gave none");
	for (size_t i = 0; i < output->piece_count; i++) {
		if (wr_err(&output->pieces[i].bytes))
			return fault_set(fault, wr_err(&output->pieces[i].bytes),
					 "attester", output->pieces[i].name,
					 "there is no room for it");
	}
	return echo_check(output->kind, wr_view(evidence), request, fault);
}

enum tobi_err attester_run(const struct attester *attester,
			   const struct attest_request *request,
			   struct attest_output *output, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (!request->data_size || request->data_size > ATTEST_DATA_SIZE)
		return fault_set(fault, TOBI_E_ARGUMENT, "attester", "report data",
				 "1 to %d bytes are needed", ATTEST_DATA_SIZE);
	err = attester->get(request, output, fault);
	return err ? err : check_output(request, output, fault);
}
