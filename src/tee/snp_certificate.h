/*
 * The certificate of the key that signs reports of AMD SEV-SNP: VCEK (of a chip) or VLEK
 * (of a cloud's owner). AMD 57230, "VCEK Certificate and KDS Interface", section 3.
 */
#ifndef TOBI_TEE_SNP_CERTIFICATE_H
#define TOBI_TEE_SNP_CERTIFICATE_H

#include <openssl/x509.h>

#include "tee/snp_report.h"

struct snp_leaf {
	enum snp_key kind; /* SNP_KEY_VCEK or _VLEK: by its name, and its extensions */
	const struct snp_product *product;
	char product_name[24];	     /* as it is written: "Milan-B0" */
	uint8_t tcb[SNP_TCB_SIZE];   /* its versions, in the layout of the product */
	uint8_t chip[SNP_CHIP_SIZE]; /* of a VCEK: product->chip_size bytes */
	char csp[129];		     /* of a VLEK: whose it is; printable ASCII */
};

/* Whether its common name is that of either. */
bool snp_leaf_is_named(const X509 *certificate);
/*
 * Strict: each extension of its kind once, in minimal DER; none of AMD's that is not
 * known here; a P-384 key; no CA. Errors: TOBI_E_MALFORMED; _UNSUPPORTED for a product
 * that is not known here, which it names.
 */
TOBI_MUST_USE enum tobi_err snp_leaf_read(const X509 *certificate,
					  struct snp_leaf *ret_leaf,
					  struct tobi_fault *fault);

#endif
