/* An attester of the tests' own, for examples/server.c: a platform whose keys lie in a
 * folder, and evidence for any nonce.
 * Usage: attester FOLDER         makes the keys, and policy.yaml, which accepts it
 *        attester FOLDER NONCE   writes evidence for the nonce to standard output */
#include "tests/check.h"

#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/evidence.h"

static void path_in(const char *folder, const char *name, char out[static 256])
{
	snprintf(out, 256, "%s/%s", folder, name);
}

static void put(const char *folder, const char *name, struct tobi_bytes bytes)
{
	char path[256];

	path_in(folder, name, path);
	assert_int_equal(file_write(path, 0600, bytes, name, NULL), 0);
}

static void get(const char *folder, const char *name, struct writer *out)
{
	char path[256];

	path_in(folder, name, path);
	out->size = 0;
	assert_int_equal(file_read(path, LIMIT_PEM, name, out, NULL), 0);
}

static void make(struct test_scene *scene, const char *folder)
{
	struct writer key = wr_init(LIMIT_PEM), policy = wr_init(LIMIT_POLICY);

	assert_int_equal(key_write_private(scene->platform.key, &key, NULL), 0);
	test_scene_policy(scene, &policy);
	put(folder, "platform.key", wr_view(&key));
	put(folder, "platform.der", wr_view(&scene->platform.certificate));
	put(folder, "ca.der", wr_view(&scene->platform.ca));
	put(folder, "policy.yaml", wr_view(&policy));
	wr_done(&key);
	wr_done(&policy);
}

static void attest(struct test_scene *scene, const char *folder, const char *text)
{
	struct test_platform *platform = &scene->platform;
	struct writer key = wr_init(LIMIT_PEM), out = wr_init(LIMIT_EVIDENCE);
	uint8_t nonce[32];

	get(folder, "platform.key", &key);
	EVP_PKEY_free(platform->key);
	assert_int_equal(key_read_private(wr_view(&key), "key", &platform->key, NULL), 0);
	get(folder, "platform.der", &platform->certificate);
	get(folder, "ca.der", &platform->ca);
	platform->chain[0] = wr_view(&platform->certificate);
	platform->chain[1] = wr_view(&platform->ca);
	assert_int_equal(key_spki_sha256(platform->key, platform->ueid + 1, NULL), 0);
	assert_true(hex_read(text, nonce, sizeof(nonce)));
	scene->claims.nonce = (struct tobi_bytes){nonce, sizeof(nonce)};
	scene->keep_claims_nonce = true;
	test_scene_session_evidence(scene, (struct tobi_bytes){0}, &out);
	assert_int_equal(fd_write_all(1, wr_view(&out), "evidence", NULL), 0);
	wr_done(&key);
	wr_done(&out);
}

int main(int argc, char **argv)
{
	struct test_scene scene;

	if (argc < 2)
		return 2;
	test_scene_make_at(&scene, time(NULL));
	scene.identity = "identity:\n  mode: any-instance\n";
	if (argc == 2)
		make(&scene, argv[1]);
	else
		attest(&scene, argv[1], argv[2]);
	test_scene_done(&scene);
	return 0;
}
