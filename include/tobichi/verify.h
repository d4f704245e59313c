/*
 * Appraising evidence: from bytes and a policy to a verdict that can be explained.
 *
 * The verdict starts at refuse. It becomes accept only when every check that the kind of
 * evidence and the policy owe is recorded as passed and none failed; a check without a
 * record refuses. Nothing here reads a clock, the environment or the network: the caller
 * passes the time and the bytes.
 *
 * Ownership: objects made by a _parse or tobi_verify() are the caller's, to be given to
 * the matching _free, which accepts NULL. Text that a getter returns lives as long as its
 * object. Arguments: a policy, a request, a name and ret_ pointers must not be NULL, nor
 * bytes of a size; a fault and a getter's result may be. Threads: different objects may
 * be used at once; one object by one thread. Source: RFC 9334 (roles and names), RFC 9711
 * (EAT), docs/PROTOCOL.md section 3.
 */
#ifndef TOBICHI_VERIFY_H
#define TOBICHI_VERIFY_H

#include "tobichi/bytes.h"
#include "tobichi/collateral.h"
#include "tobichi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are part of the ABI. */
enum tobi_verdict { TOBI_REFUSE = 0, TOBI_ACCEPT = 1 };

enum tobi_outcome {
	TOBI_NOT_RUN = 0, /* owed, and no record: refuses */
	TOBI_PASSED,
	TOBI_FAILED,
	TOBI_NOT_ASKED, /* the policy does not ask for it */
};

/* One line of the checklist (docs/CHECKS.md has every code). Everything belongs to the
 * result. expected and found may quote evidence: escape them before you show them. */
struct tobi_check_result {
	const char *code;   /* stable: "SOFT-SIGNATURE" */
	const char *proves; /* one line */
	const char *source; /* document, section */
	const char *remedy; /* what to do when it fails */
	enum tobi_outcome outcome;
	const char *expected; /* may be empty, never NULL */
	const char *found;
};

struct tobi_policy; /* what is asked for; unchanged once parsed */
struct tobi_result; /* a verdict and its reasons */

/*
 * Reads a policy: YAML, strict (tobichi-policy(5), docs/POLICY.md), at most 256 KiB. yaml
 * need not be terminated; name is for messages ("web.yaml"). Both are copied. *ret_policy
 * is left alone on failure. Errors: TOBI_E_TRUNCATED (empty), _MALFORMED, _LIMIT,
 * _MEMORY, _CRYPTO; the fault names the field.
 * Source: YAML 1.1, by libcyaml.
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_policy_parse(struct tobi_bytes yaml,
						       const char *name,
						       struct tobi_policy **ret_policy,
						       struct tobi_fault *fault);
TOBI_API void tobi_policy_free(struct tobi_policy *policy);

/*
 * The files of reference values (CoRIM) that a policy points to, as it names them:
 * relative to the policy's own file. NULL past the last. Nothing here reads a file: give
 * each with the function below, before the policy is used; until then it refuses all
 * evidence (POLICY-REFERENCE-GIVEN).
 */
TOBI_API const char *tobi_policy_reference_file(const struct tobi_policy *policy,
						size_t index);
/*
 * The content of the file of that index, at most 1 MiB; copied. Whether it is signed by
 * whom the policy names is a check of each appraisal, not an error. Errors:
 * TOBI_E_ARGUMENT (no such file, or given already), _TRUNCATED, _TRAILING, _MALFORMED,
 * _LIMIT, _UNSUPPORTED, _MEMORY, _CRYPTO; the policy is then as before.
 * Source: draft-ietf-rats-corim; docs/PROTOCOL.md section 16.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_policy_give_reference(struct tobi_policy *policy, size_t index,
			   struct tobi_bytes bytes, struct tobi_fault *fault);

/* Borrowed for the call. */
struct tobi_verify_request {
	/* At most 1 MiB. A CMW collection; or a certificate that carries evidence, DER or
	 * PEM, whose policy must name the channel ra-tls; or what a vendor's hardware
	 * gives, as it is: a quote of SGX or TDX, a report of SEV-SNP, a document of
	 * Nitro, ... */
	struct tobi_bytes evidence;
	/* 8 to 1024 bytes that the caller chose; or empty. Over 64 only AWS Nitro takes.
	 */
	struct tobi_bytes nonce;
	int64_t time; /* seconds since 1970, 0 to 2^53 */
	/* What the vendors say of their hardware; or NULL. Nothing is fetched. */
	const struct tobi_collateral *collateral;
	/* What came beside raw evidence, at most 16 pieces of 1 MiB: certificates, a
	 * signature, an event log; each is known by its form. */
	const struct tobi_bytes *pieces;
	size_t piece_count;
	struct tobi_bytes secret; /* shared with the platform (SEV), or empty */
};

