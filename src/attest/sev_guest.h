/* The interface of Linux's driver for guests of AMD SEV-SNP, for headers that are older
 * than it (include/uapi/linux/sev-guest.h). Packed by nature; native byte order. */
#ifndef TOBI_ATTEST_SEV_GUEST_H
#define TOBI_ATTEST_SEV_GUEST_H

#include <sys/ioctl.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum {
	SEV_GUEST_RESPONSE = 4000,
	SEV_GUEST_REPORT = 1184,
	SEV_GUEST_TABLE = 16 << 10, /* what drivers take */
	SEV_GUEST_TABLE_MAX = 64 << 10,
};

struct sev_guest_request {
	uint8_t user_data[64];
	uint32_t vmpl;
	uint8_t reserved[28];
};

struct sev_guest_extended {
	struct sev_guest_request data; /* first: both requests start with it */
	uint64_t certificates;
	uint32_t certificates_size; /* of whole pages; what is needed comes back */
};

struct sev_guest_call {
	uint8_t version;
	uint64_t request, response;
	uint64_t error; /* the host's above, the firmware's below */
};

#define SEV_GUEST_GET_REPORT _IOWR('S', 0, struct sev_guest_call)
#define SEV_GUEST_GET_EXTENDED _IOWR('S', 2, struct sev_guest_call)

/* The report in an answer of the firmware. */
TOBI_MUST_USE enum tobi_err sev_guest_response(struct tobi_bytes response,
					       struct tobi_bytes *ret_report,
					       struct tobi_fault *fault);

#endif
