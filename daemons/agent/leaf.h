/* The enclave's TLS key and its certificate: made here and nowhere else, in hidden memory
 * (keymem_hide() before), or not at all. */
#ifndef AGENT_LEAF_H
#define AGENT_LEAF_H

#include "base/writer.h"
#include "pki/key.h"

TOBI_MUST_USE enum tobi_err leaf_make(int64_t now, EVP_PKEY **ret_key,
				      struct writer *ret_certificate,
				      struct tobi_fault *fault);

#endif
