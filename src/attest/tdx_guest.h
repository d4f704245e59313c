/* The interface of Linux's driver for guests of Intel TDX, for headers that are older
 * than it (include/uapi/linux/tdx-guest.h). */
#ifndef TOBI_ATTEST_TDX_GUEST_H
#define TOBI_ATTEST_TDX_GUEST_H

#include <sys/ioctl.h>

#include "attest/attester.h"

enum { TDX_GUEST_REPORT = 1024 };

struct tdx_guest_request {
	uint8_t data[ATTEST_DATA_SIZE];
	uint8_t report[TDX_GUEST_REPORT];
};

#define TDX_GUEST_GET_REPORT _IOWR('T', 1, struct tdx_guest_request)

/* A TDREPORT over these bytes: for this machine only. */
TOBI_MUST_USE enum tobi_err tdx_guest_report(const struct attest_device *device,
					     const uint8_t data[static ATTEST_DATA_SIZE],
					     uint8_t ret_report[static TDX_GUEST_REPORT],
					     struct tobi_fault *fault);

#endif
