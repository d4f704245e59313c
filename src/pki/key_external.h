/*
 * A private key that stays where it is: a TPM or a token signs, and OpenSSL's key asks
 * it. Whatever signs with an EVP_PKEY (certificates, requests, COSE) works with such a
 * key.
 */
#ifndef TOBI_PKI_KEY_EXTERNAL_H
#define TOBI_PKI_KEY_EXTERNAL_H

#include "pki/key.h"

struct key_external {
	/* Signs a digest (of the curve's size: SHA-256, SHA-384): the ECDSA signature as
	 * r || s, each of the curve's size, appended. */
	enum tobi_err (*sign)(void *context, struct tobi_bytes digest,
			      struct writer *ret_signature, struct tobi_fault *fault);
	void *context;
	struct tobi_fault fault; /* why the last signature failed */
	void *method;		 /* OpenSSL's; owned */
};

/* public_key: P-256 or P-384. external is borrowed for as long as the key lives. Signing
 * fails as OpenSSL does; the reason is then in external->fault. */
TOBI_MUST_USE enum tobi_err key_external_new(EVP_PKEY *public_key,
					     struct key_external *external,
					     EVP_PKEY **ret_key,
					     struct tobi_fault *fault);
/* After the key is freed; accepts a zeroed one. */
void key_external_done(struct key_external *external);

#endif
