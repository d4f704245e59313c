/* Signatures of two numbers: the right one holds, and no other does. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "pki/signature.h"
#include "odd.h"

enum { HALF_MAX = 48, POINT_MAX = 1 + 2 * HALF_MAX };

struct signer {
	EVP_PKEY *key;
	size_t half;
	uint8_t raw[2 * HALF_MAX];
	uint8_t point[POINT_MAX]; /* 04 x y */
};

static const char message_text[] = "what is signed";

static void split(const uint8_t *der, size_t size, size_t half, uint8_t *raw)
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);

	assert_non_null(signature);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + half, (int)half);
	ECDSA_SIG_free(signature);
}

static void sign(EVP_PKEY *key, const EVP_MD *digest, size_t half, uint8_t *raw)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[200];
	size_t size = sizeof(der);

	assert_int_equal(EVP_DigestSignInit(md, NULL, digest, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, der, &size, (const uint8_t *)message_text,
					sizeof(message_text) - 1),
			 1);
	split(der, size, half, raw);
	EVP_MD_CTX_free(md);
}

static struct signer signer_new(enum key_kind kind)
{
	struct signer signer = {odd_key(kind), kind == KEY_P256 ? 32 : 48, {0}, {0}};
	size_t size;

	sign(signer.key, kind == KEY_P256 ? EVP_sha256() : EVP_sha384(), signer.half,
	     signer.raw);
	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     signer.key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, signer.point,
			     sizeof(signer.point), &size),
			 1);
	assert_int_equal(size, 1 + 2 * signer.half);
	return signer;
}

static bool holds(const struct signer *signer)
{
	return ec_signature_holds(signer->key, text_bytes(message_text),
				  (struct tobi_bytes){signer->raw, 2 * signer->half});
}

static enum tobi_err read_point(const struct signer *signer, EVP_PKEY **ret_key)
{
	return ec_key_read(signer->half == 32 ? KEY_P256 : KEY_P384,
			   (struct tobi_bytes){signer->point + 1, 2 * signer->half},
			   "thing", ret_key, NULL);
}

static const enum key_kind kinds[] = {KEY_P256, KEY_P384};
#define FOR_BOTH(signer)                                                                 \
	for (size_t i_ = 0; i_ < 2; i_++)                                                \
		for (struct signer signer = signer_new(kinds[i_]); signer.key;           \
		     EVP_PKEY_free(signer.key), signer.key = NULL)

static void test_ec_signature__good__holds_for_the_key_and_its_point(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		EVP_PKEY *key = NULL;

		assert_true(holds(&signer));
		assert_int_equal(read_point(&signer, &key), TOBI_OK);
		assert_int_equal(EVP_PKEY_eq(key, signer.key), 1);
		EVP_PKEY_free(signer.key);
		signer.key = key;
		assert_true(holds(&signer));
	}
}

static void test_ec_signature__any_bit_changed__does_not_hold(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		for (size_t bit = 0; bit < 16 * signer.half; bit += 13) {
			signer.raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(holds(&signer));
			signer.raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(holds(&signer));
	}
}

static void test_ec_signature__another_message_or_key__does_not_hold(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		struct signer other = signer_new(kinds[i_]);
		struct tobi_bytes raw = {signer.raw, 2 * signer.half};

		assert_false(ec_signature_holds(signer.key,
						text_bytes("what is not signed"), raw));
		assert_false(ec_signature_holds(signer.key, (struct tobi_bytes){0}, raw));
		assert_false(
		    ec_signature_holds(other.key, text_bytes(message_text), raw));
		EVP_PKEY_free(other.key);
	}
}

static void test_ec_signature_by__what_was_set_up__only_its_own(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		const struct verifying none = {0};
		struct verifying verifying = verifying_usual(signer.key);
		struct tobi_bytes raw = {signer.raw, 2 * signer.half};
		struct tobi_bytes message = text_bytes(message_text);

		assert_true(ec_signature_holds_by(&verifying, message, raw));
		assert_true(ec_signature_holds_by(&verifying, message, raw));
		assert_false(ec_signature_holds_by(&none, message, raw));
		assert_false(ec_signature_holds_by(
		    &verifying, text_bytes("what is not signed"), raw));
		assert_false(
		    ec_signature_holds_by(&verifying, message, (struct tobi_bytes){0}));
		raw.size--;
		assert_false(ec_signature_holds_by(&verifying, message, raw));
		raw.size -= 31;
		assert_false(ec_signature_holds_by(&verifying, message, raw));
		raw.size = 2 * signer.half;
		signer.raw[3] ^= 1;
		assert_false(ec_signature_holds_by(&verifying, message, raw));
		verifying_done(&verifying);
	}
}

/* The number of a curve's points, into half bytes. */
static void order_of(const struct signer *signer, uint8_t *out)
{
	BIGNUM *order = NULL;

	assert_int_equal(
	    EVP_PKEY_get_bn_param(signer->key, OSSL_PKEY_PARAM_EC_ORDER, &order), 1);
	assert_int_equal(BN_bn2binpad(order, out, (int)signer->half), (int)signer->half);
	BN_free(order);
}

