#include "tests/tpm_scene.h"

#include <openssl/core_names.h>

#include "base/secret.h"
#include "tee/tpm_structs.h"
#include "tests/check.h"

enum { DAY = 24 * 3600, FIXED = 0x2 | 0x10 | 0x20 | 0x40, AK = 0x10000 | 0x40000 };

static const uint8_t zeros[32], ones[32] = {[0 ... 31] = 1};

static void make_certificate(const struct test_platform *platform, EVP_PKEY *key,
			     struct writer *out)
{
	struct cert_request request = {.role = CERT_AK,
				       .common_name = "test AK",
				       .not_before = TEST_NOW - DAY,
				       .not_after = TEST_NOW + DAY,
				       .key = key};
	X509 *ca = NULL;

	*out = wr_init(LIMIT_CERTIFICATE);
	assert_int_equal(chain_read_certificate(platform->chain[1], "ca", &ca, NULL), 0);
	assert_int_equal(cert_make(&request, ca, platform->ca_key, out, NULL), 0);
	X509_free(ca);
}

void test_tpm_make(struct test_tpm *tpm, const struct test_platform *platform)
{
	*tpm = (struct test_tpm){.magic = TPM_GENERATED,
				 .type = TPM_ATTEST_QUOTE,
				 .bank = TPM_ALG_SHA256,
				 .selected = 0xff,
				 .ak_attributes = FIXED | AK,
				 .key_attributes = FIXED | 0x40000};
	assert_int_equal(key_new(KEY_P256, &tpm->ak, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &tpm->other_key, NULL), 0);
	make_certificate(platform, tpm->ak, &tpm->certificate);
	make_certificate(platform, tpm->other_key, &tpm->other_certificate);
}

void test_tpm_done(struct test_tpm *tpm)
{
	EVP_PKEY_free(tpm->ak);
	EVP_PKEY_free(tpm->other_key);
	wr_done(&tpm->certificate);
	wr_done(&tpm->other_certificate);
}

static void sized(struct writer *out, struct tobi_bytes bytes)
{
	wr_uint_be(out, bytes.size, 2);
	wr_bytes(out, bytes.ptr, bytes.size);
}

void test_tpm_public(EVP_PKEY *key, uint32_t attributes, struct writer *out)
{
	uint8_t point[128];
	size_t size = 0, half;

	assert_int_equal(
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					    point, sizeof(point), &size),
	    1);
	half = (size - 1) / 2;
	wr_uint_be(out, TPM_ALG_ECC, 2);
	wr_uint_be(out, TPM_ALG_SHA256, 2);
	wr_uint_be(out, attributes, 4);
	wr_uint_be(out, 0, 2); /* policy */
	wr_uint_be(out, TPM_ALG_NULL, 2);
	wr_uint_be(out, TPM_ALG_ECDSA, 2);
	wr_uint_be(out, TPM_ALG_SHA256, 2);
	wr_uint_be(out, half == 48 ? TPM_CURVE_P384 : TPM_CURVE_P256, 2);
	wr_uint_be(out, TPM_ALG_NULL, 2);
	sized(out, (struct tobi_bytes){point + 1, half});
	sized(out, (struct tobi_bytes){point + 1 + half, half});
}

static void write_head(struct writer *out, uint32_t magic, unsigned type,
		       struct tobi_bytes extra)
{
	wr_uint_be(out, magic, 4);
	wr_uint_be(out, type, 2);
	sized(out, (struct tobi_bytes){zeros, 32}); /* signer */
	sized(out, extra);
	wr_uint_be(out, 123456, 8);
	wr_uint_be(out, 1, 4);
	wr_uint_be(out, 0, 4);
	wr_u8(out, 1);
	wr_uint_be(out, 7, 8);
}

static void sign(EVP_PKEY *key, struct tobi_bytes message, bool damage,
		 struct writer *out)
{
	struct writer raw = wr_init(128);
	struct cose_signer signer;

	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(signer.sign(signer.context, message, &raw, NULL), 0);
	raw.ptr[raw.size - 1] ^= damage;
	wr_uint_be(out, TPM_ALG_ECDSA, 2);
	wr_uint_be(out, TPM_ALG_SHA256, 2);
	sized(out, (struct tobi_bytes){raw.ptr, 32});
	sized(out, (struct tobi_bytes){raw.ptr + 32, 32});
	wr_done(&raw);
}

static void write_selection(const struct test_tpm *tpm, struct writer *out)
{
	wr_uint_be(out, tpm->bank, 2);
	wr_u8(out, 3);
	for (unsigned i = 0; i < 3; i++)
		wr_u8(out, (uint8_t)(tpm->selected >> 8 * i));
}

