#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "codec/cose_alg.h"
#include "pki/key.h"
#include "tests/bytes.h"

static const struct tobi_bytes payload = {(const uint8_t *)"what is signed", 14};
static const struct tobi_bytes none = {0};

/* Signs through OpenSSL what our profile only verifies. */
struct outside {
	EVP_PKEY *key;
	const char *digest;
	int salt;
	size_t half;
};

static enum tobi_err sign_outside(void *context, struct tobi_bytes message,
				  struct writer *out, struct tobi_fault *fault)
{
	struct outside *outside = context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params = NULL;
	uint8_t signature[512];
	size_t size = sizeof(signature);

	assert_int_equal(EVP_DigestSignInit_ex(md, &params, outside->digest, NULL, NULL,
					       outside->key, NULL),
			 1);
	if (!outside->half) {
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(params, outside->salt),
				 1);
	}
	assert_int_equal(EVP_DigestSign(md, signature, &size, message.ptr, message.size),
			 1);
	EVP_MD_CTX_free(md);
	if (outside->half)
		return cose_ecdsa_to_raw((struct tobi_bytes){signature, size},
					 outside->half, out, fault);
	wr_bytes(out, signature, size);
	return wr_err(out);
}

static struct writer make(const struct cose_signer *signer, bool detached)
{
	const struct cose_headers headers = {.content_type = "text/plain"};
	struct writer token = wr_init(4096);

	assert_int_equal(cose_write(&token, signer, &headers, payload, detached, NULL),
			 0);
	return token;
}

static enum tobi_err check(struct tobi_bytes token, EVP_PKEY *key,
			   struct tobi_fault *fault)
{
	struct cose_sign1 sign1;
	enum tobi_err err = cose_parse(token, true, COSE_TAGGED, "token", &sign1, fault);

	return err ? err : cose_verify(&sign1, key, none, sign1.payload, "token", fault);
}

/* Nothing of the token is unsigned: each flip of a bit is an error. */
static void flip_each_bit(struct writer *token, EVP_PKEY *key, size_t step)
{
	for (size_t bit = 0; bit < token->size * 8; bit += step) {
		uint8_t mask = (uint8_t)(1 << bit % 8);

		token->ptr[bit / 8] ^= mask;
		assert_int_not_equal(check(wr_view(token), key, NULL), TOBI_OK);
		token->ptr[bit / 8] ^= mask;
	}
	assert_int_equal(check(wr_view(token), key, NULL), TOBI_OK);
}

static void test_cose_write__each_kind_of_key__verifies_and_no_flip_does(void **state)
{
	static const struct {
		enum key_kind kind;
		enum cose_alg alg;
		size_t size;
	} kinds[] = {{KEY_P256, COSE_ES256, 64},
		     {KEY_P384, COSE_ES384, 96},
		     {KEY_ED25519, COSE_EDDSA, 64}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY *key = NULL, *other = NULL;
		struct cose_signer signer;
		struct cose_sign1 sign1;
		struct writer token;

		assert_int_equal(key_new(kinds[i].kind, &key, NULL), 0);
		assert_int_equal(key_new(kinds[i].kind, &other, NULL), 0);
		assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
		assert_int_equal(signer.alg, kinds[i].alg);
		token = make(&signer, false);
		assert_int_equal(
		    cose_parse(wr_view(&token), true, COSE_TAGGED, "token", &sign1, NULL),
		    0);
		assert_int_equal(sign1.signature.size, kinds[i].size);
		assert_bytes_equal(sign1.payload, payload);
		assert_bytes_equal(sign1.content_type, text_bytes("text/plain"));
		assert_int_equal(check(wr_view(&token), other, NULL), TOBI_E_SIGNATURE);
		flip_each_bit(&token, key, 1);
		wr_done(&token);
		EVP_PKEY_free(key);
		EVP_PKEY_free(other);
	}
}

