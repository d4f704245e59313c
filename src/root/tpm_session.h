/*
 * A TPM, open for one operation: ESAPI's context, one salted session that authorises
 * commands and encrypts their secrets on the way, and whatever must leave the TPM again.
 * Nothing of it outlives tpm_close(), so the TPM may restart between two operations, and
 * no slot in it is lost.
 */
#ifndef TOBI_ROOT_TPM_SESSION_H
#define TOBI_ROOT_TPM_SESSION_H

#include <tss2/tss2_esys.h>

#include "base/cleanup.h"
#include "root/tpm_link.h"

enum {
	TPM_HELD_MAX = 8,
	/* Of one operation, and of reaching the TPM: together below the signer's 10 s. */
	TPM_PATIENCE_MS = 4000,
	TPM_PATIENCE_INIT_MS = 300000, /* some TPMs need minutes for an RSA key */
};

struct tpm {
	struct tpm_link *link;
	ESYS_CONTEXT *esys;
	ESYS_TR session;	    /* ESYS_TR_NONE before tpm_session_start() */
	ESYS_TR held[TPM_HELD_MAX]; /* sessions and objects to be flushed */
	size_t held_count;
};

TOBI_MUST_USE enum tobi_err tpm_open(const char *device, int64_t patience_ms,
				     struct tpm *ret_tpm, struct tobi_fault *fault);
/* Flushes what is held; accepts a zeroed one. */
void tpm_close(struct tpm *tpm);

/* To be flushed at the end. */
void tpm_hold(struct tpm *tpm, ESYS_TR object);
/* Now. */
void tpm_release(struct tpm *tpm, ESYS_TR object);

/* A session salted to that key of the TPM. */
TOBI_MUST_USE enum tobi_err tpm_session_start(struct tpm *tpm, ESYS_TR salt,
					      struct tobi_fault *fault);
/* A second one, for a command with two authorisations. */
TOBI_MUST_USE enum tobi_err tpm_session_more(struct tpm *tpm, ESYS_TR salt,
					     ESYS_TR *ret_session,
					     struct tobi_fault *fault);
/* The session, with TPMA_SESSION_DECRYPT (the first parameter of the command is
 * encrypted), _ENCRYPT (that of the answer), or 0. */
ESYS_TR tpm_session(struct tpm *tpm, TPMA_SESSION secrecy);

/* A response code as a fault: what it means, and what to do. what: "the platform key".
 * TOBI_OK for success. */
TOBI_MUST_USE enum tobi_err tpm_result(struct tpm *tpm, TSS2_RC rc, const char *what,
				       struct tobi_fault *fault);
/* The response code without the number of the handle, session or parameter. */
TPM2_RC tpm_code(TSS2_RC rc);

#endif
