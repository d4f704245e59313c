/*
 * The report body of an SGX enclave: of the one that is vouched for, and of the quoting
 * enclave that vouches.
 *
 * Source: Intel SDM volume 3D (REPORT); docs/PROTOCOL.md section 14.1.
 */
#ifndef TOBI_TEE_SGX_REPORT_H
#define TOBI_TEE_SGX_REPORT_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum { SGX_REPORT_SIZE = 384 };

enum {
	SGX_INITTED = 0x01,
	SGX_DEBUG = 0x02,
	SGX_MODE64BIT = 0x04,
	SGX_PROVISION_KEY = 0x10,
	SGX_EINITTOKEN_KEY = 0x20,
	SGX_CET = 0x40,
	SGX_KSS = 0x80,
	SGX_AEX_NOTIFY = 0x400,
};

/* Spans borrow from the input. */
struct sgx_report {
	struct tobi_bytes cpusvn;     /* 16 */
	struct tobi_bytes miscselect; /* 4, as in memory */
	uint32_t misc;		      /* the same as a number */
	struct tobi_bytes attributes; /* 16, as in memory: flags and xfrm */
	uint64_t flags, xfrm;
	struct tobi_bytes mrenclave, mrsigner; /* 32 each */
	uint16_t product, svn;
	struct tobi_bytes report_data; /* 64 */
	/* Key separation and sharing: meaningful with SGX_KSS only, else zero. */
	struct tobi_bytes ext_product; /* 16 */
	struct tobi_bytes family;      /* 16 */
	struct tobi_bytes config_id;   /* 64 */
	uint16_t config_svn;
	bool reserved_zero; /* all that is reserved */
};

/* bytes are exactly SGX_REPORT_SIZE. Errors: TOBI_E_TRUNCATED, _TRAILING. */
TOBI_MUST_USE enum tobi_err sgx_report_read(struct tobi_bytes bytes, const char *object,
					    struct sgx_report *ret_report,
					    struct tobi_fault *fault);

#endif
