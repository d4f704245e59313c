/* The cache knows what was verified, for the time in which it holds, and nothing else. */
#include <pthread.h>

#include "pki/chain_cache.h"
#include "odd.h"

#define CA "critical,CA:TRUE"
#define NOT_CA "critical,CA:FALSE"

struct scene {
	struct odd odd[2];
	struct writer der[2], anchor;
	struct tobi_bytes list[1];
	struct chain_request request;
	struct chain_cache *cache;
};

static void scene_make(struct scene *scene, int64_t root_to, int64_t leaf_from)
{
	*scene = (struct scene){
	    .odd = {{"root", odd_key(KEY_P256), CA, "critical,keyCertSign"},
		    {"leaf", odd_key(KEY_P256), NOT_CA, "critical,digitalSignature"}}};
	scene->odd[0].to = root_to;
	scene->odd[1].from = leaf_from;
	odd_make(&scene->odd[0], NULL, NULL, &scene->der[0]);
	odd_make(&scene->odd[1], &scene->der[0], scene->odd[0].key, &scene->der[1]);
	scene->anchor = wr_init(LIMIT_PEM);
	assert_int_equal(chain_write_pem(wr_view(&scene->der[0]), &scene->anchor, NULL),
			 0);
	scene->list[0] = wr_view(&scene->der[1]);
	scene->request = (struct chain_request){.certificates = scene->list,
						.count = 1,
						.anchors_pem = wr_view(&scene->anchor),
						.time = NOW,
						.purpose = CHAIN_TLS_SERVER};
	scene->cache = chain_cache_new();
	assert_non_null(scene->cache);
}

static void scene_done(struct scene *scene)
{
	chain_cache_free(scene->cache);
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY_free(scene->odd[i].key);
		wr_done(&scene->der[i]);
	}
	wr_done(&scene->anchor);
}

static enum tobi_err verify(struct scene *scene)
{
	EVP_PKEY *key = NULL;
	enum tobi_err err =
	    chain_cache_verify(scene->cache, &scene->request, "thing", &key, NULL);

	EVP_PKEY_free(key);
	return err;
}

static bool knows(const struct scene *scene)
{
	EVP_PKEY *key = chain_cache_find(scene->cache, &scene->request);

	if (key)
		assert_int_equal(EVP_PKEY_eq(key, scene->odd[1].key), 1);
	EVP_PKEY_free(key);
	return key != NULL;
}

static void test_chain_cache__verified__is_known_within_the_chains_time(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene, NOW + 100, NOW - 50);
	assert_false(knows(&scene));
	assert_int_equal(verify(&scene), 0);
	assert_true(knows(&scene));
	/* The leaf starts later than its CA, the CA ends earlier than its leaf. */
	scene.request.time = NOW - 50;
	assert_true(knows(&scene));
	scene.request.time = NOW - 51;
	assert_false(knows(&scene));
	scene.request.time = NOW + 99;
	assert_true(knows(&scene));
	scene.request.time = NOW + 100;
	assert_false(knows(&scene));
	assert_int_equal(verify(&scene), TOBI_E_CERTIFICATE);
	scene_done(&scene);
}

static void test_chain_cache__refused__is_not_known(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene, NOW + 100, NOW - 50);
	scene.request.purpose = CHAIN_PLATFORM;
	assert_int_equal(verify(&scene), TOBI_E_CERTIFICATE);
	assert_false(knows(&scene));
	scene_done(&scene);
}

static void test_chain_cache__anything_else__is_another_chain(void **state)
{
	struct scene scene, other;
	struct tobi_bytes two[2];

	(void)state;
	scene_make(&scene, NOW + 100, NOW - 50);
	scene_make(&other, NOW + 100, NOW - 50);
	assert_int_equal(verify(&scene), 0);
	scene.request.purpose = CHAIN_TLS_CLIENT;
	assert_false(knows(&scene));
	scene.request.purpose = CHAIN_TLS_SERVER;
	scene.request.anchors_pem = wr_view(&other.anchor);
	assert_false(knows(&scene));
	scene.request.anchors_pem = wr_view(&scene.anchor);
	scene.list[0] = wr_view(&other.der[1]);
	assert_false(knows(&scene));
	scene.list[0] = wr_view(&scene.der[1]);
	two[0] = scene.list[0];
	two[1] = wr_view(&scene.der[0]);
	scene.request.certificates = two;
	scene.request.count = 2;
	assert_false(knows(&scene));
	scene.request.certificates = scene.list;
	scene.request.count = 1;
	scene.request.host_name = "leaf.example";
	assert_false(knows(&scene));
	scene.request.host_name = NULL;
	assert_true(knows(&scene));
	scene_done(&scene);
	scene_done(&other);
}

static void test_chain_cache__full__the_oldest_goes(void **state)
{
	enum { MANY = 256 };
	struct scene scene;

	(void)state;
	scene_make(&scene, NOW + 100, NOW - 50);
	assert_int_equal(verify(&scene), 0);
	for (size_t i = 0; i < MANY; i++) {
		struct scene next;

		assert_true(knows(&scene));
		scene_make(&next, NOW + 100, NOW - 50);
		chain_cache_free(next.cache);
		next.cache = scene.cache;
		assert_int_equal(verify(&next), 0);
		assert_true(knows(&next));
		next.cache = NULL;
		scene_done(&next);
	}
	assert_false(knows(&scene));
	scene_done(&scene);
}

static void *hammer(void *context)
{
	for (size_t i = 0; i < 200; i++) {
		assert_int_equal(verify(context), 0);
		assert_true(knows(context));
	}
	return NULL;
}

static void test_chain_cache__many_threads(void **state)
{
	pthread_t threads[4];
	struct scene scene;

	(void)state;
	scene_make(&scene, NOW + 100, NOW - 50);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &scene), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	scene_done(&scene);
}

static void test_chain_cache__none__verifies_all_the_same(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene, NOW + 100, NOW - 50);
	chain_cache_free(scene.cache);
	scene.cache = NULL;
	assert_int_equal(verify(&scene), 0);
	assert_false(knows(&scene));
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chain_cache__verified__is_known_within_the_chains_time),
	    cmocka_unit_test(test_chain_cache__refused__is_not_known),
	    cmocka_unit_test(test_chain_cache__anything_else__is_another_chain),
	    cmocka_unit_test(test_chain_cache__full__the_oldest_goes),
	    cmocka_unit_test(test_chain_cache__many_threads),
	    cmocka_unit_test(test_chain_cache__none__verifies_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
