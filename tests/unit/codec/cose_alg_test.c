#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "codec/cose_alg.h"
#include "pki/key.h"
#include "tests/bytes.h"

/* Examples of the COSE working group, github.com/cose-wg/Examples: values that other
 * implementations agree on. */
#define P256                                                                             \
	"04"                                                                             \
	"bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"               \
	"20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"

#define CONTENT "546869732069732074686520636f6e74656e742e"

static const struct {
	const char *group, *point, *token, *external_aad;
	enum cose_alg alg;
} examples[] = {
    /* ecdsa-examples/ecdsa-sig-01.json */
    {"P-256", P256,
     "d28445a201260300a10442313154" CONTENT
     "5840eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1"
     "72727f48461fabbba2e343492ddecac3983686250bc68e9f1a7a07d41225b59f",
     "", COSE_ES256},
    /* sign1-tests/sign-pass-02.json */
    {"P-256", P256,
     "d28443a10126a10442313154" CONTENT
     "5840eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1"
     "55388b10c4f1b59a6733eab416870a945111a4b2fbdbef33a77234b1deff2f9b",
     "11aa22bb33cc44dd55006699", COSE_ES256},
    /* sign1-tests/sign-pass-03.json: without a tag */
    {"P-256", P256,
     "8443a10126a10442313154" CONTENT
     "5840eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1"
     "9f43d6c6ba654472da301b645b293c9ba939295b97c4bdb847782bff384c5794",
     "", COSE_ES256},
    /* ecdsa-examples/ecdsa-sig-02.json */
    {"P-384",
     "04"
     "9132723f6292b010619dbe248d698c17b58756c639e7150f81bee4eb8ac37236"
     "ad0a1a19d67be32a66263e1e524d129c"
     "98cd3078c554d832ac603c4326410ff61662459b41f1f3df5dbcc83598ff7c5e"
     "d8411ca735679d1c4cb3009397d9ef2c",
     "d28444a1013822a104445033383454" CONTENT
     "5860b8f85eff78c88f5351ced2f1887b79b296490795594b62e41e22529bb90208b7d8cddd4a46d0e9"
     "c986464d83d0a5d1edf39b3e2c5750364230d0e8d76460d8808e76c83830fbbd1978cc174066eb437f"
     "17887979ecf027dcc9d51baf6c4fd8c0",
     "", COSE_ES384},
    /* ecdsa-examples/ecdsa-sig-03.json */
    {"P-521",
     "04"
     "0072992cb3ac08ecf3e5c63dedec0d51a8c1f79ef2f82f94f3c737bf5de79866"
     "71eac625fe8257bbd0394644caaa3aaf8f27a4585fbbcad0f2457620085e5c8f"
     "42ad"
     "01dca6947bce88bc5790485ac97427342bc35f887d86d65a089377e247e60baa"
     "55e4e8501e2ada5724ac51d6909008033ebc10ac999b9d7f5cc2519f3fe1ea1d"
     "9475",
     "d28444a1013823a104581e62696c626f2e62616767696e7340686f626269746f6e2e6578616d706c65"
     "54" CONTENT
     "5884000f348009badc7da478150aa7fa06dfd812cdf826344f17c7330563573d8f97f7a966924c3d88"
     "b108907235476e3f6bea9f3890027792b0f94e905c217227cf064e00a6bc6a5187d0df9b1db7675aec"
     "fc678ce4692a8121eb8170f3592a859d518fd3b823091aab22e6c41eb97ed92127ce8c46dcc715a247"
     "cb78921fad1e19133afc30",
     "", COSE_ES512},
};

static EVP_PKEY *public_key(const char *group, const char *point)
{
	struct block block = block_unhex(point);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(
			     builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
			 1);
	assert_int_equal(OSSL_PARAM_BLD_push_octet_string(
			     builder, OSSL_PKEY_PARAM_PUB_KEY, block.ptr, block.size),
			 1);
	params = OSSL_PARAM_BLD_to_param(builder);
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params),
			 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	block_done(block);
	return key;
}

static void test_cose_examples__each__verifies_and_with_other_aad_does_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		EVP_PKEY *key = public_key(examples[i].group, examples[i].point);
		struct block token = block_unhex(examples[i].token);
		struct block aad = block_unhex(examples[i].external_aad);
		struct cose_sign1 sign1;

		assert_int_equal(cose_parse(block_view(token), true, COSE_TAG_OPTIONAL,
					    "token", &sign1, NULL),
				 TOBI_OK);
		assert_int_equal(sign1.alg, examples[i].alg);
		assert_int_equal(cose_verify(&sign1, key, block_view(aad), sign1.payload,
					     "token", NULL),
				 TOBI_OK);
		assert_int_equal(cose_verify(&sign1, key, text_bytes("x"), sign1.payload,
					     "token", NULL),
				 TOBI_E_SIGNATURE);
		EVP_PKEY_free(key);
		block_done(token);
		block_done(aad);
	}
}

