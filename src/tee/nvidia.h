/*
 * Evidence of GPUs and switches of NVIDIA (Hopper, Blackwell, NVSwitch), alone or beside
 * that of a CPU (docs/PROTOCOL.md section 14.13).
 */
#ifndef TOBI_TEE_NVIDIA_H
#define TOBI_TEE_NVIDIA_H

#include "tee/nvidia_evidence.h"
#include "tee/tee.h"

#define NVIDIA_MEDIA_TYPE "application/vnd.tobichi.nvidia-gpu"
#define NVIDIA_MEDIA_TYPE_DOCUMENTS "application/vnd.tobichi.nvidia-documents"

extern const struct tee_verifier tee_nvidia;

/* What came beside the evidence of a CPU. */
struct nvidia_beside {
	struct tobi_bytes cpu; /* that evidence: what the devices were asked with */
	const struct tobi_bytes *records; /* of the devices, in any of the forms */
	size_t record_count;
	struct tobi_bytes documents; /* a CBOR array of byte strings, or empty */
	/* What the devices were asked with instead, where the protocol says so; or empty.
	 */
	struct tobi_bytes nonce;
};

/*
 * Owes and records the checks of the devices and fills claims->nvidia, in the words of
 * the request: its pins, pieces and collateral. Nothing is owed when no device's evidence
 * is there and none is asked for. Errors as of tee_verifier's examine.
 */
TOBI_MUST_USE enum tobi_err nvidia_examine_beside(const struct tee_request *request,
						  const struct nvidia_beside *beside,
						  bool asked, struct checklist *list,
						  struct tee_claims *claims,
						  struct tobi_fault *fault);

#endif
