/* One signed token of Arm's: its envelope, and whose key it is signed with. */
#ifndef TOBI_TEE_ARM_TOKEN_H
#define TOBI_TEE_ARM_TOKEN_H

#include "codec/cose.h"
#include "tee/tee.h"

struct arm_token {
	struct cose_sign1 sign1;
	bool is_mac;		   /* COSE_Mac0 */
	struct tobi_bytes payload; /* in the arena: claims may borrow from it */
};

/* Errors: the decoder's; TOBI_E_MALFORMED without a payload; _MEMORY. */
TOBI_MUST_USE enum tobi_err arm_token_parse(struct tobi_bytes bytes, const char *object,
					    struct arena *arena,
					    struct arm_token *ret_token,
					    struct tobi_fault *fault);
/* ES256, ES384 or ES512, in the protected header. */
bool arm_token_is_ecdsa(const struct arm_token *token);
/* Whether that key signed exactly this token. */
bool arm_token_holds(const struct arm_token *token, EVP_PKEY *key);

/* Those that reference values name for this device; NULL when they name none. */
const struct anchor_keys *arm_device_keys(const struct tee_request *request,
					  const struct tee_environment *environment);
/* The key that signed it, among those that the policy names and those that reference
 * values name for this device; each is tried, ANCHOR_KEYS_MAX of each at most. ret_spki:
 * SHA-256 of it. NULL, and why in words, when none did. */
EVP_PKEY *arm_token_signer(const struct arm_token *token,
			   const struct tee_request *request,
			   const struct tee_environment *environment,
			   const uint8_t **ret_spki, const char **ret_why);

#endif
