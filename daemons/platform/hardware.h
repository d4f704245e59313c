/*
 * The hardware around the service: where it runs in a guest that attests (--attester),
 * each report has that guest's evidence beside it, over the same claims-buffer.
 *
 * Devices are slow, and may hang. So each is asked by a process of its own, one at a time
 * and in turn; meanwhile the enclave that waits is not listened to, for its requests are
 * answered in order.
 */
#ifndef PLATFORM_HARDWARE_H
#define PLATFORM_HARDWARE_H

#include "attest/attester.h"
#include "daemons/platform/service.h"

enum { HARDWARE_TIMEOUT_MS = 20000 }; /* below that of an exchange */

struct hardware_setup {
	const char *attester;		    /* its name */
	const char *tpm;		    /* NULL: the usual one */
	const char *metadata;		    /* the cloud's service; NULL: the usual one */
	const char *quotes;		    /* TDX: "CID:PORT" over vsock; or NULL */
	bool with_logs;			    /* of what the guest has started, too */
	const struct attest_device *device; /* the system's */
	unsigned timeout_ms;
	/* The guest's evidence, a collection; or why there is none. */
	void (*done)(struct enclave *enclave, const uint8_t hash[static 32],
		     struct tobi_bytes guest, const struct tobi_fault *why);
};

/* TOBI_E_NOT_FOUND, _DENIED, ...: the device is not here, or may not be used. */
TOBI_MUST_USE enum tobi_err hardware_new(struct service *service,
					 const struct hardware_setup *setup,
					 struct hardware **ret_hardware,
					 struct tobi_fault *fault);
void hardware_free(struct hardware *hardware);
/* done() is called for it, later; unless it is forgotten. One at a time of an enclave. */
TOBI_MUST_USE enum tobi_err hardware_report(struct hardware *hardware,
					    struct enclave *enclave,
					    const uint8_t hash[static 32],
					    struct tobi_fault *fault);
/* True when something was waited for. */
bool hardware_forget(struct hardware *hardware, const struct enclave *enclave);

#endif
