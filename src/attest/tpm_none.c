/* A build without tpm2-tss: no TPM is asked. */
#include "attest/rows.h"
#include "base/fault.h"

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	(void)request, (void)ret_kind;
	return fault_set(fault, TOBI_E_NOT_FOUND, "TPM", "",
			 "this build is without tpm2-tss");
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	(void)output;
	return present(request, NULL, fault);
}

const struct attester attester_tpm = {
    .name = "tpm",
    .title = "a TPM 2.0 (not in this build)",
    .present = present,
    .get = get,
};

const struct attester attester_azure = {
    .name = "azure",
    .title = "a confidential VM of Azure (not in this build)",
    .present = present,
    .get = get,
};
