/*
 * tpm.root: which TPM, which objects in it are this platform's, and what authorises their
 * use (docs/PROTOCOL.md section 7.3). Needs no TPM to be read.
 */
#ifndef TOBI_ROOT_TPM_RECORD_H
#define TOBI_ROOT_TPM_RECORD_H

#include "base/limits.h"
#include "base/writer.h"

enum {
	TPM_AUTH_SIZE = 32,
	TPM_NAME_MAX = 2 + 64, /* algorithm and hash */
	TPM_PUBLIC_MAX = 512,  /* a TPMT_PUBLIC */
	TPM_ATTEST_MAX = 512,  /* a TPMS_ATTEST */
	TPM_SIGNATURE_MAX = 600,
	TPM_PCR_COUNT = 24,
	TPM_TAG_SIZE = 32,
	LIMIT_TPM_RECORD = 8 << 10,
};

/* Under this handle must be the object of this name, or it is not ours. */
struct tpm_object {
	uint32_t handle;
	uint8_t name[TPM_NAME_MAX];
	size_t name_size;
};

struct tpm_blob {
	uint8_t ptr[TPM_SIGNATURE_MAX];
	size_t size;
};

struct tpm_record {
	char device[LIMIT_PATH];
	uint8_t auth[TPM_AUTH_SIZE]; /* of key, seal root, AK and counter */
	struct tpm_object storage, key, seal, ak, counter;
	uint32_t pcrs;			       /* bit n: PCR n is quoted */
	struct tpm_blob key_public, ak_public; /* TPMT_PUBLIC */
	/* The AK's statement that the platform key is in the same TPM: TPMS_ATTEST and
	 * TPMT_SIGNATURE. */
	struct tpm_blob certify, certify_signature;
};

/* tpm.new: what finds the objects of a start that was interrupted. */
struct tpm_pending {
	char device[LIMIT_PATH];
	uint8_t tag[TPM_TAG_SIZE];   /* the authPolicy of each */
	char owner_file[LIMIT_PATH]; /* with the owner's authorisation; or empty */
};

struct tobi_bytes tpm_blob_view(const struct tpm_blob *blob);
/* TOBI_E_LIMIT when it does not fit. */
TOBI_MUST_USE enum tobi_err tpm_blob_set(struct tpm_blob *blob, struct tobi_bytes bytes);

void tpm_record_write(struct writer *out, const struct tpm_record *record);
TOBI_MUST_USE enum tobi_err tpm_record_parse(struct tobi_bytes bytes,
					     struct tpm_record *ret_record,
					     struct tobi_fault *fault);

/* An authPolicy for the objects of this authorisation, which no session ever satisfies:
 * others cannot guess it before, and it says nothing of auth. */
TOBI_MUST_USE enum tobi_err tpm_tag(const uint8_t auth[static TPM_AUTH_SIZE],
				    uint8_t ret_tag[static TPM_TAG_SIZE]);
void tpm_pending_write(struct writer *out, const struct tpm_pending *pending);
TOBI_MUST_USE enum tobi_err tpm_pending_parse(struct tobi_bytes bytes,
					      struct tpm_pending *ret_pending,
					      struct tobi_fault *fault);

#endif