/* sign1-tests/sign-pass-01.json: 41a0 counts as 40. It has its alg unprotected, which we
 * do not take, so only what is signed can be compared. */
static void test_cose_to_be_signed__empty_map_or_nothing__the_same(void **state)
{
	struct block expected =
	    block_unhex("846a5369676e61747572653140405454686973206973207468652063"
			"6f6e74656e742e");
	static const uint8_t empty_map[] = {0xa0};

	(void)state;
	for (size_t size = 0; size <= 1; size++) {
		struct writer out = wr_init(100);

		cose_to_be_signed(&out, (struct tobi_bytes){empty_map, size},
				  (struct tobi_bytes){0},
				  text_bytes("This is the content."));
		assert_bytes_equal(wr_view(&out), block_view(expected));
		wr_done(&out);
	}
	block_done(expected);
}

/* ecdsa-sig-04.json signs with P-256 and SHA-512: our profile ties ES512 to P-521. */
static void test_cose_verify__es512_with_p256__refused(void **state)
{
	EVP_PKEY *key = public_key("P-256", P256);
	struct block token = block_unhex(
	    "d28444a1013823a10442313154" CONTENT
	    "5840eae868ecc176883766c5dc5ba5b8dca25dab3c2e56a551ce5705b793914348e1"
	    "4a37288571498a1b64ba08d2063b8749d75cdc9d7f61eb752d23819473f6bd65");
	struct cose_sign1 sign1;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(
	    cose_parse(block_view(token), true, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_int_equal(cose_verify(&sign1, key, (struct tobi_bytes){0}, sign1.payload,
				     "token", &fault),
			 TOBI_E_SIGNATURE);
	assert_string_equal(fault.field, "alg");
	EVP_PKEY_free(key);
	block_done(token);
}

static void test_cose_alg_find__all_numbers__only_those_of_the_table(void **state)
{
	int found = 0;

	(void)state;
	for (int64_t alg = -300; alg < 300; alg++)
		found += cose_alg_find(alg) != NULL;
	assert_int_equal(found, 6);
	assert_null(cose_alg_find(COSE_NONE));
	assert_null(cose_alg_find(INT64_MIN));
	assert_null(cose_alg_find((int64_t)UINT32_MAX + 1 + COSE_ES256));
}

static void test_cose_ecdsa__raw_to_der_and_back__the_same(void **state)
{
	/* r with a leading zero byte, s with its highest bit set */
	uint8_t raw[64] = {0, 0, 7, [32] = 0xff};
	struct writer out = wr_init(64);
	struct tobi_bytes der = {0};
	uint8_t *owned = NULL;

	(void)state;
	assert_int_equal(
	    cose_ecdsa_to_der((struct tobi_bytes){raw, 64}, 32, &owned, &der.size, NULL),
	    TOBI_OK);
	der.ptr = owned;
	assert_int_equal(cose_ecdsa_to_raw(der, 32, &out, NULL), TOBI_OK);
	assert_bytes_equal(wr_view(&out), ((struct tobi_bytes){raw, 64}));
	OPENSSL_free(owned);
	wr_done(&out);
}

static void test_cose_ecdsa_to_raw__not_der_or_too_large__crypto(void **state)
{
	struct writer out = wr_init(64);

	(void)state;
	assert_int_equal(cose_ecdsa_to_raw(BYTES(1, 2, 3), 32, &out, NULL),
			 TOBI_E_CRYPTO);
	/* r of two bytes does not fit into one */
	assert_int_equal(
	    cose_ecdsa_to_raw(BYTES(0x30, 7, 2, 2, 0x12, 0x34, 2, 1, 1), 1, &out, NULL),
	    TOBI_E_CRYPTO);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_cose_examples__each__verifies_and_with_other_aad_does_not),
	    cmocka_unit_test(test_cose_to_be_signed__empty_map_or_nothing__the_same),
	    cmocka_unit_test(test_cose_verify__es512_with_p256__refused),
	    cmocka_unit_test(test_cose_alg_find__all_numbers__only_those_of_the_table),
	    cmocka_unit_test(test_cose_ecdsa__raw_to_der_and_back__the_same),
	    cmocka_unit_test(test_cose_ecdsa_to_raw__not_der_or_too_large__crypto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
