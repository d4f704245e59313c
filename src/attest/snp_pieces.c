#include "attest/snp_pieces.h"

#include <stdio.h>

#include "base/fault.h"
#include "tee/snp_table.h"

static const char *const names[SNP_TABLE_KINDS] = {
    [SNP_TABLE_VCEK] = "vcek.der", [SNP_TABLE_VLEK] = "vlek.der",
    [SNP_TABLE_ASK] = "ask.der",   [SNP_TABLE_ARK] = "ark.der",
    [SNP_TABLE_CRL] = "crl.der",
};

static bool is_zero(struct tobi_bytes bytes)
{
	uint8_t any = 0;

	for (size_t i = 0; i < bytes.size; i++)
		any |= bytes.ptr[i];
	return !any;
}

enum tobi_err snp_pieces_add(struct tobi_bytes table, struct attest_output *output,
			     struct tobi_fault *fault)
{
	struct snp_table parsed = {0};
	struct tobi_fault why = {0};

	if (is_zero(table)) {
		snprintf(output->note, sizeof(output->note),
			 "the host gave no certificates");
		return TOBI_OK;
	}
	if (snp_table_parse(table, &parsed, &why)) {
		snprintf(output->note, sizeof(output->note),
			 "the host's certificate table is left out, for it cannot be "
			 "read: %.160s",
			 why.message);
		return TOBI_OK;
	}
	for (size_t i = 0; i < parsed.count; i++) {
		const char *name = names[parsed.entries[i].kind];
		struct tobi_bytes data = parsed.entries[i].data;
		struct writer *piece;

		if (!name || !data.size)
			continue;
		piece = attest_piece_add(output, ATTEST_ENDORSEMENT, name);
		if (!piece)
			return fault_set(fault, TOBI_E_LIMIT, "sev-guest", "table",
					 "it has too many entries");
		wr_bytes(piece, data.ptr, data.size);
	}
	return TOBI_OK;
}
