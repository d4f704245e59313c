/*
 * Kinds of evidence. One const row for each; verifying needs bytes only, so every row
 * works on every machine.
 */
#ifndef TOBI_TEE_TEE_H
#define TOBI_TEE_TEE_H

#include "base/limits.h"
#include "collateral/collateral.h"
#include "pki/anchor_keys.h"
#include "pki/vendor_roots.h"
#include "tee/measurement.h"
#include "tee/check.h"
#include "tobichi/verify.h"

enum { TEE_PCRS = 24, TEE_FACTS_MAX = 64, TEE_WARNINGS_MAX = 8, TEE_TEXT_MAX = 200 };

/* For people: "MRENCLAVE", "8c4f..". Printable ASCII. */
struct tee_fact {
	const char *name, *value;
};

struct dcap_claims; /* dcap.h: SGX and TDX */
struct sgx_claims;  /* sgx_claims.h */
struct tdx_claims;  /* tdx_claims.h */
struct epid_claims;
struct azure_claims; /* azure_claims.h */
struct snp_claims;   /* snp_claims.h */
struct boot_claims;
struct sev_claims;
struct tpm_claims; /* tpm_claims.h */
struct arm_claims; /* arm_claims.h */
struct cca_claims;
struct ear;	      /* token/ear.h */
struct eat;	      /* token/eat.h */
struct nvidia_claims; /* nvidia_claims.h */

/* What every kind of evidence says, after it was examined. Borrowed or in the arena. */
struct tee_claims {
	const char *tier;
	struct tobi_bytes nonce;    /* what the evidence is bound to */
	struct tobi_bytes image_id; /* the measurement of what was launched */
	struct tobi_bytes signers[LIMIT_SIGNERS];
	size_t signer_count;
	struct tobi_bytes config_id;
	struct tobi_bytes owner;    /* empty where there is none */
	struct tobi_bytes hardware; /* ueid, chip id, ... */
	struct tobi_bytes instance;
	struct tobi_bytes agent; /* its measurement */
	bool has_product;	 /* other kinds have none */
	uint64_t product;
	uint64_t svn;
	int64_t issued; /* seconds since 1970 */
	bool timeless;	/* this kind carries no time: only a nonce shows that it is new */
	bool debug;
	uint64_t protections;
	const char *root_kind;
	bool by_user;			  /* launched by an ordinary user */
	struct tobi_bytes pcrs[TEE_PCRS]; /* of a TPM; empty where there is none */
	/* The report data, of kinds that have some: 64 bytes. nonce is then the same. */
	struct tobi_bytes report_data;
	/* Names the collateral that is used past its date, in the policy's grace; or
	 * NULL. */
	const char *in_grace;
	bool no_guest; /* a platform, and nothing that runs on it */
	/* What whoever relies on the verdict must know of this kind: literals. */
	const char *warnings[TEE_WARNINGS_MAX];
	size_t warning_count;
	/* What only a kind says; NULL for evidence of another one. */
	const struct epid_claims *epid;
	const struct nitro_claims *nitro;
	const struct sev_claims *sev;
	const struct ear *ear;
	const struct eat *eat;
	/* More than one, or more than one way to read it: any of them counts. */
	const struct tobi_bytes *nonces;
	size_t nonce_count;
	struct tee_fact facts[TEE_FACTS_MAX]; /* in the order to show them */
	size_t fact_count;
	/* What some kinds have, for rules that only they know; else NULL. In the arena.
	 */
	const struct dcap_claims *dcap;
	const struct sgx_claims *sgx;
	const struct tdx_claims *tdx;
	const struct snp_claims *snp;
	struct tpm_claims *tpm;		/* of evidence with a TPM's quote, of any kind */
	const struct boot_claims *boot; /* boot_claims.h: an event log came with it */
	const struct cca_claims *cca;
	const struct arm_claims *psa;
	const struct azure_claims *azure;
	const struct nvidia_claims *nvidia; /* beside a CPU's evidence, too */
	/* What reference values are compared with. */
	struct tee_environment environment;
	struct tee_measurement *measurements; /* in the arena */
	size_t measurement_count;
};

struct memo;

