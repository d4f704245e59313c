/* The devices of this machine. */
#ifndef TOBI_ATTEST_SYSTEM_H
#define TOBI_ATTEST_SYSTEM_H

#include "attest/device.h"

/* A literal: it has no state of its own. */
const struct attest_device *attest_system(void);

#endif
