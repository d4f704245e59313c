/* A software TPM that hangs: tpm2-tss waits for it without end when it connects. */
#ifndef TOBI_ROOT_TPM_SWTPM_H
#define TOBI_ROOT_TPM_SWTPM_H

#include <stdbool.h>

/* Whether the swtpm of this configuration ("path=/a/socket") answers on its control
 * socket in time. true for one that is not named by a path. */
bool tpm_swtpm_answers(const char *configuration, int patience_ms);

#endif
