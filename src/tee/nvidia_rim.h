/*
 * Reference values of NVIDIA (RIM): a SWID tag in XML, signed as a whole, that lists what
 * a device must measure for one version of its firmware or driver.
 *
 * Source: TCG Reference Integrity Manifest Information Model 1.01; ISO/IEC 19770-2;
 * NVIDIA's RIM service (rim.attestation.nvidia.com).
 */
#ifndef TOBI_TEE_NVIDIA_RIM_H
#define TOBI_TEE_NVIDIA_RIM_H

#include "tee/nvidia_chain.h"

enum { RIM_VALUES_MAX = 1024, RIM_WRONG_MAX = 160 };

/* One of the values that a measurement may have. */
struct nvidia_rim_value {
	uint8_t index; /* 0 to 63: of the report's block index + 1 */
	uint8_t digest[SPDM_DIGEST_SIZE];
};

struct nvidia_rim {
	struct memo_value head;
	/* What does not hold; "" where all is right. */
	char form[RIM_WRONG_MAX], signature[RIM_WRONG_MAX];
	struct nvidia_chain *chain; /* of its signer; NULL: none could be read */
	bool unreadable;	    /* the XML library is not there */
	/* As its form has them; of what was signed, where that holds. */
	char version[NVIDIA_TEXT_MAX], product[NVIDIA_TEXT_MAX];
	bool is_switch, is_vbios;
	struct nvidia_rim_value *values; /* of the active ones, in the order of indexes */
	size_t value_count;
};

/*
 * The document, read, and its signature checked. Only one with which all is right is
 * remembered. memo_unref() its head. TOBI_E_MEMORY, _CRYPTO; a bad document is no error.
 */
TOBI_MUST_USE enum tobi_err
nvidia_rim_read(const struct nvidia_document *document, const struct key_pins *pins,
		const struct tee_request *request, const struct nvidia_material *material,
		struct nvidia_rim **ret_rim, struct tobi_fault *fault);
void nvidia_rim_unref(struct nvidia_rim **rim);
/* Whether the digest is one of those listed for this index; *ret_active: any is. */
bool nvidia_rim_has(const struct nvidia_rim *rim, size_t index, struct tobi_bytes digest,
		    bool *ret_active);

#endif
