/*
 * A whole appraisal of a TDX quote, with an event log beside it, under a root of the
 * tests. What is accepted says what one of the seeds says, for nobody else has the keys;
 * and the memo changes nothing.
 */
#include "tee/tdx.h"

#include <string.h>

#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "pki/key.h"
#include "pki/memo.h"
#include "tee/dcap_tcb.h"
#include "tee/tdx_claims.h"
#include "tests/dcap_collateral.h"
#include "tests/event_log.h"

enum { SEEDS = 6, RTMR0 = 328 };

static const struct tobi_bytes measured = {(const uint8_t *)"measured", 8};
static const struct tobi_bytes separator = {(const uint8_t *)"\0\0\0\0", 4};

static enum fuzz_seed make_scene(unsigned number, struct dcap_scene *scene)
{
	uint8_t digest[48];

	if (number >= SEEDS)
		return FUZZ_NO_SEED;
	dcap_scene_make(scene);
	dcap_scene_kind(scene, number & 1 ? 5 : 4,
			number == 1 || number == 3 ? DCAP_TD15 : DCAP_TD10);
	/* The log's two events. */
	memset(scene->body + RTMR0, 0, (size_t)TDX_RTMRS * 48);
	must(!hash_sha384(separator, digest));
	test_log_extend(scene->body + RTMR0, digest);
	must(!hash_sha384(measured, digest));
	test_log_extend(scene->body + RTMR0, digest);
	if (number == 4)
		scene->body[0] = 1; /* below every level */
	if (number == 5)
		scene->body[120] = 2; /* an attribute that opens it */
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}

static void write_log(struct writer *out)
{
	test_log_start(out, false);
	test_log_event(out, false, 1, EVENT_SEPARATOR, separator);
	test_log_event(out, false, 1, EVENT_ACTION, measured);
}

/* First the size of the log, then the log, then the quote. */
static void write_input(const struct dcap_scene *scene, bool with_log, struct writer *out)
{
	struct writer log = wr_init(1 << 16);

	if (with_log)
		write_log(&log);
	wr_uint_be(out, log.size, 2);
	wr_bytes(out, log.ptr, log.size);
	dcap_scene_quote(scene, out);
	wr_done(&log);
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
		size = (scene.version == 5 ? 54u : 48u) + (scene.body_kind == DCAP_TD15
							       ? (size_t)DCAP_TD15_SIZE
							       : (size_t)DCAP_TD10_SIZE);
		same =
		    evidence.size >= size && memcmp(quote.ptr, evidence.ptr, size) == 0;
		wr_done(&quote);
		if (same)
			return true;
	}
	return false;
}

static bool examine(const struct tee_request *request)
{
	struct arena arena = arena_init(1 << 20);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	bool passed = !tee_tdx.examine(request, &list, &claims, NULL);

	for (size_t i = 0; i < list.count; i++)
		passed &= list.records[i].outcome == TOBI_PASSED ||
			  list.records[i].outcome == TOBI_NOT_ASKED;
	must(!passed || (claims.dcap && claims.dcap->has_pck && claims.dcap->tcb &&
			 claims.dcap->tcb->found && claims.tdx));
	must(!passed || claims.dcap->tcb->status != DCAP_REVOKED);
	arena_done(&arena);
	return passed;
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
	make_scene(1, &scene);
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
	struct tee_request request = {
	    .time = DCAP_NOW, .pins = dcap_scene_pins(), .collateral = collateral()};
	struct tobi_bytes log = {0};
	bool cold;

	if (input.size < 2)
		return false;
	log = (struct tobi_bytes){input.ptr + 2, load_u16be(input.ptr)};
	if (log.size > input.size - 2)
		return false;
	request.evidence =
	    (struct tobi_bytes){log.ptr + log.size, input.size - 2 - log.size};
	request.pieces = &log;
	request.piece_count = log.size > 0;
	cold = examine(&request);
	request.memo = memo();
	must(examine(&request) == cold);
	must(!cold || was_signed(request.evidence));
	return cold;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct dcap_scene scene;
	enum fuzz_seed kind = make_scene(number, &scene);

	if (kind != FUZZ_NO_SEED)
		write_input(&scene, number != 0, out);
	return kind;
}
