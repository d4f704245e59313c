#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "collateral/bundle.h"
#include "collateral/set.h"

enum { LIST_VERSION = 1, LIST_CREATED, LIST_SIGNER, LIST_ITEMS };
enum { ITEM_KIND = 1, ITEM_NAME, ITEM_DATA, ITEM_CHAIN, ITEM_SOURCE, ITEM_FETCHED };
enum { ITEM_NAME_MAX = 16 };
#define TIME_MAX (UINT64_C(1) << 53)

/* kind, name, data: the order of the list, in which nothing is twice. */
static int compare(const struct collateral_item *a, const struct collateral_item *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (!order)
		order = strcmp(a->name, b->name);
	return order ? order : bytes_compare(a->data, b->data);
}

static int compare_entries(const void *a, const void *b)
{
	return compare(*(const struct collateral_item *const *)a,
		       *(const struct collateral_item *const *)b);
}

static void write_item(const struct collateral_item *item, struct writer *out)
{
	cbor_write_map(out, 6);
	cbor_write_uint(out, ITEM_KIND);
	cbor_write_uint(out, item->kind);
	cbor_write_uint(out, ITEM_NAME);
	cbor_write_text(out, item->name);
	cbor_write_uint(out, ITEM_DATA);
	cbor_write_bytes(out, item->data);
	cbor_write_uint(out, ITEM_CHAIN);
	cbor_write_bytes(out, item->chain);
	cbor_write_uint(out, ITEM_SOURCE);
	cbor_write_text(out, item->source);
	cbor_write_uint(out, ITEM_FETCHED);
	cbor_write_uint(out, (uint64_t)item->fetched);
}

enum tobi_err list_write(const struct tobi_collateral *set,
			 const struct collateral_list *about, struct writer *out,
			 struct tobi_fault *fault)
{
	const size_t size = sizeof(void *); /* of one: they are pointers */
	CLEANUP(freep)
	const struct collateral_item **items = calloc(set->count + 1, size);

	if (!items)
		return fault_set(fault, TOBI_E_MEMORY, "bundle", "", "out of memory");
	for (size_t i = 0; i < set->count; i++)
		items[i] = &set->entries[i]->item;
	qsort(items, set->count, size, compare_entries);
	cbor_write_map(out, 4);
	cbor_write_uint(out, LIST_VERSION);
	cbor_write_uint(out, BUNDLE_VERSION);
	cbor_write_uint(out, LIST_CREATED);
	cbor_write_uint(out, (uint64_t)about->created);
	cbor_write_uint(out, LIST_SIGNER);
	cbor_write_bytes(out, about->spki);
	cbor_write_uint(out, LIST_ITEMS);
	cbor_write_array(out, set->count);
	for (size_t i = 0; i < set->count; i++)
		write_item(items[i], out);
	return wr_err(out) ? fault_set(fault, wr_err(out), "bundle", "",
				       "over %d bytes together", LIMIT_BUNDLE)
			   : TOBI_OK;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

static bool is_fmspc(const char *name)
{
	return strlen(name) == 12 && strspn(name, "0123456789ABCDEF") == 12;
}

static bool is_product(const char *name)
{
	size_t size = 0;

	while (isalnum((unsigned char)name[size]))
		size++;
	return size > 0 && !name[size];
}

/* What an attribute of a document says: of the characters that versions have. */
static bool is_version(const char *name)
{
	return strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
			    "uvwxyz._-") == strlen(name);
}

static bool is_serial(const char *name)
{
	return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}

static bool is_name_of(enum collateral_kind kind, const char *name)
{
	static const char *const cas[] = {"platform", "processor", NULL};
	static const char *const issuers[] = {"tcb", "platform", "processor", "root",
					      NULL};

	switch (kind) {
	case COLLATERAL_SGX_TCB_INFO:
	case COLLATERAL_TDX_TCB_INFO:
		return is_fmspc(name);
	case COLLATERAL_PCK_CRL:
		return is_one_of(name, cas);
	case COLLATERAL_INTEL_ISSUER:
		return is_one_of(name, issuers);
	case COLLATERAL_SNP_ISSUER:
	case COLLATERAL_SNP_CRL:
		return is_product(name);
	case COLLATERAL_NVIDIA_RIM:
		return is_version(name);
	case COLLATERAL_OCSP:
		return is_serial(name);
	default:
		return !name[0];
	}
}

/* Of an item that came without its chain. */
static const char *joins_of(const struct collateral_item *item)
{
	if (item->kind <= COLLATERAL_TDX_QE_IDENTITY)
		return "tcb";
	if (item->kind == COLLATERAL_INTEL_ROOT_CRL)
		return "root";
	if (item->kind == COLLATERAL_PCK_CRL)
		return strcmp(item->name, "platform") == 0 ? "platform" : "processor";
	return NULL;
}

