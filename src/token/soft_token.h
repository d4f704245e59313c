/* The EAT of the soft tier: its claims, both ways (docs/PROTOCOL.md section 3.1). */
#ifndef TOBI_TOKEN_SOFT_TOKEN_H
#define TOBI_TOKEN_SOFT_TOKEN_H

#include "base/limits.h"
#include "codec/cose.h"

#define SOFT_PROFILE "tag:tobichi.example,2026:soft#1"

enum soft_protection {
	SOFT_NS_USER = 1 << 0,
	SOFT_NS_PID = 1 << 1,
	SOFT_NS_MOUNT = 1 << 2,
	SOFT_NS_NET = 1 << 3,
	SOFT_NS_IPC = 1 << 4,
	SOFT_NS_UTS = 1 << 5,
	SOFT_NS_CGROUP = 1 << 6,
	SOFT_READ_ONLY_ROOT = 1 << 7,
	SOFT_NO_CAPABILITIES = 1 << 8,
	SOFT_SECCOMP = 1 << 9,
	SOFT_LANDLOCK = 1 << 10,
	SOFT_NOT_DUMPABLE = 1 << 11,
	SOFT_SECRET_MEMORY = 1 << 12,
	SOFT_LIMIT_MEMORY = 1 << 13,
	SOFT_LIMIT_PROCESSES = 1 << 14,
	SOFT_LIMIT_CPU = 1 << 15,
	SOFT_OWN_USER = 1 << 16,
};
/* A word for one bit ("seccomp"); NULL for a bit without a name. */
const char *soft_protection_name(unsigned bit);

/* Everything borrows. */
struct soft_claims {
	uint64_t issued;
	struct tobi_bytes nonce; /* 32 */
	struct tobi_bytes ueid;	 /* 33 */
	uint64_t dbgstat;
	struct tobi_bytes profile;
	struct tobi_bytes swname, swversion;
	struct tobi_bytes tier;
	struct tobi_bytes image_id; /* 48 */
	struct tobi_bytes signers[LIMIT_SIGNERS];
	size_t signer_count;
	struct tobi_bytes config_id;
	uint64_t product, svn;
	struct tobi_bytes agent, service; /* 48 */
	uint64_t protections;
	struct tobi_bytes instance; /* 16 */
	struct tobi_bytes root_kind;
	uint64_t by_user;
	struct tobi_bytes owner; /* 48 or empty */
	struct tobi_bytes tpm;	 /* the submodule's value (tpm_evidence.h), or empty */
};

void soft_claims_write(struct writer *out, const struct soft_claims *claims);
/* Shape only: whether a claim is right is for the checks. */
TOBI_MUST_USE enum tobi_err soft_claims_parse(struct tobi_bytes payload,
					      struct soft_claims *ret_claims,
					      struct tobi_fault *fault);

#endif
