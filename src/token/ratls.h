/*
 * Certificate-borne evidence (CCC interoperable RA-TLS; docs/PROTOCOL.md section 4.4):
 * the values of its extensions, and which of them a certificate carries.
 *
 * Everything borrows from what it was read from, or is in the arena that was given.
 * Source: attested TLS, section 3; CCC-Attestation, interoperable RA-TLS, certificate and
 * evidence formats; RFC 9277 section 3 (the tag of an EAT).
 */
#ifndef TOBI_TOKEN_RATLS_H
#define TOBI_TOKEN_RATLS_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/writer.h"
#include "pki/extension.h"

/* CBOR tags, which name the kind of evidence. */
enum {
	RATLS_TAG_QUOTE = 60000,      /* Intel quote, SGX or TDX */
	RATLS_TAG_REPORT = 60001,     /* Intel TEE report, type 2 */
	RATLS_TAG_SGX_REPORT = 60002, /* what EREPORT gives */
	RATLS_TAG_SNP = 0x1a7504,     /* librats' */
	RATLS_TAG_SEV = 0x1a7505,
	RATLS_TAG_CSV = 0x1a7506,
	RATLS_TAG_EAT = 1668547081, /* of content format 263: our own soft tier's */
};

extern const struct extension_name ratls_evidence_name;	      /* 2.23.133.5.4.9 */
extern const struct extension_name ratls_endorsements_name;   /* 2.23.133.5.4.2 */
extern const struct extension_name ratls_cmw_name;	      /* id-pe-cmw */
extern const struct extension_name ratls_gramine_name;	      /* legacy, raw quote */
extern const struct extension_name ratls_gramine_dotted_name; /* as it was meant */
extern const struct extension_name ratls_intel_name;	      /* the same, Intel's */
/* Open Enclave's, under its first and its present numbers. */
extern const struct extension_name ratls_oe_report_name, ratls_oe_old_report_name;
extern const struct extension_name ratls_oe_evidence_name, ratls_oe_old_evidence_name;

/* The value of the evidence extension: tag([evidence, claims-buffer]). */
struct ratls_evidence {
	uint64_t tag;
	struct tobi_bytes evidence, claims_buffer;
};
/* TOBI_E_UNSUPPORTED for a tag that is not above. */
TOBI_MUST_USE enum tobi_err ratls_evidence_parse(struct tobi_bytes value,
						 struct ratls_evidence *ret_evidence,
						 struct tobi_fault *fault);
void ratls_evidence_write(struct writer *out, const struct ratls_evidence *evidence);

/* tcb_info to qe_id_issuer_chain, and perhaps a creation time: all that follows the
 * version in Open Enclave's order. */
enum { RATLS_COLLATERAL_MIN = 7, RATLS_COLLATERAL_MAX = 8 };

/* The value of the endorsements extension. Of an EAT: tag([certificate ...]), the chain
 * of the platform's owner. Of Intel's kinds: tag([version, collateral ...]). */
struct ratls_endorsements {
	uint64_t tag;
	struct tobi_bytes chain; /* EAT: the array's encoding; else empty */
	uint64_t version;
	struct tobi_bytes collateral[RATLS_COLLATERAL_MAX];
	size_t collateral_count;
};
TOBI_MUST_USE enum tobi_err ratls_endorsements_parse(struct tobi_bytes value,
						     struct ratls_endorsements *ret,
						     struct tobi_fault *fault);
/* chain: a CBOR array of certificates, as in an evidence file. */
void ratls_endorsements_write(struct writer *out, struct tobi_bytes chain);

enum ratls_form {
	RATLS_CCC = 1, /* the evidence extension */
	RATLS_GRAMINE, /* legacy: a raw quote over the key itself, without claims */
	RATLS_INTEL,   /* the same, under the number that is the PCK extension's too */
	/* Open Enclave's: a report over the key as PEM; evidence, whose custom claims are
	 * that PEM. */
	RATLS_OE_REPORT,
	RATLS_OE_EVIDENCE,
};

struct ratls_carried {
	enum ratls_form form;
	/* Legacy: RATLS_TAG_QUOTE, no claims-buffer; RATLS_OE_EVIDENCE: its custom claims
	 * are there. */
	struct ratls_evidence evidence;
	bool has_endorsements;
	struct ratls_endorsements endorsements;
};
/*
 * What the certificate carries: the evidence extension before a legacy one. Errors:
 * TOBI_E_NOT_FOUND; TOBI_E_MALFORMED for an extension that is there twice, or critical
 * (CCC's are not), or cannot be read; TOBI_E_UNSUPPORTED, _LIMIT.
 */
TOBI_MUST_USE enum tobi_err ratls_find(const X509 *certificate, struct arena *arena,
				       struct ratls_carried *ret_carried,
				       struct tobi_fault *fault);

/* The value of id-pe-cmw: a collection in CBOR or JSON with the records "cpu" and
 * "claims", and perhaps "endorse", as in an evidence file. What was base64url is in the
 * arena. TOBI_E_MALFORMED, _LIMIT, _MEMORY; _UNSUPPORTED for evidence of a kind that has
 * no tag above, and for a collection of some type. */
TOBI_MUST_USE enum tobi_err ratls_cmw_parse(struct tobi_bytes value, struct arena *arena,
					    struct ratls_carried *ret_carried,
					    struct tobi_fault *fault);

/* A name for the kind of evidence ("sgx-quote"), and the 64 bytes of report data in it;
 * empty where the kind has none, or the evidence is too short or of an unknown layout. */
struct ratls_kind {
	const char *name;
	uint64_t content_format; /* by which a verifier is found; 0: none */
	struct tobi_bytes report_data;
};
struct ratls_kind ratls_kind_of(const struct ratls_evidence *evidence);

#endif
