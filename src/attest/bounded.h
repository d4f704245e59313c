/*
 * An attester in a process of its own, which can be ended: a driver that does not come
 * back keeps that process, and not the caller.
 */
#ifndef TOBI_ATTEST_BOUNDED_H
#define TOBI_ATTEST_BOUNDED_H

#include "attest/attester.h"

enum {
	BOUNDED_TIMEOUT_MS = 60000,
	BOUNDED_LOOK_MS = 10000, /* to find out whether a device is there */
	BOUNDED_MAX = 8 << 20
};

/* As attester_run(), with the logs where the request has them. TOBI_E_TIMEOUT. */
TOBI_MUST_USE enum tobi_err bounded_run(const struct attester *attester,
					const struct attest_request *request,
					unsigned timeout_ms, struct attest_output *output,
					struct tobi_fault *fault);

/* As its present(). TOBI_E_TIMEOUT for a device that does not come back. */
TOBI_MUST_USE enum tobi_err bounded_present(const struct attester *attester,
					    const struct attest_request *request,
					    unsigned timeout_ms, const char **ret_kind,
					    struct tobi_fault *fault);
/* The first that is present, each within that time. TOBI_E_NOT_FOUND when none is. */
TOBI_MUST_USE enum tobi_err bounded_find(const struct attest_request *request,
					 unsigned timeout_ms,
					 const struct attester **ret_attester,
					 struct tobi_fault *fault);

/* The two halves, for who has a loop of its own: what the process writes... */
void bounded_write(enum tobi_err err, const struct tobi_fault *why,
		   const struct attest_output *output, struct writer *out);
/* ...and what it said: the attester's own error, or TOBI_E_PROTOCOL. */
TOBI_MUST_USE enum tobi_err bounded_read(struct tobi_bytes bytes,
					 struct attest_output *output,
					 struct tobi_fault *fault);

/* Starts it; *ret_fd gives what bounded_write() wrote, until its end. */
TOBI_MUST_USE enum tobi_err bounded_start(const struct attester *attester,
					  const struct attest_request *request,
					  pid_t *ret_pid, int *ret_fd,
					  struct tobi_fault *fault);

#endif
