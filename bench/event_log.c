/*
 * Examining an event log of 300 KiB beside hashing alone: the digest of each event's
 * data, and of each extension of a register.
 *
 * Usage: event_log ROUNDS COUNT
 *            prints for each round microseconds on a core: examined, hashed alone
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "bench/bare.h"
#include "tests/boot_scene.h"
#include "tests/check.h"

enum { LOG_SIZE = 300 << 10 };

/* As a start with GRUB has them: large lists of Secure Boot, many small commands. */
static void make_log(struct boot_scene *scene)
{
	static uint8_t list[18000];
	char command[160];

	boot_scene_start(scene, BOOT_PCRS);
	boot_scene_variable(scene, "SecureBoot",
			    (struct tobi_bytes){(const uint8_t *)"\1", 1});
	boot_scene_variable(scene, "dbx", (struct tobi_bytes){list, sizeof(list)});
	boot_scene_separators(scene);
	for (unsigned i = 0; scene->log.size < LOG_SIZE; i++) {
		snprintf(command, sizeof(command), "set a_variable_%u=\"%s %u\"", i,
			 "a value as they are in configurations of GRUB", i);
		boot_scene_grub(scene, "grub_cmd: ", command);
		if (i % 8 == 0)
			boot_scene_measured(scene, 9, EVENT_IPL, bytes_of_text(command),
					    bytes_of_text("(hd0,gpt1)/a/module.mod"));
	}
	boot_scene_hand_over(scene);
}

static void examine(struct tobi_bytes log, const struct boot_registers_shown *shown)
{
	struct tee_request request = {.pieces = &log, .piece_count = 1};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};

	assert_int_equal(boot_examine(&request, shown, &list, &claims, NULL), TOBI_OK);
	assert_non_null(claims.boot);
	arena_done(&arena);
}

static void hash_alone(struct tobi_bytes log)
{
	uint8_t registers[EVENT_REGISTERS][EVENT_DIGEST_MAX] = {{0}};
	uint8_t digest[EVENT_DIGEST_MAX];
	struct event_hash hash;
	struct event_log reader;
	struct event event;

	assert_int_equal(event_hash_start(TCG_SHA384, "bench", &hash, NULL), TOBI_OK);
	assert_int_equal(event_log_open(log, "bench", &reader, NULL), TOBI_OK);
	while (event_log_next(&reader, &event)) {
		struct tobi_bytes parts[] = {{registers[event.index], hash.size},
					     event.digests[0].value};

		assert_true(event_hash_run(&hash, &event.data, 1, digest));
		assert_true(event_hash_run(&hash, parts, 2, registers[event.index]));
	}
	event_hash_done(&hash);
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	struct boot_registers_shown shown;
	struct boot_scene scene;

	if (rounds < 1 || count < 1)
		return 2;
	make_log(&scene);
	shown = boot_scene_shown(&scene);
	for (long round = 0; round < rounds; round++) {
		double ours = 0, alone = 0;

		for (long i = 0; i < count; i++) {
			double start = bare_now();

			examine(wr_view(&scene.log), &shown);
			ours += bare_now() - start;
			start = bare_now();
			hash_alone(wr_view(&scene.log));
			alone += bare_now() - start;
		}
		printf("%.1f %.1f\n", ours / (double)count, alone / (double)count);
	}
	boot_scene_done(&scene);
	return 0;
}
