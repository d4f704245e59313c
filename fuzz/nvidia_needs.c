/* What NVIDIA's services are asked for: ids of a fixed form, whatever a device says. The
 * same bytes may be a file of reference values. */
#include <ctype.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tee/nvidia_needs.h"
#include "tests/nvidia_scene.h"

static void check_need(const struct need *need)
{
	bool is_rim = need->service == SERVICE_RIM;

	must(is_rim || need->service == SERVICE_OCSP);
	must(strncmp(need->path, is_rim ? "/v1/rim/NV_" : "/", is_rim ? 11 : 1) == 0);
	must(is_rim == (need->body_size == 0) && need->body_size <= NEED_BODY_MAX);
	must(!strchr(need->path + (is_rim ? 8 : 1), '/'));
	for (const char *at = need->path; *at; at++)
		must(isalnum((unsigned char)*at) || strchr("/._-", *at));
}

bool fuzz_one(struct tobi_bytes input)
{
	struct needs *needs = calloc(1, sizeof(*needs));
	struct tobi_fault fault = {0};
	enum tobi_err err;

	must(needs != NULL);
	err = nvidia_needs(input, needs, &fault);
	must(err == fault.code && needs->count <= NEEDS_MAX);
	for (size_t i = 0; i < needs->count; i++)
		check_need(&needs->list[i]);
	needs->count = 0;
	IGNORE(nvidia_needs_of_rim(input, needs, NULL));
	for (size_t i = 0; i < needs->count; i++)
		check_need(&needs->list[i]);
	free(needs);
	return err == TOBI_OK;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct nvidia_scene *scene;
	const struct writer *bytes;

	if (number >= 4)
		return FUZZ_NO_SEED;
	scene = calloc(1, sizeof(*scene));
	must(scene != NULL);
	nvidia_scene_init(scene);
	scene->json = number == 0;
	scene->coco = number == 1;
	nvidia_scene_make(scene);
	bytes = number == 3 ? &scene->driver_xml : &scene->evidence;
	wr_bytes(out, bytes->ptr, bytes->size);
	nvidia_scene_done(scene);
	free(scene);
	return number == 3 ? FUZZ_BAD : FUZZ_GOOD;
}
