#include "tee/sev_certificate.h"

#include "base/endian.h"
#include "tests/bytes.h"
#include "tests/sev_scene.h"

static struct test_amd amd;
static struct test_sev sev;

static int enter(void **state)
{
	(void)state;
	test_amd_make(&amd, 2048, TEST_KEY_ID_ROME);
	test_sev_make(&sev, &amd);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_sev_done(&sev);
	test_amd_done(&amd);
	return 0;
}

static enum tobi_err parse(const uint8_t *bytes, size_t size, struct tobi_fault *fault)
{
	struct block block = block_new((struct tobi_bytes){bytes, size});
	struct sev_certificate certificate;
	enum tobi_err err = sev_certificate_parse(block_view(block), &certificate, fault);

	block_done(block);
	return err;
}

static void test_sev_certificate_parse__platform__fields_taken(void **state)
{
	struct sev_certificate certificate = {0};

	(void)state;
	assert_int_equal(
	    sev_certificate_parse((struct tobi_bytes){sev.pek, sizeof(sev.pek)},
				  &certificate, NULL),
	    0);
	assert_int_equal(certificate.usage, SEV_PEK);
	assert_string_equal(sev_usage_name(certificate.usage), "PEK");
	assert_int_equal(certificate.algorithm, SEV_ECDSA_SHA256);
	assert_int_equal(certificate.api_minor, 22);
	assert_int_equal(certificate.body.size, 1044);
	assert_int_equal(certificate.curve, KEY_P384);
	assert_int_equal(certificate.signatures[0].usage, SEV_OCA);
	assert_int_equal(certificate.signatures[1].usage, SEV_CEK);
	assert_ptr_equal(certificate.signatures[1].value.ptr, sev.pek + 1572);
}

static void test_sev_certificate_parse__amd__fields_taken(void **state)
{
	struct sev_certificate certificate = {0};

	(void)state;
	assert_int_equal(sev_certificate_parse((struct tobi_bytes){amd.ask, amd.size},
					       &certificate, NULL),
			 0);
	assert_int_equal(certificate.usage, SEV_ASK);
	assert_int_equal(certificate.algorithm, SEV_RSA_SHA256);
	assert_int_equal(certificate.body.size, 576);
	assert_ptr_equal(certificate.certifying_id.ptr, amd.ask + 20);
}

/* The bytes that have no meaning, and those that have one that is not known. */
static void test_sev_certificate_parse__odd_bytes__fail(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t size;
	} odd[] = {
	    {0, 2, 4},	      {6, 1, 2},
	    {8, 0x1000, 4},   {8, 0x1005, 4},
	    {12, 0, 4},	      {12, SEV_ECDH_SHA256, 4},
	    {12, 4, 4},	      {12, SEV_RSA_SHA256, 4},
	    {16, 0, 4},	      {16, 3, 4},
	    {20 + 48, 1, 1},  {20 + 72 + 48, 1, 1},
	    {20 + 144, 1, 1}, {1043, 1, 1},
	};
	uint8_t bytes[SEV_CERTIFICATE_SIZE];

	(void)state;
	assert_int_equal(parse(sev.pek, sizeof(sev.pek), NULL), 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		memcpy(bytes, sev.pek, sizeof(bytes));
		store_le(bytes + odd[i].at, odd[i].size, odd[i].value);
		assert_int_not_equal(parse(bytes, sizeof(bytes), NULL), 0);
	}
}

static void test_sev_certificate_parse__odd_bytes_of_amd__fail(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t size;
	} odd[] = {
	    {0, 0, 4},	   {36, 1, 4},	  {40, 1, 1}, {55, 1, 1},
	    {56, 1024, 4}, {60, 4096, 4}, {64, 3, 8}, {64 + 255, 1, 1},
	};
	uint8_t bytes[SEV_AMD_2048_SIZE];

	(void)state;
	assert_int_equal(parse(amd.ark, sizeof(bytes), NULL), 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		memcpy(bytes, amd.ark, sizeof(bytes));
		store_le(bytes + odd[i].at, odd[i].size, odd[i].value);
		assert_int_not_equal(parse(bytes, sizeof(bytes), NULL), 0);
	}
}

static void test_sev_certificate_parse__another_size__fails(void **state)
{
	uint8_t longer[SEV_CERTIFICATE_SIZE + 1] = {0};

	(void)state;
	for (size_t size = 0; size < sizeof(sev.pdh); size++)
		assert_int_not_equal(parse(sev.pdh, size, NULL), 0);
	for (size_t size = 0; size < amd.size; size++)
		assert_int_not_equal(parse(amd.ark, size, NULL), 0);
	memcpy(longer, sev.pdh, sizeof(sev.pdh));
	assert_int_equal(parse(longer, sizeof(longer), NULL), TOBI_E_TRAILING);
	memcpy(longer, amd.ark, amd.size);
	longer[amd.size] = 0;
	assert_int_equal(parse(longer, amd.size + 1, NULL), TOBI_E_TRAILING);
}

