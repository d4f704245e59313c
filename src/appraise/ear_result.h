/* A result as an EAR: the trustworthiness vector of each tier, signed or not. */
#ifndef TOBI_APPRAISE_EAR_RESULT_H
#define TOBI_APPRAISE_EAR_RESULT_H

#include "appraise/appraise.h"
#include "token/ear.h"

/* The name of the attester among the submodules, of which there is one. */
#define EAR_SUBMOD "enclave"
#define EAR_BUILD "tobichi " TOBICHI_VERSION

struct ear_vector ear_result_vector(const struct tobi_result *result);
/* The worst of the vector; what was refused is contraindicated. */
enum ear_tier ear_result_status(const struct tobi_result *result,
				const struct ear_vector *vector);

/* A result as a record of its own (CMW), for a certificate: about the key that the
 * certificate is for, and without the nonce of the session that it came by. */
struct ear_record {
	EVP_PKEY *key;		 /* that signs */
	const char *developer;	 /* the verifier's name; NULL: "tobichi" */
	const uint8_t *key_spki; /* SHA-256, of the attester's key */
	int64_t expires;
};
/* CBOR, appended. TOBI_E_MEMORY, _LIMIT, _CRYPTO. */
TOBI_MUST_USE enum tobi_err ear_record_write(const struct tobi_result *result,
					     const struct ear_record *record,
					     struct writer *out,
					     struct tobi_fault *fault);

#endif
