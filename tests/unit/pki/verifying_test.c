/* What is set up once verifies what its key signed, again and again, and nothing else. */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "pki/verifying.h"
#include "tests/bytes.h"

enum { THREADS = 4, TIMES = 50 };

struct scene {
	EVP_PKEY *key;
	struct verifying verifying;
	uint8_t signature[512];
	size_t size;
};

static const char message[] = "what is signed";

static struct scene sign(EVP_PKEY *key, enum verifying_scheme scheme, const EVP_MD *hash)
{
	struct scene scene = {.key = key, .size = sizeof(scene.signature)};
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = NULL;

	assert_int_equal(EVP_DigestSignInit(md, &context, hash, NULL, key), 1);
	if (scheme == VERIFYING_RSAPSS)
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(EVP_DigestSign(md, scene.signature, &scene.size,
					(const uint8_t *)message, sizeof(message)),
			 1);
	EVP_MD_CTX_free(md);
	assert_int_equal(verifying_make(key, scheme, hash, &scene.verifying, NULL), 0);
	assert_true(verifying_is(&scene.verifying, scheme, hash));
	return scene;
}

static void scene_done(struct scene *scene)
{
	verifying_done(&scene->verifying);
	EVP_PKEY_free(scene->key);
}

static bool holds(const struct scene *scene, const char *text, size_t size)
{
	return verifying_holds(&scene->verifying,
			       (struct tobi_bytes){scene->signature, scene->size},
			       (struct tobi_bytes){(const uint8_t *)text, size});
}

static void test_verifying_holds__each_scheme__again_and_again(void **state)
{
	struct scene scenes[] = {
	    sign(EVP_RSA_gen(2048), VERIFYING_RSASSA, EVP_sha256()),
	    sign(EVP_RSA_gen(2048), VERIFYING_RSAPSS, EVP_sha384()),
	    sign(EVP_EC_gen("P-256"), VERIFYING_ECDSA, EVP_sha256()),
	    sign(EVP_EC_gen("P-384"), VERIFYING_ECDSA, EVP_sha384()),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		assert_true(holds(&scenes[i], message, sizeof(message)));
		/* What did not hold leaves no trace in it. */
		assert_false(holds(&scenes[i], message, sizeof(message) - 1));
		assert_false(holds(&scenes[i], "What is signed", sizeof(message)));
		assert_true(holds(&scenes[i], message, sizeof(message)));
		for (size_t j = 0; j < scenes[i].size; j++) {
			scenes[i].signature[j] ^= 1;
			assert_false(holds(&scenes[i], message, sizeof(message)));
			scenes[i].signature[j] ^= 1;
		}
		scenes[i].size--;
		assert_false(holds(&scenes[i], message, sizeof(message)));
		scene_done(&scenes[i]);
	}
	ERR_clear_error();
}

static void test_verifying_holds__another_key_or_scheme__false(void **state)
{
	struct scene one = sign(EVP_RSA_gen(2048), VERIFYING_RSASSA, EVP_sha256());
	struct scene other = sign(EVP_RSA_gen(2048), VERIFYING_RSASSA, EVP_sha256());
	struct verifying pss = {0}, longer = {0};
	struct tobi_bytes signature = {one.signature, one.size};
	struct tobi_bytes bytes = {(const uint8_t *)message, sizeof(message)};

	(void)state;
	assert_int_equal(
	    verifying_make(one.key, VERIFYING_RSAPSS, EVP_sha256(), &pss, NULL), 0);
	assert_int_equal(
	    verifying_make(one.key, VERIFYING_RSASSA, EVP_sha384(), &longer, NULL), 0);
	assert_true(verifying_holds(&one.verifying, signature, bytes));
	assert_false(verifying_holds(&other.verifying, signature, bytes));
	assert_false(verifying_holds(&pss, signature, bytes));
	assert_false(verifying_holds(&longer, signature, bytes));
	assert_false(verifying_is(&one.verifying, VERIFYING_RSAPSS, EVP_sha256()));
	assert_false(verifying_is(&one.verifying, VERIFYING_RSASSA, EVP_sha384()));
	verifying_done(&pss);
	verifying_done(&longer);
	scene_done(&one);
	scene_done(&other);
	ERR_clear_error();
}

static void test_verifying_make__key_of_another_kind__crypto(void **state)
{
	struct scene rsa = sign(EVP_RSA_gen(2048), VERIFYING_RSASSA, EVP_sha256());
	struct verifying none = {0};

	(void)state;
	assert_int_equal(
	    verifying_make(rsa.key, VERIFYING_ECDSA, EVP_sha256(), &none, NULL),
	    TOBI_E_CRYPTO);
	assert_null(none.context);
	assert_false(verifying_is(&none, VERIFYING_ECDSA, NULL));
	assert_false(verifying_is(NULL, VERIFYING_ECDSA, NULL));
	assert_false(verifying_holds(&none, (struct tobi_bytes){rsa.signature, rsa.size},
				     text_bytes(message)));
	assert_false(
	    verifying_holds(&rsa.verifying, (struct tobi_bytes){0}, text_bytes(message)));
	verifying_done(&none);
	scene_done(&rsa);
}

static void test_verifying_usual__by_the_kind_of_key(void **state)
{
	EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256"), EVP_EC_gen("P-384"),
			    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	struct verifying made[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		made[i] = verifying_usual(keys[i]);
	assert_true(verifying_is(&made[0], VERIFYING_RSASSA, EVP_sha256()));
	assert_true(verifying_is(&made[1], VERIFYING_ECDSA, EVP_sha256()));
	assert_true(verifying_is(&made[2], VERIFYING_ECDSA, EVP_sha384()));
	assert_null(made[3].context);
	for (size_t i = 0; i < 4; i++) {
		verifying_done(&made[i]);
		EVP_PKEY_free(keys[i]);
	}
}

static void *verify_many(void *context)
{
	const struct scene *scene = context;
	size_t good = 0;

	for (int i = 0; i < TIMES; i++) {
		good += holds(scene, message, sizeof(message));
		good += !holds(scene, message, sizeof(message) - 1);
	}
	ERR_clear_error();
	return (void *)good;
}

static void test_verifying_holds__many_threads__each_its_own(void **state)
{
	struct scene scene = sign(EVP_EC_gen("P-256"), VERIFYING_ECDSA, EVP_sha256());
	pthread_t threads[THREADS];
	void *good = NULL;

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_many, &scene),
				 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &good), 0);
		assert_int_equal((size_t)good, 2 * TIMES);
	}
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verifying_holds__each_scheme__again_and_again),
	    cmocka_unit_test(test_verifying_holds__another_key_or_scheme__false),
	    cmocka_unit_test(test_verifying_make__key_of_another_kind__crypto),
	    cmocka_unit_test(test_verifying_usual__by_the_kind_of_key),
	    cmocka_unit_test(test_verifying_holds__many_threads__each_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
