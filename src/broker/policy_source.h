/* The inside of policies.h: what its files share. */
#ifndef TOBI_BROKER_POLICY_SOURCE_H
#define TOBI_BROKER_POLICY_SOURCE_H

#include "broker/policies.h"

/* tobi_policy_free() it. Errors: as policy_prepare(). */
TOBI_MUST_USE enum tobi_err policy_source_parse(const struct policy_source *source,
						struct tobi_policy **ret_policy,
						struct tobi_fault *fault);
/* Of scope, text and files; and of the text alone. */
TOBI_MUST_USE enum tobi_err policy_source_hash(const struct policy_source *source,
					       uint8_t ret_hash[static SHA384_SIZE],
					       uint8_t ret_text_hash[static SHA384_SIZE],
					       struct tobi_fault *fault);
/* TOBI_E_SIGNATURE. */
TOBI_MUST_USE enum tobi_err policy_info_check(const struct broker *broker,
					      const struct policy_info *info,
					      struct tobi_fault *fault);

/* NULL when it is not there. policy_unref() it. */
const struct cached_policy *policy_cache_find(struct policy_cache *cache,
					      const uint8_t hash[static SHA384_SIZE]);
/* Takes the policy over, also when it fails; size: of what it was made from. */
TOBI_MUST_USE enum tobi_err policy_cache_keep(struct policy_cache *cache,
					      const uint8_t hash[static SHA384_SIZE],
					      const uint8_t text_hash[static SHA384_SIZE],
					      size_t size, struct tobi_policy *policy,
					      const struct cached_policy **ret_policy,
					      struct tobi_fault *fault);

#endif
