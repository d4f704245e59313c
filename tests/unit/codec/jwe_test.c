#include "codec/jwe.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "tests/bytes.h"
#include "tests/jwe_open.h"

/* The known answer that Confidential Containers' clients open, too. */
static const char private_number[] =
    "c4b8650808fdbc63b3d881cf5b6d5c4e4774760bccf6d6e1d5065d1625ce8745";
static const char point_x[] = "rOy3DyWZGju2zGna07LFolgPlokBDrgF-JENNSyLD-c";
static const char point_y[] = "W2G4oFImrmBHkuETU0CjwzVmX5bx3Ho7BlnqhAbbJHc";
static const char ephemeral_number[] =
    "9ed2bc355f7520eb18a7dc84d23f01eca1a0c0a2613e28cb4cb788570063a7fa";
static const char answer[] =
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsi"
    "Y3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJFWEpNcHRESUlESE1UVGhmQUZGXzkxRGdRSUlLMjc4b1"
    "FlWWlyN0s1bm00IiwieSI6ImpIcUkzRVF4OGFheklGck4xd05MR0VwTWE5ZkVERmdLVnd1aHBsdFVYUEEi"
    "fX0\",\"encrypted_key\":\"1P1AVI5WjXYSk99nTxHzaogHXLVbBj7ehLOX8qhYbFgxjlZ1Qe8oXg\""
    ",\"iv\":\"AAECAwQFBgcICQoL\",\"ciphertext\":\"NGe1aaCR\",\"tag\":"
    "\"d5TkfY0KJYHUSpwq1p731w\"}";

static EVP_PKEY *p256(const char *number, const char *x_text, const char *y_text)
{
	struct writer x = wr_init(66), y = wr_init(66);
	struct block d = block_unhex(number);
	EVP_PKEY *key;

	assert_int_equal(base64url_read(text_bytes(x_text), "x", &x, NULL), 0);
	assert_int_equal(base64url_read(text_bytes(y_text), "y", &y, NULL), 0);
	key = jwe_open_key("prime256v1", block_view(d), wr_view(&x), wr_view(&y));
	block_done(d);
	wr_done(&x);
	wr_done(&y);
	return key;
}

/* The ephemeral point is not given by whoever wrote the answer down: it is worked out. */
static EVP_PKEY *ephemeral_of_answer(void)
{
	json_t *json = json_loads(answer, 0, NULL);
	struct writer header = wr_init(4096), x = wr_init(66), y = wr_init(66);
	struct block d = block_unhex(ephemeral_number);
	json_t *inner;
	EVP_PKEY *key;

	assert_true(jwe_open_member(json, "protected", &header));
	inner = json_loadb((const char *)header.ptr, header.size, 0, NULL);
	assert_true(jwe_open_member(json_object_get(inner, "epk"), "x", &x));
	assert_true(jwe_open_member(json_object_get(inner, "epk"), "y", &y));
	key = jwe_open_key("prime256v1", block_view(d), wr_view(&x), wr_view(&y));
	json_decref(inner);
	json_decref(json);
	block_done(d);
	wr_done(&header);
	wr_done(&x);
	wr_done(&y);
	return key;
}

static void test_jwe_write__known_answer__same_bytes(void **state)
{
	EVP_PKEY *receiver = p256(private_number, point_x, point_y);
	struct jwe_fresh fresh = {.ephemeral = ephemeral_of_answer()};
	struct writer out = wr_init(4096);

	(void)state;
	for (uint8_t i = 0; i < JWE_KEY_SIZE; i++)
		fresh.key[i] = i;
	for (uint8_t i = 0; i < JWE_IV_SIZE; i++)
		fresh.iv[i] = i;
	assert_int_equal(jwe_write(receiver, &fresh, text_bytes("secret"), &out, NULL),
			 0);
	assert_bytes_equal(wr_view(&out), text_bytes(answer));
	wr_done(&out);
	EVP_PKEY_free(fresh.ephemeral);
	EVP_PKEY_free(receiver);
}

static void test_jwe_open__known_answer__opened(void **state)
{
	EVP_PKEY *receiver = p256(private_number, point_x, point_y);
	struct writer out = wr_init(64);

	(void)state;
	assert_true(jwe_open(text_bytes(answer), receiver, &out));
	assert_bytes_equal(wr_view(&out), text_bytes("secret"));
	wr_done(&out);
	EVP_PKEY_free(receiver);
}

static EVP_PKEY *receiver_at(size_t index)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521"};

	return index < 3 ? EVP_EC_gen(curves[index]) : EVP_RSA_gen(2048);
}

static const char *const algorithms[] = {"ECDH-ES+A256KW", "ECDH-ES+A256KW",
					 "ECDH-ES+A256KW", "RSA-OAEP-256"};

