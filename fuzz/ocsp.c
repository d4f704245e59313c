/* Reads an OCSP answer, and asks it about certificates: its own, or others. */
#include <openssl/err.h>

#include "fuzz/fuzz.h"
#include "pki/ocsp.h"
#include "tests/nvidia_scene.h"

/* Made once: what a key signs differs from process to process, and matters for the seeds
 * of this one only. */
static struct nvidia_scene *scene;

static void make(void)
{
	if (scene)
		return;
	scene = calloc(1, sizeof(*scene));
	must(scene != NULL);
	nvidia_scene_init(scene);
	nvidia_scene_make(scene);
}

bool fuzz_one(struct tobi_bytes input)
{
	CLEANUP(OCSP_BASICRESP_freep) OCSP_BASICRESP *basic = NULL;
	struct tobi_fault fault = {0};

	make();
	if (ocsp_read(input, "fuzz", &basic, &fault)) {
		must(fault.code != TOBI_OK && basic == NULL);
		return false;
	}
	for (int i = NV_IDENTITY; i <= NV_ROM; i++) {
		struct ocsp_answer answer = {0};

		if (ocsp_answers(basic, scene->certificates[i].certificate,
				 scene->certificates[i - 1].certificate, &answer))
			must(answer.status <= OCSP_REVOKED);
	}
	must(ERR_peek_error() == 0);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const enum nv_place places[] = {NV_IDENTITY, NV_PROVISIONER, NV_ROM};

	make();
	if (number > 3)
		return FUZZ_NO_SEED;
	if (number == 3) {
		wr_bytes(out, "\x30\x03\x0a\x01\x03", 5);
		return FUZZ_BAD;
	}
	wr_bytes(out, scene->ocsp[places[number]].ptr, scene->ocsp[places[number]].size);
	return FUZZ_GOOD;
}
