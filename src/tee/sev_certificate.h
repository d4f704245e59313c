/*
 * Certificates of AMD SEV, in AMD's own two formats. All numbers in them are
 * little-endian, and none has dates. Nothing is copied.
 *
 * Source: AMD 55766, SEV API, revision 0.24, chapter 6 and appendix C;
 * docs/PROTOCOL.md section 14.4.
 */
#ifndef TOBI_TEE_SEV_CERTIFICATE_H
#define TOBI_TEE_SEV_CERTIFICATE_H

#include <stdbool.h>

#include "pki/key.h"
#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum sev_usage {
	SEV_ARK = 0x0,	   /* AMD's root */
	SEV_ASK = 0x13,	   /* AMD's, of one generation of processors */
	SEV_NONE = 0x1000, /* of a signature that is not there */
	SEV_OCA = 0x1001,  /* the platform's owner */
	SEV_PEK = 0x1002,  /* the platform's firmware */
	SEV_PDH = 0x1003,  /* its key for sessions with guests' owners */
	SEV_CEK = 0x1004,  /* the chip */
};

enum sev_algorithm {
	SEV_RSA_SHA256 = 0x1,
	SEV_ECDSA_SHA256 = 0x2,
	SEV_ECDH_SHA256 = 0x3,
	SEV_RSA_SHA384 = 0x101,
	SEV_ECDSA_SHA384 = 0x102,
	SEV_ECDH_SHA384 = 0x103,
};

enum {
	SEV_CERTIFICATE_SIZE = 2084, /* PEK, OCA, CEK, PDH */
	SEV_AMD_2048_SIZE = 832,     /* ARK, ASK */
	SEV_AMD_4096_SIZE = 1600,
	SEV_KEY_ID_SIZE = 16,
};

struct sev_signature {
	uint32_t usage; /* of who made it */
	uint32_t algorithm;
	struct tobi_bytes value; /* R and S, 72 bytes each, or a number of RSA's size */
};

struct sev_certificate {
	struct tobi_bytes bytes; /* all of it */
	struct tobi_bytes body;	 /* what is signed */
	uint32_t usage;
	uint8_t api_major, api_minor; /* of the firmware; 0 for ARK and ASK */
	uint32_t algorithm;	      /* of the key */
	/* One kind of key or the other; bytes as they are. */
	enum key_kind curve;
	struct tobi_bytes x, y;
	struct tobi_bytes modulus, exponent; /* empty for a curve */
	struct sev_signature signatures[2];
	/* ARK and ASK only. */
	struct tobi_bytes key_id, certifying_id;
};

/* The size of the certificate that these bytes start with, by its form; 0 when they start
 * with none, or with less than all of it. */
size_t sev_certificate_size(struct tobi_bytes bytes);
/* Exactly one. Errors: TOBI_E_TRUNCATED, _TRAILING, _MALFORMED, _UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err sev_certificate_parse(struct tobi_bytes bytes,
						  struct sev_certificate *ret_certificate,
						  struct tobi_fault *fault);
/* "PEK"; "" for what is none. */
const char *sev_usage_name(uint32_t usage);

/* EVP_PKEY_free() it. TOBI_E_MALFORMED for a point that is not on its curve. */
TOBI_MUST_USE enum tobi_err sev_certificate_key(const struct sev_certificate *certificate,
						EVP_PKEY **ret_key,
						struct tobi_fault *fault);
/* Whether the key made this signature of the body: RSA-PSS with a salt of the hash's
 * size, or ECDSA. */
bool sev_signature_holds(EVP_PKEY *key, const struct sev_signature *signature,
			 struct tobi_bytes body);

#endif
