/*
 * A TDX guest's quote under a root of its own, what Intel would publish for it, its event
 * log, and policies, for end-to-end tests.
 *   tdx FOLDER  writes there: quote; old, a quote of a guest under an older module; log,
 *               table; boot.lines, a policy's section for it; collateral/, with documents
 * and their certificates; policy.yaml, vendor.yaml (which names no root), and time
 */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "tests/boot_scene.h"
#include "tests/event_log.h"
#include "tests/tdx_run.h"

static const char *folder;

static void put(const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_quote(const char *name, const struct tdx_run *run)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);

	dcap_scene_quote(&run->scene, &quote);
	put(name, wr_view(&quote));
	wr_done(&quote);
}

static void put_collateral(const struct tdx_run *run)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/collateral", folder);
	tdx_run_put_collateral(run, path);
}

/* A whole start, whose registers are the guest's, and what a policy says to take it. */
static void put_log(struct tdx_run *run)
{
	struct writer lines = wr_init(LIMIT_POLICY);
	uint8_t table[CCEL_TABLE_SIZE];
	struct boot_scene scene;

	boot_scene_whole(&scene, BOOT_RTMRS);
	test_log_table(table, 2, scene.log.size);
	put("log", wr_view(&scene.log));
	put("table", (struct tobi_bytes){table, sizeof(table)});
	for (size_t i = 0; i < 4; i++)
		memcpy(run->scene.body + 328 + 48 * i, scene.registers[i + 1], 48);
	boot_scene_policy(&lines);
	put("boot.lines", wr_view(&lines));
	boot_scene_done(&scene);
	wr_done(&lines);
}

static void put_policy(struct tdx_run *run, const char *name, bool no_roots)
{
	struct writer yaml = wr_init(LIMIT_POLICY);

	run->no_roots = no_roots;
	tdx_run_policy(run, "", &yaml);
	put(name, wr_view(&yaml));
	wr_done(&yaml);
}

static void put_time(void)
{
	const time_t now = DCAP_NOW;
	char text[32];
	struct tm tm;

	assert_non_null(gmtime_r(&now, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put("time", bytes_of_text(text));
}

static void test_write(void **state)
{
	struct tdx_run run;

	(void)state;
	tdx_run_init(&run);
	tdx_run_kind(&run, 5, DCAP_TD15);
	put_log(&run);
	put_quote("quote", &run);
	put_collateral(&run);
	put_policy(&run, "policy.yaml", false);
	put_policy(&run, "vendor.yaml", true);
	put_time();
	/* Under which it was started, and that runs still. */
	run.scene.body[0] = 2;
	run.scene.body[584] = 2;
	put_quote("old", &run);
}

/* Its steps assert, as those of a test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {cmocka_unit_test(test_write)};

	if (argc != 2) {
		fprintf(stderr, "usage: tdx FOLDER\n");
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(steps, NULL, NULL);
}
