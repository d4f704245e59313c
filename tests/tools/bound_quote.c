/*
 * A quote over a key, as Gramine has one in its certificates, under a root of the tests
 * and dated today, for end-to-end tests:
 *   bound_quote FOLDER KIND KEY  KEY: a public key, DER; KIND: sgx, tdx. Writes there:
 *                                quote, collateral/, policy.yaml (of ra-tls)
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "tests/check.h"
#include "tests/tdx_run.h"

enum { REPORT_DATA_SIZE = 64 };

static const struct kind {
	const char *name;
	unsigned version;
	enum dcap_body body;
	size_t report_data_at;
} kinds[] = {{"sgx", 3, DCAP_SGX, 320}, {"tdx", 4, DCAP_TD10, 520}};

static void put(const char *folder, const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_all(const char *folder, const struct kind *kind, struct tobi_bytes key)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE), yaml = wr_init(LIMIT_POLICY);
	struct tdx_run run;
	char path[1024];

	tdx_run_init(&run);
	tdx_run_kind(&run, kind->version, kind->body);
	tdx_run_move(&run, time(NULL));
	memset(run.scene.body + kind->report_data_at, 0, REPORT_DATA_SIZE);
	assert_int_equal(hash_sha256(key, run.scene.body + kind->report_data_at), 0);
	dcap_scene_quote(&run.scene, &quote);
	put(folder, "quote", wr_view(&quote));
	snprintf(path, sizeof(path), "%s/collateral", folder);
	tdx_run_put_collateral(&run, path);
	tdx_run_policy(&run, "channel: ra-tls\n", &yaml);
	put(folder, "policy.yaml", wr_view(&yaml));
	tdx_run_done(&run);
	wr_done(&yaml);
	wr_done(&quote);
}

int main(int argc, char **argv)
{
	struct writer key = wr_init(LIMIT_PEM);

	for (size_t i = 0; argc == 4 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[2], kinds[i].name) != 0)
			continue;
		if (file_read(argv[3], LIMIT_PEM, "key", &key, NULL))
			return 1;
		put_all(argv[1], &kinds[i], wr_view(&key));
		wr_done(&key);
		return 0;
	}
	fprintf(stderr, "usage: bound_quote FOLDER sgx|tdx KEY.der\n");
	return 2;
}
