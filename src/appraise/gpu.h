/* Devices beside a CPU: their evidence is found among what came, and appraised with it.
 */
#ifndef TOBI_APPRAISE_GPU_H
#define TOBI_APPRAISE_GPU_H

#include "appraise/appraise.h"

struct gpu_parts {
	struct nvidia_pieces *all; /* in the arena of the result */
	/* What is left for the verifier of the CPU. */
	const struct tobi_bytes *pieces;
	size_t piece_count;
	/* What the devices were asked with; empty: the hash of the CPU's evidence. */
	struct tobi_bytes nonce;
};

/* Sorts the pieces that came beside. TOBI_E_MEMORY. */
TOBI_MUST_USE enum tobi_err gpu_split(struct tobi_result *result,
				      const struct tobi_bytes *pieces, size_t count,
				      struct gpu_parts *ret_parts,
				      struct tobi_fault *fault);
/*
 * Once the CPU's evidence was examined: the devices' records of the collection (NULL for
 * raw evidence) and the pieces. Evidence that is of devices itself is left alone. Errors
 * as of tee_verifier's examine.
 */
TOBI_MUST_USE enum tobi_err gpu_appraise(struct tobi_result *result,
					 const struct tobi_policy *policy,
					 const struct tee_request *cpu,
					 const struct gpu_parts *parts,
					 const struct cmw *cmw, struct tobi_fault *fault);

#endif
