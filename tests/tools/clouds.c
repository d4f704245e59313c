/*
 * Evidence of clouds' virtual machines in the forms in which others write it, for
 * end-to-end tests:
 *   clouds FOLDER
 * writes there, for each of azure-snp-json, azure-snp-numbers, azure-tdx-json,
 * azure-tdx-numbers (Trustee's two forms), google and google-snp (go-tpm-tools' message):
 * NAME, NAME.yaml (a policy), NAME.time, NAME.nonce; NAME.with/ (what comes beside it);
 * and NAME.collateral/ for TDX.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/azure_scene.h"
#include "tests/check.h"
#include "tests/google_scene.h"

static const char *folder;

static void put(const char *name, const char *end, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, end);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_rest(const char *name, int64_t time, struct tobi_bytes nonce,
		     struct writer *policy)
{
	const time_t seconds = (time_t)time;
	char text[2 * 64 + 1];
	struct tm tm;

	assert_non_null(gmtime_r(&seconds, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put(name, ".time", text_bytes(text));
	hex_write(nonce, text, sizeof(text));
	put(name, ".nonce", text_bytes(text));
	put(name, ".yaml", wr_view(policy));
	wr_done(policy);
}

static void make_folder(const char *name, const char *end, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s%s", folder, name, end);
	assert_int_equal(mkdir(ret_path, 0755), 0);
}

static void put_azure(const char *name, bool tdx, enum azure_form form)
{
	struct writer evidence = wr_init(LIMIT_EVIDENCE), policy = wr_init(LIMIT_POLICY);
	struct azure_scene scene;
	char path[1000], file[32];

	azure_scene_make(&scene, tdx);
	scene.form = form;
	azure_scene_evidence(&scene, &evidence);
	azure_scene_policy(&scene, &policy);
	put(name, "", wr_view(&evidence));
	make_folder(name, ".with", path, sizeof(path));
	for (size_t i = 0; i < scene.piece_count; i++) {
		snprintf(file, sizeof(file), ".with/%zu", i);
		put(name, file, scene.pieces[i]);
	}
	snprintf(path, sizeof(path), "%s/%s.collateral", folder, name);
	if (tdx)
		tdx_run_put_collateral(&scene.td, path);
	put_rest(name, tdx ? scene.td.time : scene.snp.time, scene.extra, &policy);
	azure_scene_done(&scene);
	wr_done(&evidence);
}

static void put_google(const char *name, bool with_snp)
{
	struct writer evidence = wr_init(LIMIT_EVIDENCE), policy = wr_init(LIMIT_POLICY);
	struct writer root = wr_init(LIMIT_CERTIFICATE);
	struct google_scene message;
	char path[1000];

	google_scene_make(&message);
	message.with_snp = with_snp;
	message.snp.crl_from = QUOTE_NOW - SNP_DAY;
	message.snp.crl_to = QUOTE_NOW + SNP_DAY;
	google_scene_write(&message, &evidence);
	if (with_snp)
		snp_scene_ark(&message.snp, &root);
	message.scene.more_root = wr_view(&root);
	quote_scene_policy(&message.scene, &policy);
	put(name, "", wr_view(&evidence));
	make_folder(name, ".with", path, sizeof(path));
	if (with_snp)
		put(name, ".with/crl", message.snp.pieces[3]);
	put_rest(name, message.scene.now, message.scene.given_nonce, &policy);
	google_scene_done(&message);
	wr_done(&evidence);
	wr_done(&root);
}

static void test_write(void **state)
{
	(void)state;
	put_azure("azure-snp-json", false, AZURE_JSON);
	put_azure("azure-snp-numbers", false, AZURE_NUMBERS);
	put_azure("azure-tdx-json", true, AZURE_JSON);
	put_azure("azure-tdx-numbers", true, AZURE_NUMBERS);
	put_google("google", false);
	put_google("google-snp", true);
}

/* Its steps assert, as those of a test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {cmocka_unit_test(test_write)};

	if (argc != 2) {
		fprintf(stderr, "usage: clouds FOLDER\n");
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(steps, NULL, NULL);
}
