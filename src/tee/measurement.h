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

enum {
	TEE_DIGESTS_MAX = 4,
	TEE_MEASUREMENTS_MAX = 64,
	TEE_REGISTERS_MAX = 32,
	TEE_VALUES_MAX = 16
};

/* Named Information Hash Algorithm Registry (IANA). */
enum { TEE_SHA256 = 1, TEE_SHA384 = 7, TEE_SHA512 = 8 };

enum tee_class {
	TEE_CLASS_NONE,
	TEE_CLASS_OID,
	TEE_CLASS_UUID,
	TEE_CLASS_BYTES,
	/* A UUID that who publishes what runs there has chosen: no evidence knows it. */
	TEE_CLASS_ANY_UUID
};

/* Empty members are not known of the evidence. Borrowed or in the arena. */
struct tee_environment {
	enum tee_class class_kind;
	struct tobi_bytes class_id; /* an OID's content octets (RFC 9090) */
	const char *vendor, *model; /* or NULL */
	struct tobi_bytes instance; /* a UEID, a chip id */
	/* Of endorsements only: no evidence says these. */
	bool has_layer, has_index;
	uint64_t layer, index;
	struct tobi_bytes group;
};

/* flags-map: the bits of flags and flags_known below are 1 << these. */
enum tee_flag {
	TEE_FLAG_CONFIGURED,
	TEE_FLAG_SECURE,
	TEE_FLAG_RECOVERY,
	TEE_FLAG_DEBUG,
	TEE_FLAG_REPLAY_PROTECTED,
	TEE_FLAG_INTEGRITY_PROTECTED,
	TEE_FLAG_RUNTIME_MEASURED,
	TEE_FLAG_IMMUTABLE,
	TEE_FLAG_TCB,
	TEE_FLAG_CONFIDENTIALITY_PROTECTED,
	TEE_FLAG_RUNTIME_UPDATABLE,
	TEE_FLAGS,
};

/* The last two are of endorsements only. */
enum tee_mkey {
	TEE_MKEY_NONE,
	TEE_MKEY_NUMBER,
	TEE_MKEY_TEXT,
	TEE_MKEY_OID,
	TEE_MKEY_UUID
};

struct tee_digest {
	uint64_t algorithm;
	struct tobi_bytes value;
};

/* A register that was extended; known by a number, or by a text. */
struct tee_register {
	const char *text; /* NULL: by its number */
	uint64_t number;
	struct tee_digest digests[2];
	size_t digest_count;
};

enum tee_value_form {
	TEE_VALUE_NUMBER,
	TEE_VALUE_BYTES,
	TEE_VALUE_TEXT,
	TEE_VALUE_DIGEST
};

/* A value that a profile defines, under a negative key. The same key may be there more
 * than once, in each form in which a reference may write it. */
struct tee_value {
	int64_t key;
	enum tee_value_form form;
	uint64_t number; /* or the algorithm of a digest */
	struct tobi_bytes bytes;
};

struct tee_measurement {
	/* What was launched: a reference value that stands for the image must speak of
	 * it. Where no measurement of the evidence is marked, each that has digests is
	 * taken for one. */
	bool image;
	/* Where it was measured; NULL: in the one of all the evidence. */
	const struct tee_environment *environment;
	enum tee_mkey mkey;
	uint64_t number;	      /* the key, when it is a number */
	const char *text;	      /* when it is a text */
	struct tobi_bytes mkey_bytes; /* when it is an OID or a UUID */
	struct tee_digest digests[TEE_DIGESTS_MAX];
	size_t digest_count;
	bool has_svn;
	uint64_t svn;
	struct tobi_bytes raw;	     /* or empty */
	const char *name, *version;  /* or NULL */
	struct tobi_bytes signer;    /* who signed what was measured, or empty */
	uint32_t flags_known, flags; /* bits of enum tee_flag */
	const struct tee_register *registers;
	size_t register_count;
	const struct tee_register
	    *image_register; /* which of them is what was launched */
	const struct tee_value *values;
	size_t value_count;
};

#endif
