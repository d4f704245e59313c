#include "appraise/ratls.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "collateral/detect.h"

DEFINE_CLEANUP(struct tobi_collateral *, tobi_collateral_free)

/* Open Enclave counts the zero behind a text. */
static struct tobi_bytes without_end(struct tobi_bytes part)
{
	if (part.size && part.ptr[part.size - 1] == 0 && part.ptr[0] != 0x30)
		part.size--;
	return part;
}

enum tobi_err ratls_collateral(const struct ratls_endorsements *endorsements,
			       struct tobi_collateral **ret_set, struct tobi_fault *fault)
{
	const struct collateral_origin origin = {.source = "the certificate"};
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *set = NULL;

	if (!endorsements->collateral_count)
		return TOBI_OK;
	set = tobi_collateral_new();
	if (!set)
		return fault_set(fault, TOBI_E_MEMORY, "endorsements", "",
				 "out of memory");
	/* The eighth is the time at which they were fetched. */
	for (size_t i = 0; i < RATLS_COLLATERAL_MIN; i++) {
		struct tobi_bytes part = without_end(endorsements->collateral[i]);

		if (collateral_detect(set, part, &origin, NULL) == TOBI_E_MEMORY)
			return fault_set(fault, TOBI_E_MEMORY, "endorsements", "",
					 "out of memory");
	}
	*ret_set = TAKE(set);
	return TOBI_OK;
}