static void test_ec_signature__zero_or_too_large__does_not_hold(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		uint8_t order[HALF_MAX], good[2 * HALF_MAX];

		order_of(&signer, order);
		bytes_copy(good, sizeof(good), signer.raw, sizeof(good));
		for (size_t at = 0; at <= signer.half; at += signer.half) {
			uint8_t *number = signer.raw + at;

			for (size_t i = 0; i < signer.half; i++)
				number[i] = 0;
			assert_false(holds(&signer));
			bytes_copy(number, signer.half, order, signer.half);
			assert_false(holds(&signer));
			for (size_t i = 0; i < signer.half; i++)
				number[i] = 0xff;
			assert_false(holds(&signer));
			bytes_copy(signer.raw, sizeof(signer.raw), good, sizeof(good));
		}
		for (size_t i = 0; i < sizeof(signer.raw); i++)
			signer.raw[i] = 0;
		assert_false(holds(&signer));
	}
}

static void test_ec_signature__other_size__does_not_hold(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		uint8_t raw[2 * HALF_MAX + 2] = {0};

		bytes_copy(raw, sizeof(raw), signer.raw, 2 * signer.half);
		for (size_t size = 0; size <= sizeof(raw); size++)
			assert_true(ec_signature_holds(signer.key,
						       text_bytes(message_text),
						       (struct tobi_bytes){raw, size}) ==
				    (size == 2 * signer.half));
	}
}

/* The other's size, with its key's numbers filled up in front. */
static void test_ec_signature__padded_to_the_other_curve__does_not_hold(void **state)
{
	struct signer small = signer_new(KEY_P256);
	uint8_t raw[2 * HALF_MAX] = {0};

	(void)state;
	bytes_copy(raw + 16, 32, small.raw, 32);
	bytes_copy(raw + 64, 32, small.raw + 32, 32);
	assert_false(ec_signature_holds(small.key, text_bytes(message_text),
					(struct tobi_bytes){raw, sizeof(raw)}));
	EVP_PKEY_free(small.key);
}

static void test_ec_signature__other_curve_of_that_size__does_not_hold(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("secp256k1");
	EVP_PKEY *edwards = odd_key(KEY_ED25519);
	uint8_t raw[64];

	(void)state;
	assert_non_null(key);
	sign(key, EVP_sha256(), 32, raw);
	assert_false(ec_signature_holds(key, text_bytes(message_text),
					(struct tobi_bytes){raw, sizeof(raw)}));
	assert_false(ec_signature_holds(edwards, text_bytes(message_text),
					(struct tobi_bytes){raw, sizeof(raw)}));
	EVP_PKEY_free(key);
	EVP_PKEY_free(edwards);
}

/* A failed reading leaves what was there. */
static void no_point(const struct signer *signer)
{
	EVP_PKEY *key = signer->key;

	assert_int_equal(read_point(signer, &key), TOBI_E_MALFORMED);
	assert_ptr_equal(key, signer->key);
}

static void test_ec_key_read__off_the_curve__malformed(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		uint8_t *point = signer.point + 1;

		for (size_t bit = 0; bit < 16 * signer.half; bit += 61) {
			point[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* Half of all x have a y, but not this one. */
			no_point(&signer);
			point[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t i = 0; i < 2 * signer.half; i++)
			point[i] = 0;
		no_point(&signer);
		for (size_t i = 0; i < 2 * signer.half; i++)
			point[i] = 0xff;
		no_point(&signer);
	}
}

static void test_ec_key_read__a_key_is_there_already__it_is_not_changed(void **state)
{
	(void)state;
	FOR_BOTH(signer)
	{
		struct signer other = signer_new(kinds[i_]);
		EVP_PKEY *key = other.key;

		assert_int_equal(read_point(&signer, &key), TOBI_OK);
		assert_ptr_not_equal(key, other.key);
		assert_int_equal(EVP_PKEY_eq(key, signer.key), 1);
		assert_int_not_equal(EVP_PKEY_eq(other.key, signer.key), 1);
		EVP_PKEY_free(key);
		EVP_PKEY_free(other.key);
	}
}

static void test_ec_key_read__other_size_or_kind__argument(void **state)
{
	struct signer signer = signer_new(KEY_P256);
	uint8_t point[2 * HALF_MAX + 1] = {0};
	EVP_PKEY *key = NULL;

	(void)state;
	bytes_copy(point, sizeof(point), signer.point + 1, 64);
	for (size_t size = 0; size <= sizeof(point); size++) {
		if (size != 64)
			assert_int_equal(ec_key_read(KEY_P256,
						     (struct tobi_bytes){point, size},
						     "thing", &key, NULL),
					 TOBI_E_ARGUMENT);
		if (size != 96)
			assert_int_equal(ec_key_read(KEY_P384,
						     (struct tobi_bytes){point, size},
						     "thing", &key, NULL),
					 TOBI_E_ARGUMENT);
	}
	assert_int_equal(
	    ec_key_read(KEY_ED25519, (struct tobi_bytes){point, 32}, "thing", &key, NULL),
	    TOBI_E_ARGUMENT);
	assert_null(key);
	EVP_PKEY_free(signer.key);
}

static void test_ec_key_read_sec1__whole_points_of_three_curves(void **state)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521"};
	uint8_t point[133];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY *made = EVP_EC_gen(curves[i]), *read = NULL;
		struct tobi_bytes bytes = {point, 0};

		assert_int_equal(
		    EVP_PKEY_get_octet_string_param(made, OSSL_PKEY_PARAM_PUB_KEY, point,
						    sizeof(point), &bytes.size),
		    1);
		assert_int_equal(ec_key_read_sec1(bytes, "thing", &read, NULL), TOBI_OK);
		assert_int_equal(EVP_PKEY_eq(made, read), 1);
		EVP_PKEY_free(read);
		read = NULL;
		/* Compressed, hybrid, short, off the curve. */
		point[0] = 2;
		assert_int_equal(ec_key_read_sec1(bytes, "thing", &read, NULL),
				 TOBI_E_MALFORMED);
		point[0] = 6;
		assert_int_equal(ec_key_read_sec1(bytes, "thing", &read, NULL),
				 TOBI_E_MALFORMED);
		point[0] = 4;
		bytes.size--;
		assert_int_equal(ec_key_read_sec1(bytes, "thing", &read, NULL),
				 TOBI_E_MALFORMED);
		point[bytes.size++] ^= 1;
		assert_int_equal(ec_key_read_sec1(bytes, "thing", &read, NULL),
				 TOBI_E_MALFORMED);
		assert_null(read);
		EVP_PKEY_free(made);
	}
	assert_int_equal(ec_key_read_sec1((struct tobi_bytes){0}, "thing", NULL, NULL),
			 TOBI_E_MALFORMED);
}

