#include "pki/memo.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/secret.h"
#include "codec/key_library.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

/* A fleet's platforms; and what is kept of each is small. */
enum { ENTRIES = 256 };

struct entry {
	struct memo_name name;
	struct chain_window window;
	struct memo_value *value; /* NULL: free */
};

struct memo {
	pthread_mutex_t lock;
	struct entry entries[ENTRIES];
	size_t next; /* to be replaced */
};

struct memo *memo_new(void)
{
	struct memo *memo = calloc(1, sizeof(*memo));

	if (memo && pthread_mutex_init(&memo->lock, NULL)) {
		free(memo);
		return NULL;
	}
	return memo;
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		memo_unref(memo->entries[i].value);
	pthread_mutex_destroy(&memo->lock);
	free(memo);
}

/* What is to be hashed, gathered: a call for each few bytes would take longer than to
 * hash them. */
struct gathered {
	EVP_MD_CTX *md;
	uint8_t bytes[512];
	size_t size;
};

static bool pour(struct gathered *gathered)
{
	size_t size = gathered->size;

	gathered->size = 0;
	return EVP_DigestUpdate(gathered->md, gathered->bytes, size) == 1;
}

static bool hash_in(struct gathered *gathered, struct tobi_bytes bytes)
{
	uint8_t *at = gathered->bytes + gathered->size;

	if (sizeof(gathered->bytes) - gathered->size < 8 + bytes.size) {
		if (!pour(gathered))
			return false;
		at = gathered->bytes;
	}
	store_be(at, 8, bytes.size);
	gathered->size += 8;
	if (8 + bytes.size > sizeof(gathered->bytes))
		return pour(gathered) &&
		       EVP_DigestUpdate(gathered->md, bytes.ptr, bytes.size) == 1;
	bytes_copy(at + 8, sizeof(gathered->bytes) - gathered->size, bytes.ptr,
		   bytes.size);
	gathered->size += bytes.size;
	return true;
}

enum tobi_err memo_name_make(const char *kind, const struct tobi_bytes *parts,
			     size_t count, struct memo_name *ret_name)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct gathered gathered = {.md = md};
	bool good = md && EVP_DigestInit_ex(md, key_library_sha256(), NULL) == 1 &&
		    hash_in(&gathered, bytes_of_text(kind));

	for (size_t i = 0; i < count && good; i++)
		good = hash_in(&gathered, parts[i]);
	return good && pour(&gathered) &&
		       EVP_DigestFinal_ex(md, ret_name->hash, NULL) == 1
		   ? TOBI_OK
		   : TOBI_E_CRYPTO;
}

static struct entry *find(struct memo *memo, const struct memo_name *name)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &memo->entries[i];

		if (entry->value &&
		    memcmp(entry->name.hash, name->hash, SHA256_SIZE) == 0)
			return entry;
	}
	return NULL;
}

struct memo_value *memo_find(struct memo *memo, const struct memo_name *name,
			     int64_t time)
{
	struct memo_value *value = NULL;
	struct entry *entry;

	if (!memo)
		return NULL;
	pthread_mutex_lock(&memo->lock);
	entry = find(memo, name);
	if (entry && time >= entry->window.not_before && time < entry->window.not_after)
		value = memo_ref(entry->value);
	pthread_mutex_unlock(&memo->lock);
	return value;
}

void memo_keep(struct memo *memo, const struct memo_name *name,
	       const struct chain_window *window, struct memo_value *value)
{
	struct memo_value *old;
	struct entry *slot;

	if (!memo)
		return;
	pthread_mutex_lock(&memo->lock);
	slot = find(memo, name);
	if (!slot) {
		slot = &memo->entries[memo->next];
		memo->next = (memo->next + 1) % ENTRIES;
	}
	old = slot->value;
	*slot = (struct entry){*name, *window, memo_ref(value)};
	pthread_mutex_unlock(&memo->lock);
	memo_unref(old);
}

struct memo_value *memo_ref(struct memo_value *value)
{
	atomic_fetch_add(&value->references, 1);
	return value;
}

void memo_unref(struct memo_value *value)
{
	if (value && atomic_fetch_sub(&value->references, 1) == 1)
		value->free(value);
}
