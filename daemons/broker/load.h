/* What is read at the start, and again by SIGHUP: TLS, attested TLS, the policy of entry,
 * collateral.
 */
#ifndef TOBI_DAEMONS_BROKER_LOAD_H
#define TOBI_DAEMONS_BROKER_LOAD_H

#include <openssl/ssl.h>

#include "daemons/broker/attesting.h"
#include "daemons/broker/config.h"
#include "tobichi/collateral.h"
#include "tobichi/verify.h"

/* NULL where there is none. */
struct loaded {
	SSL_CTX *tls;
	struct attesting_self *self; /* attesting.h */
	struct tobi_policy *entry;
	struct tobi_collateral *collateral;
};

/* All of it, or nothing. */
TOBI_MUST_USE enum tobi_err load_files(const struct config *config,
				       struct loaded *ret_loaded,
				       struct tobi_fault *fault);
void loaded_done(struct loaded *loaded);

#endif
