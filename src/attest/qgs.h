/*
 * Intel's quoting service (QGS), which the host of a TDX guest runs: a report goes in, a
 * quote comes out, each in a frame with its size.
 *
 * Source: SGXDataCenterAttestationPrimitives, QuoteGeneration/quote_wrapper/qgs_msg_lib.
 */
#ifndef TOBI_ATTEST_QGS_H
#define TOBI_ATTEST_QGS_H

#include "attest/device.h"

enum { QGS_MESSAGE_MAX = 64 << 10 };

/* Without the frame. */
void qgs_request_write(struct writer *out, struct tobi_bytes report);
/* The quote, borrowed. The service's own error is TOBI_E_SYSTEM, with its code. */
TOBI_MUST_USE enum tobi_err qgs_response_read(struct tobi_bytes response,
					      struct tobi_bytes *ret_quote,
					      struct tobi_fault *fault);
/* Asks the service at "CID:PORT" of vsock; quote is appended. */
TOBI_MUST_USE enum tobi_err qgs_ask(const struct attest_device *device, const char *where,
				    struct tobi_bytes report, struct writer *quote,
				    struct tobi_fault *fault);

#endif
