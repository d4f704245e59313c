/*
 * A guest of AMD SEV-SNP for tests: its hardware is a test's own, and signs what it is
 * asked to.
 *   snp_report FOLDER  writes FOLDER/policy.yaml (for this guest, under this maker's
 *                      roots), then answers each line of standard input, the report data
 *                      in hexadecimal, with a line: evidence as clients of Confidential
 *                      Containers write it
 */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/check.h"
#include "tests/snp_json.h"
#include "tests/snp_scene.h"

enum { REPORT_DATA = 0x50, REPORT_DATA_SIZE = 64, HOST_DATA = 0xc0, HOST_DATA_SIZE = 32 };

/* It lives now: who asks it has a clock. */
static void make(struct snp_scene *scene)
{
	snp_scene_make(scene);
	scene->now = scene->time = time(NULL);
	scene->leaf_from = scene->crl_from = scene->now - SNP_DAY;
	scene->leaf_to = scene->now + 7 * SNP_DAY;
	scene->crl_to = scene->now + SNP_DAY;
	memset(scene->report + HOST_DATA, 0, HOST_DATA_SIZE);
}

static void write_policy(const struct snp_scene *scene, const char *folder)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	char path[1024];

	snp_scene_policy(scene, &yaml);
	snprintf(path, sizeof(path), "%s/policy.yaml", folder);
	assert_int_equal(file_write(path, 0644, wr_view(&yaml), "policy", NULL), 0);
	wr_done(&yaml);
}

static void answer(struct snp_scene *scene)
{
	struct writer report = wr_init(LIMIT_EVIDENCE);
	json_t *json;
	char *text;

	snp_scene_report(scene, &report);
	json = snp_json_evidence(report.ptr, false, scene->pieces, scene->piece_count);
	text = json_dumps(json, JSON_COMPACT);
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(json);
	wr_done(&report);
}

int main(int argc, char **argv)
{
	struct snp_scene scene;
	char line[256];

	if (argc != 2)
		return 2;
	make(&scene);
	write_policy(&scene, argv[1]);
	snp_scene_pieces(&scene);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!hex_read(line, scene.report + REPORT_DATA, REPORT_DATA_SIZE))
			return 2;
		answer(&scene);
	}
	snp_scene_done(&scene);
	return 0;
}
