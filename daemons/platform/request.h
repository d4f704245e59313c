/* Requests on the control socket, one to a packet (docs/PROTOCOL.md section 6.1). */
#ifndef PLATFORM_REQUEST_H
#define PLATFORM_REQUEST_H

#include "base/limits.h"
#include "ipc/control.h"
#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* Where an enclave's port can be reached from outside; port 0: any that is free. */
struct published {
	char address[64];
	uint16_t port, inner;
};

/* LAUNCH; its descriptors are in the packet. Borrows. */
struct launch_request {
	struct tobi_bytes name, config;
	struct published ports[LIMIT_PORTS];
	size_t port_count;
	bool detach;
};

/* Borrows from the packet. What its kind does not have is zero. */
struct request {
	enum control_request kind;
	struct launch_request launch;
	struct tobi_bytes id;	 /* of an enclave: STOP, LOGS, ATTEST */
	struct tobi_bytes nonce; /* ATTEST: 8 to 64 bytes */
	unsigned grace;		 /* STOP: seconds, at most CONTROL_GRACE_MAX */
	unsigned signal;	 /* SIGNAL: 1 to 31 */
};

/* TOBI_E_UNSUPPORTED for a kind that is not known, TOBI_E_MALFORMED and the other codes
 * of codec/cbor.h for bytes that are no such request, TOBI_E_ARGUMENT for a value out of
 * its bounds. *ret_request is only written when it is whole. */
TOBI_MUST_USE enum tobi_err request_parse(struct tobi_bytes packet,
					  struct request *ret_request,
					  struct tobi_fault *fault);

#endif
