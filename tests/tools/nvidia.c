/*
 * Devices of NVIDIA under roots of the tests' own, beside an enclave of Nitro and alone,
 * for end-to-end tests.
 *   nvidia FOLDER  writes there: report.bin, chain.pem, driver.xml, vbios.xml and
 *                  ocsp/N.der of a device that was asked with nonce; evidence.json (two
 *                  devices, as NVIDIA's tool writes it), coco.json; moved.xml (its values
 *                  are not what was signed); alone.yaml; and cpu.cose (a document of
 *                  Nitro), gpu.bin, gpu1.bin (asked with its hash), cpu.yaml (asks for
 *                  both); nonce and time
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/hex.h"
#include "tests/check.h"
#include "tests/nitro_scene.h"
#include "tests/nvidia_scene.h"

static const char *folder;

static void put(const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

static void put_time(void)
{
	const time_t now = NV_NOW;
	char text[32];
	struct tm tm;

	assert_non_null(gmtime_r(&now, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_text("time", text);
}

static void put_nonce(struct tobi_bytes nonce)
{
	char text[2 * 64 + 1];

	hex_write(nonce, text, sizeof(text));
	put_text("nonce", text);
}

static void put_answers(const struct nvidia_scene *scene)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/ocsp", folder);
	assert_int_equal(mkdir(name, 0755), 0);
	for (size_t i = 0; i < NV_PLACES; i++) {
		if (!scene->ocsp[i].size)
			continue;
		snprintf(name, sizeof(name), "ocsp/%zu.der", i);
		put(name, wr_view(&scene->ocsp[i]));
	}
}

static void put_policy(const char *name, struct nvidia_scene *scene, const char *gpu)
{
	struct writer yaml = wr_init(LIMIT_POLICY);

	scene->gpu = gpu;
	nvidia_scene_policy(scene, &yaml);
	put(name, wr_view(&yaml));
	wr_done(&yaml);
}

/* What is signed stays, and another root has it below itself. */
static void put_moved(const struct nvidia_scene *scene)
{
	struct writer moved = wr_init(LIMIT_EVIDENCE);
	const char *text = (const char *)scene->driver_xml.ptr;
	const char *root = memmem(text, scene->driver_xml.size, "<SoftwareIdentity", 17);

	assert_non_null(root);
	wr_printf(&moved,
		  "<SoftwareIdentity "
		  "xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\">");
	wr_bytes(&moved, root, scene->driver_xml.size - (size_t)(root - text));
	wr_printf(&moved, "</SoftwareIdentity>");
	put("moved.xml", wr_view(&moved));
	wr_done(&moved);
}

static void put_alone(struct nvidia_scene *scene)
{
	nvidia_scene_make(scene);
	put("report.bin", wr_view(&scene->evidence));
	put("chain.pem", wr_view(&scene->pem));
	put("chain1.pem", wr_view(&scene->more_pems[1]));
	put("driver.xml", wr_view(&scene->driver_xml));
	put("vbios.xml", wr_view(&scene->vbios_xml));
	put_moved(scene);
	put_answers(scene);
	put_policy("alone.yaml", scene, "{ocsp: required}");
	put_policy("two.yaml", scene, "{min-count: 2, ocsp: required}");
	put_policy(
	    "lax.yaml", scene,
	    "{rim: optional, fwids: "
	    "[f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
	    "f1f1f1f1f1f1f1f1f1f1f1f1]}");
	scene->vendors_roots = true;
	put_policy("vendor.yaml", scene, "{min-count: 1}");
	scene->vendors_roots = false;
}

/* The same devices and files; all is signed with the same keys. */
static void put_json(struct nvidia_scene *scene)
{
	struct writer *const out = &scene->evidence;

	scene->device_count = 2;
	scene->json = true;
	nvidia_scene_make(scene);
	put("evidence.json", wr_view(out));
	scene->coco = true;
	nvidia_scene_make(scene);
	put("coco.json", wr_view(out));
	scene->json = scene->coco = false;
	/* Made anew with them. */
	put_alone(scene);
}

static void put_beside(struct nvidia_scene *scene)
{
	struct writer cpu = wr_init(LIMIT_EVIDENCE), yaml = wr_init(LIMIT_POLICY);
	struct test_nitro nitro;
	uint8_t hash[SHA256_SIZE];

	test_nitro_make(&nitro, NITRO_ENCLAVE);
	test_nitro_document(&nitro, &cpu);
	put("cpu.cose", wr_view(&cpu));
	put_nonce(nitro.given_nonce);
	assert_int_equal(hash_sha256(wr_view(&cpu), hash), 0);
	for (size_t i = 0; i < 2; i++) {
		struct writer report = wr_init(LIMIT_EVIDENCE);

		memcpy(scene->nonces[i], hash, sizeof(hash));
		nvidia_scene_report(scene, i, &report);
		put(i ? "gpu1.bin" : "gpu.bin", wr_view(&report));
		wr_done(&report);
	}
	nitro.more = "gpu: {min-count: 2, ocsp: required, architectures: [hopper]}\n";
	test_nitro_policy(&nitro, &yaml);
	nvidia_scene_roots(scene, &yaml);
	put("cpu.yaml", wr_view(&yaml));
	wr_done(&yaml);
	wr_done(&cpu);
	test_nitro_done(&nitro);
}

int main(int argc, char **argv)
{
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));

	if (argc != 2 || !scene)
		return 2;
	folder = argv[1];
	nvidia_scene_init(scene);
	put_json(scene);
	put_time();
	put_beside(scene);
	nvidia_scene_done(scene);
	free(scene);
	return 0;
}
