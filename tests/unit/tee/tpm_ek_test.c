#include "tee/tpm_ek.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "tee/tpm_structs.h"
#include "tests/bytes.h"

enum { EK = 0x2 | 0x10 | 0x20 | 0x80 | 0x10000 | 0x20000, KINDS = 3 };

/* A key of each kind of which there are endorsement keys. */
static struct {
	EVP_PKEY *keys[KINDS];
} world;

static int enter(void **state)
{
	(void)state;
	world.keys[0] = EVP_RSA_gen(2048);
	world.keys[1] = EVP_EC_gen("prime256v1");
	world.keys[2] = EVP_EC_gen("secp384r1");
	return world.keys[0] && world.keys[1] && world.keys[2] ? 0 : -1;
}

static int leave(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		EVP_PKEY_free(world.keys[i]);
	return 0;
}

static void sized(struct writer *out, const uint8_t *bytes, size_t size)
{
	wr_uint_be(out, size, 2);
	wr_bytes(out, bytes, size);
}

static void write_point(EVP_PKEY *key, struct writer *out)
{
	uint8_t point[128];
	size_t size = 0, half;

	assert_int_equal(
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    point, sizeof(point), &size),
	    1);
	half = (size - 1) / 2;
	wr_uint_be(out, half == 48 ? TPM_CURVE_P384 : TPM_CURVE_P256, 2);
	wr_uint_be(out, TPM_ALG_NULL, 2);
	sized(out, point + 1, half);
	sized(out, point + 1 + half, half);
}

static void write_modulus(EVP_PKEY *key, struct writer *out)
{
	uint8_t modulus[512];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	wr_uint_be(out, (size_t)BN_num_bits(n), 2);
	wr_uint_be(out, 0, 4);
	sized(out, modulus, (size_t)BN_bn2bin(n, modulus));
	BN_free(n);
}

/* As the template of that kind has it. */
static void write_public(size_t kind, uint32_t attributes, unsigned name_alg,
			 struct writer *out)
{
	wr_uint_be(out, kind ? TPM_ALG_ECC : TPM_ALG_RSA, 2);
	wr_uint_be(out, name_alg, 2);
	wr_uint_be(out, attributes, 4);
	wr_uint_be(out, 0, 2); /* policy */
	wr_uint_be(out, TPM_ALG_AES, 2);
	wr_uint_be(out, kind == 2 ? 256 : 128, 2);
	wr_uint_be(out, 0x43, 2);
	wr_uint_be(out, TPM_ALG_NULL, 2);
	if (kind)
		write_point(world.keys[kind], out);
	else
		write_modulus(world.keys[kind], out);
}

static unsigned name_alg_of(size_t kind)
{
	return kind == 2 ? TPM_ALG_SHA384 : TPM_ALG_SHA256;
}

enum form { PEM, DER, TPMT, TPM2B, FORMS };

static struct writer written(size_t kind, enum form form)
{
	struct writer public = wr_init(1024), out = wr_init(2048);

	write_public(kind, EK, name_alg_of(kind), &public);
	if (form == PEM)
		assert_int_equal(key_write_public(world.keys[kind], &out, NULL), 0);
	else if (form == DER)
		assert_int_equal(key_spki(world.keys[kind], &out, NULL), 0);
	else if (form == TPM2B)
		sized(&out, public.ptr, public.size);
	else
		wr_bytes(&out, public.ptr, public.size);
	wr_done(&public);
	return out;
}

static enum tobi_err read(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	EVP_PKEY *key = NULL;
	enum tobi_err err = tpm_ek_read(bytes, &key, fault);

	assert_int_equal(err == TOBI_OK, key != NULL);
	EVP_PKEY_free(key);
	return err;
}

static void test_tpm_ek_read__each_kind_in_each_form__is_that_key(void **state)
{
	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		for (enum form form = PEM; form < FORMS; form++) {
			struct writer bytes = written(kind, form);
			EVP_PKEY *key = NULL;

			assert_int_equal(tpm_ek_read(wr_view(&bytes), &key, NULL), 0);
			assert_int_equal(EVP_PKEY_eq(key, world.keys[kind]), 1);
			EVP_PKEY_free(key);
			wr_done(&bytes);
		}
	}
}

