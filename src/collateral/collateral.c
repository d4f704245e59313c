#include "collateral/collateral.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/memo.h"
#include "collateral/set.h"

struct tobi_collateral *tobi_collateral_new(void)
{
	struct tobi_collateral *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->arena = arena_init(LIMIT_BUNDLE);
	set->entries = arena_array(&set->arena, COLLATERAL_ITEMS_MAX,
				   sizeof(*set->entries)); /* NOLINT: of pointers */
	if (!set->entries) {
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

bool set_hash(struct collateral_item *item)
{
	const uint8_t kind = (uint8_t)item->kind;
	const struct tobi_bytes parts[] = {
	    {&kind, 1}, bytes_of_text(item->name), item->data, item->chain};
	struct memo_name name;

	if (memo_name_make("collateral", parts, 4, &name))
		return false;
	bytes_copy(item->hash, sizeof(item->hash), name.hash, sizeof(name.hash));
	return true;
}

/* The same document, which may have come with more this time: its issuers, or a bundle's
 * signature. */
static enum tobi_err add_again(struct tobi_collateral *set, struct entry *known,
			       const struct collateral_item *item,
			       struct tobi_fault *fault)
{
	if (item->bundled && !known->item.bundled) {
		known->item.bundled = true;
		bytes_copy(known->item.signer, SHA384_SIZE, item->signer, SHA384_SIZE);
	}
	if (item->chain.size && (known->joins || !known->item.chain.size)) {
		known->joins = NULL;
		known->item.chain = arena_copy(&set->arena, item->chain);
		if (!known->item.chain.ptr)
			return fault_set(fault, TOBI_E_MEMORY, "collateral", "",
					 "out of memory, or over %d bytes together",
					 LIMIT_BUNDLE);
		if (!set_hash(&known->item))
			return fault_openssl(fault, "collateral", "", "cannot hash it");
	}
	return TOBI_OK;
}

static bool is_one_for_each_name(enum collateral_kind kind)
{
	return kind <= COLLATERAL_PCK_CRL || kind == COLLATERAL_SNP_CRL;
}

static int64_t issued_of(const struct collateral_item *item)
{
	int64_t issued = 0, next;

	if (is_one_for_each_name(item->kind))
		collateral_dates(item, &issued, &next);
	return issued;
}

/* At the end; but the newest of its kind and name stays behind all others of them. */
static void place(struct tobi_collateral *set, struct entry *entry)
{
	set->entries[set->count++] = entry;
	if (!is_one_for_each_name(entry->item.kind))
		return;
	for (size_t i = set->count - 1; i > 0; i--) {
		struct entry *other = set->entries[i - 1];

		if (other->item.kind == entry->item.kind &&
		    strcmp(other->item.name, entry->item.name) == 0) {
			if (other->issued > entry->issued) {
				set->entries[set->count - 1] = other;
				set->entries[i - 1] = entry;
			}
			return;
		}
	}
}

static struct entry *find_same(const struct tobi_collateral *set,
			       const struct collateral_item *item)
{
	for (size_t i = 0; i < set->count; i++) {
		struct collateral_item *known = &set->entries[i]->item;

		if (known->kind == item->kind && bytes_equal(known->data, item->data) &&
		    strcmp(known->name, item->name ? item->name : "") == 0)
			return set->entries[i];
	}
	return NULL;
}

enum tobi_err set_put(struct tobi_collateral *set, const struct collateral_item *item,
		      const char *joins, struct tobi_fault *fault)
{
	struct entry *same = find_same(set, item), *entry;
	struct collateral_item *copy;

	if (same)
		return add_again(set, same, item, fault);
	if (set->count == COLLATERAL_ITEMS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "collateral", "",
				 "more than %d documents", COLLATERAL_ITEMS_MAX);
	if (item->kind == COLLATERAL_INTEL_ISSUER &&
	    set->issuers++ == COLLATERAL_ISSUERS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "collateral", "issuers",
				 "more than %d certificates of issuers",
				 COLLATERAL_ISSUERS_MAX);
	entry = arena_alloc(&set->arena, sizeof(*entry));
	if (!entry)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "",
				 "out of memory, or over %d bytes together",
				 LIMIT_BUNDLE);
	copy = &entry->item;
	*copy = *item;
	copy->name = arena_printf(&set->arena, "%s", item->name ? item->name : "");
	copy->source = arena_printf(&set->arena, "%s", item->source ? item->source : "");
	copy->data = arena_copy(&set->arena, item->data);
	copy->chain = arena_copy(&set->arena, item->chain);
	if (!copy->name || !copy->source || !copy->data.ptr || !copy->chain.ptr)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "",
				 "out of memory, or over %d bytes together",
				 LIMIT_BUNDLE);
	if (!set_hash(copy))
		return fault_openssl(fault, "collateral", "", "cannot hash it");
	entry->joins = item->chain.size ? NULL : joins;
	entry->issued = issued_of(copy);
	place(set, entry);
	if (item->kind == COLLATERAL_INTEL_ISSUER)
		return set_join(set, NULL, fault);
	return entry->joins ? set_join(set, entry, fault) : TOBI_OK;
}

