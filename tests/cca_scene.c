#include "tests/cca_scene.h"

#include <openssl/core_names.h>

#include "base/hex.h"
#include "codec/cbor.h"
#include "tests/check.h"
#include "tests/scene_try.h"
#include "token/cmw.h"

enum { PLATFORM = 44234, REALM = 44241 };

/* Four byte strings of 32 bytes: e0, e1, e2, e3. */
static struct tobi_bytes rems(void)
{
	static uint8_t list[1 + 4 * 34];

	list[0] = 0x84;
	for (size_t i = 0; i < 4; i++) {
		list[1 + 34 * i] = 0x58;
		list[2 + 34 * i] = 32;
		memset(list + 3 + 34 * i, (int)(0xe0 + i), 32);
	}
	return (struct tobi_bytes){list, sizeof(list)};
}

static void make_platform(struct test_cca *cca)
{
	static uint8_t instance[33];
	struct test_token *token = &cca->platform;
	static const char *const types[] = {"RSE_BL2", "RMM", "HW_CONFIG"};

	memset(instance, 0x1d, sizeof(instance));
	instance[0] = 1;
	test_claim_text(token, 265,
			cca->generation == CCA_LEGACY
			    ? "http://arm.com/CCA-SSD/1.0.0"
			    : "tag:arm.com,2023:cca_platform#1.0.0");
	test_claim_bytes(token, 2396, test_bytes_of(0x1a, 32));
	test_claim_bytes(token, 256, (struct tobi_bytes){instance, sizeof(instance)});
	test_claim_bytes(token, 2401, test_bytes_of(0xcf, 4));
	test_claim_int(token, 2395, 0x3003);
	test_claim_text(token, 2402, "sha-256");
	test_claim_text(token, 2400, "https://verify.example");
	token->components_label = 2399;
	token->component_count = 3;
	for (size_t i = 0; i < 3; i++)
		token->components[i] = (struct test_component){
		    types[i], "1.2", "sha-256", test_bytes_of((uint8_t)(0xa1 + i), 32),
		    test_bytes_of(0x51, 32)};
	token->key = cca->cpak;
}

static void make_realm(struct test_cca *cca)
{
	static uint8_t instance[33];
	struct test_token *token = &cca->realm;

	memset(instance, 0x4e, sizeof(instance));
	instance[0] = 1;
	test_claim_bytes(token, 10, cca->given_nonce);
	test_claim_bytes(token, 44235, test_bytes_of(0x99, 64));
	test_claim_text(token, 44236, "sha-256");
	test_claim_bytes(token, 44238, test_bytes_of(0x11, 32));
	test_claim_raw(token, 44239, rems());
	if (cca->generation == CCA_REALM_1)
		test_claim_text(token, 265, "tag:arm.com,2023:realm#1.0.0");
	if (cca->generation == CCA_REALM_2) {
		test_claim_text(token, 265, "tag:arm.com,2024:realm#2.0.0");
		test_claim_bytes(token, 256,
				 (struct tobi_bytes){instance, sizeof(instance)});
		test_claim_int(token, 44243, 1);
	}
	test_cca_set_key(cca, cca->rak, cca->generation != CCA_LEGACY);
}

void test_cca_make(struct test_cca *cca, enum cca_generation generation)
{
	*cca = (struct test_cca){.generation = generation,
				 .cmw = generation == CCA_REALM_2,
				 .given_nonce = test_bytes_of(0x4e, 64)};
	assert_int_equal(key_new(KEY_P384, &cca->cpak, NULL), 0);
	assert_int_equal(key_new(KEY_P384, &cca->rak, NULL), 0);
	assert_int_equal(key_new(KEY_P384, &cca->other_key, NULL), 0);
	make_platform(cca);
	make_realm(cca);
}

void test_cca_done(struct test_cca *cca)
{
	EVP_PKEY_free(cca->cpak);
	EVP_PKEY_free(cca->rak);
	EVP_PKEY_free(cca->other_key);
	wr_done(&cca->realm_key);
}

static int curve_of(size_t half)
{
	return half == 32 ? 1 : half == 48 ? 2 : 3;
}

static void write_key(EVP_PKEY *key, bool cose, struct writer *out)
{
	uint8_t point[1 + 2 * 66];
	size_t size = 0, half;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
							 point, sizeof(point), &size),
			 1);
	half = size / 2;
	if (!cose) {
		wr_bytes(out, point, size);
		return;
	}
	cbor_write_map(out, 4);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, 2);
	cbor_write_int(out, -1);
	cbor_write_int(out, curve_of(half));
	cbor_write_int(out, -2);
	cbor_write_bytes(out, (struct tobi_bytes){point + 1, half});
	cbor_write_int(out, -3);
	cbor_write_bytes(out, (struct tobi_bytes){point + 1 + half, half});
}

