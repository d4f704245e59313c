#include "pki/device_keys.h"

#include "base/secret.h"

static bool is_of(struct tobi_bytes named, struct tobi_bytes device)
{
	return named.size == 0 || bytes_equal(named, device);
}

EVP_PKEY *device_keys_next(const struct device_keys *keys, struct tobi_bytes class_id,
			   struct tobi_bytes instance, int64_t time, size_t *at)
{
	while (keys && *at < keys->count) {
		const struct device_key *item = &keys->items[(*at)++];

		/* A key for anything at all is nobody's. */
		if ((item->class_id.size || item->instance.size) &&
		    is_of(item->class_id, class_id) && is_of(item->instance, instance) &&
		    time >= item->not_before && time <= item->not_after)
			return item->key;
	}
	return NULL;
}
