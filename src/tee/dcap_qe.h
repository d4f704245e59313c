/*
 * Which quoting enclave is Intel's, and which of its versions are good: enclave identity,
 * version 2.
 *
 * Source: Intel PCS API v4, "Get Quoting Enclave Identity"; docs/PROTOCOL.md
 * section 14.2.
 */
#ifndef TOBI_TEE_DCAP_QE_H
#define TOBI_TEE_DCAP_QE_H

#include "tee/dcap_tcb_info.h"
#include "tee/sgx_report.h"

struct dcap_qe_identity {
	bool tdx; /* "TD_QE", else "QE" */
	int64_t issued, next_update;
	uint32_t evaluation;
	/* As in memory. */
	uint8_t miscselect[4], miscselect_mask[4];
	uint8_t attributes[16], attributes_mask[16];
	uint8_t signer[32];
	uint16_t product;
	struct dcap_svn_levels levels;
};

/* The value of "enclaveIdentity". Errors: as dcap_tcb_info_read(). */
TOBI_MUST_USE enum tobi_err dcap_qe_identity_read(struct tobi_bytes json,
						  struct arena *arena,
						  struct dcap_qe_identity *ret_identity,
						  struct tobi_fault *fault);
/* What of a quoting enclave's report differs from the identity: a literal, or NULL. Its
 * version is not compared. */
const char *dcap_qe_differs(const struct dcap_qe_identity *identity,
			    const struct sgx_report *report);

#endif
