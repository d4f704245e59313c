/*
 * Quotes of SGX under a root of the tests, and all that verifying one takes, for
 * end-to-end tests.
 *   quotes FOLDER  writes there: v3, v4 and v5 (quotes), named (one that brings no
 *                  certificate), pck.pem (the certificates that it lacks), collateral/,
 *                  policy.yaml, vendor.yaml (which names no root), time, and oe and
 *                  oe-other (evidence of Open Enclave; the latter with other claims)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "tests/dcap_collateral.h"
#include "tests/oe.h"

static const char *folder;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put(const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	must(!file_write(path, 0644, bytes, name, NULL));
}

static void put_text(const char *name, const char *text)
{
	put(name, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

static void put_quote(const char *name, const struct dcap_scene *scene)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE);

	dcap_scene_quote(scene, &quote);
	put(name, wr_view(&quote));
	wr_done(&quote);
}

static void put_chain(const struct dcap_scene *scene)
{
	struct writer pem = wr_init(LIMIT_PEM);

	dcap_scene_pem(scene, DCAP_ROOT, &pem);
	dcap_scene_pem(scene, DCAP_PCK, &pem);
	dcap_scene_pem(scene, DCAP_CA, &pem);
	put("pck.pem", wr_view(&pem));
	wr_done(&pem);
}

/* One file for each document, and one for its issuers, as vendors' servers give them. */
static void put_collateral(const struct dcap_scene *scene)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct dcap_test_collateral documents;
	const struct collateral_item *item;
	char name[64], path[1024];

	must(set != NULL);
	dcap_test_collateral_make(scene, &documents);
	dcap_test_put(scene, &documents, set);
	snprintf(path, sizeof(path), "%s/collateral", folder);
	must(mkdir(path, 0755) == 0);
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		snprintf(name, sizeof(name), "collateral/%d", (int)item->kind);
		put(name, item->data);
		snprintf(name, sizeof(name), "collateral/%d.pem", (int)item->kind);
		if (item->chain.size)
			put(name, item->chain);
	}
	tobi_collateral_free(set);
}

static void put_policies(const struct dcap_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), pem = wr_init(LIMIT_PEM);

	wr_printf(&yaml, "version: 1\ntiers: [sgx]\nimages: [");
	for (size_t i = 0; i < 32; i++)
		wr_printf(&yaml, "%02x", scene->body[64 + i]);
	wr_printf(&yaml, "]\nidentity: {mode: any-instance}\n");
	put("vendor.yaml", wr_view(&yaml));
	dcap_scene_pem(scene, DCAP_ROOT, &pem);
	wr_printf(&yaml, "roots:\n- tier: sgx\n  anchors: |\n    ");
	for (size_t i = 0; i < pem.size; i++) {
		wr_u8(&yaml, pem.ptr[i]);
		if (pem.ptr[i] == '\n')
			wr_printf(&yaml, "    ");
	}
	wr_printf(&yaml, "\n");
	put("policy.yaml", wr_view(&yaml));
	wr_done(&yaml);
	wr_done(&pem);
}

static void put_time(void)
{
	const time_t now = DCAP_NOW;
	char text[32];
	struct tm tm;

	must(gmtime_r(&now, &tm) != NULL);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_text("time", text);
}

/* A quote for custom claims, and these behind it. */
static void put_open_enclave(struct dcap_scene scene)
{
	struct writer claims = wr_init(1024), quote = wr_init(LIMIT_EVIDENCE),
		      out = wr_init(LIMIT_EVIDENCE);

	oe_claim_write("nonce", (struct tobi_bytes){(const uint8_t *)"12345678", 8},
		       &claims);
	memset(scene.body + 320, 0, 64);
	must(!hash_sha256(wr_view(&claims), scene.body + 320));
	dcap_scene_quote(&scene, &quote);
	oe_evidence_write(wr_view(&quote), wr_view(&claims), false, &out);
	put("oe", wr_view(&out));
	out.size = 0;
	wr_u8(&claims, 'x');
	oe_evidence_write(wr_view(&quote), wr_view(&claims), false, &out);
	put("oe-other", wr_view(&out));
	wr_done(&claims);
	wr_done(&quote);
	wr_done(&out);
}

int main(int argc, char **argv)
{
	struct dcap_scene scene;

	if (argc != 2) {
		fprintf(stderr, "usage: quotes FOLDER\n");
		return 2;
	}
	folder = argv[1];
	dcap_scene_make(&scene);
	put_quote("v3", &scene);
	put_chain(&scene);
	put_collateral(&scene);
	put_policies(&scene);
	put_time();
	put_open_enclave(scene);
	scene.certification = DCAP_PPID_RSA3072;
	put_quote("named", &scene);
	scene.certification = DCAP_PCK_CHAIN;
	dcap_scene_kind(&scene, 4, DCAP_SGX);
	put_quote("v4", &scene);
	dcap_scene_kind(&scene, 5, DCAP_SGX);
	put_quote("v5", &scene);
	return 0;
}