static void write_quote(const struct test_tpm *tpm, struct tobi_bytes extra,
			struct writer *out)
{
	struct writer values = wr_init(1024);
	uint8_t hash[32];

	write_head(out, tpm->magic, tpm->type, extra);
	if (tpm->type == TPM_ATTEST_CERTIFY) {
		sized(out, (struct tobi_bytes){ones, 32});
		sized(out, (struct tobi_bytes){ones, 32});
		return;
	}
	wr_uint_be(out, tpm->twice_selected ? 2 : 1, 4);
	write_selection(tpm, out);
	if (tpm->twice_selected)
		write_selection(tpm, out);
	for (unsigned i = 0; i < 24; i++) {
		if (tpm->selected >> i & 1)
			wr_bytes(&values, zeros, 32);
	}
	assert_int_equal(hash_sha256(wr_view(&values), hash), 0);
	sized(out, (struct tobi_bytes){hash, 32});
	wr_done(&values);
}

static void write_certify(const struct test_tpm *tpm, struct tobi_bytes public,
			  struct writer *out)
{
	uint8_t name[TPM_STRUCT_NAME_MAX];
	size_t size = 0;

	assert_int_equal(tpm_name(public, TPM_ALG_SHA256, name, &size, NULL), 0);
	name[size - 1] ^= tpm->is_about_another_key;
	write_head(out, tpm->says_certify_wrongly ? 0 : TPM_GENERATED, TPM_ATTEST_CERTIFY,
		   (struct tobi_bytes){0});
	sized(out, (struct tobi_bytes){name, size});
	sized(out, (struct tobi_bytes){name, size});
}

static void bind(const struct test_tpm *tpm, const struct test_platform *platform,
		 struct tobi_bytes nonce, uint8_t extra[static 32])
{
	struct writer binding = wr_init(128);

	tpm_evidence_binding(
	    &binding,
	    tpm->for_another_platform ? (struct tobi_bytes){ones, 32}
				      : (struct tobi_bytes){platform->ueid + 1, 32},
	    tpm->for_another_nonce ? (struct tobi_bytes){ones, 32} : nonce);
	assert_int_equal(hash_sha256(wr_view(&binding), extra), 0);
	wr_done(&binding);
}

void test_tpm_quote(const struct test_tpm *tpm, const struct test_platform *platform,
		    struct tobi_bytes nonce, struct writer *out)
{
	struct writer parts[6];
	struct tpm_evidence evidence = {0};
	uint8_t extra[32];

	for (size_t i = 0; i < 6; i++)
		parts[i] = wr_init(1024);
	bind(tpm, platform, nonce, extra);
	write_quote(tpm, (struct tobi_bytes){extra, 32}, &parts[0]);
	sign(tpm->ak, wr_view(&parts[0]), tpm->damage_quote, &parts[1]);
	test_tpm_public(tpm->ak, tpm->ak_attributes, &parts[2]);
	test_tpm_public(tpm->certifies_another_key ? tpm->other_key : platform->key,
			tpm->key_attributes, &parts[3]);
	write_certify(tpm, wr_view(&parts[3]), &parts[4]);
	sign(tpm->ak, wr_view(&parts[4]), tpm->damage_certify, &parts[5]);
	if (tpm->unreadable)
		wr_u8(&parts[0], 0);
	evidence.quote = wr_view(&parts[0]);
	evidence.quote_signature = wr_view(&parts[1]);
	evidence.ak = wr_view(&parts[2]);
	evidence.key = wr_view(&parts[3]);
	evidence.certify = wr_view(&parts[4]);
	evidence.certify_signature = wr_view(&parts[5]);
	for (unsigned i = 0; i < 24; i++) {
		if ((tpm->selected | (tpm->shows_more_values ? 1 << 9 : 0)) >> i & 1)
			evidence.pcrs[i] = (struct tobi_bytes){zeros, 32};
	}
	if (tpm->shows_another_value)
		evidence.pcrs[3].ptr = ones;
	evidence.chain_count = !tpm->without_chain;
	evidence.chain_sizes[0] = 2;
	evidence.chains[0][0] = tpm->chain_of_another_key
				    ? wr_view(&tpm->other_certificate)
				    : wr_view(&tpm->certificate);
	evidence.chains[0][1] = platform->chain[1];
	tpm_evidence_write(out, &evidence);
	assert_int_equal(wr_err(out), 0);
	for (size_t i = 0; i < 6; i++)
		wr_done(&parts[i]);
}
