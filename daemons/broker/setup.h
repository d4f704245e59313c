/* From a configuration to a broker: who it is, its keys, its operators. */
#ifndef TOBI_DAEMONS_BROKER_SETUP_H
#define TOBI_DAEMONS_BROKER_SETUP_H

#include "broker/broker.h"
#include "daemons/broker/config.h"
#include "daemons/broker/load.h"

/* Makes wrap key and first store key, in a database that has none: TOBI_E_EXISTS. */
TOBI_MUST_USE enum tobi_err setup_init(const struct config *config,
				       struct tobi_fault *fault);
/* The same, and a database that has them is left as it is: for a broker inside an
 * enclave, whose keys only it can make. */
TOBI_MUST_USE enum tobi_err setup_first(const struct config *config,
					struct tobi_fault *fault);
/* Opens it, and makes the configuration's operators the only ones when it names some.
 * loaded's policy and collateral are borrowed. */
TOBI_MUST_USE enum tobi_err setup_open(const struct config *config,
				       const struct loaded *loaded, int64_t (*now)(void),
				       struct broker **ret_broker,
				       struct tobi_fault *fault);
/* Store keys wrapped anew by another provider: keyring_move(). The configuration is not
 * changed. */
TOBI_MUST_USE enum tobi_err setup_move_keys(const struct config *config,
					    const char *place, const char *pin_file,
					    struct tobi_fault *fault);
/* A copy of the database, while others use it (SQLite). */
TOBI_MUST_USE enum tobi_err setup_backup(const struct config *config, const char *path,
					 struct tobi_fault *fault);

#endif
