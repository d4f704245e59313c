/* A device's measurements against reference values. */
#ifndef TOBI_TEE_NVIDIA_RIM_MATCH_H
#define TOBI_TEE_NVIDIA_RIM_MATCH_H

#include "tee/nvidia_device.h"
#include "tee/nvidia_rim.h"

extern const struct check check_rim_form, check_rim_chain, check_rim_signature,
    check_rim_version, check_rim_index, check_rim_match;

/* Of the documents that came those that are for one device; NULL: none. */
struct nvidia_rims {
	struct nvidia_rim *driver, *vbios;
};

/* By version and chip; where none is of them, one that is nearest, to be told about. */
TOBI_MUST_USE enum tobi_err nvidia_rims_find(const struct nvidia_appraisal *about,
					     const struct nvidia_device *device,
					     struct nvidia_rims *ret_rims,
					     struct tobi_fault *fault);
void nvidia_rims_done(struct nvidia_rims *rims);
/* Records the checks GPU-RIM-.. and sets what became of them. */
void nvidia_rims_examine(const struct nvidia_appraisal *about, size_t index,
			 const struct nvidia_rims *rims, struct nvidia_device *device);
void nvidia_rims_waive(struct checklist *list);

#endif
