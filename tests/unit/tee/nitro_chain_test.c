/* What is remembered of a chain, and for how long. */
#include "tee/nitro_chain.h"

#include "tests/bytes.h"
#include "tests/nitro_scene.h"

enum { HOUR = 3600 };

struct scene {
	struct test_nitro nitro;
	struct writer bytes;
	struct nitro_document document;
	struct key_pins pins;
	struct memo *memo;
};

static void write(struct scene *scene)
{
	wr_done(&scene->bytes);
	scene->bytes = wr_init(LIMIT_NITRO);
	test_nitro_document(&scene->nitro, &scene->bytes);
	assert_int_equal(
	    nitro_document_parse(wr_view(&scene->bytes), &scene->document, NULL), 0);
}

static void make(struct scene *scene)
{
	*scene = (struct scene){.memo = memo_new(), .pins = {.count = 1}};
	assert_non_null(scene->memo);
	test_nitro_make(&scene->nitro, NITRO_ENCLAVE);
	assert_int_equal(key_spki_sha256(scene->nitro.certificates[NITRO_ROOT].key,
					 scene->pins.keys[0], NULL),
			 0);
	write(scene);
}

static void done(struct scene *scene)
{
	memo_free(scene->memo);
	wr_done(&scene->bytes);
	test_nitro_done(&scene->nitro);
}

static struct nitro_chain *get(struct scene *scene)
{
	struct nitro_chain *chain = NULL;

	assert_int_equal(
	    nitro_chain_get(&scene->document, &scene->pins, scene->memo, &chain, NULL),
	    0);
	return chain;
}

/* The same object is the remembered one. */
static bool is_remembered(struct scene *scene)
{
	struct nitro_chain *first = get(scene), *second = get(scene);
	bool same = first == second;

	memo_unref(&first->head);
	memo_unref(&second->head);
	return same;
}

static void test_nitro_chain_get__again__is_remembered(void **state)
{
	struct nitro_chain *chain;
	struct scene scene;

	(void)state;
	make(&scene);
	chain = get(&scene);
	assert_string_equal(chain->path, "");
	assert_string_equal(chain->name, "i-0123-enc4567.test.aws");
	assert_int_equal(chain->window.not_before, NITRO_NOW - HOUR);
	assert_int_equal(chain->window.not_after, NITRO_NOW + 2 * HOUR);
	memo_unref(&chain->head);
	assert_true(is_remembered(&scene));
	done(&scene);
}

static void test_nitro_chain_get__at_a_time_outside__is_refused_again(void **state)
{
	struct nitro_chain *chain;
	struct scene scene;

	(void)state;
	make(&scene);
	assert_true(is_remembered(&scene));
	scene.document.timestamp = (uint64_t)(NITRO_NOW + 2 * HOUR) * 1000;
	chain = get(&scene);
	assert_string_not_equal(chain->path, "");
	memo_unref(&chain->head);
	scene.document.timestamp = (uint64_t)(NITRO_NOW - HOUR) * 1000 - 1;
	chain = get(&scene);
	assert_string_not_equal(chain->path, "");
	memo_unref(&chain->head);
	done(&scene);
}

static void test_nitro_chain_get__under_other_pins__is_another(void **state)
{
	struct nitro_chain *chain;
	struct scene scene;

	(void)state;
	make(&scene);
	assert_true(is_remembered(&scene));
	scene.pins.keys[0][0] ^= 1;
	chain = get(&scene);
	assert_string_not_equal(chain->path, "");
	memo_unref(&chain->head);
	scene.pins.count = 0;
	chain = get(&scene);
	assert_string_not_equal(chain->path, "");
	memo_unref(&chain->head);
	done(&scene);
}

static void test_nitro_chain_get__in_another_order__is_another(void **state)
{
	struct nitro_chain *chain;
	struct scene scene;

	(void)state;
	make(&scene);
	assert_true(is_remembered(&scene));
	scene.nitro.bundle[0] = NITRO_REGION;
	scene.nitro.bundle[1] = NITRO_ROOT;
	write(&scene);
	chain = get(&scene);
	assert_string_equal(chain->path, "");
	assert_string_not_equal(chain->order, "");
	memo_unref(&chain->head);
	done(&scene);
}

static void is_not_kept(void (*change)(struct test_nitro *))
{
	struct scene scene;

	make(&scene);
	change(&scene.nitro);
	write(&scene);
	assert_false(is_remembered(&scene));
	done(&scene);
}

static void swap_two(struct test_nitro *nitro)
{
	nitro->bundle[1] = NITRO_ZONE;
	nitro->bundle[2] = NITRO_REGION;
}
static void drop_one(struct test_nitro *nitro)
{
	nitro->bundle[3] = -1;
}
static void weaken(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_LEAF].usage = "keyAgreement";
}

static void test_nitro_chain_get__a_wrong_one__is_not_remembered(void **state)
{
	(void)state;
	is_not_kept(swap_two);
	is_not_kept(drop_one);
	is_not_kept(weaken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nitro_chain_get__again__is_remembered),
	    cmocka_unit_test(test_nitro_chain_get__at_a_time_outside__is_refused_again),
	    cmocka_unit_test(test_nitro_chain_get__under_other_pins__is_another),
	    cmocka_unit_test(test_nitro_chain_get__in_another_order__is_another),
	    cmocka_unit_test(test_nitro_chain_get__a_wrong_one__is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
