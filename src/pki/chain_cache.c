#include "pki/chain_cache.h"

#include <stdlib.h>

#include "base/secret.h"
#include "pki/memo.h"

enum { ANCHORS = 8, PARTS_MAX = LIMIT_COSE_CHAIN + 2 };

/* What is kept of a chain. */
struct leaf {
	struct memo_value head;
	EVP_PKEY *key;
};

struct chain_cache {
	struct memo *memo;
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

	if (cache)
		cache->memo = memo_new();
	if (cache && !cache->memo) {
		free(cache);
		return NULL;
	}
	return cache;
}

void chain_cache_free(struct chain_cache *cache)
{
	if (!cache)
		return;
	memo_free(cache->memo);
	for (size_t i = 0; i < cache->anchor_count; i++)
		X509_STORE_free(cache->anchors[i].store);
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

/* Of all that the verdict depends on but the time. */
static bool name_of(const struct chain_request *request, struct memo_name *ret_name)
{
	uint8_t purpose = (uint8_t)request->purpose;
	struct tobi_bytes parts[PARTS_MAX] = {{&purpose, 1}, request->anchors_pem};

	if (request->count > LIMIT_COSE_CHAIN)
		return false;
	for (size_t i = 0; i < request->count; i++)
		parts[2 + i] = request->certificates[i];
	return !memo_name_make("chain", parts, 2 + request->count, ret_name);
}

EVP_PKEY *chain_cache_find(struct chain_cache *cache, const struct chain_request *request)
{
	struct memo_value *value = NULL;
	struct memo_name name;
	EVP_PKEY *key = NULL;

	if (!cache || request->host_name || !name_of(request, &name))
		return NULL;
	value = memo_find(cache->memo, &name, request->time);
	if (value && EVP_PKEY_up_ref(((struct leaf *)value)->key) == 1)
		key = ((struct leaf *)value)->key;
	memo_unref(value);
	return key;
}

static void free_leaf(struct memo_value *value)
{
	EVP_PKEY_free(((struct leaf *)value)->key);
	free(value);
}

static void remember(struct chain_cache *cache, const struct chain_request *request,
		     const struct chain_window *window, EVP_PKEY *leaf_key)
{
	struct leaf *leaf = calloc(1, sizeof(*leaf));
	struct memo_name name;

	if (!leaf || !name_of(request, &name) || EVP_PKEY_up_ref(leaf_key) != 1) {
		free(leaf);
		return;
	}
	*leaf = (struct leaf){{1, free_leaf}, leaf_key};
	memo_keep(cache->memo, &name, window, &leaf->head);
	memo_unref(&leaf->head);
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
