/*
 * One object being sealed or opened: which key it needs, and then the work in slices, so
 * that 16 MiB do not keep the agent's loop from its sessions.
 */
#ifndef AGENT_SEAL_JOB_H
#define AGENT_SEAL_JOB_H

#include "seal/ask.h"
#include "seal/object.h"

/* Who this enclave is: the seal policies ask for it. */
struct seal_identity {
	uint8_t image[SHA384_SIZE];
	uint8_t signers[LIMIT_SIGNERS][SHA384_SIZE];
	size_t signer_count;
	uint16_t product, svn;
	bool debug;
};

/* What the platform service derives a key from, beside what it knows itself. */
struct key_wanted {
	enum tobi_seal_to to;
	struct tobi_bytes signer; /* borrows from the identity; empty: the image */
	uint16_t svn;		  /* zero for the image */
};

/* The signer that a policy means: none, the one named, or the only one there is. */
TOBI_MUST_USE enum tobi_err seal_choose_signer(const struct seal_identity *identity,
					       enum tobi_seal_to to,
					       struct tobi_bytes named,
					       struct tobi_bytes *ret_signer,
					       struct tobi_fault *fault);

struct seal_job;

/* ask: SEAL or UNSEAL. It, the identity and the memory file stay the caller's and live as
 * long as the job. An object that is not for this identity is TOBI_E_DENIED. */
TOBI_MUST_USE enum tobi_err seal_job_new(const struct seal_identity *identity,
					 const struct ask *ask, int content,
					 struct seal_job **ret_job,
					 struct key_wanted *ret_wanted,
					 struct tobi_fault *fault);
void seal_job_free(struct seal_job *job);
DEFINE_CLEANUP(struct seal_job *, seal_job_free)
/* The key that was wanted; it is not kept. */
TOBI_MUST_USE enum tobi_err seal_job_key(struct seal_job *job,
					 const uint8_t key[static SEAL_KEY_SIZE],
					 struct tobi_fault *fault);
/* One slice, after the key. ret_result: -1 while there is more to do, then a sealed
 * memory file: close() it. */
TOBI_MUST_USE enum tobi_err seal_job_step(struct seal_job *job, int *ret_result,
					  struct tobi_fault *fault);

#endif