static void test_cose_write__detached__verifies_with_the_payload_given(void **state)
{
	EVP_PKEY *key = NULL;
	struct cose_signer signer;
	struct cose_sign1 sign1;
	struct writer token;

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &key, NULL), 0);
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	token = make(&signer, true);
	assert_int_equal(
	    cose_parse(wr_view(&token), true, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_null(sign1.payload.ptr);
	assert_int_equal(cose_verify(&sign1, key, none, payload, "token", NULL), TOBI_OK);
	assert_int_equal(cose_verify(&sign1, key, none, none, "token", NULL),
			 TOBI_E_SIGNATURE);
	assert_int_equal(
	    cose_verify(&sign1, key, none, text_bytes("what is signee"), "token", NULL),
	    TOBI_E_SIGNATURE);
	wr_done(&token);
	EVP_PKEY_free(key);
}

static void test_cose_write__chain__in_the_unprotected_header(void **state)
{
	const struct tobi_bytes chain[] = {BYTES(1, 2), BYTES(3)};
	EVP_PKEY *key = NULL;
	struct cose_signer signer;

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &key, NULL), 0);
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	for (size_t count = 0; count <= 2; count++) {
		const struct cose_headers headers = {NULL, chain, count};
		struct writer token = wr_init(1000);
		struct cose_sign1 sign1;

		assert_int_equal(
		    cose_write(&token, &signer, &headers, payload, false, NULL), 0);
		assert_int_equal(
		    cose_parse(wr_view(&token), true, COSE_TAGGED, "token", &sign1, NULL),
		    0);
		assert_int_equal(sign1.x5chain_count, count);
		for (size_t i = 0; i < count; i++)
			assert_bytes_equal(sign1.x5chain[i], chain[i]);
		assert_int_equal(check(wr_view(&token), key, NULL), TOBI_OK);
		wr_done(&token);
	}
	EVP_PKEY_free(key);
}

/* What is signed, too, and in order behind the others. */
static void test_cose_write__protected_headers_more__are_signed(void **state)
{
	const struct cose_extra extras[] = {{8, BYTES(0x41, 0x07)}, {15, BYTES(0xa0)}};
	const struct cose_headers headers = {
	    .content_type = "a/b", .extras = extras, .extra_count = 2};
	EVP_PKEY *key = NULL;
	struct cose_signer signer;
	struct writer token = wr_init(1000);
	struct cose_sign1 sign1;

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &key, NULL), 0);
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(cose_write(&token, &signer, &headers, payload, false, NULL), 0);
	assert_int_equal(
	    cose_parse(wr_view(&token), true, COSE_TAGGED, "token", &sign1, NULL), 0);
	assert_bytes_equal(sign1.protected_bytes,
			   BYTES(0xa4, 0x01, 0x27, 0x03, 0x63, 'a', '/', 'b', 0x08, 0x41,
				 0x07, 0x0f, 0xa0));
	assert_int_equal(check(wr_view(&token), key, NULL), TOBI_OK);
	token.ptr[sign1.protected_bytes.ptr - token.ptr + 10] ^= 1;
	assert_int_equal(check(wr_view(&token), key, NULL), TOBI_E_SIGNATURE);
	wr_done(&token);
	EVP_PKEY_free(key);
}

static void test_cose_write__no_room__limit(void **state)
{
	struct cose_headers headers = {0};
	char content_type[10000];
	EVP_PKEY *key = NULL;
	struct cose_signer signer;
	struct writer token = wr_init(60);
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &key, NULL), 0);
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(cose_write(&token, &signer, &headers, payload, false, &fault),
			 TOBI_E_LIMIT);
	assert_int_equal(fault.code, TOBI_E_LIMIT);
	wr_done(&token);
	/* Headers that are too large for themselves. */
	memset(content_type, 'x', sizeof(content_type));
	content_type[sizeof(content_type) - 1] = 0;
	headers.content_type = content_type;
	fault.code = TOBI_OK;
	token = wr_init(1 << 16);
	assert_int_equal(cose_write(&token, &signer, &headers, payload, false, &fault),
			 TOBI_E_LIMIT);
	assert_int_equal(fault.code, TOBI_E_LIMIT);
	assert_int_equal(token.size, 0);
	wr_done(&token);
	EVP_PKEY_free(key);
}

