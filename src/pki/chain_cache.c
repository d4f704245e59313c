#include "pki/chain_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/secret.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

enum { ENTRIES = 32, ANCHORS = 8 };

struct entry {
	uint8_t name[SHA256_SIZE]; /* of all that the verdict depends on but the time */
	int64_t not_before, not_after;
	EVP_PKEY *leaf_key; /* NULL: free */
};

struct chain_cache {
	pthread_mutex_t lock;
	struct entry entries[ENTRIES];
	size_t next; /* to be replaced */
	/* Written before there are threads, by whoever made the cache. */
	struct anchors {
		struct tobi_bytes pem; /* borrowed */
		X509_STORE *store;
	} anchors[ANCHORS];
	size_t anchor_count;
};

struct chain_cache *chain_cache_new(void)
{
	struct chain_cache *cache = calloc(1, sizeof(*cache));

	if (cache && pthread_mutex_init(&cache->lock, NULL)) {
		free(cache);
		return NULL;
	}
	return cache;
}

void chain_cache_free(struct chain_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		EVP_PKEY_free(cache->entries[i].leaf_key);
	for (size_t i = 0; i < cache->anchor_count; i++)
		X509_STORE_free(cache->anchors[i].store);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

enum tobi_err chain_cache_trust(struct chain_cache *cache, struct tobi_bytes anchors_pem,
				const char *object, struct tobi_fault *fault)
{
	X509_STORE *store = NULL;
	enum tobi_err err = chain_read_anchors(anchors_pem, object, &store, fault);

	if (err)
		return err;
	if (cache->anchor_count == ANCHORS)
		X509_STORE_free(store); /* read, and so known to be good */
	else
		cache->anchors[cache->anchor_count++] =
		    (struct anchors){anchors_pem, store};
	return TOBI_OK;
}

static X509_STORE *find_anchors(const struct chain_cache *cache, struct tobi_bytes pem)
{
	for (size_t i = 0; cache && i < cache->anchor_count; i++) {
		if (bytes_equal(cache->anchors[i].pem, pem))
			return cache->anchors[i].store;
	}
	return NULL;
}

/* With sizes, so that no two requests make the same bytes. */
static bool hash_in(EVP_MD_CTX *md, struct tobi_bytes bytes)
{
	uint8_t size[8];

	store_be(size, sizeof(size), bytes.size);
	return EVP_DigestUpdate(md, size, sizeof(size)) == 1 &&
	       EVP_DigestUpdate(md, bytes.ptr, bytes.size) == 1;
}

static bool name_of(const struct chain_request *request,
		    uint8_t ret_name[static SHA256_SIZE])
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t purpose = (uint8_t)request->purpose;
	bool good = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		    hash_in(md, (struct tobi_bytes){&purpose, 1}) &&
		    hash_in(md, request->anchors_pem);

	for (size_t i = 0; i < request->count && good; i++)
		good = hash_in(md, request->certificates[i]);
	return good && EVP_DigestFinal_ex(md, ret_name, NULL) == 1;
}

static struct entry *find(struct chain_cache *cache, const uint8_t *name)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &cache->entries[i];

		if (entry->leaf_key &&
		    bytes_equal((struct tobi_bytes){entry->name, SHA256_SIZE},
				(struct tobi_bytes){name, SHA256_SIZE}))
			return entry;
	}
	return NULL;
}

EVP_PKEY *chain_cache_find(struct chain_cache *cache, const struct chain_request *request)
{
	uint8_t name[SHA256_SIZE];
	EVP_PKEY *key = NULL;
	struct entry *entry;

	if (!cache || request->host_name || !name_of(request, name))
		return NULL;
	pthread_mutex_lock(&cache->lock);
	entry = find(cache, name);
	if (entry && request->time >= entry->not_before &&
	    request->time < entry->not_after && EVP_PKEY_up_ref(entry->leaf_key) == 1)
		key = entry->leaf_key;
	pthread_mutex_unlock(&cache->lock);
	return key;
}

static void remember(struct chain_cache *cache, const struct chain_request *request,
		     const struct chain_window *window, EVP_PKEY *leaf_key)
{
	struct entry entry = {.not_before = window->not_before,
			      .not_after = window->not_after,
			      .leaf_key = leaf_key};
	struct entry *slot;

	if (!name_of(request, entry.name) || EVP_PKEY_up_ref(leaf_key) != 1)
		return;
	pthread_mutex_lock(&cache->lock);
	slot = find(cache, entry.name);
	if (!slot) {
		slot = &cache->entries[cache->next];
		cache->next = (cache->next + 1) % ENTRIES;
	}
	EVP_PKEY_free(slot->leaf_key);
	*slot = entry;
	pthread_mutex_unlock(&cache->lock);
}

enum tobi_err chain_cache_verify(struct chain_cache *cache,
				 const struct chain_request *request, const char *object,
				 EVP_PKEY **ret_leaf_key, struct tobi_fault *fault)
{
	struct chain_request with = *request;
	struct chain_window window = {0};
	enum tobi_err err;

	with.anchors = find_anchors(cache, request->anchors_pem);
	err = chain_verify_window(&with, object, ret_leaf_key, &window, fault);

	if (!err && cache && !request->host_name)
		remember(cache, request, &window, *ret_leaf_key);
	return err;
}
