#include "root/ak.h"

#include <openssl/rsa.h>
#include <stdlib.h>

#include "tee/tpm_credential.h"
#include "tests/bytes.h"
#include "tests/tpm_scene.h"

enum { AK = 0x2 | 0x10 | 0x20 | 0x40 | 0x10000 | 0x40000 };

static struct {
	struct test_platform ca;
	EVP_PKEY *ak, *ek;
	struct writer ak_public;
} world;

static int enter(void **state)
{
	(void)state;
	test_platform_make(&world.ca, KEY_P256);
	world.ak_public = wr_init(1024);
	assert_int_equal(key_new(KEY_P256, &world.ak, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &world.ek, NULL), 0);
	test_tpm_public(world.ak, AK, &world.ak_public);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_platform_done(&world.ca);
	EVP_PKEY_free(world.ak);
	EVP_PKEY_free(world.ek);
	wr_done(&world.ak_public);
	return 0;
}

static struct tobi_bytes ca_pem(void)
{
	return text_bytes((const char *)world.ca.ca_pem.ptr);
}

static void test_ak_request__written__is_read_as_it_was(void **state)
{
	const struct ak_request made = {text_bytes("certificate"), text_bytes("key")};
	struct writer out = wr_init(LIMIT_AK_REQUEST);
	struct ak_request read;
	struct tobi_fault fault;

	(void)state;
	ak_request_write(&out, &made);
	assert_int_equal(ak_request_parse(wr_view(&out), &read, NULL), 0);
	assert_bytes_equal(read.ek_certificate, made.ek_certificate);
	assert_bytes_equal(read.ak_public, made.ak_public);
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(ak_request_parse(block_view(cut), &read, &fault), 0);
		block_done(cut);
	}
	out.ptr[2] = 2;
	assert_int_equal(ak_request_parse(wr_view(&out), &read, &fault),
			 TOBI_E_UNSUPPORTED);
	wr_done(&out);
}

static void test_ak_request__without_a_certificate__says_so(void **state)
{
	const struct ak_request made = {{0}, text_bytes("key")};
	/* {0: 1, 1: h'', 2: h'6b6579'}: a second way to write it */
	const struct tobi_bytes twofold =
	    BYTES(0xa3, 0, 1, 1, 0x40, 2, 0x43, 0x6b, 0x65, 0x79);
	struct writer out = wr_init(LIMIT_AK_REQUEST);
	struct ak_request read;
	struct tobi_fault fault;
	EVP_PKEY *ek = NULL;

	(void)state;
	ak_request_write(&out, &made);
	assert_int_equal(ak_request_parse(wr_view(&out), &read, NULL), 0);
	assert_int_equal(read.ek_certificate.size, 0);
	assert_bytes_equal(read.ak_public, made.ak_public);
	assert_int_equal(ak_request_check(&read, ca_pem(), TEST_NOW, &ek, &fault),
			 TOBI_E_NOT_FOUND);
	assert_null(ek);
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(ak_request_parse(block_view(cut), &read, &fault), 0);
		block_done(cut);
	}
	assert_int_equal(ak_request_parse(twofold, &read, &fault), TOBI_E_MALFORMED);
	wr_done(&out);
}

/* A platform's certificate is no endorsement certificate. */
static void test_ak_request_check__of_another_purpose__is_refused(void **state)
{
	const struct ak_request request = {world.ca.chain[0], wr_view(&world.ak_public)};
	struct tobi_fault fault = {0};
	EVP_PKEY *ek = NULL;

	(void)state;
	assert_int_equal(ak_request_check(&request, ca_pem(), TEST_NOW, &ek, &fault),
			 TOBI_E_CERTIFICATE);
	assert_non_null(strstr(fault.message, "keyAgreement"));
	assert_null(ek);
}

static enum tobi_err challenge_for(EVP_PKEY *ek, struct tobi_bytes ak_public,
				   EVP_PKEY *ca_key, struct writer *out,
				   struct tobi_fault *fault)
{
	return ak_challenge_make(ek, ak_public, ca_pem(), ca_key, TEST_NOW, out, fault);
}

