/*
 * A whole appraisal of an SGX quote under a root of the tests. What is accepted says what
 * one of the seeds says, for nobody else has the keys; and the memo changes nothing.
 */
#include "tee/sgx.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "pki/memo.h"
#include "tee/dcap.h"
#include "tests/dcap_collateral.h"

enum { SEEDS = 6, SIGNED_MAX = 54 + 384 };

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

/* What was signed in the seeds; the same in every process. */
static bool was_signed(struct tobi_bytes evidence)
{
	for (unsigned i = 0; i < SEEDS; i++) {
		struct writer quote = wr_init(LIMIT_EVIDENCE);
		struct dcap_scene scene;
		size_t size;
		bool same;

		make_scene(i, &scene);
		dcap_scene_quote(&scene, &quote);
		size = scene.version == 5 ? SIGNED_MAX : SIGNED_MAX - 6;
		same =
		    evidence.size >= size && memcmp(quote.ptr, evidence.ptr, size) == 0;
		wr_done(&quote);
		if (same)
			return true;
	}
	return false;
}

static bool examine(const struct tee_request *request, bool *ret_passed)
{
	struct arena arena = arena_init(1 << 20);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	struct tobi_fault fault = {0};
	bool readable = !tee_sgx.examine(request, &list, &claims, &fault);

	must(readable || fault.code != TOBI_OK);
	*ret_passed = readable;
	for (size_t i = 0; i < list.count; i++)
		*ret_passed &= list.records[i].outcome == TOBI_PASSED ||
			       list.records[i].outcome == TOBI_NOT_ASKED;
	must(!*ret_passed || (claims.dcap && claims.dcap->has_pck && claims.sgx &&
			      claims.report_data.size == 64));
	arena_done(&arena);
	return readable;
}

/* Made once; the process ends with it. */
static const struct tobi_collateral *collateral(void)
{
	static struct tobi_collateral *set;
	struct dcap_test_collateral documents;
	struct dcap_scene scene;

	if (set)
		return set;
	set = tobi_collateral_new();
	must(set != NULL);
	dcap_scene_make(&scene);
	dcap_test_collateral_make(&scene, &documents);
	dcap_test_put(&scene, &documents, set);
	return set;
}

static struct memo *memo(void)
{
	static struct memo *known;

	if (!known)
		known = memo_new();
	must(known != NULL);
	return known;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tee_request request = {.evidence = input,
				      .time = DCAP_NOW,
				      .pins = dcap_scene_pins(),
				      .collateral = collateral()};
	bool cold, warm;

	examine(&request, &cold);
	request.memo = memo();
	examine(&request, &warm);
	must(cold == warm);
	/* Open Enclave's header, if there is one, is no part of what was signed. */
	must(!cold || was_signed(input) ||
	     (input.size > 16 &&
	      was_signed((struct tobi_bytes){input.ptr + 16, input.size - 16})));
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
