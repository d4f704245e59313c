#include "tests/sev_scene.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "base/endian.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "pki/cert.h"
#include "tests/check.h"

enum {
	DAY = 24 * 3600,
	HEAD = 64, /* of an amd_cert */
	BODY = 1044,
	SLOT = 520,
	POINT = 72,
	ROOM = 512,
};

static bool is_rsa(uint32_t algorithm)
{
	return (algorithm & 0xff) == 1;
}

/* Little-endian, as RSA's signatures are written. */
static void rsa_sign(EVP_PKEY *key, bool sha384, struct tobi_bytes body, uint8_t *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = NULL;
	uint8_t big[ROOM];
	size_t size = sizeof(big);

	assert_int_equal(EVP_DigestSignInit(md, &context,
					    sha384 ? EVP_sha384() : EVP_sha256(), NULL,
					    key),
			 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), 1);
	assert_int_equal(EVP_DigestSign(md, big, &size, body.ptr, body.size), 1);
	EVP_MD_CTX_free(md);
	for (size_t i = 0; i < size; i++)
		out[i] = big[size - 1 - i];
}

static void ecdsa_sign(EVP_PKEY *key, bool sha384, struct tobi_bytes body, uint8_t *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[160];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *numbers;

	assert_int_equal(
	    EVP_DigestSignInit(md, NULL, sha384 ? EVP_sha384() : EVP_sha256(), NULL, key),
	    1);
	assert_int_equal(EVP_DigestSign(md, der, &size, body.ptr, body.size), 1);
	EVP_MD_CTX_free(md);
	numbers = d2i_ECDSA_SIG(NULL, &at, (long)size);
	assert_non_null(numbers);
	BN_bn2lebinpad(ECDSA_SIG_get0_r(numbers), out, POINT);
	BN_bn2lebinpad(ECDSA_SIG_get0_s(numbers), out + POINT, POINT);
	ECDSA_SIG_free(numbers);
}

void test_amd_sign(uint8_t *certificate, size_t size, EVP_PKEY *signer)
{
	size_t number = (size - HEAD) / 3;

	rsa_sign(signer, number == 512, (struct tobi_bytes){certificate, size - number},
		 certificate + size - number);
}

static void put_number(EVP_PKEY *key, const char *name, uint8_t *out, size_t size)
{
	BIGNUM *number = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	assert_int_equal(BN_bn2lebinpad(number, out, (int)size), size);
	BN_free(number);
}

static void amd_body(uint8_t *out, uint32_t usage, const char *key_id,
		     const char *certifying_id, EVP_PKEY *key)
{
	size_t number = (size_t)EVP_PKEY_get_size(key);

	store_le(out, 4, 1);
	assert_true(hex_read(key_id, out + 4, 16) &&
		    hex_read(certifying_id, out + 20, 16));
	store_le(out + 36, 4, usage);
	store_le(out + 56, 4, 8 * number);
	store_le(out + 60, 4, 8 * number);
	put_number(key, OSSL_PKEY_PARAM_RSA_E, out + HEAD, number);
	put_number(key, OSSL_PKEY_PARAM_RSA_N, out + HEAD + number, number);
}

void test_amd_make(struct test_amd *amd, int bits, const char *key_id)
{
	static const char ask_id[] = "c6cbcf145b3146f498e40ecb4ad4fded";
	struct cert_request request = {.role = CERT_CA,
				       .common_name = "ARK of the tests",
				       .not_before = SEV_TEST_NOW - DAY,
				       .not_after = SEV_TEST_NOW + DAY};
	struct writer der = wr_init(LIMIT_CERTIFICATE);

	*amd = (struct test_amd){.ark_key = EVP_RSA_gen((unsigned)bits),
				 .size = HEAD + 3 * (size_t)bits / 8,
				 .anchor = wr_init(LIMIT_PEM)};
	amd->ask_key = bits > 2048 ? amd->ark_key : EVP_RSA_gen((unsigned)bits);
	assert_true(amd->ark_key && amd->ask_key);
	if (bits > 2048) /* one of them takes long enough */
		EVP_PKEY_up_ref(amd->ark_key);
	amd_body(amd->ark, SEV_ARK, key_id, key_id, amd->ark_key);
	amd_body(amd->ask, SEV_ASK, ask_id, key_id, amd->ask_key);
	test_amd_sign(amd->ark, amd->size, amd->ark_key);
	test_amd_sign(amd->ask, amd->size, amd->ark_key);
	request.key = amd->ark_key;
	assert_int_equal(cert_make(&request, NULL, NULL, &der, NULL), 0);
	assert_int_equal(chain_write_pem(wr_view(&der), &amd->anchor, NULL), 0);
	wr_u8(&amd->anchor, 0);
	wr_done(&der);
}

