/*
 * A program in an SGX enclave under Gramine, by its pseudo-files in /dev/attestation.
 *
 * Source: Gramine documentation, "Attestation and Secret Provisioning", low-level
 * /dev/attestation interface.
 */
#include <fcntl.h>
#include <stdio.h>

#include "attest/rows.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

#define FOLDER "/dev/attestation"

enum { TYPE_MAX = 16 };

static const char object[] = "gramine";

/* Which kind of quote the manifest has chosen. */
static enum tobi_err check_type(const struct attest_request *request,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(TYPE_MAX);
	struct tobi_bytes type;
	enum tobi_err err = device_get(request->device, FOLDER "/attestation_type",
				       TYPE_MAX, &text, fault);

	if (err)
		return err;
	type = wr_view(&text);
	while (type.size && type.ptr[type.size - 1] == '\n')
		type.size--;
	if (bytes_equal_text(type, "dcap"))
		return TOBI_OK;
	if (bytes_equal_text(type, "none"))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "attestation_type",
				 "the manifest has no attestation: set "
				 "sgx.remote_attestation = \"dcap\"");
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "attestation_type",
			 "'%.*s' is not known here; EPID has no service any more: set "
			 "sgx.remote_attestation = \"dcap\"",
			 (int)type.size, (const char *)type.ptr);
}

/* Whether the enclave has this key. Names only: what is in it is nobody's to see. */
static void note_keys(const struct attest_request *request, struct attest_output *output)
{
	static const char *const keys[] = {"_sgx_mrenclave", "_sgx_mrsigner"};
	CLEANUP(wr_done) struct writer text = wr_init(sizeof(output->note));
	char path[64];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(path, sizeof(path), FOLDER "/keys/%s", keys[i]);
		if (!device_probe(request->device, path, O_RDONLY, NULL))
			wr_printf(&text, "%s%s",
				  text.size ? ", " : "seal keys: ", keys[i]);
	}
	if (text.size && !wr_err(&text))
		snprintf(output->note, sizeof(output->note), "%.*s", (int)text.size,
			 (const char *)text.ptr);
}

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	enum tobi_err err =
	    device_probe(request->device, FOLDER "/user_report_data", O_WRONLY, fault);

	*ret_kind = "sgx-quote";
	return err ? err : check_type(request, fault);
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	enum tobi_err err = check_type(request, fault);

	if (!err)
		err = device_put(request->device, FOLDER "/user_report_data",
				 (struct tobi_bytes){request->data, ATTEST_DATA_SIZE},
				 fault);
	if (!err)
		err = device_get(request->device, FOLDER "/quote", LIMIT_EVIDENCE,
				 &output->evidence, fault);
	if (err)
		return err;
	output->kind = "sgx-quote";
	note_keys(request, output);
	return TOBI_OK;
}

const struct attester attester_gramine = {
    .name = "gramine",
    .title = "Intel SGX under Gramine, by /dev/attestation",
    .one_process = true,
    .present = present,
    .get = get,
};
