/* One file of collateral: what is taken is of a known kind, with a name that its kind may
 * have, holds no more than was given, and can be put into a bundle and read from it. */
#include <string.h>

#include "collateral/bundle.h"
#include "fuzz/fuzz.h"
#include "tests/vendor_scene.h"

static void check_set(const struct tobi_collateral *set)
{
	const struct collateral_list about = {.created = 1};
	struct tobi_collateral *again = tobi_collateral_new();
	struct writer list = wr_init(LIMIT_BUNDLE);
	struct collateral_list found;
	const struct collateral_item *item;
	int64_t issued, next;
	size_t count = 0;

	must(again != NULL);
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		must(item->kind >= COLLATERAL_KIND_FIRST &&
		     item->kind <= COLLATERAL_KIND_LAST);
		must(item->data.size > 0 && item->data.size <= LIMIT_DOCUMENT);
		must(collateral_find(set, item->kind, item->name) != NULL);
		collateral_dates(item, &issued, &next);
	}
	must(!list_write(set, &about, &list, NULL));
	must(!list_read(wr_view(&list), "list", NULL, again, &found, &count, NULL));
	must(count == collateral_count(set) && count == collateral_count(again));
	wr_done(&list);
	tobi_collateral_free(again);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct tobi_fault fault = {0};
	enum tobi_err err;

	must(set != NULL);
	err = tobi_collateral_add(set, input, "input", &fault);
	must(err == fault.code);
	check_set(set);
	tobi_collateral_free(set);
	return err == TOBI_OK;
}

static void write_sev(struct writer *out)
{
	uint8_t *amd = wr_reserve(out, 832), *sev = wr_reserve(out, 2084);

	/* The first may have moved. */
	amd = out->ptr;
	amd[0] = sev[0] = 1;
	amd[36] = 0x13;
	amd[57] = amd[61] = 8;
	sev[8] = 2;
	sev[9] = 0x10;
}

static void write_percent(struct tobi_bytes text, struct writer *out)
{
	for (size_t i = 0; i < text.size; i++) {
		if (strchr(" \n+", text.ptr[i]))
			wr_printf(out, "%%%02X", text.ptr[i]);
		else
			wr_u8(out, text.ptr[i]);
	}
}

static void write_hex(struct tobi_bytes bytes, struct writer *out)
{
	for (size_t i = 0; i < bytes.size; i++)
		wr_printf(out, "%02x", bytes.ptr[i]);
}

static void put_le(struct writer *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		wr_u8(out, (uint8_t)(value >> 8 * i));
}

/* As Intel's quote provider library gives it: seven texts, here of one kind. */
static void write_dump(struct tobi_bytes text, struct writer *out)
{
	put_le(out, 4, 4);
	put_le(out, 0x81, 4);
	for (unsigned i = 0; i < 7; i++) {
		put_le(out, 0, 8);
		put_le(out, text.size + 1, 8);
	}
	for (unsigned i = 0; i < 7; i++) {
		wr_bytes(out, text.ptr, text.size);
		wr_u8(out, 0);
	}
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct vendor_scene scene;
	const struct writer *const documents[] = {
	    &scene.sgx_tcb_info, &scene.tdx_identity, &scene.root_crl,
	    &scene.platform_crl, &scene.amd_crl,      &scene.tcb_chain,
	    &scene.pck_chain,	 &scene.amd_chain,    &scene.vcek_der,
	};
	const unsigned count = sizeof(documents) / sizeof(documents[0]);

	if (number > count + 4)
		return FUZZ_NO_SEED;
	vendor_scene_make(&scene, 1900000000);
	if (number < count)
		wr_bytes(out, documents[number]->ptr, documents[number]->size);
	else if (number == count)
		write_sev(out);
	else if (number == count + 1)
		write_percent(wr_view(&scene.tcb_chain), out);
	else if (number == count + 2)
		write_hex(wr_view(&scene.root_crl), out);
	else if (number == count + 3)
		write_dump(wr_view(&scene.tdx_identity), out);
	else
		wr_printf(out, "{\"tcb_info\":\"{}\",\"root_ca_crl\":\"3082\"}");
	vendor_scene_done(&scene);
	return number > count + 3 ? FUZZ_BAD : FUZZ_GOOD;
}
