/* Layers and images for these tests, in a folder and a staging tree of their own. */
#ifndef TESTS_UNIT_IMAGE_OCI_SAMPLE_H
#define TESTS_UNIT_IMAGE_OCI_SAMPLE_H

#include "image/oci_apply.h"
#include "sample.h"
#include "tests/tar.h"

/* Made anew for each test. */
struct oci_scene {
	char *folder, *tree_folder, *outside;
	struct stage stage;
	struct oci_tree tree;
	struct oci_budget budget;
	struct writer tar; /* the layer being made */
	char layer[128];
	bool without_diff_ids;
};
extern struct oci_scene scene;

int oci_scene_setup(void **state);
int oci_scene_teardown(void **state);
#define OCI_TEST(name)                                                                   \
	cmocka_unit_test_setup_teardown(name, oci_scene_setup, oci_scene_teardown)

/* PATH below the folder of the scene, and one inside the tree: valid until the fourth
 * call after. */
const char *oci_at(const char *name);
const char *oci_inside(const char *path);
/* Writes a file below the folder, and the folders above it. */
void oci_put(const char *name, struct tobi_bytes bytes);

/* Ends the layer of scene.tar, applies it, and begins another. */
enum tobi_err oci_apply(struct tobi_fault *fault);
void oci_apply_well(void);

/* What is inside at path; a link is not followed. */
bool oci_is_file(const char *path, const char *content);
bool oci_is_folder(const char *path);
bool oci_is_link(const char *path, const char *target);
bool oci_is_nothing(const char *path);

/* A layout in the folder: one image, one layer (that of scene.tar, ended here). run: the
 * "config" of its configuration, and what may follow it. scene.layer: the layer's file.
 */
void oci_put_layout(const char *run);

#endif
