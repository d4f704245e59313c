/*
 * Intel TDX by /dev/tdx_guest: that driver gives a TDREPORT, which only its own machine
 * can check. A quote is made of it by configfs-tsm (the attester of that name), or by the
 * host's quoting service over vsock.
 *
 * Source: Linux, include/uapi/linux/tdx-guest.h; Documentation/virt/coco/tdx-guest.rst.
 */
#include "attest/tdx_guest.h"

#include <fcntl.h>

#include "attest/qgs.h"
#include "attest/rows.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

static const char path[] = "/dev/tdx_guest", object[] = "tdx_guest";

enum { REPORT_TYPE_TDX = 0x81, REPORT_DATA = 128 };

enum tobi_err tdx_guest_report(const struct attest_device *device,
			       const uint8_t data[static ATTEST_DATA_SIZE],
			       uint8_t ret_report[static TDX_GUEST_REPORT],
			       struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};
	struct tdx_guest_request call = {0};
	enum tobi_err err = device_open(device, path, O_RDWR, &file, fault);

	if (err)
		return err;
	bytes_copy(call.data, sizeof(call.data), data, ATTEST_DATA_SIZE);
	err = device_ioctl(&file, TDX_GUEST_GET_REPORT, &call, NULL, fault);
	if (err)
		return err;
	if (call.report[0] != REPORT_TYPE_TDX)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "the driver gave something else than a TDREPORT");
	if (!bytes_equal((struct tobi_bytes){call.report + REPORT_DATA, ATTEST_DATA_SIZE},
			 (struct tobi_bytes){data, ATTEST_DATA_SIZE}))
		return fault_set(fault, TOBI_E_MISMATCH, object, "report data",
				 "the driver answered another question");
	bytes_copy(ret_report, TDX_GUEST_REPORT, call.report, sizeof(call.report));
	return TOBI_OK;
}

static enum tobi_err present(const struct attest_request *request, const char **ret_kind,
			     struct tobi_fault *fault)
{
	*ret_kind = "tdx-quote";
	return device_probe(request->device, path, O_RDWR, fault);
}

static enum tobi_err get(const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	uint8_t report[TDX_GUEST_REPORT];
	const char *kind = NULL;
	enum tobi_err err =
	    tdx_guest_report(request->device, request->data, report, fault);

	if (err)
		return err;
	output->kind = "tdx-quote";
	if (request->quotes)
		return qgs_ask(request->device, request->quotes,
			       (struct tobi_bytes){report, sizeof(report)},
			       &output->evidence, fault);
	if (!attester_tsm.present(request, &kind, NULL))
		return attester_tsm.get(request, output, fault);
	return fault_set(
	    fault, TOBI_E_UNSUPPORTED, object, "",
	    "only a TDREPORT can be had here, which no other machine can "
	    "verify: a quote needs configfs-tsm (Linux 6.7 or newer), or the "
	    "host's quoting service: --quote-service CID:PORT");
}

const struct attester attester_tdx_guest = {
    .name = "tdx-guest",
    .title = "Intel TDX, by /dev/tdx_guest and a quoting service",
    .present = present,
    .get = get,
};