void test_amd_done(struct test_amd *amd)
{
	EVP_PKEY_free(amd->ark_key);
	EVP_PKEY_free(amd->ask_key);
	wr_done(&amd->anchor);
}

static void put_point(EVP_PKEY *key, uint8_t *out)
{
	uint8_t point[1 + 2 * 48];
	size_t size = 0, half;

	assert_int_equal(
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    point, sizeof(point), &size),
	    1);
	half = size / 2;
	store_le(out, 4, half == 48 ? 2 : 1);
	for (size_t i = 0; i < half; i++) {
		out[4 + i] = point[half - i];
		out[4 + POINT + i] = point[2 * half - i];
	}
}

void test_sev_certificate(uint8_t out[static SEV_CERTIFICATE_SIZE], uint32_t usage,
			  uint32_t algorithm, EVP_PKEY *key)
{
	memset(out, 0, SEV_CERTIFICATE_SIZE);
	store_le(out, 4, 1);
	out[5] = 22;
	store_le(out + 8, 4, usage);
	store_le(out + 12, 4, algorithm);
	if (is_rsa(algorithm)) {
		store_le(out + 16, 4, (uint64_t)EVP_PKEY_get_bits(key));
		put_number(key, OSSL_PKEY_PARAM_RSA_E, out + 20, ROOM);
		put_number(key, OSSL_PKEY_PARAM_RSA_N, out + 20 + ROOM, ROOM);
	} else {
		put_point(key, out + 16);
	}
	store_le(out + BODY, 4, SEV_NONE);
	store_le(out + BODY + SLOT, 4, SEV_NONE);
}

void test_sev_sign(uint8_t certificate[static SEV_CERTIFICATE_SIZE], size_t slot,
		   uint32_t usage, uint32_t algorithm, EVP_PKEY *signer)
{
	uint8_t *at = certificate + BODY + slot * SLOT;
	struct tobi_bytes body = {certificate, BODY};

	memset(at, 0, SLOT);
	store_le(at, 4, usage);
	store_le(at + 4, 4, algorithm);
	if (is_rsa(algorithm))
		rsa_sign(signer, algorithm & 0x100, body, at + 8);
	else
		ecdsa_sign(signer, algorithm & 0x100, body, at + 8);
}

static void make_launch(struct test_sev *sev)
{
	sev->launch = (struct sev_launch){.has_blob = true,
					  .has_api = true,
					  .has_build = true,
					  .has_policy = true,
					  .api_minor = 22,
					  .build = 13,
					  .policy = SEV_POLICY_NODBG | SEV_POLICY_ES};
	for (size_t i = 0; i < sizeof(sev->tik); i++) {
		sev->tik[i] = (uint8_t)(0x40 + i);
		sev->launch.mnonce[i] = (uint8_t)(0x80 + i);
	}
	for (size_t i = 0; i < sizeof(sev->digest); i++)
		sev->digest[i] = (uint8_t)(3 * i);
	assert_int_equal(
	    sev_launch_measure(&sev->launch,
			       (struct tobi_bytes){sev->tik, sizeof(sev->tik)},
			       (struct tobi_bytes){sev->digest, sizeof(sev->digest)},
			       sev->launch.measure),
	    0);
}

void test_sev_make(struct test_sev *sev, const struct test_amd *amd)
{
	EVP_PKEY **keys[] = {&sev->cek_key, &sev->pek_key, &sev->oca_key, &sev->pdh_key};
	const uint32_t by_amd =
	    amd->size == SEV_AMD_4096_SIZE ? SEV_RSA_SHA384 : SEV_RSA_SHA256;

	*sev = (struct test_sev){.amd = amd,
				 .section = "",
				 .allow = "no-nonce",
				 .anchors = (const char *)amd->anchor.ptr};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(key_new(KEY_P384, keys[i], NULL), 0);
	test_sev_certificate(sev->cek, SEV_CEK, SEV_ECDSA_SHA256, sev->cek_key);
	test_sev_certificate(sev->pek, SEV_PEK, SEV_ECDSA_SHA256, sev->pek_key);
	test_sev_certificate(sev->oca, SEV_OCA, SEV_ECDSA_SHA256, sev->oca_key);
	test_sev_certificate(sev->pdh, SEV_PDH, SEV_ECDH_SHA256, sev->pdh_key);
	test_sev_sign(sev->cek, 0, SEV_ASK, by_amd, amd->ask_key);
	test_sev_sign(sev->pek, 0, SEV_OCA, SEV_ECDSA_SHA256, sev->oca_key);
	test_sev_sign(sev->pek, 1, SEV_CEK, SEV_ECDSA_SHA256, sev->cek_key);
	test_sev_sign(sev->oca, 0, SEV_OCA, SEV_ECDSA_SHA256, sev->oca_key);
	test_sev_sign(sev->pdh, 0, SEV_PEK, SEV_ECDSA_SHA256, sev->pek_key);
	make_launch(sev);
}

