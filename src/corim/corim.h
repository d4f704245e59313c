/*
 * Concise Reference Integrity Manifests: what makers of hardware and software say that
 * evidence should show (reference values), and what else they vouch for (endorsements).
 *
 * A document is read once, strictly, into an arena of its own; nothing in it counts
 * before its signature and its signer do (signed.h), and comparing is match.h's.
 *
 * Source: draft-ietf-rats-corim (2026-08), CBOR tags 501, 505, 506, 508, 550 to 564.
 */
#ifndef TOBI_CORIM_CORIM_H
#define TOBI_CORIM_CORIM_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "tee/measurement.h"
#include "tobichi/error.h"

/* Of what `tobichi build` writes: docs/PROTOCOL.md, section 16.5. */
#define CORIM_PROFILE "tag:tobichi.example,2026:corim#1"

enum corim_id_kind {
	CORIM_ID_NONE,
	CORIM_ID_OID,	/* tag 111: content octets */
	CORIM_ID_UUID,	/* tag 37, or 16 bytes where a UUID is meant */
	CORIM_ID_BYTES, /* tag 560 */
	CORIM_ID_UEID,	/* tag 550 */
	CORIM_ID_UINT,
	CORIM_ID_TEXT, /* or a URI (tag 32) */
	CORIM_ID_OTHER /* a key or certificate: number is the tag, bytes the item */
};

/* A name of one of the kinds that CoRIM has. */
struct corim_id {
	enum corim_id_kind kind;
	uint64_t number;
	struct tobi_bytes bytes;
};

/* A text's ptr is NULL where it is absent. */
struct corim_environment {
	struct corim_id class_id, instance, group;
	struct tobi_bytes vendor, model;
	bool has_layer, has_index;
	uint64_t layer, index;
};

enum corim_key_tag {
	CORIM_KEY_PKIX = 554,		   /* PEM or base64 of a SubjectPublicKeyInfo */
	CORIM_KEY_CERTIFICATE = 555,	   /* PEM or base64 of a certificate */
	CORIM_KEY_PATH = 556,		   /* PEM of several */
	CORIM_KEY_THUMBPRINT = 557,	   /* digest of a SubjectPublicKeyInfo */
	CORIM_KEY_COSE = 558,		   /* COSE_Key */
	CORIM_KEY_CERTIFICATE_THUMB = 559, /* digest of a certificate */
	CORIM_KEY_BYTES = 560,		   /* an identifier */
	CORIM_KEY_PATH_THUMBPRINT = 561,
	CORIM_KEY_DER_CERTIFICATE = 562,
};

struct corim_key {
	uint64_t tag;		 /* enum corim_key_tag, or one that is not known here */
	uint64_t algorithm;	 /* of a thumbprint */
	struct tobi_bytes value; /* text, bytes, digest, or the whole item */
};

struct corim_keys {
	const struct corim_key *items;
	size_t count;
};

struct corim_digests {
	const struct tee_digest *items; /* algorithm 0: one that is not known here */
	size_t count;
};

struct corim_register {
	bool is_text;
	uint64_t number;
	struct tobi_bytes text;
	struct corim_digests digests;
};

enum corim_svn { CORIM_SVN_NONE, CORIM_SVN_EXACT, CORIM_SVN_LEAST };

enum corim_operator {
	CORIM_EQUAL = 0,
	CORIM_GREATER = 1,
	CORIM_AT_LEAST = 2,
	CORIM_LESS = 3,
	CORIM_AT_MOST = 4,
	CORIM_MEMBER = 6,
};

enum corim_form {
	CORIM_FORM_UNKNOWN, /* cannot be compared here, and so equals nothing */
	CORIM_FORM_NUMBER,
	CORIM_FORM_BYTES,
	CORIM_FORM_TEXT,
	CORIM_FORM_DIGESTS,
	CORIM_FORM_TEXTS,
};

/* A value under a negative key (Intel's profile, tags 60010 and 60020). */
struct corim_extension {
	int64_t key;
	enum corim_operator op;
	enum corim_form form;
	uint64_t number;
	struct tobi_bytes bytes;
	struct corim_digests digests;
	const struct tobi_bytes *texts;
	size_t text_count;
};

