/* A paravisor's report that is read borrows from the input only, counts its data in one
 * way, and has nothing but zeros behind it; its data, when that is read, names no more
 * than it says. */
#include "fuzz/fuzz.h"
#include "tee/azure_data.h"
#include "tee/azure_hcl.h"
#include "tests/azure_scene.h"

static void check_data(struct tobi_bytes bytes)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct azure_data data = {0};
	struct tee_claims claims = {0};
	EVP_PKEY *key = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = azure_data_read(bytes, &arena, &data, &fault);

	must(err == fault.code);
	if (!err) {
		must(data.claims.user_data.size == 0 ||
		     data.claims.user_data.size == AZURE_USER_DATA_SIZE);
		azure_data_facts(&data, &arena, &claims);
		for (size_t i = 0; i < claims.fact_count; i++) {
			for (const char *c = claims.facts[i].value; *c; c++)
				must(*c >= 0x20 && *c < 0x7f);
		}
		if (!azure_data_key(&data, &key, NULL))
			must(data.key_count == 1 && EVP_PKEY_get_bits(key) >= 2041);
	}
	EVP_PKEY_free(key);
	azure_data_done(&data);
	arena_done(&arena);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct azure_hcl hcl;
	struct tobi_fault fault = {0};
	enum tobi_err err = azure_hcl_read(input, &hcl, &fault);
	size_t behind;

	if (err) {
		must(fault.code == err && fault.has_offset && fault.offset <= input.size);
		return false;
	}
	must(azure_hcl_starts(input));
	must(hcl.hardware.ptr == input.ptr + AZURE_HCL_HARDWARE &&
	     hcl.hardware.size == AZURE_HARDWARE_SIZE);
	must(hcl.data.ptr == input.ptr + AZURE_HCL_HEAD);
	must_be_inside(hcl.data, input);
	behind = AZURE_HCL_HEAD + hcl.data.size;
	for (size_t i = behind; i < input.size; i++)
		must(input.ptr[i] == 0);
	check_data(hcl.data);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct azure_scene scene;

	if (number >= 6)
		return FUZZ_NO_SEED;
	azure_scene_make(&scene, number & 1);
	scene.twice = number == 2;
	if (number == 3)
		scene.data = "{\"keys\":[],\"vm-configuration\":{\"a\":\"\\u0001\"}}";
	scene.data_size_off = number == 4;
	if (number == 5)
		scene.behind = text_of("x");
	azure_scene_hcl(&scene, out);
	azure_scene_done(&scene);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
