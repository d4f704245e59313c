#include "oci_sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct oci_scene scene;

int oci_scene_setup(void **state)
{
	(void)state;
	scene = (struct oci_scene){.folder = sample_folder(),
				   .tree_folder = sample_folder(),
				   .outside = sample_folder(),
				   .budget = {1 << 20, 1000},
				   .tar = wr_init(4 << 20)};
	assert_int_equal(stage_init(scene.tree_folder, &scene.stage, NULL), TOBI_OK);
	scene.tree.stage = &scene.stage;
	return 0;
}

int oci_scene_teardown(void **state)
{
	(void)state;
	stage_done(&scene.stage);
	sample_remove(scene.folder);
	sample_remove(scene.tree_folder);
	sample_remove(scene.outside);
	wr_done(&scene.tar);
	return 0;
}

static const char *join(const char *folder, const char *path)
{
	static char texts[4][512];
	static unsigned turn;
	char *out = texts[++turn % 4];

	snprintf(out, sizeof(texts[0]), "%s/%s", folder, path + (path[0] == '/'));
	return out;
}

const char *oci_at(const char *name)
{
	return join(scene.folder, name);
}

const char *oci_inside(const char *path)
{
	return join(scene.tree_folder, path);
}

void oci_put(const char *name, struct tobi_bytes bytes)
{
	char path[512];

	snprintf(path, sizeof(path), "%s", oci_at(name));
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
	assert_int_equal(file_write(path, 0644, bytes, "test", NULL), TOBI_OK);
}

enum tobi_err oci_apply(struct tobi_fault *fault)
{
	const struct oci_descriptor descriptor = {.name = "layer", .media_type = ""};
	struct oci_source *source = NULL;
	struct oci_layer layer = {
	    .descriptor = &descriptor, .budget = &scene.budget, .object = "layer 0"};
	enum tobi_err err;

	tar_end(&scene.tar);
	assert_int_equal(wr_err(&scene.tar), TOBI_OK);
	oci_put("layer", wr_view(&scene.tar));
	wr_done(&scene.tar);
	scene.tar = wr_init(4 << 20);
	assert_int_equal(oci_source_open(scene.folder, "/tmp", NULL, &source, NULL),
			 TOBI_OK);
	layer.source = source;
	err = oci_apply_layer(&layer, &scene.tree, fault);
	oci_source_free(source);
	return err;
}

void oci_apply_well(void)
{
	struct tobi_fault fault = {0};

	if (oci_apply(&fault))
		fail_msg("%s: %s", fault.field, fault.message);
}

bool oci_is_file(const char *path, const char *content)
{
	struct stat st;
	struct writer bytes;
	bool same;

	if (lstat(oci_inside(path), &st) || !S_ISREG(st.st_mode))
		return false;
	bytes = sample_read(oci_inside(path));
	same = bytes_equal_text(wr_view(&bytes), content);
	wr_done(&bytes);
	return same;
}

bool oci_is_folder(const char *path)
{
	struct stat st;

	return !lstat(oci_inside(path), &st) && S_ISDIR(st.st_mode);
}

bool oci_is_link(const char *path, const char *target)
{
	char found[512];
	ssize_t size = readlink(oci_inside(path), found, sizeof(found));

	return size >= 0 &&
	       bytes_equal_text((struct tobi_bytes){(uint8_t *)found, (size_t)size},
				target);
}

bool oci_is_nothing(const char *path)
{
	struct stat st;

	return lstat(oci_inside(path), &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void put_blob(struct tobi_bytes bytes, char digest[72])
{
	char name[128];

	tar_digest(bytes, digest);
	snprintf(name, sizeof(name), "blobs/sha256/%s", digest + 7);
	oci_put(name, bytes);
}

void oci_put_layout(const char *run)
{
	struct writer config = wr_init(1 << 16), manifest = wr_init(1 << 16),
		      index = wr_init(1 << 16);
	char layer[72], config_digest[72], manifest_digest[72];

	tar_end(&scene.tar);
	put_blob(wr_view(&scene.tar), layer);
	snprintf(scene.layer, sizeof(scene.layer), "blobs/sha256/%s", layer + 7);
	wr_printf(
	    &config,
	    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":%s,\"rootfs\":{"
	    "\"type\":\"layers\",\"diff_ids\":[",
	    run);
	if (!scene.without_diff_ids)
		wr_printf(&config, "\"%s\"", layer);
	wr_printf(&config, "]}}");
	put_blob(wr_view(&config), config_digest);
	wr_printf(&manifest,
		  "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		  "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
		  "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
		  "\"digest\":\"%s\",\"size\":%zu}]}",
		  config_digest, config.size, layer, scene.tar.size);
	put_blob(wr_view(&manifest), manifest_digest);
	wr_printf(&index,
		  "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/"
		  "vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
		  manifest_digest, manifest.size);
	oci_put("index.json", wr_view(&index));
	oci_put("oci-layout", text("{\"imageLayoutVersion\":\"1.0.0\"}"));
	wr_done(&config);
	wr_done(&manifest);
	wr_done(&index);
}
