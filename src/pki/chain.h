/*
 * Certificate chains: pinned anchors, explicit time, nothing from the system's store.
 */
#ifndef TOBI_PKI_CHAIN_H
#define TOBI_PKI_CHAIN_H

#include <openssl/x509.h>

#include "base/limits.h"
#include "pki/key.h"

DEFINE_CLEANUP(X509 *, X509_free)

/* What the leaf must have been issued for. There is no "anything". */
enum chain_purpose {
	CHAIN_PLATFORM = 1, /* vouching for enclaves: CERT_PLATFORM_PURPOSE */
	CHAIN_TLS_SERVER,
	CHAIN_TLS_CLIENT,
	CHAIN_AK, /* a TPM's attestation key: CERT_AK_PURPOSE */
	CHAIN_EK, /* a TPM's endorsement key, by its maker: CERT_EK_PURPOSE */
};

struct chain_request {
	const struct tobi_bytes
	    *certificates;	       /* DER, leaf first; the rest untrusted help */
	size_t count;		       /* 1 to LIMIT_COSE_CHAIN */
	struct tobi_bytes anchors_pem; /* one or more trust anchors */
	int64_t time;		       /* seconds since 1970 at which to verify */
	enum chain_purpose purpose;
	/* Also check the name, or NULL: a DNS name, or an IP address, among the subject
	 * alternative names. */
	const char *host_name;
	/* certificates[0] as chain_read_certificate() gave it, or NULL: reading one takes
	 * longer than a P-256 signature. */
	X509 *leaf;
	/* anchors_pem as chain_read_anchors() gave it, or NULL. */
	X509_STORE *anchors;
};

/* When every certificate of a verified chain is valid: from not_before, until not_after
 * (at which OpenSSL calls a certificate expired). */
struct chain_window {
	int64_t not_before, not_after;
};

DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)

/* Seconds since 1970; false for a time that is not there or cannot be read. */
bool chain_seconds(const ASN1_TIME *time, int64_t *ret_seconds);
/* Narrows the window to the certificate's own; false when that cannot be read. */
bool chain_window_narrow(struct chain_window *window, const X509 *certificate);

/* Trust anchors, read once: PEM, at least one certificate, at most 64. */
TOBI_MUST_USE enum tobi_err chain_read_anchors(struct tobi_bytes pem, const char *object,
					       X509_STORE **ret_anchors,
					       struct tobi_fault *fault);
/*
 * Verifies that the leaf chains to an anchor: signatures, validity at time, CA flags,
 * path lengths, the leaf's key usage and extended key usage; each key at least 112 bits
 * strong. The anchor may be an intermediate (partial chain). EVP_PKEY_free() the leaf's
 * key. Errors: TOBI_E_CERTIFICATE with OpenSSL's reason and the depth; TOBI_E_MALFORMED;
 * TOBI_E_ARGUMENT for a host name that is none, or no purpose.
 */
TOBI_MUST_USE enum tobi_err chain_verify(const struct chain_request *request,
					 const char *object, EVP_PKEY **ret_leaf_key,
					 struct tobi_fault *fault);
/* The same, and when the result holds. */
TOBI_MUST_USE enum tobi_err chain_verify_window(const struct chain_request *request,
						const char *object,
						EVP_PKEY **ret_leaf_key,
						struct chain_window *ret_window,
						struct tobi_fault *fault);
/* Exactly one DER certificate without trailing bytes. */
TOBI_MUST_USE enum tobi_err chain_read_certificate(struct tobi_bytes der,
						   const char *object,
						   X509 **ret_certificate,
						   struct tobi_fault *fault);
/* The one certificate of DER, or the first of a PEM text of at most LIMIT_COSE_CHAIN. */
TOBI_MUST_USE enum tobi_err chain_read_first(struct tobi_bytes file, const char *object,
					     X509 **ret_certificate,
					     struct tobi_fault *fault);
/* Every certificate in a PEM text as DER, appended back to back; at most max of them. */
TOBI_MUST_USE enum tobi_err chain_read_pem(struct tobi_bytes pem, const char *object,
					   struct writer *out,
					   struct tobi_bytes *ret_list, size_t max,
					   size_t *ret_count, struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err chain_write_pem(struct tobi_bytes der, struct writer *out,
					    struct tobi_fault *fault);

#endif
