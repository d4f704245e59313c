/* Reference values of NVIDIA and OCSP answers among collateral: known by their content,
 * and carried by a bundle. */
#include <stdlib.h>

#include "collateral/bundle.h"
#include "collateral/collateral.h"
#include "tests/bytes.h"
#include "tests/nvidia_scene.h"

static struct nvidia_scene *scene;
static struct tobi_collateral *set;

static int set_up(void **state)
{
	(void)state;
	scene = calloc(1, sizeof(*scene));
	nvidia_scene_init(scene);
	nvidia_scene_make(scene);
	set = tobi_collateral_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nvidia_scene_done(scene);
	free(scene);
	tobi_collateral_free(set);
	return 0;
}

static enum tobi_err add(struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	enum tobi_err err = tobi_collateral_add(set, block_view(block), "a file", NULL);

	block_done(block);
	return err;
}

static void is(size_t index, enum collateral_kind kind, const char *name)
{
	const struct collateral_item *item = collateral_at(set, index);

	assert_non_null(item);
	assert_int_equal(item->kind, kind);
	assert_string_equal(item->name, name);
}

static void test_detect_nvidia__rim_and_answer__are_known(void **state)
{
	int64_t issued, next;

	(void)state;
	assert_int_equal(add(wr_view(&scene->driver_xml)), 0);
	assert_int_equal(add(wr_view(&scene->vbios_xml)), 0);
	assert_int_equal(add(wr_view(&scene->ocsp[NV_ROM])), 0);
	assert_int_equal(add(wr_view(&scene->ocsp[NV_ROM])), 0);
	assert_int_equal(collateral_count(set), 3);
	is(0, COLLATERAL_NVIDIA_RIM, "550.90.07");
	is(1, COLLATERAL_NVIDIA_RIM, "96.00.9F.00.01");
	is(2, COLLATERAL_OCSP, "0000000000001003");
	assert_string_equal(collateral_kind_name(COLLATERAL_NVIDIA_RIM), "nvidia-rim");
	assert_string_equal(collateral_kind_name(COLLATERAL_OCSP), "ocsp");
	collateral_dates(collateral_at(set, 2), &issued, &next);
	assert_int_equal(issued, NV_NOW - NV_HOUR);
	assert_int_equal(next, NV_NOW + NV_DAY);
}

static void test_detect_nvidia__odd_version__has_no_name(void **state)
{
	(void)state;
	assert_int_equal(
	    add(text_bytes(
		"<SoftwareIdentity colloquialVersion=\"12345678901234567\"/>")),
	    0);
	assert_int_equal(add(text_bytes("<SoftwareIdentity colloquialVersion=\"1 2\"/>")),
			 0);
	assert_int_equal(add(text_bytes("<SoftwareIdentity colloquialVersion=\"1")), 0);
	is(0, COLLATERAL_NVIDIA_RIM, "");
	is(1, COLLATERAL_NVIDIA_RIM, "");
	is(2, COLLATERAL_NVIDIA_RIM, "1");
}

static void test_detect_nvidia__cut_or_longer_answer__fails(void **state)
{
	struct writer *answer = &scene->ocsp[NV_ROM];

	(void)state;
	for (size_t size = 5; size < answer->size; size += 13)
		assert_int_not_equal(add((struct tobi_bytes){answer->ptr, size}), 0);
	wr_u8(answer, 0);
	assert_int_equal(add(wr_view(answer)), TOBI_E_TRAILING);
	assert_int_equal(add(text_bytes("<html/>")), TOBI_E_UNSUPPORTED);
	assert_int_equal(collateral_count(set), 0);
}

static void test_detect_nvidia__in_a_bundle__is_carried(void **state)
{
	struct tobi_collateral *read = tobi_collateral_new();
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct writer bundle = wr_init(LIMIT_BUNDLE);

	(void)state;
	assert_int_equal(add(wr_view(&scene->driver_xml)), 0);
	assert_int_equal(add(wr_view(&scene->ocsp[NV_ROM])), 0);
	assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
	assert_int_equal(bundle_write(set, key, NV_NOW, &bundle, NULL), 0);
	assert_int_equal(tobi_collateral_add(read, wr_view(&bundle), "bundle", NULL), 0);
	assert_int_equal(collateral_count(read), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct collateral_item *item = collateral_at(read, i);

		assert_true(item->bundled);
		assert_int_equal(item->kind, i ? COLLATERAL_OCSP : COLLATERAL_NVIDIA_RIM);
		assert_string_equal(item->name, collateral_at(set, i)->name);
		assert_bytes_equal(item->data, collateral_at(set, i)->data);
	}
	wr_done(&bundle);
	tobi_collateral_free(read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_detect_nvidia__rim_and_answer__are_known,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_detect_nvidia__odd_version__has_no_name,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_detect_nvidia__cut_or_longer_answer__fails, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_detect_nvidia__in_a_bundle__is_carried,
					    set_up, tear_down),
	};

	return cmocka_run_group_tests_name("collateral detect_nvidia", tests, NULL, NULL);
}
