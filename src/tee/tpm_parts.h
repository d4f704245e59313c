/*
 * What came as the evidence of a TPM, told apart by its form: statements, signatures,
 * keys, certificates, PCR values (docs/PROTOCOL.md section 14.10).
 */
#ifndef TOBI_TEE_TPM_PARTS_H
#define TOBI_TEE_TPM_PARTS_H

#include "tee/tee.h"
#include "tee/tpm_claims.h"

enum { TPM_PARTS_EACH = 4, TPM_PARTS_CERTIFICATES = 24 };

struct tpm_bytes_list {
	struct tobi_bytes items[TPM_PARTS_EACH];
	size_t count;
};

/* Borrows from the request, or from the arena. */
struct tpm_parts {
	struct arena *arena;
	struct tobi_bytes quote;	  /* TPMS_ATTEST */
	struct tobi_bytes certify;	  /* the same, of TPM2_Certify; or empty */
	struct tpm_bytes_list signatures; /* TPMT_SIGNATURE, or ECDSA in DER */
	struct tpm_bytes_list publics;	  /* TPMT_PUBLIC */
	struct tpm_bytes_list keys;	  /* SubjectPublicKeyInfo */
	/* Bytes without a form of their own: values of PCRs one after the other, or a
	 * signature of RSA. */
	struct tpm_bytes_list plain;
	struct tobi_bytes certificates[TPM_PARTS_CERTIFICATES]; /* DER */
	size_t certificate_count;
	struct tpm_bank banks[TPM_BANKS_MAX];
	size_t bank_count;
	struct tobi_bytes nitro; /* a document of AWS NitroTPM that names the key */
	/* Of the other banks, by the same key, for the same nonce. */
	struct tpm_bytes_list more_quotes;
	/* Of the machine's hardware: a report of SEV-SNP with certificates, or a quote of
	 * TDX; in the arena. */
	struct tobi_bytes hardware_report, hardware_quote;
	struct tpm_bytes_list hardware_pieces;
	struct tobi_bytes log; /* that was in a document; others are among the pieces */
	bool too_many, twice;  /* more than one quote, or one PCR with two values */
	struct tobi_fault unread; /* of the first piece that looks like one and is none */
};

/* A document of JSON or CBOR that has it all, or the quote alone. */
bool tpm_parts_recognise(struct tobi_bytes evidence);
/* The evidence, and all that came beside it. Errors: the evidence cannot be read;
 * TOBI_E_MEMORY. */
TOBI_MUST_USE enum tobi_err tpm_parts_read(const struct tee_request *request,
					   struct arena *arena,
					   struct tpm_parts *ret_parts,
					   struct tobi_fault *fault);

/* For the forms, each in a file of its own. By what a piece begins with: any form but a
 * document; what no form knows is somebody else's (an event log), or plain. */
void tpm_parts_add(struct tpm_parts *parts, struct tobi_bytes piece);
void tpm_parts_add_pcr(struct tpm_parts *parts, unsigned hash, uint64_t index,
		       struct tobi_bytes value);
/* Certificates and public keys. */
void tpm_parts_add_pem(struct tpm_parts *parts, struct tobi_bytes pem);

/* PCR values as tpm2-tools write them: a file of TPM2_Quote ("serialized"), the text of
 * tpm2_pcrread and tpm2_quote. False: it is of another form. */
bool tpm_pcrs_add_serialized(struct tpm_parts *parts, struct tobi_bytes bytes);
bool tpm_pcrs_add_text(struct tpm_parts *parts, struct tobi_bytes text);

/* Evidence; JSON beside it may have values of PCRs only. */
bool tpm_json_starts(struct tobi_bytes bytes);
bool tpm_parsec_starts(struct tobi_bytes bytes);
bool tpm_keylime_starts(struct tobi_bytes bytes);
TOBI_MUST_USE enum tobi_err tpm_json_add(struct tpm_parts *parts, struct tobi_bytes bytes,
					 struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err tpm_parsec_add(struct tpm_parts *parts,
					   struct tobi_bytes bytes,
					   struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err tpm_keylime_add(struct tpm_parts *parts,
					    struct tobi_bytes text,
					    struct tobi_fault *fault);

#endif
