/*
 * What Google Compute Engine says of the instance whose vTPM has a key, in that key's
 * certificate: extension 1.3.6.1.4.1.11129.2.1.21.
 *
 * Source: no published document; read from certificates of 2021 and 2026, and
 * go-tpm-tools (docs/PROTOCOL.md section 14.10).
 */
#ifndef TOBI_TEE_GCE_IDENTITY_H
#define TOBI_TEE_GCE_IDENTITY_H

#include "pki/extension.h"

enum { GCE_TEXT_MAX = 128 };

struct gce_identity {
	char zone[GCE_TEXT_MAX], project[GCE_TEXT_MAX], instance[GCE_TEXT_MAX];
	uint64_t project_number, instance_id;
	/* How the host is set up to run it; as Google's certificates say. */
	bool has_security;
	uint64_t security_version;
	bool is_production;
};

/* Whether there is exactly one such extension. */
bool gce_identity_is(const X509 *certificate);
/* Errors: TOBI_E_MALFORMED and _LIMIT for one that cannot be read. */
TOBI_MUST_USE enum tobi_err gce_identity_read(const X509 *certificate,
					      struct gce_identity *ret_identity,
					      struct tobi_fault *fault);

#endif