struct corim_values {
	struct tobi_bytes version; /* ptr NULL: absent; so are the others */
	bool has_scheme;
	int64_t scheme;
	enum corim_svn svn_kind;
	uint64_t svn;
	struct corim_digests digests;
	uint32_t flags_given, flags;
	struct tobi_bytes raw, mask, mac, ip, serial, ueid, uuid, name;
	struct corim_keys keys;
	const struct corim_register *registers;
	size_t register_count;
	bool has_range, has_least, has_most;
	int64_t least, most;
	const struct corim_extension *extensions;
	size_t extension_count;
	/* Something that this version does not know: a condition with it never holds. */
	bool has_unknown;
	int64_t unknown; /* its key */
};

struct corim_measurement {
	struct corim_id mkey; /* CORIM_ID_NONE: anonymous */
	struct corim_values values;
	struct corim_keys authorities; /* authorized-by */
};

struct corim_measurements {
	const struct corim_measurement *items;
	size_t count;
};

/* A reference-value or endorsed-value triple; or one condition. */
struct corim_triple {
	struct corim_environment environment;
	struct corim_measurements measurements;
};

/* An identity or attest-key triple. */
struct corim_key_triple {
	struct corim_environment environment;
	struct corim_keys keys;
	struct corim_id mkey;
	struct corim_keys authorities;
};

struct corim_triples {
	const struct corim_triple *items;
	size_t count;
};

struct corim_conditional {
	struct corim_triples conditions, endorsements;
};

struct corim_step {
	struct corim_measurements condition, addition;
};

struct corim_series {
	struct corim_triple common; /* of no measurements perhaps */
	struct corim_keys authorities;
	const struct corim_step *steps; /* the first that holds counts */
	size_t step_count;
};

struct corim_entity {
	struct tobi_bytes name, uri;
	int64_t roles[8];
	size_t role_count;
};

struct corim_entities {
	const struct corim_entity *items;
	size_t count;
};

/* A module's tag (506). */
struct corim_module {
	struct corim_id id;
	uint64_t version;
	struct tobi_bytes language;
	struct corim_entities entities;
	size_t linked_count;
	struct corim_triples references, endorsed;
	const struct corim_key_triple *identity_keys, *attest_keys;
	size_t identity_key_count, attest_key_count;
	const struct corim_conditional *conditionals;
	size_t conditional_count;
	const struct corim_series *series;
	size_t series_count;
	/* Read past, and shown: dependency (4), membership (5), CoSWID (6) triples. */
	size_t dependency_count, membership_count, coswid_count;
	bool has_unknown;
	int64_t unknown; /* the key of triples of another kind */
};

struct corim_locator {
	struct tobi_bytes uri; /* the first, where there are several */
	struct corim_digests thumbprints;
};

struct corim_validity {
	bool has_start, has_end;
	int64_t start, end; /* seconds since 1970 */
};

struct corim {
	struct arena arena;
	struct tobi_bytes bytes; /* the document itself, in the arena */
	struct corim_id id, profile;
	const struct corim_module *modules;
	size_t module_count;
	/* Kept whole, and shown by their size: CoSWID (505), CoTL (508), others. */
	size_t coswid_count, cotl_count, other_count;
	uint64_t other_tag; /* the first of them */
	const struct corim_locator *dependents;
	size_t dependent_count;
	struct corim_validity validity;
	struct corim_entities entities;
	/* What it holds, in all modules. */
	size_t triple_count, measurement_count;
};

/* Whether it starts as one: tag 501, or a COSE_Sign1 with CoRIM's content type. */
bool corim_is(struct tobi_bytes bytes);
/*
 * An unsigned document (tag 501), copied. corim_free() it. object names it in faults.
 * Errors: the decoder's (TOBI_E_TRUNCATED, _TRAILING, _MALFORMED, _LIMIT, _UNSUPPORTED),
 * _MEMORY.
 */
TOBI_MUST_USE enum tobi_err corim_read(struct tobi_bytes bytes, const char *object,
				       struct corim **ret_corim,
				       struct tobi_fault *fault);
/* Accepts NULL. */
void corim_free(struct corim *corim);
DEFINE_CLEANUP(struct corim *, corim_free)
/* Whether the time is in it; an absent end is open. */
bool corim_validity_has(const struct corim_validity *validity, int64_t time);

#endif
