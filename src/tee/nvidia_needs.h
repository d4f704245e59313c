/*
 * What NVIDIA's services have for its devices: reference values (RIM) by an id that is
 * made of what a report says, and answers on revocation (OCSP) for each certificate that
 * NVIDIA has signed. Nothing is verified, and nobody is asked here.
 *
 * Source: NVIDIA nvtrust, local_gpu_verifier (ids; hash of OCSP's CertID); RFC 6960.
 */
#ifndef TOBI_TEE_NVIDIA_NEEDS_H
#define TOBI_TEE_NVIDIA_NEEDS_H

#include "collateral/needs.h"

/* Of evidence in one of its forms. A report that comes alone says what its reference
 * values are, but not which chip it is of: with a note. Errors: TOBI_E_UNSUPPORTED (no
 * evidence of NVIDIA's), _LIMIT, those of reading it. */
TOBI_MUST_USE enum tobi_err nvidia_needs(struct tobi_bytes evidence, struct needs *needs,
					 struct tobi_fault *fault);
/* Of who signed a file of reference values. */
TOBI_MUST_USE enum tobi_err
nvidia_needs_of_rim(struct tobi_bytes rim, struct needs *needs, struct tobi_fault *fault);

#endif
