/*
 * AMD SEV-SNP by /dev/sev-guest: an extended report, with the certificates that the host
 * has given the guest; where that fails, a plain one.
 *
 * Source: Linux, include/uapi/linux/sev-guest.h; AMD 56860, MSG_REPORT_RSP.
 */
#include "attest/sev_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "attest/rows.h"
#include "attest/snp_pieces.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"

static const char path[] = "/dev/sev-guest";

enum {
	TRIES = 8, /* while the host slows the guest down */
	WAIT_FIRST_MS = 100,
	VMM_INVALID_LENGTH = 1,
	VMM_BUSY = 2,
};

static enum tobi_err refuse_status(uint32_t status, struct tobi_fault *fault)
{
	const char *what = status == 0x16   ? "a parameter is not allowed, such as a VMPL"
			   : status == 0x27 ? "the key that was selected is not there"
					    : "AMD's document 56860 has its codes";

	return fault_set(fault, TOBI_E_SYSTEM, "sev-guest", "status",
			 "the firmware answers 0x%x: %s", (unsigned)status, what);
}

enum tobi_err sev_guest_response(struct tobi_bytes response,
				 struct tobi_bytes *ret_report, struct tobi_fault *fault)
{
	struct reader rd = rd_init(response);
	uint32_t status = rd_u32le(&rd, "status");
	uint32_t size = rd_u32le(&rd, "report size");
	struct tobi_bytes report;

	rd_bytes(&rd, 24, "reserved");
	if (!rd_failed(&rd) && status)
		return refuse_status(status, fault);
	if (!rd_failed(&rd) && size != SEV_GUEST_REPORT)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "report size");
	report = rd_bytes(&rd, SEV_GUEST_REPORT, "report");
	if (rd_failed(&rd))
		return rd_status(&rd, "sev-guest", fault);
	*ret_report = report;
	return TOBI_OK;
}

/* One request, in the forms that the driver takes. */
struct call {
	struct sev_guest_extended request;
	uint8_t response[SEV_GUEST_RESPONSE];
	struct writer table;
	struct sev_guest_call arguments;
};

static void prepare(struct call *call, const struct attest_request *request)
{
	bytes_copy(call->request.data.user_data, ATTEST_DATA_SIZE, request->data,
		   ATTEST_DATA_SIZE);
	call->request.data.vmpl =
	    request->privilege < 0 ? 0 : (uint32_t)request->privilege;
}

/* What the driver says with EIO: the host's code above, the firmware's below. */
static enum tobi_err explain(const struct call *call, enum tobi_err err,
			     struct tobi_fault *fault)
{
	uint64_t both = call->arguments.error;

	return both ? fault_set(fault, err, "sev-guest", "",
				"no report: firmware error 0x%x, host error 0x%x",
				(unsigned)both, (unsigned)(both >> 32))
		    : err;
}

/* As often as the host says that it is busy. */
static enum tobi_err call_device(struct device_file *file, struct call *call,
				 unsigned long number, int *ret_errno,
				 struct tobi_fault *fault)
{
	unsigned wait = WAIT_FIRST_MS;
	enum tobi_err err = TOBI_OK;

	for (unsigned i = 0; i < TRIES; i++) {
		call->arguments = (struct sev_guest_call){
		    .version = 1,
		    .request = (uint64_t)(uintptr_t)&call->request,
		    .response = (uint64_t)(uintptr_t)call->response};
		err = device_ioctl(file, number, &call->arguments, ret_errno, fault);
		if (!err)
			return TOBI_OK;
		if (call->arguments.error >> 32 != VMM_BUSY)
			return explain(call, err, fault);
		file->device->wait(file->device->context, wait);
		wait *= 2;
	}
	return fault_set(
	    fault, TOBI_E_TIMEOUT, "sev-guest", "",
	    "the host is busy all the time; it may slow down guests that ask "
	    "too often");
}

/* The table may be longer than expected: then its size comes back. */
static enum tobi_err call_extended(struct device_file *file, struct call *call,
				   struct tobi_fault *fault)
{
	uint32_t size = SEV_GUEST_TABLE;
	enum tobi_err err = TOBI_E_LIMIT;

	for (unsigned i = 0; i < 2; i++) {
		int number = 0;
		uint8_t *table;

		wr_done(&call->table);
		call->table = wr_init(SEV_GUEST_TABLE_MAX);
		table = wr_reserve(&call->table, size);
		if (!table)
			return fault_set(fault, TOBI_E_LIMIT, "sev-guest", "table",
					 "the host's certificates need %u bytes", size);
		call->request.certificates = (uint64_t)(uintptr_t)table;
		call->request.certificates_size = size;
		err = call_device(file, call, SEV_GUEST_GET_EXTENDED, &number, fault);
		if (!err || call->arguments.error >> 32 != VMM_INVALID_LENGTH ||
		    call->request.certificates_size <= size)
			return err;
		size = call->request.certificates_size;
	}
	return err;
}

static enum tobi_err take(struct call *call, const struct attest_request *request,
			  bool extended, struct attest_output *output,
			  struct tobi_fault *fault)
{
	struct tobi_bytes report = {0};
	enum tobi_err err = sev_guest_response(
	    (struct tobi_bytes){call->response, sizeof(call->response)}, &report, fault);

	(void)request;
	if (err)
		return err;
	output->kind = "snp-report";
	wr_bytes(&output->evidence, report.ptr, report.size);
	if (extended)
		return snp_pieces_add(wr_view(&call->table), output, fault);
	return TOBI_OK;
}

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	*ret_kind = "snp-report";
	return device_probe(request->device, path, O_RDWR, fault);
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};
	struct tobi_fault why = {0};
	struct call call = {0};
	bool extended = true;
	enum tobi_err err = device_open(request->device, path, O_RDWR, &file, fault);

	if (err)
		return err;
	prepare(&call, request);
	err = call_extended(&file, &call, &why);
	if (err && err != TOBI_E_TIMEOUT) {
		/* Hosts need not have certificates, nor speak of them. */
		extended = false;
		snprintf(output->note, sizeof(output->note),
			 "the host gave no certificates: %.200s", why.message);
		err = call_device(&file, &call, SEV_GUEST_GET_REPORT, &(int){0}, fault);
	} else if (err && fault) {
		*fault = why;
	}
	if (!err)
		err = take(&call, request, extended, output, fault);
	wr_done(&call.table);
	return err;
}

const struct attester attester_sev_guest = {
    .name = "sev-guest",
    .title = "AMD SEV-SNP, by /dev/sev-guest",
    .present = present,
    .get = get,
};
