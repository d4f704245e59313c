/* A whole appraisal of devices, in JSON: fuzz/raw.h has the form of the input. */
#include "fuzz/raw.h"
#include "tests/nvidia_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	return fuzz_raw(input, NV_NOW, (struct tobi_bytes){0});
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char firmware[] = "{rim: optional, fwids: "
				       "[f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
				       "f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
				       "f1f1f1f1f1f1f1f1f1]}";
	struct nvidia_scene *scene;

	if (number >= 4)
		return FUZZ_NO_SEED;
	scene = calloc(1, sizeof(*scene));
	must(scene != NULL);
	nvidia_scene_init(scene);
	scene->json = true;
	scene->coco = number == 1;
	scene->device_count = 2;
	scene->allow = "no-nonce";
	scene->gpu = number == 2 ? "{min-count: 2}" : firmware;
	scene->damaged = number == 3;
	nvidia_scene_make(scene);
	nvidia_scene_policy(scene, out);
	wr_u8(out, 0);
	/* One piece: it has no zero in it. */
	wr_bytes(out, scene->driver_xml.ptr, scene->driver_xml.size);
	wr_u8(out, 0);
	wr_bytes(out, scene->evidence.ptr, scene->evidence.size);
	nvidia_scene_done(scene);
	free(scene);
	return number < 2 ? FUZZ_GOOD : FUZZ_BAD;
}
