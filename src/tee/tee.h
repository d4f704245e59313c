/*
 * Kinds of evidence. One const row for each; verifying needs bytes only, so every row
 * works on every machine.
 */
#ifndef TOBI_TEE_TEE_H
#define TOBI_TEE_TEE_H

#include "base/limits.h"
#include "tee/check.h"
#include "tobichi/verify.h"

enum { TEE_PCRS = 24 };

/* What every kind of evidence says, after it was examined. Borrowed or in the arena. */
struct tee_claims {
	const char *tier;
	struct tobi_bytes nonce; /* what the evidence is bound to */
	struct tobi_bytes image_id;
	struct tobi_bytes signers[LIMIT_SIGNERS];
	size_t signer_count;
	struct tobi_bytes config_id;
	struct tobi_bytes owner;    /* empty where there is none */
	struct tobi_bytes hardware; /* ueid, chip id, ... */
	struct tobi_bytes instance;
	struct tobi_bytes agent; /* its measurement */
	uint64_t product;
	uint64_t svn;
	int64_t issued; /* seconds since 1970 */
	bool debug;
	uint64_t protections;
	const char *root_kind;
	bool by_user;			  /* launched by an ordinary user */
	struct tobi_bytes pcrs[TEE_PCRS]; /* of a TPM; empty where there is none */
};

struct tee_request {
	struct tobi_bytes evidence;	 /* the "cpu" record's value */
	struct tobi_bytes endorsements;	 /* the "endorse" record's value, or empty */
	struct tobi_bytes claims_buffer; /* the evidence must be bound to its hash */
	struct tobi_bytes
	    anchors_pem; /* what the policy trusts for this tier; may be empty */
	/* The same for attestation keys of TPMs; empty: anchors_pem counts for them too.
	 */
	struct tobi_bytes tpm_anchors_pem;
	bool tpm_required; /* a TPM's quote is owed, whatever the evidence says */
	int64_t time;
	struct chain_cache *chains; /* chains that were verified before, or NULL */
};

struct tee_verifier {
	const char *tier;	 /* "soft" */
	const char *media_type;	 /* of the evidence record */
	uint64_t content_format; /* accepted too; 0 for none */
	const struct check *const
	    *checks; /* all that this evidence owes; NULL at the end */
	/* Owes and records its checks and fills the claims as far as it gets. An error
	 * only when the evidence cannot be read as its format or a library fails. */
	enum tobi_err (*examine)(const struct tee_request *request,
				 struct checklist *list, struct tee_claims *ret_claims,
				 struct tobi_fault *fault);
};

/* NULL past the end. */
const struct tee_verifier *tee_verifier_at(size_t index);
/* By media type or content format (text empty); NULL when there is none. */
const struct tee_verifier *tee_verifier_find(struct tobi_bytes media_type,
					     uint64_t content_format);

#endif
