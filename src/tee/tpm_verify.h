/*
 * A quote of a TPM 2.0 under a key that the caller trusts, or will judge: the checks that
 * every kind of evidence with a quote in it owes, under rows of its own.
 *
 * Source: TCG TPM 2.0 Library, part 2, section 10.12; part 3, TPM2_Quote.
 */
#ifndef TOBI_TEE_TPM_VERIFY_H
#define TOBI_TEE_TPM_VERIFY_H

#include "tee/tee.h"
#include "tee/tpm_claims.h"
#include "tee/tpm_structs.h"

struct tpm_quoted {
	struct tobi_bytes attest; /* TPMS_ATTEST, as it was signed */
	/* TPMT_SIGNATURE; or the bare bytes of an RSA signature; or ECDSA in DER. */
	struct tobi_bytes signature;
	/* Of a bare one: TPM_ALG_RSASSA or _RSAPSS, and its hash; 0: RSASSA (ECDSA by
	 * the key), SHA-256. */
	unsigned scheme, hash;
	/* The attestation key; borrowed. NULL: there is none, and then the signature has
	 * no record, which refuses. */
	EVP_PKEY *key;
	const struct verifying *verifying; /* of this key, borrowed; or NULL */
	struct tobi_bytes expected_extra;  /* empty: not asked here */
	/* The values that came along. What the quote does not speak of is passed over.
	 */
	const struct tpm_bank *banks;
	size_t bank_count;
	/* The evidence is of a form that has the digest alone: then selection and digest
	 * have no record, and there are no PCR values in the claims. */
	bool digest_alone;
};

/* Each is recorded once for each quote: the caller has owed them. */
struct tpm_quoted_rows {
	const struct check *type;      /* a TPM made it, and it is a quote */
	const struct check *signature; /* the key signed exactly this */
	const struct check *nonce;     /* extraData; may be NULL when none is expected */
	const struct check *selection; /* there is a value of each PCR that is quoted */
	const struct check *digest;    /* and the quoted digest is theirs */
};

/*
 * Records the rows and fills claims->tpm, in the list's arena; a second quote of the same
 * evidence adds its banks (a PCR that two of them give must have one value: selection).
 * claims->pcrs are those of the SHA-256 bank. Which banks and PCRs are enough is the
 * policy's to say. Errors: the statement or the signature cannot be read, and then
 * nothing is recorded; TOBI_E_MEMORY; TOBI_E_CRYPTO.
 */
TOBI_MUST_USE enum tobi_err tpm_quoted_verify(const struct tpm_quoted *quoted,
					      const struct tpm_quoted_rows *rows,
					      struct checklist *list,
					      struct tee_claims *claims,
					      struct tobi_fault *fault);

/* TPMT_SIGNATURE, a bare RSA signature or DER ECDSA, as above. scheme and hash: of a bare
 * one. Borrows; the DER's numbers too. */
TOBI_MUST_USE enum tobi_err tpm_signature_read(struct tobi_bytes bytes, EVP_PKEY *key,
					       unsigned scheme, unsigned hash,
					       struct tpm_signature *ret_signature,
					       struct tobi_fault *fault);

#endif
