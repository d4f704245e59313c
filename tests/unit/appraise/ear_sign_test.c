/* From a verdict over evidence to a signed result, and from it to a second verdict. */
#include "codec/jose.h"
#include "codec/json.h"
#include "pki/chain.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/evidence.h"
#include "tests/token_scene.h"
#include "token/cmw.h"

struct relay {
	struct test_scene scene;
	EVP_PKEY *key;
	struct writer pem, public_pem;
	uint8_t *token;
	size_t size;
};

static void relay_make(struct relay *relay)
{
	*relay =
	    (struct relay){.pem = wr_init(LIMIT_PEM), .public_pem = wr_init(LIMIT_PEM)};
	test_scene_make(&relay->scene);
	assert_int_equal(key_new(KEY_P256, &relay->key, NULL), 0);
	assert_int_equal(key_write_private(relay->key, &relay->pem, NULL), 0);
	assert_int_equal(key_write_public(relay->key, &relay->public_pem, NULL), 0);
}

static void relay_done(struct relay *relay)
{
	test_scene_done(&relay->scene);
	EVP_PKEY_free(relay->key);
	wr_done(&relay->pem);
	wr_done(&relay->public_pem);
	free(relay->token);
}

static void relay_sign(struct relay *relay, struct tobi_ear_request request,
		       enum tobi_verdict expected)
{
	struct tobi_result *result = test_scene_appraise(&relay->scene);
	struct tobi_fault fault = {0};

	assert_int_equal(tobi_result_verdict(result), expected);
	request.key = wr_view(&relay->pem);
	free(relay->token);
	relay->token = NULL;
	if (tobi_result_sign_ear(result, &request, &relay->token, &relay->size, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	tobi_result_free(result);
}

static struct tobi_result *second(struct relay *relay, const char *more,
				  struct tobi_bytes nonce)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	struct tobi_verify_request request = {.evidence = {relay->token, relay->size},
					      .nonce = nonce,
					      .time = relay->scene.now};
	struct tobi_bytes pem = wr_view(&relay->public_pem);

	wr_printf(&yaml,
		  "version: 1\ntiers: [ear]\nidentity: {mode: any-instance}\n%s"
		  "roots:\n  - tier: ear\n    anchors: |\n",
		  nonce.size ? "" : "allow: [no-nonce]\n");
	for (size_t i = 0; i < pem.size; i++) {
		if (i == 0 || pem.ptr[i - 1] == '\n')
			wr_printf(&yaml, "      ");
		wr_u8(&yaml, pem.ptr[i]);
	}
	wr_printf(&yaml, "%s", more);
	if (tobi_policy_parse(wr_view(&yaml), "second", &policy, &fault) ||
	    tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&yaml);
	return result;
}

/* The soft tier is isolated only: a warning. */
static const char policy[] = "ear:\n  policies: [test]\n  min-status: warning\n";

static const char *policy_name(struct relay *relay)
{
	struct tobi_result *result = test_scene_appraise(&relay->scene);
	char *json = NULL;
	static char more[256];
	json_t *ear;
	const char *name;

	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_JSON, &json, NULL), 0);
	ear = json_loads(json, 0, NULL);
	name = json_string_value(json_array_get(
	    json_object_get(json_object_get(json_object_get(ear, "submods"), "enclave"),
			    "ear_appraisal_policy_ids"),
	    0));
	snprintf(more, sizeof(more),
		 "ear:\n  policies: [\"%s\"]\n  min-status: warning\n", name);
	json_decref(ear);
	free(json);
	tobi_result_free(result);
	return more;
}

static void test_sign_ear__each_form__accepted_by_who_trusts_the_verifier(void **state)
{
	struct relay relay;

	(void)state;
	relay_make(&relay);
	for (int form = TOBI_EAR_JWT; form <= TOBI_EAR_CMW_CBOR; form++) {
		for (int profile = TOBI_EAR_NEW; profile <= TOBI_EAR_VERAISON;
		     profile++) {
			struct tobi_ear_request request = {
			    .form = (enum tobi_ear_form)form,
			    .profile = (enum tobi_ear_profile)profile,
			    .developer = "https://verifier.example",
			    .lifetime = 60};

			relay_sign(&relay, request, TOBI_ACCEPT);
			/* The nonce and the agent's key are handed on. */
			expect_accepted(
			    second(&relay, policy_name(&relay), relay.scene.given_nonce));
			relay.scene.now += 60;
			FAILS("EAR-TIME", second(&relay, policy_name(&relay),
						 relay.scene.given_nonce));
			relay.scene.now -= 60;
		}
	}
	relay_done(&relay);
}

