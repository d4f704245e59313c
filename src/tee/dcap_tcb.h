/*
 * How current a platform of Intel is: its firmware, the TDX module of a guest, and the
 * quoting enclave, against what Intel publishes.
 *
 * Source: Intel PCS API v4; Intel TDX DCAP Quoting Library API, section 4.1.2.4.17;
 * docs/PROTOCOL.md section 14.2.
 */
#ifndef TOBI_TEE_DCAP_TCB_H
#define TOBI_TEE_DCAP_TCB_H

#include "tee/dcap.h"
#include "tee/dcap_qe.h"
#include "tee/tdx_report.h"

/* What came out; in the arena of the checklist. */
struct dcap_tcb {
	/* Levels were found for all, and none is revoked: else only seam means something.
	 */
	bool found;
	enum dcap_status status; /* of all together */
	enum dcap_status platform, module, qe;
	bool has_module; /* of TDX, with a version */
	/* Who must have signed the TDX module, and its attributes; levels is empty. Of
	 * TDX. */
	struct dcap_module seam;
	int64_t date;	     /* the oldest of the levels that were reached */
	uint32_t evaluation; /* the smaller of both documents' */
	int64_t next_update; /* the earlier of both documents' */
	/* All that apply to the levels that were reached; sorted, each once. */
	const char *const *advisories;
	size_t advisory_count;
};

/* DCAP-TCB-INFO, -TCB-MODEL, -TCB-LEVEL, -QE-IDENTITY, -QE-MATCH, -QE-LEVEL: for the
 * table of a kind. */
extern const struct check check_dcap_tcb_info, check_dcap_tcb_model, check_dcap_tcb_level,
    check_dcap_qe_identity, check_dcap_qe_match, check_dcap_qe_level;
#define DCAP_TCB_CHECKS                                                                  \
	&check_dcap_tcb_info, &check_dcap_tcb_model, &check_dcap_tcb_level,              \
	    &check_dcap_qe_identity, &check_dcap_qe_match, &check_dcap_qe_level

/*
 * Records DCAP_TCB_CHECKS and adds facts. Only for a platform whose certificate was
 * verified (dcap->has_pck). td is the guest's report, NULL for SGX. Sets dcap->tcb when
 * there is TCB information of the platform's model. Errors: TOBI_E_MEMORY.
 */
TOBI_MUST_USE enum tobi_err
dcap_tcb_evaluate(const struct tee_request *request, const struct dcap_quote *quote,
		  const struct tdx_report *td, struct checklist *list,
		  struct tee_claims *claims, struct dcap_claims *dcap,
		  struct tobi_fault *fault);

/* The levels that a platform reaches. Borrowed from the document; NULL where there is
 * none. */
struct dcap_match {
	const struct dcap_tcb_level *sgx;	   /* by the SGX components alone */
	const struct dcap_tcb_level *level;	   /* by all that count */
	const struct dcap_module *module;	   /* of TDX */
	const struct dcap_module *running;	   /* now, by TEE_TCB_SVN_2; of TD 1.5 */
	const struct dcap_svn_level *module_level; /* of a module with a version */
};

/* Why there is none: a literal; NULL when all that is needed was found. */
const char *dcap_tcb_match(const struct dcap_tcb_info *info, const struct dcap_pck *pck,
			   const struct tdx_report *td, struct dcap_match *ret_match);
/* The first that a version number reaches; NULL when there is none. */
const struct dcap_svn_level *dcap_svn_match(const struct dcap_svn_levels *levels,
					    uint16_t svn);
/* A status, made worse by that of a part. */
enum dcap_status dcap_converge(enum dcap_status status, enum dcap_status part);
/* The status of a guest of TD 1.5 when the platform is current again, and only the guest
 * was launched before; else status. */
enum dcap_status dcap_relaunch(const struct dcap_tcb_info *info,
			       const struct tdx_report *td,
			       const struct dcap_match *match, enum dcap_status status,
			       enum dcap_status qe);

#endif
