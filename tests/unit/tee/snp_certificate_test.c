/* What the certificate of a VCEK or VLEK may say, and in which form. */
#include "tee/snp_certificate.h"

#include "tests/check.h"
#include "tests/snp_scene.h"

static enum tobi_err read(const struct snp_scene *scene, struct snp_leaf *ret_leaf,
			  struct tobi_fault *fault)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	X509 *certificate = NULL;
	enum tobi_err err;

	snp_scene_leaf(scene, &der);
	assert_int_equal(
	    chain_read_certificate(wr_view(&der), "leaf", &certificate, NULL), 0);
	err = snp_leaf_read(certificate, ret_leaf, fault);
	X509_free(certificate);
	wr_done(&der);
	return err;
}

static void test_snp_leaf_read__of_each_product__says_what_it_is(void **state)
{
	static const char *const products[] = {"Milan", "Genoa", "Turin"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct snp_scene scene;
		struct snp_leaf leaf;

		snp_scene_make(&scene);
		snp_scene_product(&scene, products[i]);
		assert_int_equal(read(&scene, &leaf, NULL), 0);
		assert_int_equal(leaf.kind, SNP_KEY_VCEK);
		assert_string_equal(leaf.product->name, products[i]);
		assert_memory_equal(leaf.tcb, scene.report + 0x180, 8);
		assert_memory_equal(leaf.chip, scene.report + 0x1a0, 64);
		assert_string_equal(leaf.csp, "");
		if (i == 0)
			assert_string_equal(leaf.product_name, "Milan-B0");
	}
}

static void test_snp_leaf_read__of_a_cloud__says_whose(void **state)
{
	struct snp_scene scene;
	struct snp_leaf leaf;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_vlek(&scene);
	assert_int_equal(read(&scene, &leaf, NULL), 0);
	assert_int_equal(leaf.kind, SNP_KEY_VLEK);
	assert_string_equal(leaf.csp, "CN=cloud.example");
}

/* One extension in a form that DER or AMD does not allow. */
static void test_snp_leaf_read__another_form__fails(void **state)
{
	static const struct {
		const char *arcs;
		uint8_t value[24];
		size_t size;
	} cases[] = {
	    {"1", {2, 1, 2}, 3},			/* a version that is not known */
	    {"1", {4, 1, 0}, 3},			/* no INTEGER */
	    {"1", {2, 0}, 2},				/* empty */
	    {"1", {2, 1, 0, 0}, 4},			/* bytes behind it */
	    {"2", {12, 5, 'M', 'i', 'l', 'a', 'n'}, 7}, /* no IA5String */
	    {"2", {22, 5, 'M', 'i', 'l', 'a'}, 6},	/* cut */
	    {"2", {22, 0}, 2},				/* empty */
	    {"2", {22, 5, 'M', 'i', 'l', 'a', 0}, 7},	/* not printable */
	    {"2", {22, 5, 'M', 'I', 'L', 'A', 'N'}, 7}, /* no product */
	    {"3.1", {2, 1, 0x80}, 3},			/* negative */
	    {"3.1", {2, 2, 0, 0x7f}, 4},		/* not minimal */
	    {"3.1", {2, 2, 1, 0x00}, 4},		/* 256 */
	    {"3.1", {2, 3, 0, 0, 4}, 5},		/* not minimal at all */
	    {"3.1", {2, 0x81, 1, 4}, 4},		/* a long length */
	    {"3.1", {0}, 0},				/* nothing */
	    {"4", {4, 2, 1, 1}, 4},			/* too short */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snp_scene scene;
		struct snp_leaf leaf;
		struct snp_extra *extra;

		snp_scene_make(&scene);
		extra = snp_scene_extra(&scene, cases[i].arcs);
		memcpy(extra->value, cases[i].value, cases[i].size);
		extra->size = cases[i].size;
		print_message("%zu\n", i);
		assert_int_not_equal(read(&scene, &leaf, NULL), TOBI_OK);
	}
}