/* As OpenSSL writes the same numbers. */
static void test_ecdsa_to_der__any_number__as_openssl_writes_it(void **state)
{
	static const uint8_t starts[] = {0, 1, 0x7f, 0x80, 0xff};
	uint8_t number[ECDSA_NUMBER_MAX], der[ECDSA_DER_MAX], *expected = NULL;

	(void)state;
	for (size_t size = 0; size <= sizeof(number); size++) {
		for (size_t i = 0; i < sizeof(starts); i++) {
			struct tobi_bytes r = {number, size};
			struct tobi_bytes s = {number + size / 2, size - size / 2};
			ECDSA_SIG *pair = ECDSA_SIG_new();
			int expected_size;

			memset(number, 0xa5, sizeof(number));
			number[0] = starts[i];
			number[size / 2] = starts[sizeof(starts) - 1 - i];
			ECDSA_SIG_set0(pair, BN_bin2bn(r.ptr, (int)r.size, NULL),
				       BN_bin2bn(s.ptr, (int)s.size, NULL));
			expected = NULL;
			expected_size = i2d_ECDSA_SIG(pair, &expected);
			assert_int_equal(ecdsa_to_der(r, s, der), expected_size);
			assert_memory_equal(der, expected, (size_t)expected_size);
			OPENSSL_free(expected);
			ECDSA_SIG_free(pair);
		}
	}
}

static void test_ecdsa_to_der__number_too_long__nothing(void **state)
{
	uint8_t number[ECDSA_NUMBER_MAX + 1] = {0}, der[ECDSA_DER_MAX] = {7};
	struct tobi_bytes long_one = {number, sizeof(number)}, good = {number, 1};

	(void)state;
	assert_int_equal(ecdsa_to_der(long_one, good, der), 0);
	assert_int_equal(ecdsa_to_der(good, long_one, der), 0);
	assert_int_equal(der[0], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ecdsa_to_der__any_number__as_openssl_writes_it),
	    cmocka_unit_test(test_ecdsa_to_der__number_too_long__nothing),
	    cmocka_unit_test(test_ec_signature__good__holds_for_the_key_and_its_point),
	    cmocka_unit_test(test_ec_signature__any_bit_changed__does_not_hold),
	    cmocka_unit_test(test_ec_signature__another_message_or_key__does_not_hold),
	    cmocka_unit_test(test_ec_signature_by__what_was_set_up__only_its_own),
	    cmocka_unit_test(test_ec_signature__zero_or_too_large__does_not_hold),
	    cmocka_unit_test(test_ec_signature__other_size__does_not_hold),
	    cmocka_unit_test(test_ec_signature__padded_to_the_other_curve__does_not_hold),
	    cmocka_unit_test(test_ec_signature__other_curve_of_that_size__does_not_hold),
	    cmocka_unit_test(test_ec_key_read__off_the_curve__malformed),
	    cmocka_unit_test(test_ec_key_read__a_key_is_there_already__it_is_not_changed),
	    cmocka_unit_test(test_ec_key_read__other_size_or_kind__argument),
	    cmocka_unit_test(test_ec_key_read_sec1__whole_points_of_three_curves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
