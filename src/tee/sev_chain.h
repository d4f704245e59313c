/*
 * The two chains of an AMD SEV platform: AMD's root to the chip to its firmware, and the
 * platform owner's root to the same firmware.
 *
 *	ARK -> ASK -> CEK -> PEK -> PDH
 *	              OCA ----^
 */
#ifndef TOBI_TEE_SEV_CHAIN_H
#define TOBI_TEE_SEV_CHAIN_H

#include "pki/vendor_roots.h"
#include "tee/sev_certificate.h"

/* In the order in which they depend on each other. */
enum sev_link {
	SEV_LINK_ARK,	/* pinned, and signed by itself */
	SEV_LINK_ASK,	/* by the ARK */
	SEV_LINK_CEK,	/* by the ASK */
	SEV_LINK_PEK,	/* by the CEK */
	SEV_LINK_OCA,	/* by itself */
	SEV_LINK_OWNER, /* the PEK, by the OCA */
	SEV_LINK_PDH,	/* by the PEK */
	SEV_LINKS
};

enum { SEV_AMD_MAX = 16, SEV_CERTIFICATES_MAX = 32 };

/* What came. Roots of several generations may be there; of a platform's there is one. */
struct sev_certificates {
	struct sev_certificate arks[SEV_AMD_MAX], asks[SEV_AMD_MAX];
	size_t ark_count, ask_count;
	struct sev_certificate cek, pek, oca, pdh; /* bytes.size 0: none */
};

/* Adds all that stand back to back; the same one again is once. Errors: those of
 * sev_certificate_parse(), and TOBI_E_TRAILING for bytes that start no certificate,
 * TOBI_E_MALFORMED for a second one of a platform's, TOBI_E_LIMIT. */
TOBI_MUST_USE enum tobi_err sev_certificates_add(struct sev_certificates *certificates,
						 struct tobi_bytes bytes,
						 struct tobi_fault *fault);

struct sev_chain {
	const char *wrong[SEV_LINKS]; /* NULL: it holds. Literals. */
	uint8_t chip[SHA256_SIZE];    /* of the CEK's SubjectPublicKeyInfo */
	uint8_t owner[SHA256_SIZE];   /* of the OCA's; has_owner */
	bool has_owner, has_session;  /* an OCA, a PDH came */
	const char *generation;	      /* "rome"; "" for one that is not known here */
};

/* False when cryptography failed: nothing is known then. A link whose certificates did
 * not come is wrong. */
bool sev_chain_verify(const struct sev_certificates *certificates,
		      const struct key_pins *pins, struct sev_chain *ret_chain);
/* Whether all links hold of which there are certificates. */
bool sev_chain_holds(const struct sev_chain *chain);

#endif
