/* TCB information: what is read is in order, and a level that is found is reached. */
#include "tee/dcap_tcb.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/dcap_collateral.h"

static void must_be_ordered(const struct dcap_svn_levels *levels)
{
	must(levels->count > 0);
	for (size_t i = 1; i < levels->count; i++)
		must(levels->items[i].svn < levels->items[i - 1].svn);
}

static void must_be_advice(const struct dcap_advice *advice)
{
	must(advice->date >= 0 && advice->status < DCAP_STATUSES &&
	     advice->status != DCAP_TD_RELAUNCH_ADVISED);
	for (size_t i = 0; i < advice->advisory_count; i++)
		must(advice->advisories[i] && advice->advisories[i][0]);
}

static void match(const struct dcap_tcb_info *info, struct tobi_bytes input)
{
	struct dcap_pck pck = {.pcesvn = (uint16_t)input.size};
	uint8_t svn[16] = {0};
	const struct tdx_report td = {.tee_tcb_svn = {svn, sizeof(svn)},
				      .tee_tcb_svn_2 = {svn, sizeof(svn)}};
	struct dcap_match found;

	memset(pck.components, input.ptr[0], sizeof(pck.components));
	memset(svn, input.ptr[input.size / 2], sizeof(svn));
	svn[1] &= 1;
	if (!dcap_tcb_match(info, &pck, info->tdx ? &td : NULL, &found)) {
		must(found.level && found.sgx && found.sgx <= found.level);
		must(pck.pcesvn >= found.level->pcesvn);
		must(!info->tdx || found.module);
		if (info->tdx)
			must(dcap_relaunch(info, &td, &found, DCAP_REVOKED,
					   DCAP_UP_TO_DATE) == DCAP_REVOKED);
	}
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(1 << 20);
	struct dcap_envelope envelope;
	struct dcap_tcb_info info;
	struct tobi_bytes json = input;
	bool good;

	if (!dcap_envelope_read(input, "tcbInfo", "TCB info", &envelope, NULL)) {
		must_be_inside(envelope.signed_part, input);
		json = envelope.signed_part;
	}
	good = !dcap_tcb_info_read(json, &arena, &info, NULL);
	for (size_t i = 0; good && i < info.level_count; i++)
		must_be_advice(&info.levels[i].advice);
	for (size_t i = 0; good && i < info.module_count; i++)
		must_be_ordered(&info.modules[i].levels);
	must(!good || info.level_count > 0);
	if (good)
		match(&info, input);
	arena_done(&arena);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char signature[] =
	    ",\"signature\":\"00000000000000000000000000000000000000000000000000000000"
	    "00000000000000000000000000000000000000000000000000000000000000000000000"
	    "0\"}";
	struct dcap_test_collateral documents;
	struct dcap_scene scene;

	if (number > 3)
		return FUZZ_NO_SEED;
	dcap_scene_make(&scene);
	if (number > 1)
		dcap_scene_kind(&scene, 5, DCAP_TD15);
	dcap_test_collateral_make(&scene, &documents);
	if (number == 1)
		documents.tcb.document.version = 2;
	if (number == 3)
		wr_printf(out, "{\"tcbInfo\":");
	dcap_test_tcb_value(&documents.tcb, out);
	if (number == 3)
		wr_printf(out, "%s", signature);
	return FUZZ_GOOD;
}
