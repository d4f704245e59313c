/* The signed JSON of Intel's PCS (API v4), as far as one must read it to know what it is:
 * TCB info and QE identity. */
#ifndef TOBI_COLLATERAL_INTEL_H
#define TOBI_COLLATERAL_INTEL_H

#include "collateral/collateral.h"

enum { INTEL_SIGNATURE_SIZE = 64, INTEL_FMSPC_TEXT = 13 };

struct intel_document {
	enum collateral_kind kind;
	char fmspc[INTEL_FMSPC_TEXT]; /* of TCB info: upper case, terminated */
	struct tobi_bytes body;	      /* exactly what is signed; borrowed */
	uint8_t signature[INTEL_SIGNATURE_SIZE];
	int64_t issued, next; /* by its own word; 0 where that cannot be read */
};

/* Errors: JSON's; TOBI_E_MALFORMED, _UNSUPPORTED for an id that is not known here. */
TOBI_MUST_USE enum tobi_err intel_document_read(struct tobi_bytes bytes,
						const char *object,
						struct intel_document *ret_document,
						struct tobi_fault *fault);
/* The bytes of the value of a member of the outermost object; empty when there is none.
 * The text must be well formed. */
struct tobi_bytes intel_member_span(struct tobi_bytes json, const char *name);

#endif