/* 66 bytes that are no OCTET STRING of 64. */
static void test_snp_leaf_read__chip_wrapped_wrongly__fails(void **state)
{
	struct snp_scene scene;
	struct snp_leaf leaf;
	struct snp_extra *chip;

	(void)state;
	snp_scene_make(&scene);
	chip = snp_scene_extra(&scene, "4");
	chip->size = 66;
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	chip->value[0] = 4;
	chip->value[1] = 64;
	assert_int_equal(read(&scene, &leaf, NULL), 0);
	chip->value[1] = 63;
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	chip->size = 65;
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	chip->size = 8; /* as of Turin */
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
}

/* An extension that is missing, doubled, or of the other kind. */
static void test_snp_leaf_read__extensions_missing_or_too_many__fails(void **state)
{
	static const char *const needed[] = {"1",   "2",   "3.1", "3.2", "3.3", "3.4",
					     "3.5", "3.6", "3.7", "3.8", "4"};

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		struct snp_scene scene;
		struct snp_leaf leaf;
		struct snp_extra copy;

		snp_scene_make(&scene);
		copy = *snp_scene_extra(&scene, needed[i]);
		snp_scene_drop(&scene, needed[i]);
		assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
		scene.extras[scene.extra_count++] = copy;
		assert_int_equal(read(&scene, &leaf, NULL), 0);
		scene.extras[scene.extra_count++] = copy;
		assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	}
}

static void test_snp_leaf_read__unknown_of_amd__fails(void **state)
{
	static const char *const arcs[] = {"0", "6", "3", "3.0", "3.10", "4.1", "1.1"};

	(void)state;
	for (size_t i = 0; i < sizeof(arcs) / sizeof(arcs[0]); i++) {
		struct snp_scene scene;
		struct snp_leaf leaf;

		snp_scene_make(&scene);
		snp_scene_add(&scene, arcs[i], BYTES(2, 1, 0));
		assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	}
}

static void test_snp_leaf_read__vlek_with_a_chip__fails(void **state)
{
	struct snp_scene scene;
	struct snp_leaf leaf;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_vlek(&scene);
	snp_scene_add(&scene, "4", (struct tobi_bytes){scene.report + 0x1a0, 64});
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	snp_scene_drop(&scene, "4");
	snp_scene_drop(&scene, "5");
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
}

/* A newer product is named, not called damage. */
static void test_snp_leaf_read__next_product__is_named(void **state)
{
	struct snp_scene scene;
	struct snp_leaf leaf;
	struct tobi_fault fault = {0};
	struct snp_extra *name;

	(void)state;
	snp_scene_make(&scene);
	name = snp_scene_extra(&scene, "2");
	memcpy(name->value, "\x16\x09Venice-A0", 11);
	name->size = 11;
	assert_int_equal(read(&scene, &leaf, &fault), TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(fault.message, "Venice-A0"));
}

static void test_snp_leaf_read__another_subject_or_key__fails(void **state)
{
	struct snp_scene scene;
	struct snp_leaf leaf;

	(void)state;
	snp_scene_make(&scene);
	scene.leaf_name = "VCEK";
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	scene.leaf_name = "SEV-VLEK"; /* with the extensions of a VCEK */
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	scene.leaf_name = "SEV-VCEK";
	scene.leaf_p256 = true;
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
	scene.leaf_p256 = false;
	scene.leaf_is_ca = true;
	assert_int_equal(read(&scene, &leaf, NULL), TOBI_E_MALFORMED);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_leaf_read__of_each_product__says_what_it_is),
	    TEST(test_snp_leaf_read__of_a_cloud__says_whose),
	    TEST(test_snp_leaf_read__another_form__fails),
	    TEST(test_snp_leaf_read__chip_wrapped_wrongly__fails),
	    TEST(test_snp_leaf_read__extensions_missing_or_too_many__fails),
	    TEST(test_snp_leaf_read__unknown_of_amd__fails),
	    TEST(test_snp_leaf_read__vlek_with_a_chip__fails),
	    TEST(test_snp_leaf_read__next_product__is_named),
	    TEST(test_snp_leaf_read__another_subject_or_key__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
