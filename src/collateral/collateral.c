#include "collateral/collateral.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

struct tobi_collateral {
	struct arena arena;
	const struct collateral_item **items; /* in the arena */
	size_t count;
};

struct tobi_collateral *tobi_collateral_new(void)
{
	struct tobi_collateral *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->arena = arena_init(LIMIT_BUNDLE);
	set->items = arena_array(&set->arena, COLLATERAL_ITEMS_MAX, sizeof(*set->items));
	if (!set->items) {
		tobi_collateral_free(set);
		return NULL;
	}
	return set;
}

void tobi_collateral_free(struct tobi_collateral *set)
{
	if (!set)
		return;
	arena_done(&set->arena);
	free(set);
}

/* With its size, so that no two items make the same bytes. */
static bool hash_in(EVP_MD_CTX *md, struct tobi_bytes bytes)
{
	uint8_t size[8];

	store_be(size, sizeof(size), bytes.size);
	return EVP_DigestUpdate(md, size, sizeof(size)) == 1 &&
	       EVP_DigestUpdate(md, bytes.ptr, bytes.size) == 1;
}

static bool hash_item(struct collateral_item *item)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	const uint8_t kind = (uint8_t)item->kind;

	return md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       hash_in(md, (struct tobi_bytes){&kind, 1}) &&
	       hash_in(md, bytes_of_text(item->name)) && hash_in(md, item->data) &&
	       hash_in(md, item->chain) && EVP_DigestFinal_ex(md, item->hash, NULL) == 1;
}

enum tobi_err collateral_put(struct tobi_collateral *set,
			     const struct collateral_item *item, struct tobi_fault *fault)
{
	struct collateral_item *copy = arena_alloc(&set->arena, sizeof(*copy));

	if (set->count == COLLATERAL_ITEMS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "collateral", "",
				 "more than %d documents", COLLATERAL_ITEMS_MAX);
	if (!copy)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "",
				 "out of memory, or over %d bytes together",
				 LIMIT_BUNDLE);
	*copy = *item;
	copy->name = arena_printf(&set->arena, "%s", item->name ? item->name : "");
	copy->source = arena_printf(&set->arena, "%s", item->source ? item->source : "");
	copy->data = arena_copy(&set->arena, item->data);
	copy->chain = arena_copy(&set->arena, item->chain);
	if (!copy->name || !copy->source || !copy->data.ptr || !copy->chain.ptr)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "",
				 "out of memory, or over %d bytes together",
				 LIMIT_BUNDLE);
	if (!hash_item(copy))
		return fault_openssl(fault, "collateral", "", "cannot hash it");
	set->items[set->count++] = copy;
	return TOBI_OK;
}

const struct collateral_item *collateral_at(const struct tobi_collateral *set,
					    size_t index)
{
	return set && index < set->count ? set->items[index] : NULL;
}

const struct collateral_item *collateral_find(const struct tobi_collateral *set,
					      enum collateral_kind kind, const char *name)
{
	for (size_t i = set ? set->count : 0; i > 0; i--) {
		const struct collateral_item *item = set->items[i - 1];

		if (item->kind == kind && (!name || strcmp(item->name, name) == 0))
			return item;
	}
	return NULL;
}
