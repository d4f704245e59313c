/*
 * Ways out of an enclave: what its agent asks for by CONNECT is looked up in that
 * enclave's manifest and launch config, and a courier is started for it (courier.h). The
 * service itself never looks a name up, and never waits.
 */
#ifndef PLATFORM_EGRESS_H
#define PLATFORM_EGRESS_H

#include "daemons/platform/service.h"

enum { EGRESS_SECONDS = 30 }; /* for a courier to look up and connect */

/* Answers with CONNECTED, later or now. entry is one of the manifest's, or
 * their number: the broker's, where the launch config names one. */
void egress_connect(struct enclave *enclave, uint64_t request, size_t entry);
/* The enclave is over: its couriers end. */
void egress_done(struct enclave *enclave);

#endif
