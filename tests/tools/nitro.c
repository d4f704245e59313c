/*
 * A document of AWS Nitro under a root of its own, and a policy that accepts it, for
 * end-to-end tests.
 *   nitro FOLDER  writes there: document, policy.yaml, vendor.yaml (which names no root),
 *                 nonce and time, as `tobichi verify` takes them
 */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/check.h"
#include "tests/nitro_scene.h"

static void put(const char *folder, const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_policy(const char *folder, const char *name, struct test_nitro *nitro)
{
	struct writer yaml = wr_init(LIMIT_POLICY);

	test_nitro_policy(nitro, &yaml);
	put(folder, name, wr_view(&yaml));
	wr_done(&yaml);
}

static void put_time(const char *folder)
{
	const time_t now = NITRO_NOW;
	char text[32];
	struct tm tm;

	assert_non_null(gmtime_r(&now, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put(folder, "time", (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

static const char *folder;

static void test_write(void **state)
{
	struct test_nitro nitro;
	struct writer document = wr_init(LIMIT_NITRO);
	char nonce[65];

	(void)state;
	test_nitro_make(&nitro, NITRO_ENCLAVE);
	test_nitro_document(&nitro, &document);
	put(folder, "document", wr_view(&document));
	put_policy(folder, "policy.yaml", &nitro);
	nitro.vendors_roots = true;
	put_policy(folder, "vendor.yaml", &nitro);
	hex_write(nitro.given_nonce, nonce, sizeof(nonce));
	put(folder, "nonce", (struct tobi_bytes){(const uint8_t *)nonce, strlen(nonce)});
	put_time(folder);
	test_nitro_done(&nitro);
	wr_done(&document);
}

/* Its steps assert, as those of a test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {cmocka_unit_test(test_write)};

	if (argc != 2) {
		fprintf(stderr, "usage: nitro FOLDER\n");
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(steps, NULL, NULL);
}
