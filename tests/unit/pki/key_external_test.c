/* Keys that sign elsewhere: here, "elsewhere" is a key that OpenSSL holds. */
#include <openssl/ec.h>

#include "pki/cert.h"
#include "pki/key_external.h"
#include "codec/cose.h"
#include "base/limits.h"
#include "tests/bytes.h"

struct device {
	EVP_PKEY *key;
	size_t half;
	size_t signatures;
	bool fails, is_short;
};

static enum tobi_err device_sign(void *context, struct tobi_bytes digest,
				 struct writer *ret_signature, struct tobi_fault *fault)
{
	struct device *device = context;
	EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(device->key, NULL);
	uint8_t der[256], raw[128];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *pair;

	device->signatures++;
	assert_int_equal(EVP_PKEY_sign_init(sign), 1);
	assert_int_equal(EVP_PKEY_sign(sign, der, &size, digest.ptr, digest.size), 1);
	EVP_PKEY_CTX_free(sign);
	pair = d2i_ECDSA_SIG(NULL, &at, (long)size);
	assert_non_null(pair);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)device->half);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + device->half, (int)device->half);
	ECDSA_SIG_free(pair);
	wr_bytes(ret_signature, raw, 2 * device->half - (device->is_short ? 1 : 0));
	if (device->fails) {
		*fault = (struct tobi_fault){.code = TOBI_E_TIMEOUT,
					     .message = "the device is away"};
		return TOBI_E_TIMEOUT;
	}
	return TOBI_OK;
}

struct world {
	struct device device;
	struct key_external external;
	EVP_PKEY *key;
};

static void set_up(struct world *world, enum key_kind kind)
{
	*world = (struct world){.device.half = kind == KEY_P256 ? 32 : 48};
	world->external.sign = device_sign;
	world->external.context = &world->device;
	assert_int_equal(key_new(kind, &world->device.key, NULL), 0);
	assert_int_equal(
	    key_external_new(world->device.key, &world->external, &world->key, NULL), 0);
}

static void tear_down(struct world *world)
{
	EVP_PKEY_free(world->key);
	key_external_done(&world->external);
	EVP_PKEY_free(world->device.key);
}

static const struct tobi_bytes message = {(const uint8_t *)"message", 7};

static void test_key_external__signs_cose__the_public_key_verifies(void **state)
{
	(void)state;
	for (enum key_kind kind = KEY_P256; kind <= KEY_P384; kind++) {
		struct writer out = wr_init(4096), own = wr_init(1024),
			      theirs = wr_init(1024);
		struct cose_headers headers = {0};
		struct cose_signer signer;
		struct cose_sign1 sign1;
		struct world world;

		set_up(&world, kind);
		assert_int_equal(cose_signer_for_key(world.key, &signer, NULL), 0);
		assert_int_equal(
		    cose_write(&out, &signer, &headers, message, false, NULL), 0);
		assert_int_equal(
		    cose_parse(wr_view(&out), true, COSE_TAGGED, "token", &sign1, NULL),
		    0);
		assert_int_equal(cose_verify(&sign1, world.device.key,
					     (struct tobi_bytes){0}, sign1.payload,
					     "token", NULL),
				 0);
		assert_int_equal(world.device.signatures, 1);
		assert_int_equal(key_spki(world.key, &own, NULL), 0);
		assert_int_equal(key_spki(world.device.key, &theirs, NULL), 0);
		assert_true(bytes_equal(wr_view(&own), wr_view(&theirs)));
		wr_done(&own);
		wr_done(&theirs);
		wr_done(&out);
		tear_down(&world);
	}
}

static void test_key_external__signs_certificates_and_requests(void **state)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE), csr = wr_init(LIMIT_PEM);
	X509 *certificate = NULL;
	struct cert_request request;
	struct world world;

	(void)state;
	set_up(&world, KEY_P256);
	request = (struct cert_request){CERT_CA, "device", NULL, 1000, 2000, world.key};
	assert_int_equal(cert_make(&request, NULL, NULL, &der, NULL), 0);
	assert_int_equal(
	    chain_read_certificate(wr_view(&der), "certificate", &certificate, NULL), 0);
	assert_int_equal(X509_verify(certificate, world.device.key), 1);
	assert_int_equal(cert_make_csr(world.key, "device", &csr, NULL), 0);
	assert_int_equal(world.device.signatures, 2);
	X509_free(certificate);
	wr_done(&der);
	wr_done(&csr);
	tear_down(&world);
}

static void test_key_external__device_fails__the_reason_is_kept(void **state)
{
	struct writer out = wr_init(4096);
	struct cose_headers headers = {0};
	struct cose_signer signer;
	struct world world;

	(void)state;
	set_up(&world, KEY_P256);
	assert_int_equal(cose_signer_for_key(world.key, &signer, NULL), 0);
	world.device.fails = true;
	assert_int_equal(cose_write(&out, &signer, &headers, message, false, NULL),
			 TOBI_E_CRYPTO);
	assert_int_equal(world.external.fault.code, TOBI_E_TIMEOUT);
	world.device.fails = false;
	world.device.is_short = true;
	assert_int_equal(cose_write(&out, &signer, &headers, message, false, NULL),
			 TOBI_E_CRYPTO);
	assert_non_null(strstr(world.external.fault.message, "63 bytes"));
	world.device.is_short = false;
	assert_int_equal(cose_write(&out, &signer, &headers, message, false, NULL), 0);
	wr_done(&out);
	tear_down(&world);
}

static void test_key_external__another_kind_of_key__refused(void **state)
{
	struct key_external external = {.sign = device_sign};
	struct tobi_fault fault = {0};
	EVP_PKEY *ed25519 = NULL, *key = NULL;

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &ed25519, NULL), 0);
	assert_int_equal(key_external_new(ed25519, &external, &key, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_string_equal(fault.field, "curve");
	assert_null(key);
	key_external_done(&external);
	EVP_PKEY_free(ed25519);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_key_external__signs_cose__the_public_key_verifies),
	    cmocka_unit_test(test_key_external__signs_certificates_and_requests),
	    cmocka_unit_test(test_key_external__device_fails__the_reason_is_kept),
	    cmocka_unit_test(test_key_external__another_kind_of_key__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