void test_sev_done(struct test_sev *sev)
{
	EVP_PKEY_free(sev->cek_key);
	EVP_PKEY_free(sev->pek_key);
	EVP_PKEY_free(sev->oca_key);
	EVP_PKEY_free(sev->pdh_key);
}

void test_sev_chain(const struct test_sev *sev, struct writer *out)
{
	if (!sev->no_pek)
		wr_bytes(out, sev->pek, sizeof(sev->pek));
	if (!sev->no_oca)
		wr_bytes(out, sev->oca, sizeof(sev->oca));
	if (!sev->no_cek)
		wr_bytes(out, sev->cek, sizeof(sev->cek));
	if (!sev->no_pdh)
		wr_bytes(out, sev->pdh, sizeof(sev->pdh));
	if (!sev->no_amd) {
		wr_bytes(out, sev->amd->ask, sev->amd->size);
		wr_bytes(out, sev->amd->ark, sev->amd->size);
	}
	assert_int_equal(wr_err(out), 0);
}

void test_sev_launch(const struct test_sev *sev, struct writer *out)
{
	const struct sev_launch *launch = &sev->launch;
	uint8_t blob[SEV_BLOB_SIZE];

	bytes_copy(blob, sizeof(blob), launch->measure, sizeof(launch->measure));
	bytes_copy(blob + SEV_MEASURE_SIZE, SEV_MNONCE_SIZE, launch->mnonce,
		   sizeof(launch->mnonce));
	wr_printf(out,
		  "{\"return\": {\"enabled\": true, \"api-minor\": %u, \"handle\": 1, "
		  "\"state\": \"launch-secret\", \"api-major\": %u, \"build-id\": %u, "
		  "\"policy\": %u, \"data\": \"",
		  launch->api_minor, launch->api_major, launch->build,
		  (unsigned)launch->policy);
	base64_write(out, (struct tobi_bytes){blob, sizeof(blob)});
	wr_printf(out, "\"}}\r\n");
	assert_int_equal(wr_err(out), 0);
}

/* PEM as the value of a key: each of its lines further in. */
static void put_pem(const char *pem, struct writer *out)
{
	while (*pem) {
		size_t size = strcspn(pem, "\n");

		wr_printf(out, "      %.*s\n", (int)size, pem);
		pem += size + (pem[size] == '\n');
	}
}

void test_sev_policy(const struct test_sev *sev, struct writer *out)
{
	wr_printf(out, "version: 1\ntiers: [sev]\n");
	if (sev->images) {
		wr_printf(out, "%s", sev->images);
	} else {
		wr_printf(out, "images: [");
		for (size_t i = 0; i < sizeof(sev->digest); i++)
			wr_printf(out, "%02x", sev->digest[i]);
		wr_printf(out, "]\n");
	}
	wr_printf(out, "allow: [%s]\nidentity:\n  mode: any-instance\n%s", sev->allow,
		  sev->section);
	if (sev->anchors[0]) {
		wr_printf(out, "roots:\n  - tier: sev\n    anchors: |\n");
		put_pem(sev->anchors, out);
	}
	assert_int_equal(wr_err(out), 0);
}

enum tobi_err test_sev_verify(const struct test_sev *sev, struct tobi_bytes evidence,
			      const struct tobi_bytes *pieces, size_t count,
			      struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_verify_request request = {
	    .evidence = evidence,
	    .time = SEV_TEST_NOW,
	    .pieces = pieces,
	    .piece_count = count,
	    .secret = {sev->tik, sev->no_tik ? 0 : sizeof(sev->tik)}};
	struct tobi_policy *policy = NULL;
	enum tobi_err err;

	test_sev_policy(sev, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, fault), 0);
	err = tobi_verify(policy, &request, ret_result, fault);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

struct tobi_result *test_sev_appraise(const struct test_sev *sev)
{
	struct writer chain = wr_init(LIMIT_EVIDENCE), launch = wr_init(4096);
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	struct tobi_bytes piece;

	test_sev_chain(sev, &chain);
	test_sev_launch(sev, &launch);
	piece = wr_view(&launch);
	if (test_sev_verify(sev, wr_view(&chain), &piece, !sev->no_launch, &result,
			    &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&chain);
	wr_done(&launch);
	return result;
}
