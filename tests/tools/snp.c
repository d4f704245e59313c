/*
 * A report of AMD SEV-SNP under a maker of processors of the tests' own, for end-to-end
 * tests.
 *   snp FOLDER  writes there: report, extended (with its certificate table), leaf.der,
 *               issuers.pem, crl.der, id-block, report.signed (with that), policy.yaml,
 *               keys.yaml (which names the ID key), vendor.yaml (which names no root),
 *               nonce and time, as `tobichi verify` takes them
 */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/check.h"
#include "tests/snp_scene.h"

static const char *folder;

static void put(const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text_bytes(text));
}

static void put_policy(const char *name, const struct snp_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY);

	snp_scene_policy(scene, &yaml);
	put(name, wr_view(&yaml));
	wr_done(&yaml);
}

static void put_time(void)
{
	const time_t now = SNP_NOW;
	char text[32];
	struct tm tm;

	assert_non_null(gmtime_r(&now, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_text("time", text);
}

static void put_certificates(struct snp_scene *scene)
{
	struct writer pem = wr_init(LIMIT_PEM), extended = wr_init(LIMIT_EVIDENCE);

	snp_scene_extended(scene, &extended);
	put("extended", wr_view(&extended));
	put("report", (struct tobi_bytes){extended.ptr, sizeof(scene->report)});
	put("leaf.der", scene->pieces[0]);
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(chain_write_pem(scene->pieces[i], &pem, NULL), 0);
	put("issuers.pem", wr_view(&pem));
	put("crl.der", scene->pieces[3]);
	wr_done(&pem);
	wr_done(&extended);
}

/* The report of a guest that was launched with an ID block, and a policy for its key. */
static void put_id_block(struct snp_scene *scene)
{
	struct writer block = wr_init(LIMIT_EVIDENCE), report = wr_init(LIMIT_EVIDENCE);
	char digest[97], lines[256];

	snp_scene_id_block(scene, &block);
	put("id-block", wr_view(&block));
	snp_scene_report(scene, &report);
	put("report.signed", wr_view(&report));
	hex_write((struct tobi_bytes){scene->report + 0xe0, 48}, digest, sizeof(digest));
	snprintf(lines, sizeof(lines), "snp:\n  id-keys: [%s]\n", digest);
	scene->policy = lines;
	put_policy("keys.yaml", scene);
	scene->policy = "";
	wr_done(&block);
	wr_done(&report);
}

static void test_write(void **state)
{
	struct snp_scene scene;
	char nonce[65];

	(void)state;
	snp_scene_make(&scene);
	put_certificates(&scene);
	put_policy("policy.yaml", &scene);
	put_id_block(&scene);
	scene.without_roots = true;
	put_policy("vendor.yaml", &scene);
	hex_write(scene.nonce, nonce, sizeof(nonce));
	put_text("nonce", nonce);
	put_time();
	snp_scene_done(&scene);
}

/* Its steps assert, as those of a test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {cmocka_unit_test(test_write)};

	if (argc != 2) {
		fprintf(stderr, "usage: snp FOLDER\n");
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(steps, NULL, NULL);
}