static void test_sign_ear__what_was_refused__contraindicated(void **state)
{
	struct relay relay;
	struct tobi_result *result;

	(void)state;
	relay_make(&relay);
	relay.scene.damage_signature = true;
	relay_sign(&relay, (struct tobi_ear_request){0}, TOBI_REFUSE);
	result = second(&relay, policy, (struct tobi_bytes){0});
	FIRST_FAILS("POLICY-EAR-STATUS", result);
	relay_done(&relay);
}

static void test_sign_ear__another_key_or_a_changed_byte__refused(void **state)
{
	struct relay relay, other;

	(void)state;
	relay_make(&relay);
	relay_make(&other);
	relay_sign(&relay, (struct tobi_ear_request){0}, TOBI_ACCEPT);
	wr_done(&relay.public_pem);
	wr_bytes(&relay.public_pem, other.public_pem.ptr, other.public_pem.size);
	FIRST_FAILS("EAR-SIGNER", second(&relay, policy, (struct tobi_bytes){0}));
	relay_sign(&other, (struct tobi_ear_request){0}, TOBI_ACCEPT);
	other.token[other.size - 8] = other.token[other.size - 8] == 'A' ? 'B' : 'A';
	FIRST_FAILS("EAR-SIGNATURE", second(&other, policy, (struct tobi_bytes){0}));
	relay_done(&relay);
	relay_done(&other);
}

static void test_sign_ear__certificate__goes_with_it(void **state)
{
	struct relay relay;
	struct token_scene certified;
	struct writer pem = wr_init(LIMIT_PEM);
	struct jws jws = {0};
	struct tobi_ear_request request = {0};
	struct tobi_result *result;
	struct tobi_fault fault = {0};
	uint8_t *token = NULL;
	size_t size = 0;

	(void)state;
	relay_make(&relay);
	token_scene_ear(&certified);
	wr_done(&relay.pem);
	assert_int_equal(key_write_private(certified.signer, &relay.pem, NULL), 0);
	assert_int_equal(chain_write_pem(wr_view(&certified.leaf), &pem, NULL), 0);
	request.certificates = wr_view(&pem);
	relay_sign(&relay, request, TOBI_ACCEPT);
	assert_int_equal(
	    jws_parse((struct tobi_bytes){relay.token, relay.size}, "token", &jws, NULL),
	    0);
	assert_int_equal(jws.x5chain_count, 1);
	assert_bytes_equal(jws.x5chain[0], wr_view(&certified.leaf));
	jws_done(&jws);
	/* One of another key. */
	wr_done(&relay.pem);
	assert_int_equal(key_write_private(relay.key, &relay.pem, NULL), 0);
	request.key = wr_view(&relay.pem);
	result = test_scene_appraise(&relay.scene);
	assert_int_equal(tobi_result_sign_ear(result, &request, &token, &size, &fault),
			 TOBI_E_ARGUMENT);
	assert_string_equal(fault.field, "certificate");
	assert_null(token);
	tobi_result_free(result);
	token_scene_done(&certified);
	relay_done(&relay);
	wr_done(&pem);
}

static void test_sign_ear__wrong_arguments__named(void **state)
{
	struct relay relay;
	struct tobi_result *result;
	uint8_t *token = NULL;
	size_t size = 0;

	(void)state;
	relay_make(&relay);
	result = test_scene_appraise(&relay.scene);
	{
		const struct tobi_bytes key = wr_view(&relay.pem);
		const struct tobi_ear_request wrong[] = {
		    {.key = key, .form = (enum tobi_ear_form)4},
		    {.key = key, .profile = (enum tobi_ear_profile)2},
		    {.key = key, .lifetime = -1},
		    {.key = key, .lifetime = 366 * 24 * 3600 + 1},
		    {.key = key, .developer = "a\nb"}};

		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
			assert_int_equal(
			    tobi_result_sign_ear(result, &wrong[i], &token, &size, NULL),
			    TOBI_E_ARGUMENT);
		assert_int_equal(
		    tobi_result_sign_ear(NULL, &wrong[0], &token, &size, NULL),
		    TOBI_E_ARGUMENT);
		assert_int_equal(tobi_result_sign_ear(result, NULL, &token, &size, NULL),
				 TOBI_E_ARGUMENT);
		assert_int_not_equal(
		    tobi_result_sign_ear(
			result, &(struct tobi_ear_request){.key = text_bytes("no key")},
			&token, &size, NULL),
		    TOBI_OK);
	}
	assert_null(token);
	tobi_result_free(result);
	relay_done(&relay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_sign_ear__each_form__accepted_by_who_trusts_the_verifier),
	    cmocka_unit_test(test_sign_ear__what_was_refused__contraindicated),
	    cmocka_unit_test(test_sign_ear__another_key_or_a_changed_byte__refused),
	    cmocka_unit_test(test_sign_ear__certificate__goes_with_it),
	    cmocka_unit_test(test_sign_ear__wrong_arguments__named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
