#include "tee/tpm_structs.h"

#include <openssl/rsa.h>
#include <stdlib.h>

#include "tests/bytes.h"
#include "tests/tpm_scene.h"

/* One of each structure, as a TPM would make it. */
static struct {
	struct test_platform platform;
	struct test_tpm tpm;
	struct writer bytes;
	struct tpm_evidence evidence;
} world;

static int enter(void **state)
{
	static const uint8_t nonce[32] = {7};

	(void)state;
	test_platform_make(&world.platform, KEY_P384);
	test_tpm_make(&world.tpm, &world.platform);
	world.bytes = wr_init(LIMIT_TPM_EVIDENCE);
	test_tpm_quote(&world.tpm, &world.platform, (struct tobi_bytes){nonce, 32},
		       &world.bytes);
	return tpm_evidence_parse(wr_view(&world.bytes), &world.evidence, NULL) ? -1 : 0;
}

static int leave(void **state)
{
	(void)state;
	wr_done(&world.bytes);
	test_tpm_done(&world.tpm);
	test_platform_done(&world.platform);
	return 0;
}

static enum tobi_err parse_attest(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct tpm_attest attest;

	return tpm_attest_parse(bytes, &attest, fault);
}

static enum tobi_err parse_signature(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct tpm_signature signature;

	return tpm_signature_parse(bytes, &signature, fault);
}

static enum tobi_err parse_public(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct tpm_public public;

	return tpm_public_parse(bytes, &public, fault);
}

static void expect_exact(struct tobi_bytes good,
			 enum tobi_err (*parse)(struct tobi_bytes bytes,
						struct tobi_fault *fault))
{
	struct writer longer = wr_init(1024);
	struct tobi_fault fault = {0};

	assert_int_equal(parse(good, &fault), TOBI_OK);
	for (size_t size = 0; size < good.size; size++) {
		struct block cut = block_new((struct tobi_bytes){good.ptr, size});

		assert_int_not_equal(parse(block_view(cut), &fault), TOBI_OK);
		assert_true(fault.has_offset && fault.offset <= size);
		block_done(cut);
	}
	wr_bytes(&longer, good.ptr, good.size);
	wr_u8(&longer, 0);
	assert_int_equal(parse(wr_view(&longer), &fault), TOBI_E_TRAILING);
	wr_done(&longer);
}

static void test_tpm_parse__cut_or_longer__fails(void **state)
{
	(void)state;
	expect_exact(world.evidence.quote, parse_attest);
	expect_exact(world.evidence.certify, parse_attest);
	expect_exact(world.evidence.quote_signature, parse_signature);
	expect_exact(world.evidence.ak, parse_public);
	expect_exact(world.evidence.key, parse_public);
}

static void test_tpm_attest_parse__a_quote__is_read(void **state)
{
	struct tpm_attest attest;

	(void)state;
	assert_int_equal(tpm_attest_parse(world.evidence.quote, &attest, NULL), 0);
	assert_int_equal(attest.magic, TPM_GENERATED);
	assert_int_equal(attest.type, TPM_ATTEST_QUOTE);
	assert_int_equal(attest.extra.size, 32);
	assert_int_equal(attest.clock, 123456);
	assert_int_equal(attest.resets, 1);
	assert_true(attest.safe);
	assert_int_equal(attest.firmware, 7);
	assert_int_equal(attest.selection_count, 1);
	assert_int_equal(attest.selections[0].hash, TPM_ALG_SHA256);
	assert_int_equal(attest.selections[0].pcrs, 0xff);
	assert_int_equal(attest.pcr_digest.size, 32);
}

/* Changes one byte at an offset. */
static struct block changed(struct tobi_bytes bytes, size_t offset, uint8_t value)
{
	struct block block = block_new(bytes);

	assert_true(offset < block.size);
	block.ptr[offset] = value;
	return block;
}

enum { /* offsets in a quote of the scene */
       TYPE = 4,
       SIGNER_SIZE = 6,
       SAFE = 4 + 2 + 2 + 32 + 2 + 32 + 16,
       COUNT = SAFE + 1 + 8,
       BITMAP_SIZE = COUNT + 4 + 2,
};

static void expect_attest(size_t offset, uint8_t value, enum tobi_err err,
			  const char *field)
{
	struct block block = changed(world.evidence.quote, offset, value);
	struct tobi_fault fault = {0};

	assert_int_equal(parse_attest(block_view(block), &fault), err);
	assert_string_equal(fault.field, field);
	block_done(block);
}

