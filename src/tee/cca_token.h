/* Arm CCA: the collection of a platform's and a realm's token. Reading bytes only. */
#ifndef TOBI_TEE_CCA_TOKEN_H
#define TOBI_TEE_CCA_TOKEN_H

#include "tee/arm_claims.h"
#include "tee/arm_token.h"

/* How the realm's key is written: its profile says so. */
enum cca_key_form { CCA_KEY_POINT, CCA_KEY_COSE };

struct cca_token {
	struct tobi_bytes platform_bytes; /* the platform's token, as it came */
	struct arm_token platform, realm;
};

/* By the collection's tag and first label. */
bool cca_token_is(struct tobi_bytes bytes);
/* Errors: the decoder's; TOBI_E_MALFORMED when one of the two is not there. */
TOBI_MUST_USE enum tobi_err cca_token_parse(struct tobi_bytes bytes, struct arena *arena,
					    struct cca_token *ret_token,
					    struct tobi_fault *fault);
/* What is wrong with the claims is in them. */
TOBI_MUST_USE enum tobi_err cca_claims_read(const struct cca_token *token,
					    struct cca_claims *ret_claims,
					    struct tobi_fault *fault);
/* Whether the realm's profile, or that it has none, is known here. */
bool cca_realm_profile(const struct arm_claims *realm, enum cca_key_form *ret_form);
bool cca_platform_profile(const struct arm_claims *platform);

#endif
