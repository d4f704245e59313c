#include "tests/psa_scene.h"

#include "codec/cbor.h"
#include "tests/check.h"
#include "tests/scene_try.h"
#include "token/cmw.h"

const struct psa_labels psa_labels[PSA_GENERATIONS] = {
    [PSA_TFM] = {265, 2394, 2395, 2396, 268, 2399, 10, 256},
    [PSA_2] = {265, 2394, 2395, 2396, 2397, 2399, 10, 256},
    [PSA_1] = {-75000, -75001, -75002, -75003, -75004, -75006, -75008, -75009},
};

static const char *const profiles[PSA_GENERATIONS] = {
    "tag:psacertified.org,2023:psa#tfm", "http://arm.com/psa/2.0.0", "PSA_IOT_PROFILE_1"};

static const uint8_t secret[32] = {[0 ... 31] = 0x5e};

void test_psa_make(struct test_psa *psa, enum psa_generation generation)
{
	const struct psa_labels *labels = &psa_labels[generation];
	static uint8_t instance[33];
	struct test_token *token = &psa->token;

	memset(instance, 0x1d, sizeof(instance));
	instance[0] = 1;
	*psa = (struct test_psa){.generation = generation,
				 .given_nonce = test_bytes_of(0x4e, 32),
				 .section = "  components:\n    - {type: SPE, signer: "
					    "\"5151515151515151515151515151515151515151"
					    "515151515151515151515151\"}\n"
					    "    - {type: NSPE, signer: "
					    "\"5151515151515151515151515151515151515151"
					    "515151515151515151515151\"}\n"};
	assert_int_equal(key_new(KEY_P256, &psa->key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &psa->other_key, NULL), 0);
	test_claim_bytes(token, labels->nonce, psa->given_nonce);
	test_claim_bytes(token, labels->instance,
			 (struct tobi_bytes){instance, sizeof(instance)});
	test_claim_text(token, labels->profile, profiles[generation]);
	test_claim_int(token, labels->client, -7);
	test_claim_int(token, labels->lifecycle, 0x3001);
	test_claim_bytes(token, labels->implementation, test_bytes_of(0x1a, 32));
	test_claim_bytes(token, labels->seed, test_bytes_of(0xb5, 32));
	token->components_label = labels->components;
	token->component_count = 2;
	token->components[0] = (struct test_component){
	    "SPE", "1.6.0", "SHA256", test_bytes_of(0xa1, 32), test_bytes_of(0x51, 32)};
	token->components[1] = (struct test_component){
	    "NSPE", "0.1.0", NULL, test_bytes_of(0xa2, 32), test_bytes_of(0x51, 32)};
	token->key = psa->key;
}

void test_psa_done(struct test_psa *psa)
{
	EVP_PKEY_free(psa->key);
	EVP_PKEY_free(psa->other_key);
}

void test_psa_share_key(struct test_psa *psa)
{
	psa->token.secret = psa->given_secret =
	    (struct tobi_bytes){secret, sizeof(secret)};
	psa->without_root = true;
}

static struct tobi_bytes text_of(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, strlen(text)};
}

void test_psa_write(const struct test_psa *psa, struct writer *out)
{
	struct writer token = wr_init(LIMIT_EVIDENCE);
	struct cmw_record records[2] = {
	    {.key = text_of("cpu"), .indicator = CMW_EVIDENCE},
	    {.key = text_of("claims"),
	     .media_type = text_of(CMW_TYPE_CLAIMS),
	     .value = psa->claims_buffer,
	     .indicator = CMW_EVIDENCE},
	};

	test_token_write(&psa->token, &token);
	wr_reserve(&token, psa->trailing);
	records[0].value = wr_view(&token);
	records[0].content_format = psa->content_format;
	if (!psa->content_format)
		records[0].media_type = text_of("application/vnd.tobichi.psa-token");
	if (psa->claims_buffer.size)
		cmw_write(out, records, 2);
	else
		wr_bytes(out, token.ptr, token.size);
	assert_int_equal(wr_err(out), 0);
	wr_done(&token);
}

void test_psa_policy(const struct test_psa *psa, struct writer *out)
{
	wr_printf(out, "version: 1\nname: psa scene\ntiers: [psa]\n"
		       "identity: {mode: any-instance}\n");
	if (psa->allow)
		wr_printf(out, "allow: [%s]\n", psa->allow);
	if (psa->section)
		wr_printf(out, "psa:\n%s", psa->section);
	if (psa->more)
		wr_printf(out, "%s", psa->more);
	if (!psa->without_root)
		test_root_write("psa", psa->with_other_root ? psa->other_key : psa->key,
				out);
}

enum tobi_err test_psa_try(const struct test_psa *psa, struct tobi_result **ret_result,
			   struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	const struct tobi_verify_request request = {
	    .nonce = psa->given_nonce, .time = PSA_NOW, .secret = psa->given_secret};

	test_psa_write(psa, &evidence);
	test_psa_policy(psa, &yaml);
	return scene_try("psa.yaml", &yaml, &evidence, request, ret_result, fault);
}

struct tobi_result *test_psa_appraise(const struct test_psa *psa)
{
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = test_psa_try(psa, &result, &fault);

	return scene_result(err, result, &fault);
}
