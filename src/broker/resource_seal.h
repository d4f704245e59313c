/* Sealing of resources: what binds a blob to its place. */
#ifndef TOBI_BROKER_RESOURCE_SEAL_H
#define TOBI_BROKER_RESOURCE_SEAL_H

#include "broker/resource.h"

enum {
	LIMIT_SEALED = LIMIT_SECRET + 4096,
	RESOURCE_CONTEXT_MAX = 1024,
	RESOURCE_GRACE_MAX = 366 * 24 * 3600,
};

/* No blob opens as another resource's, as another version, or for another owner. */
void resource_context(const struct resource_name *name, uint64_t version,
		      const char *owner, struct writer *out);
TOBI_MUST_USE enum tobi_err resource_seal(struct broker *broker,
					  const struct resource_name *name,
					  uint64_t version, const char *owner,
					  struct tobi_bytes plain, struct writer *out,
					  struct tobi_fault *fault);

#endif
