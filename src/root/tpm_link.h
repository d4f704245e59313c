/*
 * The way to a TPM: a TCTI of tpm2-tss ("device:/dev/tpmrm0", "swtpm:path=/a/socket")
 * behind one of our own, which gives every command a deadline and asks a busy TPM again.
 */
#ifndef TOBI_ROOT_TPM_LINK_H
#define TOBI_ROOT_TPM_LINK_H

#include <signal.h>
#include <stdbool.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tpm2_types.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct tpm_link {
	TSS2_TCTI_CONTEXT_COMMON_V2 outer; /* what ESAPI sees; first */
	TSS2_TCTI_CONTEXT *inner;	   /* owned */
	int timer;			   /* readable when time is over */
	bool late;			   /* the deadline has passed over a command */
	struct sigaction sigpipe;	   /* as it was before */
	size_t size;
	uint8_t command[TPM2_MAX_COMMAND_SIZE];
	size_t answer_size; /* 0: none was received */
	uint8_t answer[TPM2_MAX_RESPONSE_SIZE];
};

/* device NULL: /dev/tpmrm0, when it is there. */
TOBI_MUST_USE enum tobi_err tpm_link_find(const char *device, const char **ret_device,
					  struct tobi_fault *fault);
/* All commands together have patience_ms. TOBI_E_ARGUMENT for a device of no known kind,
 * TOBI_E_NOT_FOUND when nothing is there. */
TOBI_MUST_USE enum tobi_err tpm_link_open(const char *device, int64_t patience_ms,
					  struct tpm_link **ret_link,
					  struct tobi_fault *fault);
/* Takes an open TCTI over. */
TOBI_MUST_USE enum tobi_err tpm_link_wrap(TSS2_TCTI_CONTEXT *inner, int64_t patience_ms,
					  struct tpm_link **ret_link,
					  struct tobi_fault *fault);
void tpm_link_close(struct tpm_link *link);
/* For ESAPI; borrowed. */
TSS2_TCTI_CONTEXT *tpm_link_tcti(struct tpm_link *link);

#endif