static void test_tpm_attest_parse__over_a_limit__fails(void **state)
{
	(void)state;
	expect_attest(TYPE, 0x81, TOBI_E_UNSUPPORTED, "type");
	expect_attest(TYPE + 1, 0x14, TOBI_E_UNSUPPORTED, "type");
	expect_attest(SIGNER_SIZE, 1, TOBI_E_LIMIT, "signer");
	expect_attest(SIGNER_SIZE + 1, 67, TOBI_E_LIMIT, "signer");
	expect_attest(SAFE, 2, TOBI_E_MALFORMED, "safe");
	expect_attest(COUNT, 0xff, TOBI_E_TRUNCATED, "selections");
	expect_attest(BITMAP_SIZE, 5, TOBI_E_LIMIT, "PCR bitmap");
}

static void test_tpm_attest_parse__many_selections__at_most_sixteen(void **state)
{
	(void)state;
	for (unsigned count = 16; count <= 17; count++) {
		struct writer out = wr_init(1024);

		wr_bytes(&out, world.evidence.quote.ptr, COUNT);
		wr_uint_be(&out, count, 4);
		for (unsigned i = 0; i < count; i++)
			wr_uint_be(&out, TPM_ALG_SHA256 << 8, 3); /* an empty bitmap */
		wr_uint_be(&out, 0, 2);
		assert_int_equal(parse_attest(wr_view(&out), NULL),
				 count == 16 ? TOBI_OK : TOBI_E_LIMIT);
		wr_done(&out);
	}
}

static EVP_PKEY *key_of(struct tobi_bytes bytes, enum tobi_err expected)
{
	struct tpm_public public;
	EVP_PKEY *key = NULL;

	assert_int_equal(tpm_public_parse(bytes, &public, NULL), 0);
	assert_int_equal(tpm_public_key(&public, &key, NULL), expected);
	return key;
}

static void test_tpm_public_key__of_both_curves__is_the_key(void **state)
{
	EVP_PKEY *key = key_of(world.evidence.key, TOBI_OK);

	(void)state;
	assert_int_equal(EVP_PKEY_eq(key, world.platform.key), 1);
	EVP_PKEY_free(key);
	key = key_of(world.evidence.ak, TOBI_OK);
	assert_int_equal(EVP_PKEY_eq(key, world.tpm.ak), 1);
	EVP_PKEY_free(key);
}

static void test_tpm_public_key__a_point_beside_the_curve__is_refused(void **state)
{
	struct tobi_bytes ak = world.evidence.ak;
	struct block block = changed(ak, ak.size - 1, ak.ptr[ak.size - 1] ^ 1);

	(void)state;
	assert_null(key_of(block_view(block), TOBI_E_CRYPTO));
	block_done(block);
	/* Curve 5, P-521: not among ours. */
	block = changed(ak, 10 + 2 + 4 + 1, 5);
	assert_null(key_of(block_view(block), TOBI_E_UNSUPPORTED));
	block_done(block);
}

/* Some TPMs leave zeros in front of a number away. */
static void test_tpm_public_key__a_short_number__is_filled_up(void **state)
{
	(void)state;
	for (unsigned tries = 0; tries < 20000; tries++) {
		struct writer full = wr_init(256), shorter = wr_init(256);
		EVP_PKEY *key = NULL, *read;
		size_t x = 10 + 2 + 4 + 2 + 2;
		bool done;

		assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
		test_tpm_public(key, 0, &full);
		done = full.ptr[x + 2] == 0;
		if (done) {
			wr_bytes(&shorter, full.ptr, x);
			wr_uint_be(&shorter, 31, 2);
			wr_bytes(&shorter, full.ptr + x + 3, full.size - x - 3);
			read = key_of(wr_view(&shorter), TOBI_OK);
			assert_int_equal(EVP_PKEY_eq(read, key), 1);
			EVP_PKEY_free(read);
		}
		EVP_PKEY_free(key);
		wr_done(&full);
		wr_done(&shorter);
		if (done)
			return;
	}
	fail_msg("no key in 20000 began with a zero");
}

static enum tobi_err verify(struct tpm_signature *signature, EVP_PKEY *key,
			    const char *text)
{
	struct verifying made = verifying_usual(key);
	enum tobi_err without =
	    tpm_signature_verify(signature, key, NULL, text_bytes(text), NULL);

	/* Whatever was set up for the key, it is the signature's scheme and hash that
	 * count. */
	assert_int_equal(
	    tpm_signature_verify(signature, key, &made, text_bytes(text), NULL), without);
	verifying_done(&made);
	return without;
}

