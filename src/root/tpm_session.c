#include "root/tpm_session.h"

#include "base/fault.h"
#include "base/writer.h"

static const TPMT_SYM_DEF session_cipher = {
    .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};

enum tobi_err tpm_open(const char *device, int64_t patience_ms, struct tpm *ret_tpm,
		       struct tobi_fault *fault)
{
	struct tpm tpm = {.session = ESYS_TR_NONE};
	enum tobi_err err = tpm_link_open(device, patience_ms, &tpm.link, fault);

	if (err)
		return err;
	if (Esys_Initialize(&tpm.esys, tpm_link_tcti(tpm.link), NULL)) {
		tpm_close(&tpm);
		return fault_set(fault, TOBI_E_MEMORY, "TPM", "", "cannot be used");
	}
	*ret_tpm = tpm;
	return TOBI_OK;
}

void tpm_hold(struct tpm *tpm, ESYS_TR object)
{
	if (tpm->held_count == TPM_HELD_MAX)
		abort(); /* a miscount: no operation holds as many */
	tpm->held[tpm->held_count++] = object;
}

/* ESAPI takes no command any more after some failures; the TPM does. */
static void flush_directly(struct tpm *tpm, ESYS_TR object)
{
	CLEANUP(wr_done) struct writer command = wr_init(32);
	TSS2_TCTI_CONTEXT *tcti = tpm_link_tcti(tpm->link);
	uint8_t answer[TPM2_MAX_RESPONSE_SIZE];
	size_t size = sizeof(answer);
	TPM2_HANDLE handle;

	if (Esys_TR_GetTpmHandle(tpm->esys, object, &handle))
		return;
	wr_uint_be(&command, TPM2_ST_NO_SESSIONS, 2);
	wr_uint_be(&command, 14, 4);
	wr_uint_be(&command, TPM2_CC_FlushContext, 4);
	wr_uint_be(&command, handle, 4);
	if (!wr_err(&command) && !Tss2_Tcti_Transmit(tcti, command.size, command.ptr))
		IGNORE(Tss2_Tcti_Receive(tcti, &size, answer, TSS2_TCTI_TIMEOUT_BLOCK));
}

void tpm_release(struct tpm *tpm, ESYS_TR object)
{
	for (size_t i = 0; i < tpm->held_count; i++) {
		if (tpm->held[i] != object)
			continue;
		if (Esys_FlushContext(tpm->esys, object))
			flush_directly(tpm, object);
		tpm->held[i] = tpm->held[--tpm->held_count];
		return;
	}
}

void tpm_close(struct tpm *tpm)
{
	while (tpm->held_count)
		tpm_release(tpm, tpm->held[tpm->held_count - 1]);
	if (tpm->esys)
		Esys_Finalize(&tpm->esys);
	tpm_link_close(tpm->link);
	*tpm = (struct tpm){.session = ESYS_TR_NONE};
}

enum tobi_err tpm_session_more(struct tpm *tpm, ESYS_TR salt, ESYS_TR *ret_session,
			       struct tobi_fault *fault)
{
	ESYS_TR session = ESYS_TR_NONE;
	enum tobi_err err = tpm_result(
	    tpm,
	    Esys_StartAuthSession(tpm->esys, salt, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC,
				  &session_cipher, TPM2_ALG_SHA256, &session),
	    "a session", fault);

	if (err)
		return err;
	tpm_hold(tpm, session);
	IGNORE(Esys_TRSess_SetAttributes(tpm->esys, session, TPMA_SESSION_CONTINUESESSION,
					 0xff));
	*ret_session = session;
	return TOBI_OK;
}

enum tobi_err tpm_session_start(struct tpm *tpm, ESYS_TR salt, struct tobi_fault *fault)
{
	return tpm_session_more(tpm, salt, &tpm->session, fault);
}

ESYS_TR tpm_session(struct tpm *tpm, TPMA_SESSION secrecy)
{
	IGNORE(Esys_TRSess_SetAttributes(tpm->esys, tpm->session,
					 TPMA_SESSION_CONTINUESESSION | secrecy, 0xff));
	return tpm->session;
}
