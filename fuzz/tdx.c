/*
 * A whole appraisal of a TDX quote, with an event log beside it, under a root of the
 * tests. What is accepted says what one of the seeds says, for nobody else has the keys;
 * and the memo changes nothing.
 */
#include "tee/tdx.h"

#include "base/endian.h"
#include "fuzz/dcap.h"
#include "pki/key.h"
#include "tee/dcap_tcb.h"
#include "tee/tdx_claims.h"
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

static bool examine(const struct tee_request *request)
{
	struct arena arena = arena_init(1 << 20);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	bool passed =
	    !tee_tdx.examine(request, &list, &claims, NULL) && dcap_passed(&list);

	must(!passed || (claims.dcap && claims.dcap->has_pck && claims.dcap->tcb &&
			 claims.dcap->tcb->found && claims.tdx));
	must(!passed || claims.dcap->tcb->status != DCAP_REVOKED);
	arena_done(&arena);
	return passed;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tee_request request = {.time = DCAP_NOW,
				      .pins = dcap_scene_pins(),
				      .collateral = dcap_collateral_of(1, make_scene)};
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
	request.memo = dcap_memo();
	must(examine(&request) == cold);
	must(!cold || dcap_was_signed(request.evidence, make_scene));
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