void test_cca_bind(struct test_cca *cca, const char *hash)
{
	const EVP_MD *md = strcmp(hash, "sha-512") == 0	  ? EVP_sha512()
			   : strcmp(hash, "sha-384") == 0 ? EVP_sha384()
							  : EVP_sha256();
	unsigned size = 0;

	assert_int_equal(EVP_Digest(cca->realm_key.ptr, cca->realm_key.size,
				    cca->challenge, &size, md, NULL),
			 1);
	cca->challenge_size = size;
	test_claim_text(&cca->realm, 44240, hash);
	test_claim_bytes(&cca->platform, 10, (struct tobi_bytes){cca->challenge, size});
	test_claim_bytes(&cca->realm, 44237, wr_view(&cca->realm_key));
}

void test_cca_set_key(struct test_cca *cca, EVP_PKEY *key, bool cose)
{
	wr_done(&cca->realm_key);
	cca->realm_key = wr_init(512);
	write_key(key, cose, &cca->realm_key);
	cca->realm.key = key;
	test_cca_bind(cca, "sha-256");
}

static void write_member(const struct test_cca *cca, int label,
			 const struct test_token *token, struct writer *out)
{
	struct writer bytes = wr_init(LIMIT_TOKEN);

	test_token_write(token, &bytes);
	cbor_write_int(out, label);
	if (cca->cmw) {
		cbor_write_array(out, cca->indicator ? 3 : 2);
		cbor_write_int(out, cca->content_format ? cca->content_format : 263);
	}
	cbor_write_bytes(out, wr_view(&bytes));
	if (cca->cmw && cca->indicator)
		cbor_write_int(out, cca->indicator);
	wr_done(&bytes);
}

static void write_token(const struct test_cca *cca, struct writer *out)
{
	cbor_write_tag(out, cca->tag ? (uint64_t)cca->tag : cca->cmw ? 907 : 399);
	cbor_write_map(out,
		       2u - cca->without_platform - cca->without_realm + cca->one_more);
	if (!cca->without_platform)
		write_member(cca, PLATFORM, &cca->platform, out);
	if (!cca->without_realm)
		write_member(cca, REALM, &cca->realm, out);
	if (cca->one_more) {
		cbor_write_uint(out, 44299);
		cbor_write_uint(out, 1);
	}
	wr_reserve(out, cca->trailing);
	assert_int_equal(wr_err(out), 0);
}

static struct tobi_bytes text_of(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, strlen(text)};
}

void test_cca_write(const struct test_cca *cca, struct writer *out)
{
	struct writer token = wr_init(LIMIT_EVIDENCE);
	struct cmw_record records[2] = {
	    {.key = text_of("cpu"),
	     .content_format = cca->record_format,
	     .indicator = CMW_EVIDENCE},
	    {.key = text_of("claims"),
	     .media_type = text_of(CMW_TYPE_CLAIMS),
	     .value = cca->claims_buffer,
	     .indicator = CMW_EVIDENCE},
	};

	if (!cca->claims_buffer.size) {
		write_token(cca, out);
		return;
	}
	write_token(cca, &token);
	records[0].value = wr_view(&token);
	if (!cca->record_format)
		records[0].media_type = text_of("application/vnd.tobichi.cca-token");
	cmw_write(out, records, 2);
	assert_int_equal(wr_err(out), 0);
	wr_done(&token);
}

void test_cca_policy(const struct test_cca *cca, struct writer *out)
{
	char image[65];

	hex_write(test_bytes_of(0x11, 32), image, sizeof(image));
	wr_printf(out,
		  "version: 1\nname: cca scene\ntiers: [cca]\nimages: [\"%s\"]\n"
		  "identity: {mode: any-instance}\n",
		  cca->image ? cca->image : image);
	if (cca->allow)
		wr_printf(out, "allow: [%s]\n", cca->allow);
	if (cca->section)
		wr_printf(out, "cca:\n%s", cca->section);
	if (cca->more)
		wr_printf(out, "%s", cca->more);
	if (!cca->without_root)
		test_root_write("cca", cca->with_other_root ? cca->other_key : cca->cpak,
				out);
}

enum tobi_err test_cca_try(const struct test_cca *cca, struct tobi_result **ret_result,
			   struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	const struct tobi_verify_request request = {.nonce = cca->given_nonce,
						    .time = CCA_NOW};

	test_cca_write(cca, &evidence);
	test_cca_policy(cca, &yaml);
	return scene_try("cca.yaml", &yaml, &evidence, request, ret_result, fault);
}

struct tobi_result *test_cca_appraise(const struct test_cca *cca)
{
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = test_cca_try(cca, &result, &fault);

	return scene_result(err, result, &fault);
}
