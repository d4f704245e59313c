/* The certificate of a VCEK or VLEK: what is read of it can be shown, and is of a product
 * that is known. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tee/snp_certificate.h"
#include "tests/snp_scene.h"

static bool is_text(const char *text, size_t room)
{
	size_t size = strnlen(text, room);

	for (size_t i = 0; i < size; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return size < room;
}

bool fuzz_one(struct tobi_bytes input)
{
	X509 *certificate = NULL;
	struct snp_leaf leaf = {0};
	struct tobi_fault fault = {0};
	bool good;

	if (chain_read_certificate(input, "certificate", &certificate, NULL))
		return false;
	good = !snp_leaf_read(certificate, &leaf, &fault);
	if (good) {
		must(leaf.product && leaf.product->supported);
		must(is_text(leaf.product_name, sizeof(leaf.product_name)));
		must(is_text(leaf.csp, sizeof(leaf.csp)));
		must((leaf.kind == SNP_KEY_VLEK) == (leaf.csp[0] != 0));
		must(snp_leaf_is_named(certificate));
	} else {
		must(fault.code && !leaf.product);
	}
	X509_free(certificate);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct snp_scene scene;

	if (number > 4)
		return FUZZ_NO_SEED;
	snp_scene_make(&scene);
	if (number == 1)
		snp_scene_product(&scene, "Turin");
	if (number == 2)
		snp_scene_vlek(&scene);
	if (number == 3)
		snp_scene_extra(&scene, "3.1")->value[0] = 4;
	if (number == 4)
		snp_scene_drop(&scene, "3.4");
	snp_scene_leaf(&scene, out);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
