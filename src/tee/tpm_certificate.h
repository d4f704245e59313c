/*
 * Certificates of keys of TPMs: what the TCG's profiles ask, and how the clouds' differ.
 *
 * Source: TCG EK Credential Profile 2.5, section 3.2; TCG Infrastructure WG, AK
 * certificates; docs/PROTOCOL.md section 14.10.
 */
#ifndef TOBI_TEE_TPM_CERTIFICATE_H
#define TOBI_TEE_TPM_CERTIFICATE_H

#include "pki/cert.h"

/* Of an AK's certificate that `tobichi platform ak-challenge` issued: SHA-256 of the
 * SubjectPublicKeyInfo of the endorsement key that was activated with it. */
extern const struct extension_name tpm_certificate_ek;

struct tpm_maker {
	char manufacturer[64], model[64], version[64]; /* "" where it does not say */
};

/* What is not as in a certificate of an attestation key; NULL: nothing. */
const char *tpm_certificate_wrong_ak(X509 *certificate);
/* Whether it is one of an endorsement key: it says so, and is for no signing. */
bool tpm_certificate_is_ek(X509 *certificate);
/* 2.23.133.2.1 to .3 of the directory name among its alternative names. */
void tpm_certificate_maker(X509 *certificate, struct tpm_maker *ret_maker);
/* False: it does not say. */
bool tpm_certificate_read_ek(const X509 *certificate,
			     uint8_t ret_hash[static SHA256_SIZE]);

#endif
