/*
 * TCB information of Intel: which versions of a platform's firmware are good, for one
 * model (FMSPC). Versions 2 (SGX) and 3 (SGX and TDX).
 *
 * Source: Intel PCS API v3 and v4, "Get TCB Info"; docs/PROTOCOL.md section 14.2.
 */
#ifndef TOBI_TEE_DCAP_TCB_INFO_H
#define TOBI_TEE_DCAP_TCB_INFO_H

#include "tee/dcap_json.h"
#include "tee/dcap_pck.h"

enum { DCAP_MODULES_MAX = 16, DCAP_SEAM_SIGNER_SIZE = 48, DCAP_SEAM_ATTRIBUTES_SIZE = 8 };

/* A level of something that has one version number: a quoting enclave, a TDX module. */
struct dcap_svn_level {
	uint16_t svn;
	struct dcap_advice advice;
};

/* From the highest to the lowest. */
struct dcap_svn_levels {
	const struct dcap_svn_level *items;
	size_t count;
};

struct dcap_tcb_level {
	uint8_t sgx[DCAP_COMPONENTS];
	uint16_t pcesvn;
	uint8_t tdx[DCAP_COMPONENTS]; /* of TDX */
	struct dcap_advice advice;
};

/* Who signed a TDX module, and what its attributes must be. */
struct dcap_module {
	unsigned version; /* 1: "TDX_01"; 0: of modules before there were versions */
	uint8_t signer[DCAP_SEAM_SIGNER_SIZE];
	uint8_t attributes[DCAP_SEAM_ATTRIBUTES_SIZE];
	uint8_t attributes_mask[DCAP_SEAM_ATTRIBUTES_SIZE];
	struct dcap_svn_levels levels; /* empty for version 0 */
};

struct dcap_tcb_info {
	bool tdx;
	int64_t issued, next_update;
	uint8_t fmspc[DCAP_FMSPC_SIZE];
	uint8_t pce_id[2];
	uint32_t evaluation;	   /* tcbEvaluationDataNumber */
	struct dcap_module module; /* of TDX */
	const struct dcap_module *modules;
	size_t module_count;
	const struct dcap_tcb_level *levels; /* from the highest to the lowest */
	size_t level_count;
};

/* The value of "tcbInfo". Everything is copied into the arena. Errors: TOBI_E_MALFORMED,
 * _UNSUPPORTED (a version or a tcbType that is not known here), _LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err dcap_tcb_info_read(struct tobi_bytes json,
					       struct arena *arena,
					       struct dcap_tcb_info *ret_info,
					       struct tobi_fault *fault);
/* For documents with such a list: tcbLevels of { tcb: { isvsvn } }, at least one. */
struct dcap_svn_levels dcap_svn_levels(struct dcap_reader *rd, const json_t *object);

#endif
