/*
 * What Intel certifies of a platform in the certificate of its provisioning key (PCK):
 * the extension 1.2.840.113741.1.13.1.
 *
 * Source: Intel SGX PCK Certificate and CRL Profile Specification, section 1.3.5.
 */
#ifndef TOBI_TEE_DCAP_PCK_H
#define TOBI_TEE_DCAP_PCK_H

#include <stdbool.h>

#include "pki/chain.h"

enum { DCAP_COMPONENTS = 16, DCAP_PPID_SIZE = 16, DCAP_FMSPC_SIZE = 6 };

enum dcap_platform { DCAP_STANDARD = 0, DCAP_SCALABLE = 1, DCAP_SCALABLE_INTEGRITY = 2 };

/* Copies: it outlives the certificate. */
struct dcap_pck {
	uint8_t ppid[DCAP_PPID_SIZE];
	uint8_t components[DCAP_COMPONENTS]; /* SVNs of the SGX TCB, 1 to 16 */
	uint16_t pcesvn;
	uint8_t cpusvn[16];
	uint8_t pce_id[2];
	uint8_t fmspc[DCAP_FMSPC_SIZE];
	enum dcap_platform platform;
	/* Of multi-package platforms (Platform CA) only. */
	bool has_instance;
	uint8_t instance[16];
	bool has_configuration;
	bool dynamic_platform, cached_keys, smt;
};

/* Strict: every member once, known ones only, DER, no bytes left over. Errors:
 * TOBI_E_MALFORMED, also for a certificate without the extension or with two. */
TOBI_MUST_USE enum tobi_err dcap_pck_read(const X509 *certificate, const char *object,
					  struct dcap_pck *ret_pck,
					  struct tobi_fault *fault);
/* The value of the extension alone. */
TOBI_MUST_USE enum tobi_err dcap_pck_read_value(struct tobi_bytes der, const char *object,
						struct dcap_pck *ret_pck,
						struct tobi_fault *fault);

#endif