static void test_sev_certificate_size__what_starts__known(void **state)
{
	(void)state;
	assert_int_equal(
	    sev_certificate_size((struct tobi_bytes){sev.pek, sizeof(sev.pek)}), 2084);
	assert_int_equal(sev_certificate_size((struct tobi_bytes){sev.pek, 2083}), 0);
	assert_int_equal(sev_certificate_size((struct tobi_bytes){amd.ark, 1600}), 832);
	assert_int_equal(sev_certificate_size((struct tobi_bytes){amd.ark, 831}), 0);
	assert_int_equal(sev_certificate_size((struct tobi_bytes){amd.ark, 0}), 0);
	assert_int_equal(sev_certificate_size((struct tobi_bytes){amd.ark + 1, 1599}), 0);
}

static void test_sev_certificate_key__not_on_its_curve__fails(void **state)
{
	uint8_t bytes[SEV_CERTIFICATE_SIZE];
	struct sev_certificate certificate;
	EVP_PKEY *key = NULL;

	(void)state;
	memcpy(bytes, sev.pek, sizeof(bytes));
	bytes[20] ^= 1;
	assert_int_equal(sev_certificate_parse((struct tobi_bytes){bytes, sizeof(bytes)},
					       &certificate, NULL),
			 0);
	assert_int_equal(sev_certificate_key(&certificate, &key, NULL), TOBI_E_MALFORMED);
	assert_null(key);
}

static void test_sev_certificate_key__short_modulus__fails(void **state)
{
	uint8_t bytes[SEV_AMD_2048_SIZE];
	struct sev_certificate certificate;
	EVP_PKEY *key = NULL;

	(void)state;
	memcpy(bytes, amd.ark, sizeof(bytes));
	bytes[64 + 256 + 255] = 0;
	assert_int_equal(sev_certificate_parse((struct tobi_bytes){bytes, sizeof(bytes)},
					       &certificate, NULL),
			 0);
	assert_int_equal(sev_certificate_key(&certificate, &key, NULL), TOBI_E_MALFORMED);
	assert_null(key);
}

/* P-256 is allowed, too. */
static void test_sev_certificate_key__p256__read(void **state)
{
	uint8_t bytes[SEV_CERTIFICATE_SIZE];
	struct sev_certificate certificate;
	EVP_PKEY *key = NULL, *read = NULL;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	test_sev_certificate(bytes, SEV_OCA, SEV_ECDSA_SHA256, key);
	test_sev_sign(bytes, 0, SEV_OCA, SEV_ECDSA_SHA256, key);
	assert_int_equal(sev_certificate_parse((struct tobi_bytes){bytes, sizeof(bytes)},
					       &certificate, NULL),
			 0);
	assert_int_equal(sev_certificate_key(&certificate, &read, NULL), 0);
	assert_int_equal(EVP_PKEY_eq(key, read), 1);
	assert_true(
	    sev_signature_holds(read, &certificate.signatures[0], certificate.body));
	EVP_PKEY_free(key);
	EVP_PKEY_free(read);
}

static bool holds(const uint8_t *bytes, EVP_PKEY *key)
{
	struct sev_certificate certificate;

	assert_int_equal(
	    sev_certificate_parse((struct tobi_bytes){bytes, SEV_CERTIFICATE_SIZE},
				  &certificate, NULL),
	    0);
	return sev_signature_holds(key, &certificate.signatures[0], certificate.body);
}

static void test_sev_signature_holds__changed__does_not(void **state)
{
	static const size_t places[] = {
	    5,		    /* the API's version */
	    1048,	    /* the algorithm, to one that is none */
	    1052,	    /* R */
	    1052 + 60,	    /* R, over the curve's size */
	    1052 + 72 + 71, /* S */
	    1052 + 144,	    /* behind them */
	    1052 + 511,
	};
	uint8_t bytes[SEV_CERTIFICATE_SIZE];

	(void)state;
	assert_true(holds(sev.oca, sev.oca_key));
	assert_false(holds(sev.oca, sev.pek_key));
	assert_false(holds(sev.oca, amd.ark_key));
	assert_false(holds(sev.cek, sev.oca_key)); /* of RSA */
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(bytes, sev.oca, sizeof(bytes));
		bytes[places[i]] ^= 8;
		assert_false(holds(bytes, sev.oca_key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sev_certificate_parse__platform__fields_taken),
	    cmocka_unit_test(test_sev_certificate_parse__amd__fields_taken),
	    cmocka_unit_test(test_sev_certificate_parse__odd_bytes__fail),
	    cmocka_unit_test(test_sev_certificate_parse__odd_bytes_of_amd__fail),
	    cmocka_unit_test(test_sev_certificate_parse__another_size__fails),
	    cmocka_unit_test(test_sev_certificate_size__what_starts__known),
	    cmocka_unit_test(test_sev_certificate_key__not_on_its_curve__fails),
	    cmocka_unit_test(test_sev_certificate_key__short_modulus__fails),
	    cmocka_unit_test(test_sev_certificate_key__p256__read),
	    cmocka_unit_test(test_sev_signature_holds__changed__does_not),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
