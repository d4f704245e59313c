/*
 * A quote of Intel's DCAP: of an SGX enclave (version 3, 4 or 5) or of a TDX guest (4 or
 * 5). Its shape only: nothing here is checked beyond what is needed to read it.
 *
 * Source: Intel SGX ECDSA QuoteLibReference DCAP API, appendix A.4; Intel TDX DCAP
 * Quoting Library API, appendix A; docs/PROTOCOL.md section 14.1.
 */
#ifndef TOBI_TEE_DCAP_QUOTE_H
#define TOBI_TEE_DCAP_QUOTE_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* The numbers are those of version 5. */
enum dcap_body { DCAP_SGX = 1, DCAP_TD10 = 2, DCAP_TD15 = 3 };

enum { DCAP_TD10_SIZE = 584, DCAP_TD15_SIZE = 648 };

/* What tells whose key signed the report of the quoting enclave. */
enum dcap_certification {
	DCAP_PPID_CLEAR = 1,
	DCAP_PPID_RSA2048 = 2,
	DCAP_PPID_RSA3072 = 3,
	DCAP_PCK_LEAF = 4,
	DCAP_PCK_CHAIN = 5,
	DCAP_QE_REPORT = 6, /* never in struct dcap_quote: it holds another */
	DCAP_PLATFORM_MANIFEST = 7,
};

/* Spans borrow from the input. */
struct dcap_quote {
	unsigned version; /* 3, 4, 5 */
	enum dcap_body body_kind;
	struct tobi_bytes signed_part; /* header and body, as they were signed */
	struct tobi_bytes body;	       /* by its kind: 384, 584 or 648 */
	uint16_t qe_svn, pce_svn;      /* version 3 only, else 0 */
	struct tobi_bytes vendor;      /* 16: whose quoting enclave */
	struct tobi_bytes user_data;   /* 20 */

	struct tobi_bytes signature;	       /* 64, r and s: over signed_part */
	struct tobi_bytes key_part;	       /* all that follows the signature */
	struct tobi_bytes attestation_key;     /* 64, x and y */
	struct tobi_bytes qe_report;	       /* SGX_REPORT_SIZE */
	struct tobi_bytes qe_report_signature; /* 64 */
	struct tobi_bytes qe_auth;	       /* may be empty */
	enum dcap_certification certification;
	struct tobi_bytes certification_data;

	/* Of certification 1 to 3, else empty: the name of a PCK certificate. */
	struct tobi_bytes ppid;		  /* 16 in clear, 256 or 384 encrypted */
	struct tobi_bytes cpusvn, pce_id; /* 16, 2 */
	uint16_t pcesvn;
};

/* Whether the bytes start as a quote of this kind of body does: enough that no other kind
 * of evidence does. */
bool dcap_quote_starts(struct tobi_bytes bytes, bool tdx);
/* Whether it calls itself one of Intel's quoting enclaves. */
bool dcap_quote_is_intel(const struct dcap_quote *quote);
/*
 * bytes may have zeros behind the quote, and nothing else. Errors: TOBI_E_TRUNCATED,
 * _TRAILING, _MALFORMED (sizes that do not agree), _LIMIT, _UNSUPPORTED (another version,
 * key type or certification).
 */
TOBI_MUST_USE enum tobi_err dcap_quote_read(struct tobi_bytes bytes, const char *object,
					    struct dcap_quote *ret_quote,
					    struct tobi_fault *fault);

#endif
