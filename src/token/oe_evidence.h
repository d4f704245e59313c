/*
 * What Open Enclave puts around a quote: its reports (oe_get_report) and its evidence
 * (oe_get_evidence), with the claims of the enclave's program behind it
 * (docs/PROTOCOL.md section 14.16). Everything borrows from the input.
 *
 * Source: Open Enclave SDK, include/openenclave/internal/report.h,
 * common/attest_plugin.h, include/openenclave/attestation/sgx/evidence.h,
 * common/custom_claims.c.
 */
#ifndef TOBI_TOKEN_OE_EVIDENCE_H
#define TOBI_TOKEN_OE_EVIDENCE_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum { OE_REPORT_HEADER = 16, OE_EVIDENCE_HEADER = 28, OE_CLAIMS_MAX = 32 };

/* The quote in a report of version 1 for other machines; the bytes themselves when they
 * are no such report, or not one of exactly its size. */
struct tobi_bytes oe_report_quote(struct tobi_bytes bytes);

enum oe_format {
	OE_UNKNOWN,
	OE_SGX_ECDSA, /* a quote over the hash of custom claims, and these behind it */
	OE_LEGACY_REPORT, /* a report, and nothing behind it */
	OE_RAW_QUOTE,	  /* a quote alone */
	OE_TDX_QUOTE,
	OE_LOCAL, /* of one machine only */
	OE_EPID,  /* of Intel's retired service */
};

struct oe_evidence {
	enum oe_format format;
	struct tobi_bytes quote;
	bool has_claims;	  /* the format has custom claims */
	struct tobi_bytes claims; /* may be empty */
};

/* By its header; OE_UNKNOWN for bytes that have none. */
enum oe_format oe_evidence_format(struct tobi_bytes bytes);
const char *oe_format_name(enum oe_format format);
/* Errors: TOBI_E_TRUNCATED, _TRAILING, _MALFORMED; _UNSUPPORTED for a format without a
 * quote. */
TOBI_MUST_USE enum tobi_err oe_evidence_parse(struct tobi_bytes bytes,
					      struct oe_evidence *ret_evidence,
					      struct tobi_fault *fault);

struct oe_claim {
	struct tobi_bytes name; /* without the zero at its end */
	struct tobi_bytes value;
};
/* The claims that oe_serialize_custom_claims() wrote; 0 when the bytes are something
 * else, which is no error: a program may put there what it likes. */
size_t oe_claims_read(struct tobi_bytes bytes,
		      struct oe_claim ret_claims[static OE_CLAIMS_MAX]);

#endif
