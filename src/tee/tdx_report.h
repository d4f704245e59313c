/*
 * What a TDX module reports of a guest (TD): version 1.0 and 1.5 of the quote's body.
 *
 * Source: Intel TDX DCAP Quoting Library API, appendix A; Intel TDX Module ABI
 * (TDREPORT_STRUCT); docs/PROTOCOL.md section 14.2.
 */
#ifndef TOBI_TEE_TDX_REPORT_H
#define TOBI_TEE_TDX_REPORT_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum { TDX_HASH_SIZE = 48, TDX_SVN_SIZE = 16, TDX_RTMRS = 4, TDREPORT_SIZE = 1024 };

/* TDATTRIBUTES. */
#define TDX_DEBUG (UINT64_C(1) << 0)
#define TDX_UNTRUSTED UINT64_C(0xff) /* any of them: the TD is not trusted */
#define TDX_ICSSD (UINT64_C(1) << 16)
#define TDX_LASS (UINT64_C(1) << 27)
#define TDX_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TDX_MIGRATABLE (UINT64_C(1) << 29)
#define TDX_PKS (UINT64_C(1) << 30)
#define TDX_KEY_LOCKER (UINT64_C(1) << 31)
#define TDX_TPA (UINT64_C(1) << 62)
#define TDX_PERFMON (UINT64_C(1) << 63)

struct tdx_attribute {
	uint64_t bit;
	const char *name; /* as in a policy: "sept-ve-disable" */
};

/* Those that a TD may have, NULL past the end; debug and what is untrusted are none. */
const struct tdx_attribute *tdx_attribute_at(size_t index);

/* Spans borrow from the input. */
struct tdx_report {
	struct tobi_bytes tee_tcb_svn; /* 16: of the module under which it was launched */
	struct tobi_bytes mr_seam, mr_signer_seam; /* 48 each */
	struct tobi_bytes seam_attributes;	   /* 8 */
	uint64_t attributes, xfam;
	struct tobi_bytes mr_td, mr_config_id, mr_owner, mr_owner_config; /* 48 each */
	struct tobi_bytes rtmrs[TDX_RTMRS];				  /* 48 each */
	struct tobi_bytes report_data;					  /* 64 */
	/* Of 1.5 only, else empty: of the module that runs now; of service TDs. */
	struct tobi_bytes tee_tcb_svn_2; /* 16 */
	struct tobi_bytes mr_service_td; /* 48 */
};

/* bytes are exactly a body, 584 or 648. Errors: TOBI_E_TRUNCATED, _TRAILING. */
TOBI_MUST_USE enum tobi_err tdx_report_read(struct tobi_bytes bytes, const char *object,
					    struct tdx_report *ret_report,
					    struct tobi_fault *fault);
/* Whether it is a report for the platform that made it alone (TDREPORT): nobody else can
 * check it, so it is no evidence. */
bool tdx_is_local_report(struct tobi_bytes bytes);
/* Whether TDINFO_STRUCT of a TDREPORT (from ATTRIBUTES to RTMR3) is of the same TD, in
 * the same state. */
bool tdx_report_is_of(const struct tdx_report *report, struct tobi_bytes td_info);

#endif
