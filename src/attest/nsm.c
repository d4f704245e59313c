/*
 * AWS Nitro enclaves by /dev/nsm: CBOR in, CBOR out.
 *
 * Source: Linux, include/uapi/linux/nsm.h; aws-nitro-enclaves-nsm-api, src/api/mod.rs.
 */
#include "attest/nsm.h"

#include <fcntl.h>

#include "attest/rows.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

static const char path[] = "/dev/nsm", object[] = "nsm";

enum { USER_DATA_MAX = 512, PUBLIC_KEY_MAX = 1024, ERROR_MAX = 64 };

static void write_field(struct writer *out, const char *name, struct tobi_bytes value)
{
	cbor_write_text(out, name);
	if (value.size)
		cbor_write_bytes(out, value);
	else
		cbor_write_null(out);
}

void nsm_request_write(struct writer *out, struct tobi_bytes user_data,
		       struct tobi_bytes nonce, struct tobi_bytes public_key)
{
	cbor_write_map(out, 1);
	cbor_write_text(out, "Attestation");
	cbor_write_map(out, 3);
	write_field(out, "user_data", user_data);
	write_field(out, "nonce", nonce);
	write_field(out, "public_key", public_key);
}

static void read_document(struct cbor *cbor, struct tobi_bytes *ret_document)
{
	struct cbor_map map = cbor_map(cbor, 1, "Attestation");
	struct tobi_bytes key;

	if (!cbor_map_text(cbor, &map, &key, "document") ||
	    !bytes_equal_text(key, "document")) {
		cbor_fail(cbor, TOBI_E_MALFORMED, "document");
		return;
	}
	*ret_document = cbor_bytes(cbor, LIMIT_NITRO, "document");
	cbor_map_text(cbor, &map, &key, "document");
}

enum tobi_err nsm_response_read(struct tobi_bytes response,
				struct tobi_bytes *ret_document, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(response, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, 1, "response");
	struct tobi_bytes key = {0}, document = {0}, error = {0};
	enum tobi_err err;

	if (!cbor_map_text(&cbor, &map, &key, "response"))
		cbor_fail(&cbor, TOBI_E_MALFORMED, "response");
	else if (bytes_equal_text(key, "Attestation"))
		read_document(&cbor, &document);
	else if (bytes_equal_text(key, "Error"))
		error = cbor_text(&cbor, ERROR_MAX, "Error");
	else
		cbor_fail(&cbor, TOBI_E_PROTOCOL, "response");
	cbor_map_text(&cbor, &map, &key, "response");
	err = cbor_finish(&cbor, object, fault);
	if (err)
		return err;
	if (error.size)
		return fault_set(fault, TOBI_E_SYSTEM, object, "",
				 "the security module refuses: %.*s", (int)error.size,
				 (const char *)error.ptr);
	if (!document.size)
		return fault_set(fault, TOBI_E_MALFORMED, object, "document",
				 "it is empty");
	*ret_document = document;
	return TOBI_OK;
}

static enum tobi_err call(struct device_file *file, struct tobi_bytes request,
			  struct writer *response, struct tobi_fault *fault)
{
	uint8_t *bytes = wr_reserve(response, NSM_RESPONSE_MAX);
	struct nsm_call arguments = {
	    .request = {(uint64_t)(uintptr_t)request.ptr, request.size},
	    .response = {(uint64_t)(uintptr_t)bytes, NSM_RESPONSE_MAX}};
	enum tobi_err err;

	if (!bytes)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = device_ioctl(file, NSM_CALL, &arguments, NULL, fault);
	if (err)
		return err;
	if (arguments.response.size > NSM_RESPONSE_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "the driver speaks of an answer of more than %d bytes",
				 NSM_RESPONSE_MAX);
	response->size = (size_t)arguments.response.size;
	return TOBI_OK;
}

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	*ret_kind = "nitro-doc";
	return device_probe(request->device, path, O_RDWR, fault);
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};
	CLEANUP(wr_done) struct writer question = wr_init(NSM_REQUEST_MAX);
	CLEANUP(wr_done) struct writer response = wr_init(NSM_RESPONSE_MAX);
	struct tobi_bytes document = {0};
	enum tobi_err err;

	if (request->claims_buffer.size > USER_DATA_MAX ||
	    request->public_key.size > PUBLIC_KEY_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "claims have at most %d bytes, a key %d", USER_DATA_MAX,
				 PUBLIC_KEY_MAX);
	nsm_request_write(&question, request->claims_buffer,
			  (struct tobi_bytes){request->data, request->data_size},
			  request->public_key);
	if (wr_err(&question))
		return fault_set(fault, wr_err(&question), object, "",
				 "the question is too long");
	err = device_open(request->device, path, O_RDWR, &file, fault);
	if (!err)
		err = call(&file, wr_view(&question), &response, fault);
	if (!err)
		err = nsm_response_read(wr_view(&response), &document, fault);
	if (err)
		return err;
	output->kind = "nitro-doc";
	wr_bytes(&output->evidence, document.ptr, document.size);
	return TOBI_OK;
}

const struct attester attester_nsm = {
    .name = "nsm",
    .title = "an AWS Nitro enclave, by /dev/nsm",
    .present = present,
    .get = get,
};
