/*
 * What the paravisor of an Azure confidential VM hands out (docs/PROTOCOL.md section
 * 14.12): a report of the hardware, and the data whose hash the report carries.
 *
 * Source: Azure's HwVmReport.h (confidential-computing-cvm-guest-attestation); kept in
 * the vTPM, NV index 0x01400001.
 */
#ifndef TOBI_TEE_AZURE_HCL_H
#define TOBI_TEE_AZURE_HCL_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum azure_report { AZURE_REPORT_SNP = 2, AZURE_REPORT_TDX = 4 };

enum {
	AZURE_HCL_HARDWARE = 32, /* where the hardware's report is */
	AZURE_HARDWARE_SIZE = 1184,
	AZURE_HCL_HEAD = 1236, /* all that is before the data */
	AZURE_REQUEST_VM = 2,
	AZURE_HASH_SHA256 = 1,
};

/* Spans borrow from the input. */
struct azure_hcl {
	uint32_t version, request, status;
	struct tobi_bytes reserved; /* 12 */
	struct tobi_bytes hardware; /* AZURE_HARDWARE_SIZE */
	uint32_t data_version, report_type, hash_type;
	struct tobi_bytes data; /* JSON, exactly as it was hashed */
};

/* Whether the bytes start as one does. */
bool azure_hcl_starts(struct tobi_bytes bytes);
/* The same, and of this kind of hardware. */
bool azure_hcl_is(struct tobi_bytes bytes, enum azure_report kind);
/* Only zeros may follow. Errors: TOBI_E_TRUNCATED, _TRAILING, _MALFORMED (sizes that do
 * not agree), _LIMIT. What the numbers mean is the caller's to judge. */
TOBI_MUST_USE enum tobi_err azure_hcl_read(struct tobi_bytes bytes,
					   struct azure_hcl *ret_hcl,
					   struct tobi_fault *fault);

#endif
