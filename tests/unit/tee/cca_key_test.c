/* The realm's key in both forms: what is no whole point of a known curve is refused. */
#include "codec/cbor.h"
#include "tee/cca_key.h"
#include "tests/bytes.h"
#include "tests/check.h"

#include <openssl/core_names.h>

struct parts {
	int64_t type, curve, algorithm;
	size_t x, y; /* sizes */
	bool compressed, twice, other;
};

static uint8_t point[97];

static enum tobi_err read_key(struct tobi_bytes bytes, enum cca_key_form form)
{
	EVP_PKEY *key = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = cca_key_read(bytes, form, &key, &fault);

	assert_int_equal(err, fault.code);
	assert_int_equal(err == TOBI_OK, key != NULL);
	EVP_PKEY_free(key);
	return err;
}

static enum tobi_err read_cose(const struct parts *parts)
{
	struct writer out = wr_init(512);
	enum tobi_err err;

	cbor_write_map(&out, 4u + (parts->algorithm != 0) + parts->twice + parts->other);
	cbor_write_uint(&out, 1);
	cbor_write_int(&out, parts->type);
	cbor_write_int(&out, -1);
	cbor_write_int(&out, parts->curve);
	cbor_write_int(&out, -2);
	cbor_write_bytes(&out, (struct tobi_bytes){point + 1, parts->x});
	cbor_write_int(&out, -3);
	if (parts->compressed)
		cbor_write_bool(&out, true);
	else
		cbor_write_bytes(&out, (struct tobi_bytes){point + 49, parts->y});
	if (parts->algorithm) {
		cbor_write_int(&out, 3);
		cbor_write_int(&out, parts->algorithm);
	}
	if (parts->other) {
		cbor_write_int(&out, 2);
		cbor_write_bytes(&out, text_bytes("kid"));
	}
	if (parts->twice) {
		cbor_write_int(&out, 1);
		cbor_write_int(&out, 2);
	}
	err = read_key(wr_view(&out), CCA_KEY_COSE);
	wr_done(&out);
	return err;
}

static void make_point(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	size_t size = 0;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
							 point, sizeof(point), &size),
			 1);
	assert_int_equal(size, sizeof(point));
	EVP_PKEY_free(key);
}

static void test_cca_key__cose_key(void **state)
{
	static const struct parts right[] = {
	    {2, 2, 0, 48, 48}, {2, 2, -35, 48, 48}, {2, 2, 0, 48, 48, .other = true}};
	static const struct parts wrong[] = {
	    {2, 1, 0, 48, 48},	    {2, 3, 0, 48, 48},
	    {2, 2, -7, 48, 48},	    {2, 2, 0, 47, 48},
	    {2, 2, 0, 48, 47},	    {2, 1, 0, 32, 32},
	    {2, 2, 0, 48, 0, true}, {2, 2, 0, 48, 48, .twice = true}};
	/* The last is a key, of Ed25519. */
	static const struct parts other[] = {
	    {1, 2, 0, 48, 48}, {2, 6, 0, 48, 48}, {1, 6, 0, 32, 48}};

	(void)state;
	make_point();
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_int_equal(read_cose(&right[i]), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(read_cose(&wrong[i]), TOBI_E_MALFORMED);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_int_equal(read_cose(&other[i]), TOBI_E_UNSUPPORTED);
}

static void test_cca_key__point(void **state)
{
	struct tobi_bytes bytes = {point, sizeof(point)};

	(void)state;
	make_point();
	assert_int_equal(read_key(bytes, CCA_KEY_POINT), 0);
	assert_int_equal(read_key(bytes, CCA_KEY_COSE), TOBI_E_MALFORMED);
	point[0] = 2;
	assert_int_equal(read_key(bytes, CCA_KEY_POINT), TOBI_E_MALFORMED);
	point[0] = 4;
	point[96] ^= 1;
	assert_int_equal(read_key(bytes, CCA_KEY_POINT), TOBI_E_MALFORMED);
	for (bytes.size = 0; bytes.size < sizeof(point); bytes.size++)
		assert_int_equal(read_key(bytes, CCA_KEY_POINT), TOBI_E_MALFORMED);
}

static void test_cca_key__hash(void **state)
{
	uint8_t hash[64];
	size_t size = 0;

	(void)state;
	assert_true(cca_key_hash(text_bytes("key"), text_bytes("sha-256"), hash, &size));
	assert_int_equal(size, 32);
	assert_true(cca_key_hash(text_bytes("key"), text_bytes("sha-512"), hash, &size));
	assert_int_equal(size, 64);
	assert_false(cca_key_hash(text_bytes("key"), text_bytes("sha-1"), hash, &size));
	assert_false(
	    cca_key_hash(text_bytes("key"), (struct tobi_bytes){0}, hash, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cca_key__cose_key),
	    cmocka_unit_test(test_cca_key__point),
	    cmocka_unit_test(test_cca_key__hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
