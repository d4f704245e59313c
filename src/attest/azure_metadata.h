/*
 * The metadata service of Azure's hosts, as far as it attests: a TD's report becomes a
 * quote, and the chip's certificates are handed out.
 *
 * Source: kinvolk/azure-cvm-tooling, az-tdx-vtpm/src/imds.rs, az-snp-vtpm/src/imds.rs.
 */
#ifndef TOBI_ATTEST_AZURE_METADATA_H
#define TOBI_ATTEST_AZURE_METADATA_H

#include "attest/attester.h"

enum { AZURE_METADATA_MAX = 128 << 10 };

/* {"quote": base64url}: the quote, appended. */
TOBI_MUST_USE enum tobi_err azure_quote_read(struct tobi_bytes json, struct writer *out,
					     struct tobi_fault *fault);
/* {"vcekCert": PEM, "certificateChain": PEM, ...}: both, appended. */
TOBI_MUST_USE enum tobi_err azure_certificates_read(struct tobi_bytes json,
						    struct writer *vcek,
						    struct writer *chain,
						    struct tobi_fault *fault);

TOBI_MUST_USE enum tobi_err azure_ask_quote(const struct attest_request *request,
					    struct tobi_bytes report, struct writer *out,
					    struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err azure_ask_certificates(const struct attest_request *request,
						   struct writer *vcek,
						   struct writer *chain,
						   struct tobi_fault *fault);

#endif
