/*
 * Claims of Arm's attestation tokens, PSA's and CCA's: one map of CBOR each, whose labels
 * a table of the profile names (docs/PROTOCOL.md sections 14.8 and 14.9).
 *
 * Source: RFC 9783 section 4; draft-tschofenig-rats-psa-token-07 and -00; Arm RMM
 * specification, section A7.2; draft-ffm-rats-cca-token.
 */
#ifndef TOBI_TEE_ARM_CLAIMS_H
#define TOBI_TEE_ARM_CLAIMS_H

#include "tobichi/error.h"
#include "tobichi/bytes.h"

#include <stdbool.h>

enum {
	ARM_COMPONENTS_MAX = 32,
	ARM_CLAIMS_MAX = 64, /* in one token, with those that are not known here */
	ARM_WRONG_MAX = 128,
	ARM_INSTANCE_SIZE = 33,
	ARM_IMPLEMENTATION_SIZE = 32,
	CCA_REMS = 4,
	CCA_CHALLENGE_SIZE = 64,
};

enum arm_claim {
	ARM_PROFILE,
	ARM_NONCE, /* of a CCA platform: the hash of the realm's key */
	ARM_INSTANCE,
	ARM_IMPLEMENTATION,
	ARM_LIFECYCLE,
	ARM_COMPONENTS,
	ARM_NO_COMPONENTS, /* said aloud: nothing was measured */
	ARM_CLIENT,
	ARM_BOOT_SEED,
	ARM_CERTIFICATION,
	ARM_HARDWARE_VERSION,
	ARM_SERVICE,
	ARM_CONFIG,
	ARM_HASH,
	/* Of a realm. */
	ARM_PERSONALIZATION,
	ARM_KEY,
	ARM_KEY_HASH,
	ARM_RIM,
	ARM_REMS,
	ARM_MEC,
	ARM_CLAIMS,
};

enum arm_type { ARM_BYTES, ARM_TEXT, ARM_INT, ARM_LIST };

/* Of a profile. Sizes of bytes and of a text: from least to most in steps. */
struct arm_row {
	int64_t label;
	enum arm_claim claim;
	enum arm_type type;
	bool required;
	const char *name;
	size_t least, most, step;
};

/* Empty members are not in the token. */
struct arm_component {
	struct tobi_bytes type, value, version, signer, hash;
};

/* Borrows from the payload that it was read from. */
struct arm_claims {
	bool has[ARM_CLAIMS];
	struct tobi_bytes values[ARM_CLAIMS]; /* bytes and texts */
	int64_t numbers[ARM_CLAIMS];
	struct arm_component components[ARM_COMPONENTS_MAX];
	size_t component_count;
	struct tobi_bytes rems[CCA_REMS];
	/* The first claim that is not there, or not as the table wants it; or "". */
	char wrong[ARM_WRONG_MAX];
};

struct cca_claims {
	struct arm_claims platform, realm;
};

/* The last row has no name. Labels that are not in it are passed over. Errors: the
 * decoder's, for what is no map of claims. */
TOBI_MUST_USE enum tobi_err
arm_claims_read(struct tobi_bytes payload, const struct arm_row *rows, const char *object,
		struct arm_claims *ret_claims, struct tobi_fault *fault);
/* The claim's value among all those of the payload, whatever the table; empty when it is
 * not there, or of another type. */
struct tobi_bytes arm_claims_peek(struct tobi_bytes payload, int64_t label,
				  enum arm_type type);
bool arm_claims_have(struct tobi_bytes payload, int64_t from, int64_t to);

/* Notes what is wrong, if nothing was before. */
void arm_claims_wrong(struct arm_claims *claims, const char *format, ...)
    TOBI_PRINTF(2, 3);

/* The security lifecycle: "secured"; "reserved" for a value that has no name. */
const char *arm_lifecycle_name(int64_t lifecycle);
/* Of those that a name is given to: 0 to ARM_LIFECYCLES - 1; -1 for a name that there is
 * not. */
enum { ARM_LIFECYCLES = 7, ARM_SECURED = 3 };
int arm_lifecycle_find(const char *name);
int arm_lifecycle_of(int64_t lifecycle);
bool arm_lifecycle_is_debug(int64_t lifecycle);

/* The size of a hash by its name, "sha-256"; 0 for one that is not known here. */
size_t arm_hash_size(struct tobi_bytes name);

#endif