static void test_cose_verify__es512__verified_but_not_signed(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-521");
	struct outside outside = {key, "SHA512", 0, 66};
	struct cose_signer signer = {COSE_ES512, sign_outside, &outside}, refused;
	struct writer token = make(&signer, false);

	(void)state;
	flip_each_bit(&token, key, 7);
	assert_int_equal(cose_signer_for_key(key, &refused, NULL), TOBI_E_UNSUPPORTED);
	wr_done(&token);
	EVP_PKEY_free(key);
}

static void test_cose_verify__rsa_pss__verified_but_not_signed(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct outside ps256 = {key, "SHA256", 32, 0}, ps384 = {key, "SHA384", 48, 0};
	struct cose_signer signers[] = {{COSE_PS256, sign_outside, &ps256},
					{COSE_PS384, sign_outside, &ps384}};
	struct cose_signer refused;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct writer token = make(&signers[i], false);

		flip_each_bit(&token, key, 5);
		wr_done(&token);
	}
	assert_int_equal(cose_signer_for_key(key, &refused, NULL), TOBI_E_UNSUPPORTED);
	EVP_PKEY_free(key);
}

/* RFC 8230 section 2: the salt is as long as the hash. */
static void test_cose_verify__rsa_pss_with_another_salt_or_hash__refused(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct outside outsides[] = {
	    {key, "SHA256", 31, 0}, {key, "SHA256", 0, 0}, {key, "SHA384", 48, 0}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct cose_signer signer = {COSE_PS256, sign_outside, &outsides[i]};
		struct writer token = make(&signer, false);

		assert_int_equal(check(wr_view(&token), key, NULL), TOBI_E_SIGNATURE);
		wr_done(&token);
	}
	EVP_PKEY_free(key);
}

static void test_cose_verify__key_of_another_kind__refused_by_name(void **state)
{
	EVP_PKEY *keys[5] = {NULL};
	struct cose_signer signer;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &keys[0], NULL), 0);
	assert_int_equal(key_new(KEY_P384, &keys[1], NULL), 0);
	assert_int_equal(key_new(KEY_ED25519, &keys[2], NULL), 0);
	keys[3] = EVP_EC_gen("P-521");
	keys[4] = EVP_RSA_gen(2048);
	for (size_t i = 0; i < 3; i++) {
		struct writer token;

		assert_int_equal(cose_signer_for_key(keys[i], &signer, NULL), 0);
		token = make(&signer, false);
		for (size_t j = 0; j < 5; j++) {
			struct tobi_fault fault = {0};

			if (i == j)
				continue;
			assert_int_equal(check(wr_view(&token), keys[j], &fault),
					 TOBI_E_SIGNATURE);
			assert_string_equal(fault.field, "alg");
		}
		wr_done(&token);
	}
	for (size_t i = 0; i < 5; i++)
		EVP_PKEY_free(keys[i]);
}

static void test_cose_verify__signature_of_another_size_or_zero__refused(void **state)
{
	static const uint8_t zeros[200] = {0};
	EVP_PKEY *key = NULL;
	struct cose_sign1 sign1 = {.alg = COSE_ES256};
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	for (size_t size = 0; size < sizeof(zeros); size++) {
		sign1.signature = (struct tobi_bytes){zeros, size};
		assert_int_equal(cose_verify(&sign1, key, none, payload, "token", &fault),
				 TOBI_E_SIGNATURE);
		assert_string_equal(fault.field, "signature");
	}
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_cose_write__each_kind_of_key__verifies_and_no_flip_does),
	    cmocka_unit_test(test_cose_write__detached__verifies_with_the_payload_given),
	    cmocka_unit_test(test_cose_write__chain__in_the_unprotected_header),
	    cmocka_unit_test(test_cose_write__protected_headers_more__are_signed),
	    cmocka_unit_test(test_cose_write__no_room__limit),
	    cmocka_unit_test(test_cose_verify__es512__verified_but_not_signed),
	    cmocka_unit_test(test_cose_verify__rsa_pss__verified_but_not_signed),
	    cmocka_unit_test(
		test_cose_verify__rsa_pss_with_another_salt_or_hash__refused),
	    cmocka_unit_test(test_cose_verify__key_of_another_kind__refused_by_name),
	    cmocka_unit_test(
		test_cose_verify__signature_of_another_size_or_zero__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