/*
 * Appraises an evidence file. TOBI_OK means that there is a result, not that it accepts:
 * ask tobi_result_verdict(). Evidence that cannot be read at all is an error
 * (TOBI_E_TRUNCATED, _TRAILING, _MALFORMED, _LIMIT, _UNSUPPORTED with field and offset);
 * evidence that is readable and wrong is a result that refuses. Other errors:
 * TOBI_E_ARGUMENT (a nonce of another size), _MEMORY (8 MiB are enough for one
 * appraisal), _CRYPTO. *ret_result is left alone on failure. The policy is not needed
 * afterwards.
 * Source: draft-ietf-rats-msg-wrap (CMW); docs/PROTOCOL.md sections 3.3 and 4.4.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_verify(const struct tobi_policy *policy, const struct tobi_verify_request *request,
	    struct tobi_result **ret_result, struct tobi_fault *fault);
TOBI_API void tobi_result_free(struct tobi_result *result);

/* TOBI_REFUSE for NULL. */
TOBI_API enum tobi_verdict tobi_result_verdict(const struct tobi_result *result);
/* The first reason for a refusal ("POLICY-TIER: ..."), or "accepted"; never NULL. It may
 * quote evidence. */
TOBI_API const char *tobi_result_reason(const struct tobi_result *result);
/* 0 for NULL. */
TOBI_API size_t tobi_result_check_count(const struct tobi_result *result);
/* NULL past the end. */
TOBI_API const struct tobi_check_result *
tobi_result_check(const struct tobi_result *result, size_t index);

/*
 * What the evidence was of, for a program to show or to decide on; proven only when the
 * verdict is TOBI_ACCEPT. Never NULL; empty for a result that is NULL or came to no tier.
 */
TOBI_API const char *tobi_result_tier(const struct tobi_result *result); /* "soft" */
/* What that tier keeps out, and what not, in one line. */
TOBI_API const char *tobi_result_tier_meaning(const struct tobi_result *result);
/* Who it is, as far as the policy asked: "hardware 01ab..", "any instance of this image".
 */
TOBI_API const char *tobi_result_identity(const struct tobi_result *result);
/* What the policy lets pass although it weakens the proof (debug, no nonce, any
 * instance), in a sentence each; NULL past the end. Show them to whoever relies on the
 * verdict. */
TOBI_API const char *tobi_result_allowance(const struct tobi_result *result,
					   size_t index);

enum tobi_format {
	TOBI_FORMAT_TEXT,	/* for a terminal, no colour */
	TOBI_FORMAT_TEXT_COLOR, /* with ANSI colours */
	TOBI_FORMAT_JSON,	/* an EAR claims-set (draft-ietf-rats-ear), unsigned */
	TOBI_FORMAT_HTML,	/* one self-contained page */
};

/*
 * The explanation, UTF-8 and terminated, at most 4 MiB; free() it. What comes from
 * outside is escaped for the format. Errors: TOBI_E_ARGUMENT (no result, no such format),
 * _MEMORY, _LIMIT.
 * Source: draft-ietf-rats-ear (JSON).
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_result_write(const struct tobi_result *result,
						       enum tobi_format format,
						       char **ret_text,
						       struct tobi_fault *fault);

/* An attestation result for others: EAR, signed with the verifier's own key. */
enum tobi_ear_form {
	TOBI_EAR_JWT,
	TOBI_EAR_CWT,
	TOBI_EAR_CMW_JSON, /* the JWT in a record of CMW, as JSON */
	TOBI_EAR_CMW_CBOR, /* the CWT in one, as CBOR */
};
enum tobi_ear_profile {
	TOBI_EAR_NEW,	   /* tag:ietf.org,2026:rats/ear#03 */
	TOBI_EAR_VERAISON, /* the generation before, which Veraison and Trustee read */
};

/* Borrowed for the call. */
struct tobi_ear_request {
	struct tobi_bytes key; /* private, PKCS#8 PEM: P-256, P-384 or Ed25519 */
	/* Of that key first, PEM; or empty. They go into the token (x5c, x5chain). */
	struct tobi_bytes certificates;
	enum tobi_ear_form form;
	enum tobi_ear_profile profile;
	const char *developer; /* the verifier's name, often a URI; NULL: "tobichi" */
	int64_t lifetime;      /* seconds until it expires; 0: it names no end */
};

/*
 * Signs what the result says, an accepted one and a refused one alike (its status is then
 * "contraindicated"): when, by which policy, the trustworthiness vector of AR4SI, the
 * caller's nonce, and as whose it is (cnf) the key that the evidence was bound to, when
 * there is one. *ret_token is on the heap; free() it. It and *ret_size are left alone on
 * failure. Errors: TOBI_E_ARGUMENT, _MALFORMED (a key or a certificate that cannot be
 * read), _UNSUPPORTED (a key of another kind), _LIMIT, _MEMORY, _CRYPTO.
 * Source: draft-ietf-rats-ear, draft-ietf-rats-ar4si; docs/PROTOCOL.md section 17.3.
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_result_sign_ear(const struct tobi_result *result,
		     const struct tobi_ear_request *request, uint8_t **ret_token,
		     size_t *ret_size, struct tobi_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
