/* What a TPM's response codes mean to a person. */
#include <stdio.h>

#include "base/fault.h"
#include "root/tpm_session.h"

static const struct {
	TPM2_RC code;
	enum tobi_err err;
	const char *text;
} meanings[] = {
    {TPM2_RC_BAD_AUTH, TOBI_E_DENIED,
     "the authorisation is wrong; --pin-file names the file with the TPM owner's"},
    {TPM2_RC_AUTH_FAIL, TOBI_E_DENIED,
     "the authorisation is wrong, and the TPM counts such tries; look for the right one "
     "before you try again"},
    {TPM2_RC_HANDLE, TOBI_E_NOT_FOUND,
     "it is not in the TPM any more: the TPM was cleared, or somebody removed it. What "
     "was sealed with it is lost; move the platform's folder away to begin anew"},
    {TPM2_RC_REFERENCE_H0, TOBI_E_NOT_FOUND, "the TPM has lost it meanwhile; try again"},
    {TPM2_RC_HIERARCHY, TOBI_E_UNSUPPORTED,
     "the TPM's owner hierarchy is disabled; enable it in the firmware's settings"},
    {TPM2_RC_INITIALIZE, TOBI_E_SYSTEM,
     "the TPM was not started; restart the machine, or a software TPM with "
     "--flags startup-clear"},
    {TPM2_RC_FAILURE, TOBI_E_SYSTEM, "the TPM is in failure mode; restart the machine"},
    {TPM2_RC_NV_SPACE, TOBI_E_LIMIT,
     "the TPM has no room left for what stays in it; remove something with "
     "tpm2_evictcontrol or tpm2_nvundefine"},
    {TPM2_RC_OBJECT_MEMORY, TOBI_E_LIMIT,
     "the TPM has no room for another object; use /dev/tpmrm0, or tpm2_flushcontext -t"},
    {TPM2_RC_OBJECT_HANDLES, TOBI_E_LIMIT,
     "the TPM has no handle left; use /dev/tpmrm0, or tpm2_flushcontext -t"},
    {TPM2_RC_SESSION_MEMORY, TOBI_E_LIMIT,
     "the TPM has no room for another session; use /dev/tpmrm0, or tpm2_flushcontext "
     "-l"},
    {TPM2_RC_SESSION_HANDLES, TOBI_E_LIMIT,
     "the TPM has no session left; use /dev/tpmrm0, or tpm2_flushcontext -l -s"},
    {TPM2_RC_MEMORY, TOBI_E_LIMIT, "the TPM has no memory left; restart it"},
    {TPM2_RC_NV_UNAVAILABLE, TOBI_E_SYSTEM,
     "the TPM cannot write at the moment; try again"},
    {TPM2_RC_NV_RATE, TOBI_E_SYSTEM,
     "the TPM is written too often at the moment; try again in some seconds"},
    {TPM2_RC_DISABLED, TOBI_E_UNSUPPORTED, "the TPM has it disabled"},
    {TPM2_RC_COMMAND_CODE, TOBI_E_UNSUPPORTED, "the TPM does not know this command"},
    {TPM2_RC_CURVE, TOBI_E_UNSUPPORTED, "the TPM does not know the curve P-256"},
};

TPM2_RC tpm_code(TSS2_RC rc)
{
	if (rc & TSS2_RC_LAYER_MASK)
		return 0;
	return rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc;
}

/* How long somebody must wait is what the TPM alone knows. */
static enum tobi_err locked_out(struct tpm *tpm, const char *what,
				struct tobi_fault *fault)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more = 0;
	char wait[64] = "";

	if (tpm->esys &&
	    !Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				TPM2_CAP_TPM_PROPERTIES, TPM2_PT_LOCKOUT_INTERVAL, 1,
				&more, &data) &&
	    data->data.tpmProperties.count == 1)
		snprintf(wait, sizeof(wait), " (it allows one more try every %u s)",
			 data->data.tpmProperties.tpmProperty[0].value);
	Esys_Free(data);
	return fault_set(fault, TOBI_E_DENIED, "TPM", what,
			 "the TPM is locked after wrong passwords%s: wait, or have its "
			 "owner run tpm2_dictionarylockout -c",
			 wait);
}

enum tobi_err tpm_result(struct tpm *tpm, TSS2_RC rc, const char *what,
			 struct tobi_fault *fault)
{
	TPM2_RC code = tpm_code(rc);

	if (rc == TSS2_RC_SUCCESS)
		return TOBI_OK;
	if (tpm->link && tpm->link->late)
		return fault_set(fault, TOBI_E_TIMEOUT, "TPM", what,
				 "the TPM does not answer, or is busy all the time");
	if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER)
		return fault_set(
		    fault, TOBI_E_SYSTEM, "TPM", what,
		    "the TPM has gone away, or does not take commands; is it "
		    "a TPM 2.0?");
	if (rc == TSS2_ESYS_RC_RSP_AUTH_FAILED)
		return fault_set(fault, TOBI_E_PROTOCOL, "TPM", what,
				 "its answer was changed on the way, or comes from "
				 "another TPM");
	if (code == TPM2_RC_LOCKOUT)
		return locked_out(tpm, what, fault);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (code == meanings[i].code)
			return fault_set(fault, meanings[i].err, "TPM", what, "%s",
					 meanings[i].text);
	}
	return fault_set(fault, TOBI_E_SYSTEM, "TPM", what,
			 "it refuses with code 0x%x; `tpm2_rc_decode 0x%x` explains it",
			 rc, rc);
}
