#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/policy_source.h"

/* One that is in use outlives its place in the cache. */
struct entry {
	struct cached_policy public; /* first: what users hold */
	struct tobi_policy *policy;
	uint8_t hash[SHA384_SIZE];
	size_t size, references;
	uint64_t used; /* the cache's clock when it was last found */
};

struct policy_cache {
	pthread_mutex_t lock; /* of all but nothing, and of the entries' counts */
	struct entry *entries[LIMIT_BROKER_CACHED];
	size_t count, size;
	uint64_t clock;
	struct tobi_policy *nothing;
};

/* Every tier of hardware, with its vendor's roots, and an image that is none: whatever
 * comes is examined before it is refused. */
static const char nothing_text[] =
    "version: 1\n"
    "name: none\n"
    "tiers: [sgx, tdx, snp, nitro]\n"
    "images: "
    "[000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000]\n"
    "identity:\n"
    "  mode: any-instance\n";

struct policy_cache *policy_cache_new(void)
{
	struct policy_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	if (pthread_mutex_init(&cache->lock, NULL)) {
		free(cache);
		return NULL;
	}
	if (tobi_policy_parse(bytes_of_text(nothing_text), "none", &cache->nothing,
			      NULL)) {
		policy_cache_free(cache);
		return NULL;
	}
	return cache;
}

static void entry_free(struct entry *entry)
{
	tobi_policy_free(entry->policy);
	free(entry);
}

void policy_cache_free(struct policy_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->count; i++)
		entry_free(cache->entries[i]);
	tobi_policy_free(cache->nothing);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

const struct tobi_policy *policy_of_nothing(const struct broker *broker)
{
	return broker->policies->nothing;
}

static struct entry *take(struct policy_cache *cache, const uint8_t *hash)
{
	for (size_t i = 0; i < cache->count; i++) {
		struct entry *entry = cache->entries[i];

		if (memcmp(entry->hash, hash, SHA384_SIZE) == 0) {
			entry->references++;
			entry->used = ++cache->clock;
			return entry;
		}
	}
	return NULL;
}

const struct cached_policy *policy_cache_find(struct policy_cache *cache,
					      const uint8_t hash[static SHA384_SIZE])
{
	struct entry *entry;

	pthread_mutex_lock(&cache->lock);
	entry = take(cache, hash);
	pthread_mutex_unlock(&cache->lock);
	return entry ? &entry->public : NULL;
}

const struct cached_policy *policy_stand_in(struct broker *broker)
{
	struct policy_cache *cache = broker->policies;
	struct entry *newest = NULL;

	pthread_mutex_lock(&cache->lock);
	for (size_t i = 0; i < cache->count; i++) {
		if (!newest || cache->entries[i]->used > newest->used)
			newest = cache->entries[i];
	}
	if (newest)
		newest->references++;
	pthread_mutex_unlock(&cache->lock);
	return newest ? &newest->public : NULL;
}

/* Drops the cache's reference; NULL when users have some left. */
static struct entry *remove_at(struct policy_cache *cache, size_t index)
{
	struct entry *entry = cache->entries[index];

	cache->entries[index] = cache->entries[--cache->count];
	cache->size -= entry->size;
	return --entry->references ? NULL : entry;
}

static size_t oldest(const struct policy_cache *cache)
{
	size_t found = 0;

	for (size_t i = 1; i < cache->count; i++) {
		if (cache->entries[i]->used < cache->entries[found]->used)
			found = i;
	}
	return found;
}

/* With the lock. What nobody uses any more is freed: rare, and short. */
static void make_room(struct policy_cache *cache, size_t size)
{
	while (cache->count && (cache->count == LIMIT_BROKER_CACHED ||
				cache->size + size > LIMIT_BROKER_CACHE)) {
		struct entry *gone = remove_at(cache, oldest(cache));

		if (gone)
			entry_free(gone);
	}
}

enum tobi_err policy_cache_keep(struct policy_cache *cache,
				const uint8_t hash[static SHA384_SIZE],
				const uint8_t text_hash[static SHA384_SIZE], size_t size,
				struct tobi_policy *policy,
				const struct cached_policy **ret_policy,
				struct tobi_fault *fault)
{
	struct entry *entry = calloc(1, sizeof(*entry)), *other;

	if (!entry) {
		tobi_policy_free(policy);
		return fault_set(fault, TOBI_E_MEMORY, "policy", "", "out of memory");
	}
	entry->policy = policy;
	entry->public.policy = policy;
	bytes_copy(entry->public.text_hash, SHA384_SIZE, text_hash, SHA384_SIZE);
	bytes_copy(entry->hash, SHA384_SIZE, hash, SHA384_SIZE);
	entry->size = size;
	entry->references = 2; /* the cache's, and the caller's */
	pthread_mutex_lock(&cache->lock);
	/* Another worker may have been faster; and what it remembers is worth more. */
	other = take(cache, hash);
	if (!other) {
		make_room(cache, size);
		entry->used = ++cache->clock;
		cache->entries[cache->count++] = entry;
		cache->size += size;
	}
	pthread_mutex_unlock(&cache->lock);
	if (other)
		entry_free(entry);
	*ret_policy = &(other ? other : entry)->public;
	return TOBI_OK;
}

void policy_unref(struct broker *broker, const struct cached_policy *policy)
{
	struct entry *entry = (struct entry *)(uintptr_t)policy;
	bool last;

	if (!policy)
		return;
	pthread_mutex_lock(&broker->policies->lock);
	last = --entry->references == 0;
	pthread_mutex_unlock(&broker->policies->lock);
	if (last)
		entry_free(entry);
}
