/*
 * What a document is, told by its content: file names and content types are hints for
 * people. One rule for trailing bytes: white space may follow text, nothing follows DER
 * or the binary formats of SEV.
 */
#ifndef TOBI_COLLATERAL_DETECT_H
#define TOBI_COLLATERAL_DETECT_H

#include "collateral/collateral.h"

/* Whence, and when. */
struct collateral_origin {
	const char *source;
	int64_t fetched;
};

/*
 * Adds what the bytes are: one document, or those of one file of several (PEM with a
 * whole chain; JSON of dcap-qvl, or of Azure's certificate service; what Intel's quote
 * provider library gives). The parts of a
 * chain that are Intel's issuers are joined with the documents that they fit, whichever
 * comes first. Errors: TOBI_E_UNSUPPORTED for what is no collateral; _TRUNCATED (empty),
 * _MALFORMED, _TRAILING, _LIMIT, _MEMORY, _CRYPTO. After one, part may be added.
 */
TOBI_MUST_USE enum tobi_err collateral_detect(struct tobi_collateral *set,
					      struct tobi_bytes bytes,
					      const struct collateral_origin *origin,
					      struct tobi_fault *fault);

/* The steps of it, each in a file of its own. */
struct pem_list;
TOBI_MUST_USE enum tobi_err detect_certificates(struct tobi_collateral *set,
						const struct pem_list *list,
						const struct collateral_origin *origin,
						struct tobi_fault *fault);
/* data: what is kept. */
TOBI_MUST_USE enum tobi_err detect_crl(struct tobi_collateral *set, const void *crl,
				       struct tobi_bytes data,
				       const struct collateral_origin *origin,
				       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err detect_json(struct tobi_collateral *set,
					struct tobi_bytes bytes,
					const struct collateral_origin *origin,
					struct tobi_fault *fault);
/* What Intel's quote provider library gives, whole. */
bool detect_is_dump(struct tobi_bytes bytes);
TOBI_MUST_USE enum tobi_err detect_dump(struct tobi_collateral *set,
					struct tobi_bytes bytes,
					const struct collateral_origin *origin,
					struct tobi_fault *fault);
/* Reference values of NVIDIA; an answer of an OCSP responder. */
bool detect_is_rim(struct tobi_bytes bytes);
TOBI_MUST_USE enum tobi_err detect_rim(struct tobi_collateral *set,
				       struct tobi_bytes bytes,
				       const struct collateral_origin *origin,
				       struct tobi_fault *fault);
bool detect_is_ocsp(struct tobi_bytes bytes);
TOBI_MUST_USE enum tobi_err detect_ocsp(struct tobi_collateral *set,
					struct tobi_bytes bytes,
					const struct collateral_origin *origin,
					struct tobi_fault *fault);
/* One or several certificates of AMD SEV, back to back, and nothing else. */
bool detect_is_sev(struct tobi_bytes bytes);

#endif
