#include "attest/logs.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"

static const struct {
	const char *path, *name;
} logs[] = {
    {"/sys/kernel/security/tpm0/binary_bios_measurements", "boot.log"},
    {"/sys/firmware/acpi/tables/data/CCEL", "ccel.log"},
    {"/sys/kernel/security/ima/binary_runtime_measurements", "ima.log"},
};

/* Behind what the note says already. */
static void note(struct attest_output *output, const char *name,
		 const struct tobi_fault *why)
{
	size_t size = strlen(output->note);

	snprintf(output->note + size, sizeof(output->note) - size, "%s%s is left out: %s",
		 size ? "; " : "", name, why->message);
}

enum tobi_err logs_add(const struct attest_request *request, struct attest_output *output,
		       struct tobi_fault *fault)
{
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct tobi_fault why = {0};
		struct writer *piece = attest_piece_add(output, ATTEST_LOG, logs[i].name);
		enum tobi_err err;

		if (!piece)
			return fault_set(fault, TOBI_E_LIMIT, "evidence", logs[i].name,
					 "there are too many pieces beside it");
		err = device_get(request->device, logs[i].path, LIMIT_EVIDENCE, piece,
				 &why);
		if (!err && piece->size)
			continue;
		wr_done(piece);
		output->piece_count--;
		if (err && err != TOBI_E_NOT_FOUND)
			note(output, logs[i].name, &why);
	}
	return TOBI_OK;
}
