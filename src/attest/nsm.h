/* What the Nitro Secure Module is asked, and what it answers. */
#ifndef TOBI_ATTEST_NSM_H
#define TOBI_ATTEST_NSM_H

#include <sys/ioctl.h>

#include "base/writer.h"

/* The interface of Linux's driver (include/uapi/linux/nsm.h), for headers that are older
 * than it. */
struct nsm_span {
	uint64_t address, size;
};
struct nsm_call {
	struct nsm_span request, response; /* the driver sets the response's size */
};
#define NSM_CALL _IOWR(0x0a, 0, struct nsm_call)

enum { NSM_REQUEST_MAX = 4096, NSM_RESPONSE_MAX = 12288 };

/* Empty ones are left out. */
void nsm_request_write(struct writer *out, struct tobi_bytes user_data,
		       struct tobi_bytes nonce, struct tobi_bytes public_key);
/* The document, borrowed. The module's own error is TOBI_E_SYSTEM, and names it. */
TOBI_MUST_USE enum tobi_err nsm_response_read(struct tobi_bytes response,
					      struct tobi_bytes *ret_document,
					      struct tobi_fault *fault);

#endif
