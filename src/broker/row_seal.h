/*
 * Rows that give somebody power, a key of an owner and a policy, carry a MAC under a key
 * of the broker's (keyring_derive()). Whoever can write to the database, and no more, can
 * take such rows away or put old ones back, but not make one.
 */
#ifndef TOBI_BROKER_ROW_SEAL_H
#define TOBI_BROKER_ROW_SEAL_H

#include <stdbool.h>

#include "broker/broker.h"

enum { ROW_SEAL_SIZE = 32 };

/* kind: the table; parts: what the row says, each with its length in the MAC. */
TOBI_MUST_USE enum tobi_err row_seal(const struct broker *broker, const char *kind,
				     const struct tobi_bytes *parts, size_t count,
				     uint8_t ret_mac[static ROW_SEAL_SIZE],
				     struct tobi_fault *fault);
/* TOBI_E_SIGNATURE for a row that was not written by a broker of these keys. */
TOBI_MUST_USE enum tobi_err row_seal_check(const struct broker *broker, const char *kind,
					   const struct tobi_bytes *parts, size_t count,
					   struct tobi_bytes mac,
					   struct tobi_fault *fault);

#endif