static void test_jwe_encrypt__each_kind_of_key__opened_by_it_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		EVP_PKEY *receiver = receiver_at(i), *other = receiver_at(i);
		struct writer message = wr_init(1 << 16), plain = wr_init(64);

		assert_string_equal(jwe_algorithm(receiver), algorithms[i]);
		assert_int_equal(
		    jwe_encrypt(receiver, text_bytes("of this key"), &message, NULL), 0);
		assert_true(jwe_open(wr_view(&message), receiver, &plain));
		assert_bytes_equal(wr_view(&plain), text_bytes("of this key"));
		assert_false(jwe_open(wr_view(&message), other, &plain));
		wr_done(&plain);
		wr_done(&message);
		EVP_PKEY_free(receiver);
		EVP_PKEY_free(other);
	}
}

/* Nothing of one message is in the next: key, ephemeral key, IV. */
static void test_jwe_encrypt__twice__nothing_is_the_same(void **state)
{
	static const char *const members[] = {"protected", "encrypted_key", "iv",
					      "ciphertext", "tag"};
	EVP_PKEY *receiver = receiver_at(0);
	json_t *json[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct writer message = wr_init(4096);

		assert_int_equal(
		    jwe_encrypt(receiver, text_bytes("the same"), &message, NULL), 0);
		json[i] = json_loadb((const char *)message.ptr, message.size, 0, NULL);
		assert_non_null(json[i]);
		wr_done(&message);
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_string_not_equal(
		    json_string_value(json_object_get(json[0], members[i])),
		    json_string_value(json_object_get(json[1], members[i])));
	json_decref(json[0]);
	json_decref(json[1]);
	EVP_PKEY_free(receiver);
}

static void test_jwe_encrypt__no_content__opened_as_none(void **state)
{
	EVP_PKEY *receiver = receiver_at(1);
	struct writer message = wr_init(4096), plain = wr_init(64);

	(void)state;
	assert_int_equal(jwe_encrypt(receiver, (struct tobi_bytes){0}, &message, NULL),
			 0);
	assert_true(jwe_open(wr_view(&message), receiver, &plain));
	assert_int_equal(plain.size, 0);
	wr_done(&plain);
	wr_done(&message);
	EVP_PKEY_free(receiver);
}

static void test_jwe_encrypt__at_and_over_the_limit__refused_over(void **state)
{
	EVP_PKEY *receiver = receiver_at(0);
	uint8_t *big = calloc(1, LIMIT_SECRET + 1);
	struct writer message = wr_init(2 * LIMIT_SECRET);
	struct tobi_fault fault = {0};

	(void)state;
	assert_non_null(big);
	assert_int_equal(jwe_encrypt(receiver, (struct tobi_bytes){big, LIMIT_SECRET},
				     &message, &fault),
			 0);
	assert_int_equal(jwe_encrypt(receiver, (struct tobi_bytes){big, LIMIT_SECRET + 1},
				     &message, &fault),
			 TOBI_E_LIMIT);
	wr_done(&message);
	free(big);
	EVP_PKEY_free(receiver);
}

static void test_jwe_encrypt__no_room__limit_and_no_half_message(void **state)
{
	EVP_PKEY *receiver = receiver_at(0);
	struct writer message = wr_init(100);

	(void)state;
	assert_int_equal(jwe_encrypt(receiver, text_bytes("x"), &message, NULL),
			 TOBI_E_LIMIT);
	wr_done(&message);
	EVP_PKEY_free(receiver);
}

static void test_jwe_encrypt__other_keys__unsupported(void **state)
{
	EVP_PKEY *keys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
			    EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
			    EVP_EC_gen("secp256k1"), EVP_RSA_gen(1024)};
	struct writer message = wr_init(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_non_null(keys[i]);
		assert_null(jwe_algorithm(keys[i]));
		assert_int_equal(jwe_encrypt(keys[i], text_bytes("x"), &message, NULL),
				 TOBI_E_UNSUPPORTED);
		assert_int_equal(message.size, 0);
		EVP_PKEY_free(keys[i]);
	}
	wr_done(&message);
}

static void test_jwe_write__ephemeral_of_another_curve__crypto(void **state)
{
	EVP_PKEY *receiver = receiver_at(0);
	struct jwe_fresh fresh = {.ephemeral = receiver_at(1)};
	struct writer message = wr_init(4096);

	(void)state;
	assert_int_equal(jwe_write(receiver, &fresh, text_bytes("x"), &message, NULL),
			 TOBI_E_CRYPTO);
	wr_done(&message);
	EVP_PKEY_free(fresh.ephemeral);
	EVP_PKEY_free(receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_jwe_write__known_answer__same_bytes),
	    cmocka_unit_test(test_jwe_open__known_answer__opened),
	    cmocka_unit_test(test_jwe_encrypt__each_kind_of_key__opened_by_it_alone),
	    cmocka_unit_test(test_jwe_encrypt__twice__nothing_is_the_same),
	    cmocka_unit_test(test_jwe_encrypt__no_content__opened_as_none),
	    cmocka_unit_test(test_jwe_encrypt__at_and_over_the_limit__refused_over),
	    cmocka_unit_test(test_jwe_encrypt__no_room__limit_and_no_half_message),
	    cmocka_unit_test(test_jwe_encrypt__other_keys__unsupported),
	    cmocka_unit_test(test_jwe_write__ephemeral_of_another_curve__crypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
