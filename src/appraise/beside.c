#include "appraise/beside.h"

#include "base/cleanup.h"
#include "collateral/detect.h"
#include "tee/nvidia_evidence.h"

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

/* Evidence that came to no kind is an error, which says more. */
static bool may_use(const struct tobi_result *result, struct tobi_bytes piece)
{
	const struct tee_verifier *kind =
	    result->kind ? tee_verifier_named(result->kind) : NULL;

	return !kind || (kind->takes && kind->takes(piece));
}

static bool is_collateral(struct tobi_bytes piece)
{
	const struct collateral_origin origin = {.source = "piece"};
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *set = tobi_collateral_new();

	return set && !collateral_detect(set, piece, &origin, NULL);
}

const char *beside_why_unused(const struct tobi_result *result, struct tobi_bytes piece)
{
	/* Devices may be beside any CPU, and hardware around any enclave. */
	if (may_use(result, piece) || nvidia_takes(piece) ||
	    (result->guest && may_use(result->guest, piece)))
		return NULL;
	return is_collateral(piece)
		   ? "it is what a vendor publishes: give it with --collateral"
		   : "evidence of this kind has no use for a file of this form";
}
