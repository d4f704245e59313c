/*
 * What one piece of evidence needs of its vendor's services: read from the evidence, to
 * know what to ask for. Nothing is believed: what comes is checked, and the evidence is
 * appraised later, by others.
 *
 * Source: Intel PCS API v4; AMD 57230 (KDS); docs/PROTOCOL.md section 13.
 */
#ifndef TOBI_COLLATERAL_NEEDS_H
#define TOBI_COLLATERAL_NEEDS_H

#include "collateral/collateral.h"

enum need_service {
	SERVICE_PCS,	  /* Intel, or a cache of it (PCCS) */
	SERVICE_PCS_ROOT, /* where Intel's root publishes its list */
	SERVICE_KDS,	  /* AMD */
	SERVICE_RIM,	  /* NVIDIA's reference values */
	SERVICE_OCSP,	  /* its responder: the question is the need's body */
};

enum {
	NEEDS_MAX = 64,
	NEED_NAME_MAX = 16,
	NEED_PATH_MAX = 1024,
	NEED_BODY_MAX = 256,
	CHIP_ID_SIZE = 64
};

struct need {
	enum need_service service;
	enum collateral_kind kind;
	char name[NEED_NAME_MAX + 1]; /* of the item; of a leaf: its product */
	char path[NEED_PATH_MAX];     /* behind the service's address */
	uint8_t chip[CHIP_ID_SIZE];   /* of a VCEK: in it */
	size_t chip_size;
	uint8_t body[NEED_BODY_MAX]; /* what is posted; the path is for the cache then */
	size_t body_size;
};

struct needs {
	struct need list[NEEDS_MAX];
	size_t count;
	/* The platform's certificate is not in the quote: once it is there,
	 * needs_of_pck() says what else. */
	bool pck_first, tdx;
	const char *note; /* for people, or NULL: what cannot be asked for */
};

/* What the user knows better, or the evidence does not say. */
struct needs_hint {
	const char *product; /* "Milan", or NULL */
};

/* Once each. TOBI_E_LIMIT. */
TOBI_MUST_USE enum tobi_err needs_add(struct needs *needs, const struct need *need,
				      struct tobi_fault *fault);
/* Adds to the list. Errors: TOBI_E_UNSUPPORTED for evidence of another kind,
 * _MALFORMED, _LIMIT. */
TOBI_MUST_USE enum tobi_err needs_of_evidence(struct tobi_bytes evidence,
					      const struct needs_hint *hint,
					      struct needs *needs,
					      struct tobi_fault *fault);
/* Of a platform whose PCK certificate this is. */
TOBI_MUST_USE enum tobi_err needs_of_pck(const struct collateral_item *pck, bool tdx,
					 struct needs *needs, struct tobi_fault *fault);
/* ca: "platform" or "processor". fmspc: 12 hexadecimal digits. */
TOBI_MUST_USE enum tobi_err needs_of_platform(const char *fmspc, const char *ca, bool tdx,
					      struct needs *needs,
					      struct tobi_fault *fault);
/* Issuers and list of a product of AMD's. */
TOBI_MUST_USE enum tobi_err needs_of_product(const char *product, bool vlek,
					     struct needs *needs,
					     struct tobi_fault *fault);
/* The VCEK of a chip (8 or 64 bytes) at a TCB version (8 bytes, as in a report). */
TOBI_MUST_USE enum tobi_err needs_of_chip(const char *product, struct tobi_bytes chip,
					  struct tobi_bytes tcb, struct needs *needs,
					  struct tobi_fault *fault);
/* What would replace this item; false for what its vendor does not replace. */
bool need_of_item(const struct collateral_item *item, struct need *ret_need);

#endif