/* Of PEM the line end that is last may be missing. */
static void test_tpm_ek_read__cut_or_longer__fails(void **state)
{
	struct tobi_fault fault;

	(void)state;
	for (enum form form = PEM; form < FORMS; form++) {
		struct writer bytes = written(form % KINDS, form);

		for (size_t size = 0; size < bytes.size - (form == PEM); size++) {
			struct block cut =
			    block_new((struct tobi_bytes){bytes.ptr, size});

			assert_int_not_equal(read(block_view(cut), &fault), 0);
			block_done(cut);
		}
		wr_u8(&bytes, 0);
		if (form != PEM)
			assert_int_not_equal(read(wr_view(&bytes), &fault), 0);
		wr_done(&bytes);
	}
}

static void test_tpm_ek_read__key_for_something_else__is_unsupported(void **state)
{
	static const uint32_t attributes[] = {EK & ~0x2u,     EK & ~0x10u,
					      EK & ~0x20u,    EK & ~0x10000u,
					      EK & ~0x20000u, EK | 0x40000};
	struct tobi_fault fault = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		struct writer bytes = wr_init(1024);

		write_public(1, attributes[i], TPM_ALG_SHA256, &bytes);
		assert_int_equal(read(wr_view(&bytes), &fault), TOBI_E_UNSUPPORTED);
		assert_non_null(strstr(fault.message, "for something else"));
		wr_done(&bytes);
	}
}

static void test_tpm_ek_read__of_no_template__is_unsupported(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct writer bytes = wr_init(1024);

		write_public(kind, EK, kind == 2 ? TPM_ALG_SHA256 : TPM_ALG_SHA384,
			     &bytes);
		assert_int_equal(read(wr_view(&bytes), &fault), TOBI_E_UNSUPPORTED);
		assert_non_null(strstr(fault.message, "templates"));
		wr_done(&bytes);
	}
}

static void test_tpm_ek_read__not_one_public_key__fails(void **state)
{
	struct writer two = written(1, PEM), none = wr_init(256), private = wr_init(1024);
	EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct writer other = wr_init(1024), small = wr_init(1024);
	EVP_PKEY *short_rsa = EVP_RSA_gen(1024);
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(key_write_public(world.keys[2], &two, NULL), 0);
	assert_int_equal(read(wr_view(&two), &fault), TOBI_E_MALFORMED);
	assert_non_null(strstr(fault.message, "2 public keys"));
	wr_bytes(&none, "-----BEGIN nothing\n", 19);
	assert_int_equal(read(wr_view(&none), &fault), TOBI_E_MALFORMED);
	assert_int_equal(key_write_private(world.keys[1], &private, NULL), 0);
	assert_int_equal(read(wr_view(&private), &fault), TOBI_E_UNSUPPORTED);
	assert_int_equal(key_write_public(edwards, &other, NULL), 0);
	assert_int_equal(read(wr_view(&other), &fault), TOBI_E_UNSUPPORTED);
	assert_int_equal(key_spki(short_rsa, &small, NULL), 0);
	assert_int_equal(read(wr_view(&small), &fault), TOBI_E_UNSUPPORTED);
	EVP_PKEY_free(edwards);
	EVP_PKEY_free(short_rsa);
	wr_done(&two);
	wr_done(&none);
	wr_done(&private);
	wr_done(&other);
	wr_done(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_ek_read__each_kind_in_each_form__is_that_key),
	    cmocka_unit_test(test_tpm_ek_read__cut_or_longer__fails),
	    cmocka_unit_test(test_tpm_ek_read__key_for_something_else__is_unsupported),
	    cmocka_unit_test(test_tpm_ek_read__of_no_template__is_unsupported),
	    cmocka_unit_test(test_tpm_ek_read__not_one_public_key__fails),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