static void sign_rsa(EVP_PKEY *key, int padding, const char *text, uint8_t *out,
		     size_t *size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;

	assert_int_equal(
	    EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, key), 1);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(key_context, padding) > 0);
	assert_int_equal(
	    EVP_DigestSign(context, out, size, (const uint8_t *)text, strlen(text)), 1);
	EVP_MD_CTX_free(context);
}

static void test_tpm_signature_verify__rsa__both_schemes(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	const struct {
		unsigned alg;
		int padding;
	} schemes[] = {{TPM_ALG_RSASSA, RSA_PKCS1_PADDING},
		       {TPM_ALG_RSAPSS, RSA_PKCS1_PSS_PADDING}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t bytes[256];
		size_t size = sizeof(bytes);
		struct tpm_signature signature = {.alg = schemes[i].alg,
						  .hash = TPM_ALG_SHA256};

		sign_rsa(key, schemes[i].padding, "text", bytes, &size);
		signature.rsa = (struct tobi_bytes){bytes, size};
		assert_int_equal(verify(&signature, key, "text"), TOBI_OK);
		assert_int_equal(verify(&signature, key, "test"), TOBI_E_SIGNATURE);
		signature.alg = schemes[1 - i].alg;
		assert_int_equal(verify(&signature, key, "text"), TOBI_E_SIGNATURE);
		signature.alg = schemes[i].alg;
		assert_int_equal(verify(&signature, world.tpm.ak, "text"),
				 TOBI_E_SIGNATURE);
		signature.hash = TPM_ALG_SHA1;
		assert_int_equal(verify(&signature, key, "text"), TOBI_E_UNSUPPORTED);
	}
	EVP_PKEY_free(key);
}

static void test_tpm_signature_verify__ecdsa__any_changed_byte_fails(void **state)
{
	struct tpm_signature signature;
	struct block quote = block_new(world.evidence.quote);
	struct verifying made = verifying_usual(world.tpm.ak);

	(void)state;
	assert_int_equal(
	    tpm_signature_parse(world.evidence.quote_signature, &signature, NULL), 0);
	assert_int_equal(
	    tpm_signature_verify(&signature, world.tpm.ak, NULL, block_view(quote), NULL),
	    TOBI_OK);
	for (size_t i = 0; i < quote.size; i++) {
		quote.ptr[i] ^= 1;
		assert_int_equal(tpm_signature_verify(&signature, world.tpm.ak, NULL,
						      block_view(quote), NULL),
				 TOBI_E_SIGNATURE);
		assert_int_equal(tpm_signature_verify(&signature, world.tpm.ak, &made,
						      block_view(quote), NULL),
				 TOBI_E_SIGNATURE);
		quote.ptr[i] ^= 1;
	}
	assert_int_equal(tpm_signature_verify(&signature, world.tpm.ak, &made,
					      block_view(quote), NULL),
			 TOBI_OK);
	verifying_done(&made);
	assert_int_equal(tpm_signature_verify(&signature, world.tpm.other_key, NULL,
					      block_view(quote), NULL),
			 TOBI_E_SIGNATURE);
	block_done(quote);
}

static void test_tpm_name__of_another_hash__is_refused(void **state)
{
	uint8_t name[TPM_STRUCT_NAME_MAX];
	size_t size = 0;

	(void)state;
	assert_int_equal(tpm_name(world.evidence.ak, TPM_ALG_SHA256, name, &size, NULL),
			 0);
	assert_int_equal(size, 34);
	assert_int_equal(tpm_name(world.evidence.ak, TPM_ALG_SHA384, name, &size, NULL),
			 0);
	assert_int_equal(size, 50);
	assert_int_equal(tpm_name(world.evidence.ak, TPM_ALG_SHA1, name, &size, NULL),
			 TOBI_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_parse__cut_or_longer__fails),
	    cmocka_unit_test(test_tpm_attest_parse__a_quote__is_read),
	    cmocka_unit_test(test_tpm_attest_parse__over_a_limit__fails),
	    cmocka_unit_test(test_tpm_attest_parse__many_selections__at_most_sixteen),
	    cmocka_unit_test(test_tpm_public_key__of_both_curves__is_the_key),
	    cmocka_unit_test(test_tpm_public_key__a_point_beside_the_curve__is_refused),
	    cmocka_unit_test(test_tpm_public_key__a_short_number__is_filled_up),
	    cmocka_unit_test(test_tpm_signature_verify__rsa__both_schemes),
	    cmocka_unit_test(test_tpm_signature_verify__ecdsa__any_changed_byte_fails),
	    cmocka_unit_test(test_tpm_name__of_another_hash__is_refused),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
