/*
 * What a log says was started: against the registers that it makes, so that every log
 * that can be read is walked through; and against others, under which nothing is claimed.
 */
#include "tee/boot.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/boot_scene.h"

static const uint16_t banks[] = {TCG_SHA1, TCG_SHA256, TCG_SHA384};

static bool replay(struct tobi_bytes input, struct event_replay *out, uint16_t algorithm,
		   enum boot_registers kind)
{
	struct event_log log;
	struct event event;
	bool good = !event_log_open(input, "log", &log, NULL) &&
		    !event_replay_start(out, algorithm, "log", NULL);

	for (unsigned i = 17; good && kind == BOOT_PCRS && i <= 22; i++)
		memset(out->registers[i], 0xff, out->hash.size);
	while (good && event_log_next(&log, &event))
		good = !event_replay_add(out, &event, "log", NULL);
	return good && !event_log_finish(&log, "log", NULL);
}

static void look_at(const struct boot_claims *boot, size_t digest_size)
{
	must(boot->separated && boot->item_count <= boot->events);
	for (size_t i = 0; i < boot->item_count; i++) {
		const struct boot_item *item = &boot->items[i];

		must(item->digest.size == digest_size && item->label != NULL);
		must(item->index < EVENT_REGISTERS && item->role <= BOOT_OTHER);
		must(!item->explained || item->role == BOOT_COMMAND_LINE);
		/* Only text that the digest is of. */
		must(item->role != BOOT_TEXT &&
		     (!item->text.ptr || item->role == BOOT_COMMAND_LINE));
	}
}

static bool examine(struct tobi_bytes input, const struct boot_registers_shown *shown)
{
	struct tee_request request = {.pieces = &input, .piece_count = 1};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	bool good = !boot_examine(&request, shown, &list, &claims, NULL) && claims.boot;

	for (size_t i = 0; i < list.count; i++)
		must(!good || list.records[i].outcome != TOBI_FAILED);
	if (good)
		look_at(claims.boot, event_hash_size(shown->algorithm));
	arena_done(&arena);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t choice = take_choice(&input);
	struct boot_registers_shown shown = {
	    .kind = choice & 1 ? BOOT_RTMRS : BOOT_PCRS,
	    .algorithm = banks[(choice >> 1) % 3],
	};
	struct event_replay out = {0};
	bool good = replay(input, &out, shown.algorithm, shown.kind);
	unsigned first = shown.kind == BOOT_RTMRS ? 1 : 0;
	unsigned last = shown.kind == BOOT_RTMRS ? 4 : EVENT_REGISTERS - 1;

	for (unsigned i = first; good && i <= last; i++)
		shown.values[i] = event_replay_register(&out, i);
	good = good && examine(input, &shown);
	if (good) {
		out.registers[first][0] ^= 1;
		must(!examine(input, &shown));
	}
	event_replay_done(&out);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const struct tobi_bytes zeros = {(const uint8_t *)"\0\0\0\0", 4};
	struct boot_scene scene;

	if (number > 2)
		return FUZZ_NO_SEED;
	if (number == 2) {
		wr_u8(out, 0);
		boot_scene_sha1_event(out, 0, EVENT_S_CRTM_VERSION, text_of("1.0"));
		for (unsigned i = 0; i < 8; i++)
			boot_scene_sha1_event(out, i, EVENT_SEPARATOR, zeros);
		return FUZZ_GOOD;
	}
	wr_u8(out, number ? 5 : 4);
	boot_scene_whole(&scene, number ? BOOT_RTMRS : BOOT_PCRS);
	wr_bytes(out, scene.log.ptr, scene.log.size);
	boot_scene_done(&scene);
	return FUZZ_GOOD;
}
