/*
 * What evidence says was measured, in the words of reference values: where (an
 * environment), and what of it (measurements, each under a key).
 *
 * Source: draft-ietf-rats-corim, sections 5.1.4.1 to 5.1.4.5.
 */
#ifndef TOBI_TEE_MEASUREMENT_H
#define TOBI_TEE_MEASUREMENT_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum { TEE_DIGESTS_MAX = 4, TEE_MEASUREMENTS_MAX = 64 };

/* Named Information Hash Algorithm Registry (IANA). */
enum { TEE_SHA256 = 1, TEE_SHA384 = 7, TEE_SHA512 = 8 };

enum tee_class { TEE_CLASS_NONE, TEE_CLASS_OID, TEE_CLASS_UUID, TEE_CLASS_BYTES };

/* Empty members are not known of the evidence. Borrowed or in the arena. */
struct tee_environment {
	enum tee_class class_kind;
	struct tobi_bytes class_id; /* an OID's content octets (RFC 9090) */
	const char *vendor, *model; /* or NULL */
	struct tobi_bytes instance; /* a UEID, a chip id */
};

enum tee_mkey { TEE_MKEY_NONE, TEE_MKEY_NUMBER, TEE_MKEY_TEXT };

struct tee_digest {
	uint64_t algorithm;
	struct tobi_bytes value;
};

struct tee_measurement {
	enum tee_mkey mkey;
	uint64_t number;  /* the key, when it is a number */
	const char *text; /* when it is a text */
	struct tee_digest digests[TEE_DIGESTS_MAX];
	size_t digest_count;
	bool has_svn;
	uint64_t svn;
	struct tobi_bytes raw;	    /* or empty */
	const char *name, *version; /* or NULL */
	struct tobi_bytes signer;   /* who signed what was measured, or empty */
};

#endif
