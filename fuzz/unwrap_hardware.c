/* The hardware's own evidence, looked for in certificates and wrappers, and what it needs
 * of its vendor: each part can be read, and there is one or a reason. */
#include <string.h>

#include "appraise/unwrap.h"
#include "collateral/needs.h"
#include "fuzz/fuzz.h"
#include "tests/dcap_scene.h"
#include "tests/ratls.h"
#include "token/cmw.h"

/* Of bytes that are not there it would not come out. */
static void read_all(struct tobi_bytes part)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < part.size; i++)
		sum = (uint8_t)(sum + part.ptr[i]);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct hardware_parts parts;
	struct tobi_fault fault = {0};
	struct needs *needs = calloc(1, sizeof(*needs));
	const struct needs_hint hint = {NULL};
	enum tobi_err err = unwrap_hardware(input, &arena, &parts, &fault);
	bool needed = false;

	must(needs != NULL);
	must(err == fault.code && parts.count <= HARDWARE_PARTS_MAX);
	must(err || parts.count > 0 || input.size == 0);
	for (size_t i = 0; i < parts.count; i++) {
		must(parts.list[i].size > 0);
		read_all(parts.list[i]);
		needed |= !needs_of_evidence(parts.list[i], &hint, needs, NULL);
	}
	free(needs);
	arena_done(&arena);
	return !err && needed;
}

static void write_certificate(const struct writer *quote, bool ccc, struct writer *out)
{
	struct writer value = wr_init(LIMIT_EVIDENCE);
	struct test_leaf leaf = {.key = test_key_make(TEST_P256), .extension_count = 1};

	ratls_evidence_write(
	    &value,
	    &(struct ratls_evidence){RATLS_TAG_QUOTE, wr_view(quote), text_of("\xa0")});
	leaf.extensions[0] =
	    (struct test_extension){ccc ? &ratls_evidence_name : &ratls_gramine_name,
				    ccc ? wr_view(&value) : wr_view(quote), false};
	test_leaf_write(&leaf, out);
	wr_done(&value);
	EVP_PKEY_free(leaf.key);
}

static void write_wrapper(const struct writer *quote, unsigned form, struct writer *out)
{
	const struct cmw_record records[] = {
	    {.key = text_of("cpu"),
	     .media_type = text_of("application/vnd.tobichi.sgx-quote"),
	     .value = wr_view(quote)},
	    {.key = text_of("other"),
	     .media_type = text_of("application/octet-stream"),
	     .value = text_of("another")},
	};

	if (form == 0)
		cmw_write(out, records, 2);
	else if (form == 1)
		cmw_write_json(out, records, 2);
	else
		cmw_write_record(out, form == 2 ? CMW_CBOR : CMW_JSON, &records[0]);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);
	struct dcap_scene scene;

	if (number > 7)
		return FUZZ_NO_SEED;
	dcap_scene_make(&scene);
	dcap_scene_quote(&scene, &quote);
	if (number == 7)
		quote.size = 40; /* none */
	if (number < 2)
		write_certificate(&quote, number == 1, out);
	else if (number < 6)
		write_wrapper(&quote, number - 2, out);
	else if (number == 6)
		wr_bytes(out, quote.ptr, quote.size);
	else
		write_wrapper(&quote, 0, out);
	wr_done(&quote);
	return number < 7 ? FUZZ_GOOD : FUZZ_BAD;
}
