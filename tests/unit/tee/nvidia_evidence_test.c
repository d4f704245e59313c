/* The forms of evidence, and what a piece is of. */
#include <stdlib.h>

#include "tee/nvidia_evidence.h"
#include "tests/bytes.h"
#include "tests/nvidia_scene.h"

static struct nvidia_scene *scene;
static struct nvidia_material *material;
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	scene = calloc(1, sizeof(*scene));
	material = calloc(1, sizeof(*material));
	arena = arena_init(LIMIT_APPRAISAL);
	nvidia_scene_init(scene);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nvidia_scene_done(scene);
	arena_done(&arena);
	free(scene);
	free(material);
	return 0;
}

static enum tobi_err take(struct tobi_bytes bytes)
{
	return nvidia_material_take(material, bytes, &arena, NULL);
}

static void test_nvidia_piece_of__each_form__is_told(void **state)
{
	(void)state;
	nvidia_scene_make(scene);
	assert_int_equal(nvidia_piece_of(wr_view(&scene->evidence)),
			 NVIDIA_PIECE_EVIDENCE);
	assert_int_equal(nvidia_piece_of(wr_view(&scene->pem)), NVIDIA_PIECE_CHAIN);
	assert_int_equal(nvidia_piece_of(wr_view(&scene->driver_xml)), NVIDIA_PIECE_RIM);
	assert_int_equal(nvidia_piece_of(wr_view(&scene->ocsp[NV_ROM])),
			 NVIDIA_PIECE_OCSP);
	assert_int_equal(nvidia_piece_of(text_bytes("")), NVIDIA_PIECE_OTHER);
	assert_int_equal(nvidia_piece_of(text_bytes("<html/>")), NVIDIA_PIECE_OTHER);
	assert_int_equal(nvidia_piece_of(text_bytes("{\"evidence\":\"\"}")),
			 NVIDIA_PIECE_OTHER);
	assert_int_equal(
	    nvidia_piece_of(text_bytes("-----BEGIN CERTIFICATE-----\nMII=\n")),
	    NVIDIA_PIECE_OTHER);
	scene->json = true;
	nvidia_scene_make(scene);
	assert_int_equal(nvidia_piece_of(wr_view(&scene->evidence)),
			 NVIDIA_PIECE_EVIDENCE);
}

/* Certificates of a CPU stay the CPU's. */
static void test_nvidia_piece_of__chain_of_another_maker__is_other(void **state)
{
	static const int values[] = {NV_RIM_SIGNER, NV_RIM_L3, NV_RIM_CA, NV_RIM_ROOT,
				     -1};

	(void)state;
	scene->chain = values;
	nvidia_scene_make(scene);
	assert_int_equal(nvidia_piece_of(wr_view(&scene->pem)), NVIDIA_PIECE_OTHER);
}

static void test_nvidia_material_take__cut_json__fails(void **state)
{
	(void)state;
	scene->json = true;
	nvidia_scene_make(scene);
	for (size_t size = 0; size < scene->evidence.size; size += 11) {
		struct block cut =
		    block_new((struct tobi_bytes){scene->evidence.ptr, size});

		assert_true(take(block_view(cut)) || material->device_count == 0);
		block_done(cut);
	}
	assert_int_equal(take(wr_view(&scene->evidence)), TOBI_OK);
	assert_int_equal(material->device_count, 1);
	assert_string_equal(material->devices[0].arch, "HOPPER");
}

static enum tobi_err take_text(const char *text)
{
	return take(text_bytes(text));
}

static void test_nvidia_material_take__wrong_json__fails(void **state)
{
	static const char *const wrong[] = {
	    "[{\"arch\":\"HOPPER\",\"evidence\":1,\"certificate\":\"\"}]",
	    "[{\"arch\":1,\"evidence\":\"\",\"certificate\":\"\"}]",
	    "[{\"arch\":\"HOPPER\",\"evidence\":\"*\",\"certificate\":\"\"}]",
	    "[{\"arch\":\"HOPPER\",\"evidence\":\"QQ\",\"certificate\":\"\"}]",
	    "[1, {\"arch\":\"HOPPER\",\"evidence\":\"\",\"certificate\":\"\"}]",
	    "{\"device_evidence_list\":[], \"arch\":\"\",\"evidence\":\"\","
	    "\"certificate\":\"\"}",
	    "{\"device_evidence_list\":7, \"arch\":\"\",\"evidence\":\"\","
	    "\"certificate\":\"\"}",
	    "[{\"arch\":\"HOPPER\",\"arch\":\"HOPPER\",\"evidence\":\"\","
	    "\"certificate\":\"\"}]",
	    "[{\"arch\":\"HOPPER\",\"evidence\":\"\",\"certificate\":\"\","
	    "\"nonce\":\"12\"}]",
	    "[{\"arch\":\"HOPPER\",\"evidence\":\"\",\"certificate\":\"\",\"nonce\":5}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(take_text(wrong[i]), TOBI_E_MALFORMED);
	/* A report that is none. */
	assert_int_equal(take_text("[{\"arch\":\"HOPPER\",\"evidence\":\"EQ==\","
				   "\"certificate\":\"\"}]"),
			 TOBI_E_TRUNCATED);
}

static void test_nvidia_material_take__too_many__limit(void **state)
{
	(void)state;
	nvidia_scene_make(scene);
	for (size_t i = 0; i < NVIDIA_DEVICES_MAX; i++)
		assert_int_equal(take(wr_view(&scene->evidence)), TOBI_OK);
	assert_int_equal(take(wr_view(&scene->evidence)), TOBI_E_LIMIT);
	for (size_t i = 0; i < NVIDIA_CHAINS_MAX; i++)
		assert_int_equal(take(wr_view(&scene->pem)), TOBI_OK);
	assert_int_equal(take(wr_view(&scene->pem)), TOBI_E_LIMIT);
	for (size_t i = 0; i < NVIDIA_RIMS_MAX; i++)
		assert_int_equal(take(wr_view(&scene->driver_xml)), TOBI_OK);
	assert_int_equal(take(wr_view(&scene->driver_xml)), TOBI_E_LIMIT);
	for (size_t i = 0; i < NVIDIA_ANSWERS_MAX; i++)
		assert_int_equal(take(wr_view(&scene->ocsp[NV_ROM])), TOBI_OK);
	assert_int_equal(take(wr_view(&scene->ocsp[NV_ROM])), TOBI_E_LIMIT);
	/* What came first went along each time that a list grew. */
	for (size_t i = 0; i < NVIDIA_DEVICES_MAX; i++)
		assert_non_null(material->devices[i].report.nonce.ptr);
	for (size_t i = 0; i < NVIDIA_ANSWERS_MAX; i++) {
		assert_ptr_equal(material->answers[i].bytes.ptr, scene->ocsp[NV_ROM].ptr);
		assert_memory_equal(material->answers[i].hash, material->answers[0].hash,
				    SHA256_SIZE);
	}
	assert_int_equal(material->rim_count, NVIDIA_RIMS_MAX);
	assert_ptr_equal(material->rims[0].bytes.ptr, scene->driver_xml.ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nvidia_piece_of__each_form__is_told,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_nvidia_piece_of__chain_of_another_maker__is_other, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(test_nvidia_material_take__cut_json__fails,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nvidia_material_take__wrong_json__fails,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nvidia_material_take__too_many__limit,
					    set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tee nvidia_evidence", tests, NULL, NULL);
}
