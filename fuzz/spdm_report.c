/* Reads a report of NVIDIA's devices: what it gives lies in the input. */
#include "fuzz/fuzz.h"
#include "tee/spdm_report.h"
#include "tests/nvidia_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct spdm_report report;
	struct tobi_fault fault = {0};
	char text[32];

	if (spdm_report_parse(input, &report, &fault)) {
		must(fault.code != TOBI_OK);
		return false;
	}
	must(spdm_report_starts(input));
	must(report.block_count >= 1 && report.block_count <= SPDM_BLOCKS_MAX);
	for (size_t i = 0; i < report.block_count; i++) {
		must_be_inside(report.digests[i], input);
		must(report.digests[i].size == SPDM_DIGEST_SIZE);
	}
	for (size_t i = 0; i < SPDM_FIELD_KNOWN; i++)
		must_be_inside(report.fields[i], input);
	must(report.message.ptr == input.ptr &&
	     report.message.size + SPDM_SIGNATURE_SIZE == input.size);
	must_be_inside(report.signature, input);
	if (spdm_report_vbios(&report, text, sizeof(text)))
		must(text[0]);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct nvidia_scene *scene;

	if (number >= 3)
		return FUZZ_NO_SEED;
	scene = calloc(1, sizeof(*scene));
	must(scene != NULL);
	nvidia_scene_init(scene);
	if (number == 1) {
		scene->block_count = 31;
		scene->vbios_text = "96.10.55.00.01";
		scene->driver = NULL;
	}
	nvidia_scene_report(scene, 0, out);
	if (number == 2)
		wr_u8(out, 0);
	nvidia_scene_done(scene);
	free(scene);
	return number == 2 ? FUZZ_BAD : FUZZ_GOOD;
}
