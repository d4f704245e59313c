/* What evidence needs: addresses of a fixed form, whatever is in the evidence. */
#include <ctype.h>
#include <string.h>

#include "collateral/needs.h"
#include "fuzz/fuzz.h"
#include "tests/vendor_scene.h"

static void check_need(const struct need *need)
{
	static const char *const starts[] = {
	    "/sgx/certification/v4/", "/tdx/certification/v4/", "/vcek/v1/", "/vlek/v1/"};
	bool known = false;

	for (size_t i = 0; i < 4; i++)
		known |= strncmp(need->path, starts[i], strlen(starts[i])) == 0;
	must(known && strlen(need->path) < NEED_PATH_MAX && !strstr(need->path, ".."));
	for (const char *at = need->path; *at; at++)
		must(isalnum((unsigned char)*at) || strchr("/?&=_", *at));
}

bool fuzz_one(struct tobi_bytes input)
{
	const struct needs_hint hint = {NULL};
	struct needs *needs = calloc(1, sizeof(*needs));
	struct tobi_fault fault = {0};
	enum tobi_err err;

	must(needs != NULL);
	err = needs_of_evidence(input, &hint, needs, &fault);
	must(err == fault.code && needs->count <= NEEDS_MAX);
	must(err || needs->count > 0);
	for (size_t i = 0; i < needs->count; i++)
		check_need(&needs->list[i]);
	free(needs);
	return err == TOBI_OK;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const size_t quote_head = 48 + 384 + 4 + 576 + 2;
	struct vendor_scene scene;

	if (number > 3)
		return FUZZ_NO_SEED;
	vendor_scene_make(&scene, 1900000000);
	if (number == 0 || number == 1)
		wr_bytes(out, scene.quote.ptr, scene.quote.size);
	if (number == 1)
		out->ptr[0] = 4;
	if (number == 2)
		wr_bytes(out, scene.report.ptr, scene.report.size);
	if (number == 3) {
		wr_bytes(out, scene.quote.ptr, quote_head);
		wr_bytes(out, "\x02\x00\x14\x01\x00\x00", 6);
		wr_reserve(out, 256 + 20);
		out->ptr[432] = (uint8_t)((out->size - 436) & 0xff);
		out->ptr[433] = (uint8_t)((out->size - 436) >> 8);
	}
	vendor_scene_done(&scene);
	return FUZZ_GOOD;
}
