/*
 * A whole appraisal of an SGX quote under a root of the tests. What is accepted says what
 * one of the seeds says, for nobody else has the keys; and the memo changes nothing.
 */
#include "tee/sgx.h"

#include "fuzz/dcap.h"
#include "tee/dcap.h"

static enum fuzz_seed make_scene(unsigned number, struct dcap_scene *scene)
{
	dcap_scene_make(scene);
	switch (number) {
	case 0:
		return FUZZ_GOOD;
	case 1:
	case 2:
		dcap_scene_kind(scene, 3 + number, DCAP_SGX);
		return FUZZ_GOOD;
	case 3:
		scene->chain[0] = DCAP_ROOT;
		scene->chain[2] = DCAP_PCK;
		return FUZZ_GOOD;
	case 4:
		scene->certification = DCAP_PPID_RSA3072;
		return FUZZ_BAD;
	case 5:
		scene->certificates[DCAP_PCK].not_after = DCAP_NOW;
		return FUZZ_BAD;
	default:
		return FUZZ_NO_SEED;
	}
}

static bool examine(const struct tee_request *request, bool *ret_passed)
{
	struct arena arena = arena_init(1 << 20);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	struct tobi_fault fault = {0};
	bool readable = !tee_sgx.examine(request, &list, &claims, &fault);

	must(readable || fault.code != TOBI_OK);
	*ret_passed = readable && dcap_passed(&list);
	must(!*ret_passed || (claims.dcap && claims.dcap->has_pck && claims.sgx &&
			      claims.report_data.size == 64));
	arena_done(&arena);
	return readable;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tee_request request = {.evidence = input,
				      .time = DCAP_NOW,
				      .pins = dcap_scene_pins(),
				      .collateral = dcap_collateral_of(0, make_scene)};
	bool cold, warm;

	examine(&request, &cold);
	request.memo = dcap_memo();
	examine(&request, &warm);
	must(cold == warm);
	/* Open Enclave's header, if there is one, is no part of what was signed. */
	must(!cold || dcap_was_signed(input, make_scene) ||
	     (input.size > 16 &&
	      dcap_was_signed((struct tobi_bytes){input.ptr + 16, input.size - 16},
			      make_scene)));
	return cold;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct dcap_scene scene;
	enum fuzz_seed kind = make_scene(number, &scene);

	if (kind != FUZZ_NO_SEED)
		dcap_scene_quote(&scene, out);
	return kind;
}