static void test_ak_challenge_make__of_each_kind_of_key__fits_a_tpm(void **state)
{
	EVP_PKEY *keys[3] = {EVP_RSA_gen(2048)};
	static const size_t sizes[][2] = {{68, 256}, {68, 68}, {84, 100}};

	(void)state;
	assert_int_equal(key_new(KEY_P256, &keys[1], NULL), 0);
	assert_int_equal(key_new(KEY_P384, &keys[2], NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		struct writer out = wr_init(LIMIT_AK_CHALLENGE);
		struct ak_challenge challenge;

		assert_int_equal(challenge_for(keys[i], wr_view(&world.ak_public),
					       world.ca.ca_key, &out, NULL),
				 0);
		assert_int_equal(ak_challenge_parse(wr_view(&out), &challenge, NULL), 0);
		assert_int_equal(challenge.credential.size, sizes[i][0]);
		assert_int_equal(challenge.encrypted.size, sizes[i][1]);
		/* The certificate is not to be had without the TPM. */
		assert_null(memmem(out.ptr, out.size, "BEGIN CERT", 10));
		EVP_PKEY_free(keys[i]);
		wr_done(&out);
	}
}

static void test_ak_challenge_make__for_what_is_no_ak__is_refused(void **state)
{
	static const uint32_t attributes[] = {AK & ~0x10000u, AK & ~0x2u,
					      AK & ~0x10u,    AK & ~0x20u,
					      AK & ~0x40000u, AK | 0x20000};
	struct tobi_fault fault = {0};
	EVP_PKEY *small = EVP_RSA_gen(1024);

	(void)state;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		struct writer public = wr_init(1024), out = wr_init(LIMIT_AK_CHALLENGE);

		test_tpm_public(world.ak, attributes[i], &public);
		assert_int_equal(challenge_for(world.ek, wr_view(&public),
					       world.ca.ca_key, &out, &fault),
				 TOBI_E_UNSUPPORTED);
		assert_int_equal(out.size, 0);
		wr_done(&public);
	}
	for (int i = 0; i < 2; i++) {
		struct writer out = wr_init(LIMIT_AK_CHALLENGE);

		/* Another EK than those of the templates; another key than the CA's. */
		assert_int_equal(
		    challenge_for(i ? world.ek : small, wr_view(&world.ak_public),
				  i ? world.ak : world.ca.ca_key, &out, &fault),
		    i ? TOBI_E_MISMATCH : TOBI_E_UNSUPPORTED);
		wr_done(&out);
	}
	EVP_PKEY_free(small);
}

static void test_ak_challenge_open__without_the_secret__fails(void **state)
{
	static const uint8_t guess[32];
	struct writer out = wr_init(LIMIT_AK_CHALLENGE), pem = wr_init(LIMIT_PEM);
	struct ak_challenge challenge;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(challenge_for(world.ek, wr_view(&world.ak_public),
				       world.ca.ca_key, &out, NULL),
			 0);
	assert_int_equal(ak_challenge_parse(wr_view(&out), &challenge, NULL), 0);
	assert_int_equal(ak_challenge_open(&challenge, (struct tobi_bytes){guess, 32},
					   wr_view(&world.ak_public), &pem, &fault),
			 TOBI_E_SIGNATURE);
	assert_int_equal(ak_challenge_open(&challenge, (struct tobi_bytes){guess, 31},
					   wr_view(&world.ak_public), &pem, &fault),
			 TOBI_E_SIGNATURE);
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(
		    ak_challenge_parse(block_view(cut), &challenge, &fault), 0);
		block_done(cut);
	}
	wr_done(&out);
	wr_done(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ak_request__written__is_read_as_it_was),
	    cmocka_unit_test(test_ak_request__without_a_certificate__says_so),
	    cmocka_unit_test(test_ak_request_check__of_another_purpose__is_refused),
	    cmocka_unit_test(test_ak_challenge_make__of_each_kind_of_key__fits_a_tpm),
	    cmocka_unit_test(test_ak_challenge_make__for_what_is_no_ak__is_refused),
	    cmocka_unit_test(test_ak_challenge_open__without_the_secret__fails),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
