/*
 * What a GPU or switch of NVIDIA signs: an SPDM 1.1 GET_MEASUREMENTS request, as the
 * verifier's side sent it, and the device's MEASUREMENTS response (docs/PROTOCOL.md
 * section 14.13).
 */
#ifndef TOBI_TEE_SPDM_REPORT_H
#define TOBI_TEE_SPDM_REPORT_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum {
	SPDM_NONCE_SIZE = 32,
	SPDM_DIGEST_SIZE = 48,
	SPDM_SIGNATURE_SIZE = 96,
	SPDM_BLOCKS_MAX = 64, /* Hopper and Blackwell have as many */
	SPDM_OPAQUE_MAX = 4096,
	SPDM_FIELDS_MAX = 64,
};

/* Of NVIDIA's opaque data. What has another number is passed over: numbers above 26 were
 * given anew from one release to the next. */
enum spdm_field {
	SPDM_FIELD_DRIVER = 3,
	SPDM_FIELD_SKU = 5,
	SPDM_FIELD_VBIOS = 6,
	SPDM_FIELD_NVDEC = 11,
	SPDM_FIELD_BOARD = 14,
	SPDM_FIELD_CHIP_SKU = 15,
	SPDM_FIELD_CHIP_SKU_MODIFIER = 16,
	SPDM_FIELD_PROJECT = 17,
	SPDM_FIELD_PROJECT_SKU = 18,
	SPDM_FIELD_PROJECT_SKU_MODIFIER = 19,
	SPDM_FIELD_FWID = 20,
	SPDM_FIELD_PROTECTED_PCIE = 21,
	SPDM_FIELD_SWITCH_PDI = 22,
	SPDM_FIELD_KNOWN = 27,
};

enum { SPDM_ON = 0xaa, SPDM_OFF = 0x55 };

/* Borrowed from the report. */
struct spdm_report {
	struct tobi_bytes nonce; /* of the request: the verifier's */
	/* Of the blocks 1, 2, .. in their order: SHA-384, each. */
	struct tobi_bytes digests[SPDM_BLOCKS_MAX];
	size_t block_count;
	struct tobi_bytes fields[SPDM_FIELD_KNOWN]; /* ptr NULL: not there */
	struct tobi_bytes message;		    /* what is signed */
	struct tobi_bytes signature;
};

/* Whether the bytes start as such a report does. */
bool spdm_report_starts(struct tobi_bytes bytes);
/*
 * Strict: blocks 1, 2, .. each of DMTF's form with a SHA-384; each known field once;
 * nothing behind the signature. Errors: TOBI_E_TRUNCATED, _TRAILING, _MALFORMED, _LIMIT;
 * _UNSUPPORTED for another version of SPDM, or a request without a signature.
 */
TOBI_MUST_USE enum tobi_err spdm_report_parse(struct tobi_bytes bytes,
					      struct spdm_report *ret_report,
					      struct tobi_fault *fault);
/* A text field, up to its first NUL, printable ASCII; false when it is not there or is no
 * such text. */
bool spdm_report_text(const struct spdm_report *report, enum spdm_field field,
		      char *ret_text, size_t room);
/* The VBIOS's version as NVIDIA writes it: "96.00.9F.00.01". */
bool spdm_report_vbios(const struct spdm_report *report, char *ret_text, size_t room);

#endif