struct tee_request {
	struct tobi_bytes evidence;	 /* the "cpu" record's value */
	struct tobi_bytes endorsements;	 /* the "endorse" record's value, or empty */
	struct tobi_bytes claims_buffer; /* the evidence must be bound to its hash */
	struct tobi_bytes
	    anchors_pem; /* what the policy trusts for this tier; may be empty */
	/* The same for attestation keys of TPMs; empty: anchors_pem counts for them too.
	 */
	struct tobi_bytes tpm_anchors_pem;
	const struct key_pins *tpm_pins; /* their keys */
	bool tpm_required; /* a TPM's quote is owed, whatever the evidence says */
	int64_t time;
	struct chain_cache *chains; /* chains that were verified before, or NULL */
	/* Of the kinds that vendors' keys vouch for. */
	struct key_pins pins;		/* whom the policy trusts for this tier */
	struct key_pins reference_pins; /* NVIDIA: for who signs reference values */
	const struct anchor_keys *keys; /* the same, where they are bare keys; or NULL */
	/* Keys of one device, as reference values name them for what the evidence says of
	 * itself: they count beside keys. NULL: there are none. */
	const struct anchor_keys *(*find_keys)(const void *context,
					       const struct tee_environment *environment);
	const void *find_keys_context;
	const struct tobi_collateral *collateral; /* or NULL: there is none */
	/* What came beside the evidence: certificates, a signature, an event log. Each
	 * verifier takes what it knows by its form. */
	const struct tobi_bytes *pieces;
	size_t piece_count;
	/* Those of them that the caller himself gave: what else is among the pieces came
	 * with the evidence, and is of whoever made that. */
	const struct tobi_bytes *callers;
	size_t caller_count;
	struct tobi_bytes secret; /* shared with the platform (SEV: the TIK), or empty */
	/* The policy's: for a kind that proves a measurement by a keyed hash only. */
	const struct tobi_bytes *images;
	size_t image_count;
	bool platform_only; /* SEV: the policy does not ask for a launch */
	int64_t grace;	    /* seconds that collateral counts after its nextUpdate */
	int64_t baseline;   /* collateral that was issued before does not count */
	/* The policy names whose collateral counts: what else says who is revoked can
	 * refuse, and not stand in for it. */
	bool collateral_is_named;
	struct memo *memo; /* what was worked out before, or NULL */
	/* EAT: submodules that need not be proven; texts. */
	const struct tobi_bytes *unproven;
	size_t unproven_count;
	/* Of a report inside other evidence: why its report data is not compared here. */
	const char *bound_elsewhere;
};

struct tee_verifier {
	const char *tier;	 /* "soft" */
	const char *name;	 /* "eat", "sgx-quote": attested TLS, section 6 */
	const char *media_type;	 /* of the evidence record */
	uint64_t content_format; /* accepted too; 0 for none */
	const struct check *const
	    *checks; /* all that this evidence owes; NULL at the end */
	/* Whether raw bytes are of this kind, by what they start with; NULL for a kind
	 * that comes in a collection only. */
	bool (*recognise)(struct tobi_bytes evidence);
	/* Owes and records its checks and fills the claims as far as it gets. An error
	 * only when the evidence cannot be read as its format or a library fails. */
	enum tobi_err (*examine)(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault);
	/* Whether a piece beside the evidence is of a form that this kind can use; NULL:
	 * none is. For who hands pieces over, to be told of one that is no use. */
	bool (*takes)(struct tobi_bytes piece);
};

/* NULL past the end. */
const struct tee_verifier *tee_verifier_at(size_t index);
/* By media type or content format (text empty); NULL when there is none. */
const struct tee_verifier *tee_verifier_find(struct tobi_bytes media_type,
					     uint64_t content_format);
/* The same of a record with its value: 263 is the content format of every EAT as a CWT,
 * of which the bytes tell the kind. */
const struct tee_verifier *tee_verifier_of(struct tobi_bytes media_type,
					   uint64_t content_format,
					   struct tobi_bytes evidence);
const struct tee_verifier *tee_verifier_named(const char *name);
/* The kind of raw evidence; NULL when no kind knows it. */
const struct tee_verifier *tee_verifier_recognise(struct tobi_bytes evidence);

/* For kinds in which any bytes may be a part: values of PCRs, a bare signature. */
bool tee_takes_any(struct tobi_bytes piece);

/* Adds a line to what the evidence says; left out when there is no room or memory. */
void tee_fact(struct tee_claims *claims, struct arena *arena, const char *name,
	      const char *format, ...) TOBI_PRINTF(4, 5);
void tee_fact_hex(struct tee_claims *claims, struct arena *arena, const char *name,
		  struct tobi_bytes bytes);
/* A text of somebody's, for a fact: what is not printable ASCII becomes '?', a line's end
 * a blank, and what is longer than most bytes is cut. "" after failure. */
const char *tee_text(struct arena *arena, struct tobi_bytes text, size_t most);
/* Text is a literal. Said with every verdict, as what weakens it. */
void tee_warn(struct tee_claims *claims, const char *text);
/* A measurement to fill, of TEE_MEASUREMENTS_MAX at most; NULL when there is no room or
 * memory: what is left out is not endorsed by any reference value. */
struct tee_measurement *tee_measurement_add(struct tee_claims *claims,
					    struct arena *arena);
/* Report data of 64 bytes must be the SHA-256 of the claims, and 32 zero bytes (attested
 * TLS, section 3). Raw evidence has no claims: then not asked here, for the nonce is
 * compared by the policy. */
void tee_check_report_data(const struct tee_request *request, struct checklist *list,
			   const struct check *check, struct tobi_bytes report_data);

#endif
