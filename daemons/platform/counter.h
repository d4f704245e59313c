/* Counters for enclaves (docs/PROTOCOL.md sections 6.2 and 12): whose they are, and what
 * was asked of them. */
#ifndef PLATFORM_COUNTER_H
#define PLATFORM_COUNTER_H

#include "daemons/platform/seal_key.h"
#include "root/counters.h"
#include "tobichi/seal.h"

/* As the agent asks; borrows. */
struct counter_request {
	bool increment;
	enum seal_kind kind;
	struct tobi_bytes signer; /* its id; empty for SEAL_TO_IMAGE */
	struct tobi_bytes name;
};

struct counter_desk {
	const char *state_folder;
	struct counters *counters; /* NULL: not opened yet */
};

/* The enclave's counter, in the platform's file, which is opened when it is first asked
 * for. TOBI_E_DENIED for a signer that did not sign the image; else as counters_open(),
 * counters_read() and counters_increment(). */
struct signer;
TOBI_MUST_USE enum tobi_err
counter_serve(struct counter_desk *desk, struct signer *signer, const struct image *image,
	      const struct counter_request *request, struct tobi_counter *ret_counter,
	      struct tobi_fault *fault);
void counter_desk_done(struct counter_desk *desk);

#endif