enum tobi_err collateral_put(struct tobi_collateral *set,
			     const struct collateral_item *item, struct tobi_fault *fault)
{
	return set_put(set, item, NULL, fault);
}

size_t collateral_count(const struct tobi_collateral *set)
{
	return set ? set->count : 0;
}

const struct collateral_item *collateral_at(const struct tobi_collateral *set,
					    size_t index)
{
	return set && index < set->count ? &set->entries[index]->item : NULL;
}

const struct collateral_item *collateral_find(const struct tobi_collateral *set,
					      enum collateral_kind kind, const char *name)
{
	for (size_t i = set ? set->count : 0; i > 0; i--) {
		const struct collateral_item *item = &set->entries[i - 1]->item;

		if (item->kind == kind && (!name || strcmp(item->name, name) == 0))
			return item;
	}
	return NULL;
}

const struct collateral_item *collateral_find_at(const struct tobi_collateral *set,
						 enum collateral_kind kind,
						 const char *name, int64_t time)
{
	const struct entry *best = NULL, *newest = NULL;

	for (size_t i = set ? set->count : 0; i > 0; i--) {
		const struct entry *entry = set->entries[i - 1];

		if (entry->item.kind != kind || strcmp(entry->item.name, name) != 0)
			continue;
		/* The newest of all is found first. */
		newest = newest ? newest : entry;
		if (entry->issued <= time && (!best || entry->issued > best->issued))
			best = entry;
		if (best == newest)
			break;
	}
	best = best ? best : newest;
	return best ? &best->item : NULL;
}

struct tobi_collateral *collateral_signed_by(const struct tobi_collateral *set,
					     const struct tobi_bytes *signers,
					     size_t count)
{
	struct tobi_collateral *chosen = tobi_collateral_new();

	for (size_t i = 0; chosen && set && i < set->count; i++) {
		const struct collateral_item *item = &set->entries[i]->item;
		const struct tobi_bytes signer = {item->signer, SHA384_SIZE};
		bool named = false;

		for (size_t j = 0; item->bundled && j < count; j++)
			named |= bytes_equal(signer, signers[j]);
		if (named)
			place(chosen, set->entries[i]);
	}
	return chosen;
}

const char *collateral_kind_name(enum collateral_kind kind)
{
	static const char *const names[] = {
	    "",
	    "sgx-tcb-info",
	    "tdx-tcb-info",
	    "sgx-qe-identity",
	    "tdx-qe-identity",
	    "intel-root-crl",
	    "pck-crl",
	    "pck",
	    "snp-leaf",
	    "snp-issuer",
	    "snp-crl",
	    "sev",
	    "certificate",
	    "intel-issuer",
	    "nvidia-rim",
	    "ocsp",
	};

	return kind >= COLLATERAL_KIND_FIRST && kind <= COLLATERAL_KIND_LAST ? names[kind]
									     : "";
}
