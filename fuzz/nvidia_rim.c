/*
 * Reads reference values: the input is the pin of a root (SHA-256 of its key), and the
 * file. What is right has values, and the same file gives the same again, remembered.
 */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tee/nvidia_rim.h"
#include "tests/nvidia_scene.h"

static bool is_right(const struct nvidia_rim *rim)
{
	return !rim->form[0] && !rim->signature[0] && rim->chain &&
	       !nvidia_chain_wrong(rim->chain)[0] && rim->chain->profile &&
	       !rim->chain->profile[0];
}

static void check(const struct nvidia_rim *rim)
{
	must(rim->value_count <= RIM_VALUES_MAX);
	for (size_t i = 0; i < rim->value_count; i++)
		must(rim->values[i].index < SPDM_BLOCKS_MAX);
	must(!is_right(rim) ||
	     (rim->value_count && rim->version[0] && rim->product[0] && rim->chain->key));
}

bool fuzz_one(struct tobi_bytes input)
{
	struct nvidia_document document;
	struct key_pins pins = {.count = 1};
	struct tee_request request = {.time = NV_NOW, .memo = memo_new()};
	static const struct nvidia_material none;
	struct nvidia_rim *rims[2] = {NULL, NULL};
	bool right;

	must(request.memo != NULL);
	if (input.size < SHA256_SIZE) {
		memo_free(request.memo);
		return false;
	}
	memcpy(pins.keys[0], input.ptr, SHA256_SIZE);
	document.bytes =
	    (struct tobi_bytes){input.ptr + SHA256_SIZE, input.size - SHA256_SIZE};
	must(!hash_sha256(document.bytes, document.hash));
	for (size_t i = 0; i < 2; i++) {
		must(!nvidia_rim_read(&document, &pins, &request, &none, &rims[i], NULL));
		check(rims[i]);
	}
	right = is_right(rims[0]);
	must(right == is_right(rims[1]) && (!right || rims[0] == rims[1]));
	nvidia_rim_unref(&rims[0]);
	nvidia_rim_unref(&rims[1]);
	memo_free(request.memo);
	return right;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct nvidia_scene *scene;
	struct nv_rim rim;
	uint8_t pin[SHA256_SIZE];

	if (number >= 4)
		return FUZZ_NO_SEED;
	scene = calloc(1, sizeof(*scene));
	must(scene != NULL);
	nvidia_scene_init(scene);
	nvidia_scene_certificates(scene);
	rim = number & 1 ? scene->vbios_rim : scene->driver_rim;
	if (number == 2)
		rim.before = (struct nv_edit){"size=\"48\"", "size=\"32\""};
	if (number == 3)
		rim.short_chain = true;
	must(!key_spki_sha256(scene->certificates[NV_RIM_ROOT].key, pin, NULL));
	wr_bytes(out, pin, sizeof(pin));
	nvidia_scene_rim(scene, &rim, out);
	nvidia_scene_done(scene);
	free(scene);
	return number < 2 ? FUZZ_GOOD : FUZZ_BAD;
}