struct item_text {
	char name[ITEM_NAME_MAX + 1], source[BUNDLE_SOURCE_MAX + 1];
};

static void take_text(struct cbor *cbor, size_t max, char *ret_text, const char *field)
{
	struct tobi_bytes text = cbor_text(cbor, max, field);

	bytes_copy(ret_text, max, text.ptr, text.size);
	ret_text[text.size] = 0;
}

static struct collateral_item read_item(struct cbor *cbor, struct item_text *text)
{
	struct collateral_item item = {.name = text->name, .source = text->source};
	struct cbor_map map = cbor_map(cbor, 6, "item");
	size_t start;

	*text = (struct item_text){0};
	if (cbor_map_expect(cbor, &map, ITEM_KIND, "kind"))
		item.kind = (enum collateral_kind)cbor_uint_max(
		    cbor, COLLATERAL_KIND_LAST, "kind");
	if (cbor_map_expect(cbor, &map, ITEM_NAME, "name"))
		take_text(cbor, ITEM_NAME_MAX, text->name, "name");
	if (cbor_map_expect(cbor, &map, ITEM_DATA, "data"))
		item.data = cbor_bytes(cbor, LIMIT_DOCUMENT, "data");
	if (cbor_map_expect(cbor, &map, ITEM_CHAIN, "chain"))
		item.chain = cbor_bytes(cbor, LIMIT_PEM, "chain");
	if (cbor_map_expect(cbor, &map, ITEM_SOURCE, "source"))
		take_text(cbor, BUNDLE_SOURCE_MAX, text->source, "source");
	if (cbor_map_expect(cbor, &map, ITEM_FETCHED, "fetched"))
		item.fetched = (int64_t)cbor_uint_max(cbor, TIME_MAX, "fetched");
	start = map.left;
	if (!cbor_failed(cbor) &&
	    (start || item.kind < COLLATERAL_KIND_FIRST || !item.data.size))
		cbor_fail(cbor, TOBI_E_MALFORMED, "item");
	if (!cbor_failed(cbor) && !is_name_of(item.kind, text->name))
		cbor_fail(cbor, TOBI_E_MALFORMED, "name");
	return item;
}

static enum tobi_err read_items(struct cbor *cbor, const uint8_t *signer,
				struct tobi_collateral *set, size_t *ret_count,
				struct tobi_fault *fault)
{
	struct item_text texts[2]; /* of this one, and of the one before */
	struct collateral_item last = {0};
	size_t count = cbor_array(cbor, COLLATERAL_ITEMS_MAX, "items");
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < count && !cbor_failed(cbor) && !err; i++) {
		struct collateral_item item = read_item(cbor, &texts[i % 2]);

		if (!cbor_failed(cbor) && i > 0 && compare(&last, &item) >= 0)
			cbor_fail(cbor, TOBI_E_MALFORMED, "order of items");
		if (signer) {
			item.bundled = true;
			bytes_copy(item.signer, SHA384_SIZE, signer, SHA384_SIZE);
		}
		if (set && !cbor_failed(cbor))
			err = set_put(set, &item, joins_of(&item), fault);
		last = item;
	}
	*ret_count = count;
	return err;
}

enum tobi_err list_read(struct tobi_bytes bytes, const char *object,
			const uint8_t *signer, struct tobi_collateral *set,
			struct collateral_list *ret_about, size_t *ret_count,
			struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 4, "bundle");
	struct collateral_list about = {0};
	size_t count = 0;
	enum tobi_err err = TOBI_OK;

	if (cbor_map_expect(&cbor, &map, LIST_VERSION, "version") &&
	    cbor_uint(&cbor, "version") != BUNDLE_VERSION)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "version");
	if (cbor_map_expect(&cbor, &map, LIST_CREATED, "created"))
		about.created = (int64_t)cbor_uint_max(&cbor, TIME_MAX, "created");
	if (cbor_map_expect(&cbor, &map, LIST_SIGNER, "signer"))
		about.spki = cbor_bytes(&cbor, BUNDLE_SPKI_MAX, "signer");
	if (cbor_map_expect(&cbor, &map, LIST_ITEMS, "items"))
		err = read_items(&cbor, signer, set, &count, fault);
	if (!err && !cbor_failed(&cbor) && map.left)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "bundle");
	if (!err)
		err = cbor_finish(&cbor, object, fault);
	if (err)
		return err;
	*ret_about = about;
	*ret_count = count;
	return TOBI_OK;
}
