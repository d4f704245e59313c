/* Making certificates: platform CA, platform, an agent's leaf; requests for an owner's
 * CA. */
#ifndef TOBI_PKI_CERT_H
#define TOBI_PKI_CERT_H

#include "pki/chain.h"
#include "pki/extension.h"

/* The extended key usage of a key that vouches for enclaves, and of no other: a CA that
 * serves other needs as well must not make any of its holders a platform by accident. An
 * OID from a UUID (ITU-T X.667), which needs no registration. */
#define CERT_PLATFORM_PURPOSE "2.25.147613030880311805832848921690704037380"

/* The TCG's: tcg-kp-AIKCertificate and tcg-kp-EKCertificate. */
#define CERT_AK_PURPOSE "2.23.133.8.3"
#define CERT_EK_PURPOSE "2.23.133.8.1"

enum cert_role {
	CERT_CA,       /* CA, path length 0, keyCertSign */
	CERT_PLATFORM, /* end entity, digitalSignature, CERT_PLATFORM_PURPOSE */
	CERT_AK,       /* end entity, digitalSignature, CERT_AK_PURPOSE */
	CERT_TLS,      /* end entity, digitalSignature, serverAuth and clientAuth */
};

/* One that OpenSSL has no name for; not critical. */
struct cert_extra {
	const struct extension_name *name;
	struct tobi_bytes value;
};

/* A subject alternative name: a DNS name, or the 4 or 16 bytes of an address. */
struct cert_name {
	bool is_address;
	struct tobi_bytes value;
};

struct cert_request {
	enum cert_role role;
	/* UTF-8, at most 64; NULL: the subject is empty, and its names critical. */
	const char *common_name;
	const char *host_name; /* a DNS name for CERT_TLS, or NULL */
	int64_t not_before, not_after;
	/* Of the subject; only its public half is used, unless self-signed. */
	EVP_PKEY *key;
	const struct cert_extra *extras; /* behind all others */
	size_t extra_count;
	const struct cert_name *names; /* behind host_name */
	size_t name_count;
	/* CERT_TLS: for these alone; both false: for both. */
	bool only_server, only_client;
};

/*
 * DER, appended. issuer NULL: self-signed with request->key. Serial numbers are random,
 * 127 bits.
 */
TOBI_MUST_USE enum tobi_err cert_make(const struct cert_request *request, X509 *issuer,
				      EVP_PKEY *issuer_key, struct writer *out,
				      struct tobi_fault *fault);
/* A PKCS#10 request (PEM) for a platform's certificate: it asks for the usages of
 * CERT_PLATFORM. */
TOBI_MUST_USE enum tobi_err cert_make_csr(EVP_PKEY *key, const char *common_name,
					  struct writer *out, struct tobi_fault *fault);
/* The same for the certificate of a CA that issues to end entities alone. */
TOBI_MUST_USE enum tobi_err cert_make_ca_csr(EVP_PKEY *key, const char *common_name,
					     struct writer *out,
					     struct tobi_fault *fault);

#endif
