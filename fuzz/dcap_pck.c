/* What Intel certifies of a platform: written again and read again, it is the same. */
#include "tee/dcap_pck.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/dcap_scene.h"

static void check_same(const struct dcap_pck *a, const struct dcap_pck *b)
{
	must(memcmp(a->ppid, b->ppid, sizeof(a->ppid)) == 0);
	must(memcmp(a->components, b->components, sizeof(a->components)) == 0);
	must(memcmp(a->cpusvn, b->cpusvn, sizeof(a->cpusvn)) == 0);
	must(memcmp(a->pce_id, b->pce_id, sizeof(a->pce_id)) == 0);
	must(memcmp(a->fmspc, b->fmspc, sizeof(a->fmspc)) == 0);
	must(memcmp(a->instance, b->instance, sizeof(a->instance)) == 0);
	must(a->pcesvn == b->pcesvn && a->platform == b->platform);
	must(a->has_instance == b->has_instance);
	must(a->has_configuration == b->has_configuration);
	must(a->dynamic_platform == b->dynamic_platform);
	must(a->cached_keys == b->cached_keys && a->smt == b->smt);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct writer again = wr_init(8192);
	struct dcap_pck pck, second;
	struct tobi_fault fault = {0};

	if (dcap_pck_read_value(input, "certificate", &pck, &fault)) {
		must(fault.code == TOBI_E_MALFORMED);
		return false;
	}
	dcap_scene_extension(&pck, &again);
	must(!dcap_pck_read_value(wr_view(&again), "certificate", &second, NULL));
	check_same(&pck, &second);
	wr_done(&again);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct dcap_scene scene;

	if (number > 3)
		return FUZZ_NO_SEED;
	dcap_scene_make(&scene);
	scene.pck.has_instance = number & 1;
	scene.pck.has_configuration = number & 2;
	scene.pck.platform = (enum dcap_platform)(number % 3);
	memset(scene.pck.components, number ? 255 : 0, DCAP_COMPONENTS);
	dcap_scene_extension(&scene.pck, out);
	return FUZZ_GOOD;
}
