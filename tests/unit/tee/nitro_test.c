/* Documents of a hypervisor of its own: the right one is accepted, and each check refuses
 * alone. */
#include <stdlib.h>

#include "appraise/appraise.h"
#include "tee/nitro.h"
#include "tests/bytes.h"
#include "tests/nitro_scene.h"
#include "token/claims_buffer.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static void does_not_change(struct test_nitro *nitro)
{
	(void)nitro;
}

static void says_es256(struct test_nitro *nitro)
{
	nitro->algorithm = COSE_ES256;
}
static void names_another_digest(struct test_nitro *nitro)
{
	nitro->digest = "SHA512";
}
static void has_no_module(struct test_nitro *nitro)
{
	nitro->module_id = "";
}
static void has_no_time(struct test_nitro *nitro)
{
	nitro->timestamp = 0;
}
static void has_a_time_beyond_any(struct test_nitro *nitro)
{
	nitro->timestamp = UINT64_MAX;
}
static void has_no_pcrs(struct test_nitro *nitro)
{
	nitro->pcr_mask = 0;
}
static void lacks_a_pcr(struct test_nitro *nitro)
{
	nitro->pcr_mask &= ~(1u << 2);
}
static void has_a_25th_pcr(struct test_nitro *nitro)
{
	nitro->pcr_mask |= 1u << 24;
}
static void has_short_pcrs(struct test_nitro *nitro)
{
	nitro->pcr_size = 20;
}
static void has_pcrs_of_both(struct test_nitro *nitro)
{
	nitro->both_pcrs = true;
}
static void has_an_unknown_field(struct test_nitro *nitro)
{
	nitro->more_field = "extra";
}
static void has_no_certificate(struct test_nitro *nitro)
{
	nitro->without_leaf = true;
}
static void has_too_large_a_certificate(struct test_nitro *nitro)
{
	nitro->certificate_size = 1025;
}
/* Good ones, but for their size. */
static void has_too_large_a_leaf(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_LEAF].comment = 700;
}
static void has_too_large_an_issuer(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_ZONE].comment = 700;
}
static void has_no_bundle(struct test_nitro *nitro)
{
	nitro->bundle[0] = -1;
}
static const uint8_t many[1025];
static void has_an_empty_key(struct test_nitro *nitro)
{
	nitro->public_key = (struct tobi_bytes){many, 0};
}
static void has_too_large_a_key(struct test_nitro *nitro)
{
	nitro->public_key = (struct tobi_bytes){many, 1025};
}
static void has_too_much_user_data(struct test_nitro *nitro)
{
	nitro->user_data = (struct tobi_bytes){many, 1025};
}
static void has_too_long_a_nonce(struct test_nitro *nitro)
{
	nitro->nonce = (struct tobi_bytes){many, 1025};
	nitro->allow = "no-nonce";
	nitro->given_nonce = (struct tobi_bytes){0};
}

static void is_of_another_root(struct test_nitro *nitro)
{
	nitro->vendors_roots = true;
}
static void has_a_certificate_that_is_none(struct test_nitro *nitro)
{
	nitro->certificate_size = 700;
}
static void lacks_the_root(struct test_nitro *nitro)
{
	for (size_t i = 0; i < NITRO_PLACES; i++)
		nitro->bundle[i] = nitro->bundle[i + 1];
}
static void lacks_a_link(struct test_nitro *nitro)
{
	nitro->bundle[1] = NITRO_ZONE;
	nitro->bundle[2] = NITRO_INSTANCE;
	nitro->bundle[3] = -1;
}
static void had_expired(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_LEAF].not_after = NITRO_NOW - 10;
}
static void had_an_expired_root(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_ROOT].not_after = NITRO_NOW - 10;
}
static void was_not_valid_yet(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_ZONE].not_before = NITRO_NOW + 10;
}
static void is_too_deep(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_REGION].constraints = "critical,CA:TRUE,pathlen:0";
}
static void has_an_issuer_that_is_no_ca(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_INSTANCE].constraints = "critical,CA:FALSE";
}
static void has_an_issuer_of_another_use(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_INSTANCE].usage = "critical,digitalSignature";
}

static void is_reversed(struct test_nitro *nitro)
{
	const int reversed[] = {NITRO_INSTANCE, NITRO_ZONE, NITRO_REGION, NITRO_ROOT};

	for (size_t i = 0; i < 4; i++)
		nitro->bundle[i] = reversed[i];
}
static void has_two_exchanged(struct test_nitro *nitro)
{
	nitro->bundle[1] = NITRO_ZONE;
	nitro->bundle[2] = NITRO_REGION;
}
static void has_one_twice(struct test_nitro *nitro)
{
	nitro->bundle[4] = NITRO_INSTANCE;
	nitro->bundle[5] = -1;
}
static void has_the_leaf_in_it(struct test_nitro *nitro)
{
	nitro->bundle[4] = NITRO_LEAF;
	nitro->bundle[5] = -1;
}

static void has_one_before_the_root(struct test_nitro *nitro)
{
	for (size_t i = 5; i > 0; i--)
		nitro->bundle[i] = nitro->bundle[i - 1];
	nitro->bundle[0] = NITRO_ZONE;
}

static void has_a_leaf_that_is_a_ca(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_LEAF].constraints = "critical,CA:TRUE";
	nitro->certificates[NITRO_LEAF].usage = "digitalSignature,keyCertSign";
	nitro->certificates[NITRO_INSTANCE].constraints = "critical,CA:TRUE,pathlen:1";
	nitro->certificates[NITRO_ZONE].constraints = "critical,CA:TRUE,pathlen:2";
	nitro->certificates[NITRO_REGION].constraints = "critical,CA:TRUE,pathlen:3";
}
static void has_a_leaf_of_another_use(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_LEAF].usage = "keyAgreement";
}
static void has_a_leaf_of_no_use(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_LEAF].usage = NULL;
}
static void has_an_issuer_of_no_use(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_ZONE].usage = NULL;
}
static void has_a_p256_key(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_ZONE].kind = KEY_P256;
}
static void has_a_weak_digest(struct test_nitro *nitro)
{
	nitro->certificates[NITRO_REGION].weak_digest = true;
}

static void is_of_another_module(struct test_nitro *nitro)
{
	nitro->module_id = "i-0123-enc4568";
}
static void is_of_a_part_of_the_name(struct test_nitro *nitro)
{
	nitro->module_id = "i-0123-enc456";
}
static void is_signed_by_another(struct test_nitro *nitro)
{
	nitro->signed_by_another = true;
}
static void has_a_damaged_signature(struct test_nitro *nitro)
{
	nitro->damaged_signature = true;
}
static void comes_from_the_future(struct test_nitro *nitro)
{
	nitro->now = NITRO_NOW - 120;
}

/* ---- claims ---- */

static struct writer claims;
static uint8_t claims_hash[32], key_hash[32];
static const struct tobi_bytes key = {(const uint8_t *)"an SPKI", 7};

static void carries_claims(struct test_nitro *nitro)
{
	claims = wr_init(LIMIT_CLAIMS_BUFFER);
	assert_int_equal(hash_sha256(key, key_hash), 0);
	claims_buffer_write(&claims, nitro->given_nonce, key_hash, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	nitro->claims_buffer = wr_view(&claims);
	assert_int_equal(hash_sha256(nitro->claims_buffer, claims_hash), 0);
	nitro->nonce = (struct tobi_bytes){claims_hash, sizeof(claims_hash)};
}
static void carries_them_whole(struct test_nitro *nitro)
{
	carries_claims(nitro);
	nitro->user_data = nitro->claims_buffer;
	nitro->public_key = key;
}
static void is_of_other_claims(struct test_nitro *nitro)
{
	carries_claims(nitro);
	claims_hash[0] ^= 1;
}
static void says_other_claims(struct test_nitro *nitro)
{
	carries_claims(nitro);
	nitro->user_data = key;
}
static void names_another_key(struct test_nitro *nitro)
{
	carries_claims(nitro);
	nitro->public_key = nitro->claims_buffer;
}

#define FAILS(code, change, kind)                                                        \
	{                                                                                \
#change, code, change, kind                                              \
	}
static const struct {
	const char *name, *code;
	void (*change)(struct test_nitro *nitro);
	enum nitro_kind kind;
} cases[] = {
    FAILS("NITRO-ALGORITHM", says_es256, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", names_another_digest, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_no_module, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_no_time, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_a_time_beyond_any, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_no_pcrs, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", lacks_a_pcr, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", lacks_a_pcr, NITRO_TPM),
    FAILS("NITRO-DOCUMENT", has_a_25th_pcr, NITRO_TPM),
    FAILS("NITRO-DOCUMENT", has_short_pcrs, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_pcrs_of_both, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_pcrs_of_both, NITRO_TPM),
    FAILS("NITRO-DOCUMENT", has_an_unknown_field, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_no_certificate, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_too_large_a_certificate, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_too_large_a_leaf, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_too_large_an_issuer, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_no_bundle, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_an_empty_key, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_too_large_a_key, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_too_much_user_data, NITRO_ENCLAVE),
    FAILS("NITRO-DOCUMENT", has_too_long_a_nonce, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", is_of_another_root, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", is_of_another_root, NITRO_TPM),
    FAILS("NITRO-CHAIN", has_a_certificate_that_is_none, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", lacks_the_root, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", lacks_a_link, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", had_expired, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", had_an_expired_root, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", was_not_valid_yet, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", is_too_deep, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", has_an_issuer_that_is_no_ca, NITRO_ENCLAVE),
    FAILS("NITRO-CHAIN", has_an_issuer_of_another_use, NITRO_ENCLAVE),
    FAILS("NITRO-BUNDLE", is_reversed, NITRO_ENCLAVE),
    FAILS("NITRO-BUNDLE", has_two_exchanged, NITRO_ENCLAVE),
    FAILS("NITRO-BUNDLE", has_one_twice, NITRO_ENCLAVE),
    FAILS("NITRO-BUNDLE", has_one_before_the_root, NITRO_ENCLAVE),
    FAILS("NITRO-BUNDLE", has_the_leaf_in_it, NITRO_ENCLAVE),
    FAILS("NITRO-PROFILE", has_a_leaf_that_is_a_ca, NITRO_ENCLAVE),
    FAILS("NITRO-PROFILE", has_a_leaf_of_another_use, NITRO_ENCLAVE),
    FAILS("NITRO-PROFILE", has_a_leaf_of_no_use, NITRO_ENCLAVE),
    FAILS("NITRO-PROFILE", has_an_issuer_of_no_use, NITRO_ENCLAVE),
    FAILS("NITRO-PROFILE", has_a_p256_key, NITRO_ENCLAVE),
    FAILS("NITRO-PROFILE", has_a_weak_digest, NITRO_ENCLAVE),
    FAILS("NITRO-MODULE", is_of_another_module, NITRO_ENCLAVE),
    FAILS("NITRO-MODULE", is_of_a_part_of_the_name, NITRO_ENCLAVE),
    FAILS("NITRO-SIGNATURE", is_signed_by_another, NITRO_ENCLAVE),
    FAILS("NITRO-SIGNATURE", has_a_damaged_signature, NITRO_ENCLAVE),
    FAILS("NITRO-SIGNATURE", has_a_damaged_signature, NITRO_TPM),
    FAILS("NITRO-TIME", comes_from_the_future, NITRO_ENCLAVE),
    FAILS("NITRO-BINDING", is_of_other_claims, NITRO_ENCLAVE),
    FAILS("NITRO-BINDING", says_other_claims, NITRO_ENCLAVE),
    FAILS("NITRO-BINDING", names_another_key, NITRO_ENCLAVE),
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void run_case(size_t index)
{
	struct test_nitro nitro;
	struct tobi_result *result;
	bool found = false;

	test_nitro_make(&nitro, cases[index].kind);
	cases[index].change(&nitro);
	result = test_nitro_appraise(&nitro);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (line->outcome != TOBI_FAILED)
			continue;
		if (strcmp(line->code, cases[index].code) == 0)
			found = true;
		/* A document that lacks a field has nothing in it for a policy to take.
		 */
		else if (strncmp(line->code, "POLICY-", 7) != 0 ||
			 strcmp(cases[index].code, "NITRO-DOCUMENT") != 0)
			fail_msg("%s: %s failed too (%s)", cases[index].name, line->code,
				 line->found);
	}
	if (!found)
		fail_msg("%s: %s did not fail", cases[index].name, cases[index].code);
	tobi_result_free(result);
	test_nitro_done(&nitro);
	wr_done(&claims);
}

static void test_nitro__each_check__refuses_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++)
		run_case(i);
}

static void test_nitro_cases__name_every_check(void **state)
{
	(void)state;
	for (size_t i = 0; tee_nitro.checks[i]; i++) {
		bool found = false;

		for (size_t n = 0; n < CASES; n++)
			found |= strcmp(cases[n].code, tee_nitro.checks[i]->code) == 0;
		if (!found)
			fail_msg("%s has no case here", tee_nitro.checks[i]->code);
	}
}

static void accepts(enum nitro_kind kind, void (*change)(struct test_nitro *))
{
	struct test_nitro nitro;
	struct tobi_result *result;

	test_nitro_make(&nitro, kind);
	change(&nitro);
	result = test_nitro_appraise(&nitro);
	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s", tobi_result_reason(result));
	assert_string_equal(tobi_result_tier(result),
			    kind == NITRO_TPM ? "nitro-tpm" : "nitro");
	tobi_result_free(result);
	test_nitro_done(&nitro);
	wr_done(&claims);
}

static void is_tagged(struct test_nitro *nitro)
{
	nitro->tagged = true;
}
static void is_indefinite(struct test_nitro *nitro)
{
	nitro->indefinite = true;
}
static void is_old_but_young_enough(struct test_nitro *nitro)
{
	nitro->now = NITRO_NOW + 10 * HOUR; /* the leaf has expired since */
	nitro->more = "max-age: 86400\n";
}
static void has_all_that_may_be(struct test_nitro *nitro)
{
	nitro->public_key = (struct tobi_bytes){many, 1024};
	nitro->user_data = (struct tobi_bytes){many, 1024};
	nitro->nonce = (struct tobi_bytes){many, 1024};
	nitro->given_nonce = nitro->nonce;
}

static void test_nitro__right_documents__accepted(void **state)
{
	(void)state;
	accepts(NITRO_ENCLAVE, does_not_change);
	accepts(NITRO_TPM, does_not_change);
	accepts(NITRO_ENCLAVE, is_tagged);
	accepts(NITRO_ENCLAVE, is_indefinite);
	accepts(NITRO_TPM, is_indefinite);
	accepts(NITRO_ENCLAVE, carries_claims);
	accepts(NITRO_ENCLAVE, carries_them_whole);
	accepts(NITRO_ENCLAVE, is_old_but_young_enough);
	accepts(NITRO_ENCLAVE, has_all_that_may_be);
	/* Its public key is the TPM's own. */
	accepts(NITRO_TPM, carries_claims);
}

static enum tobi_err nonce_of(size_t size)
{
	struct test_nitro nitro;
	struct tobi_result *result;
	enum tobi_err err;

	test_nitro_make(&nitro, NITRO_ENCLAVE);
	nitro.given_nonce = (struct tobi_bytes){many, size};
	err = test_nitro_try(&nitro, &result, NULL);
	tobi_result_free(result);
	test_nitro_done(&nitro);
	return err;
}

static void test_verify__sizes_of_a_nonce(void **state)
{
	(void)state;
	assert_int_equal(nonce_of(7), TOBI_E_ARGUMENT);
	assert_int_equal(nonce_of(8), TOBI_OK);
	assert_int_equal(nonce_of(1024), TOBI_OK);
	assert_int_equal(nonce_of(1025), TOBI_E_ARGUMENT);
}

static void refuses_with(void (*change)(struct test_nitro *), const char *code)
{
	struct test_nitro nitro;
	struct tobi_result *result;

	test_nitro_make(&nitro, NITRO_ENCLAVE);
	change(&nitro);
	result = test_nitro_appraise(&nitro);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_memory_equal(tobi_result_reason(result), code, strlen(code));
	tobi_result_free(result);
	test_nitro_done(&nitro);
}

static void is_under_a_debugger(struct test_nitro *nitro)
{
	for (size_t i = 0; i < 3; i++)
		memset(nitro->pcrs[i], 0, sizeof(nitro->pcrs[i]));
}
static void has_one_zero_pcr(struct test_nitro *nitro)
{
	memset(nitro->pcrs[1], 0, sizeof(nitro->pcrs[1]));
}
static void is_debugged_as_allowed(struct test_nitro *nitro)
{
	is_under_a_debugger(nitro);
	nitro->allow = "debug";
}
static void is_too_old(struct test_nitro *nitro)
{
	nitro->now = NITRO_NOW + 2 * HOUR;
}
static void is_of_another_image(struct test_nitro *nitro)
{
	nitro->pcr_size = 32; /* another value than the policy's */
}
static void is_not_of_the_tier(struct test_nitro *nitro)
{
	nitro->tiers = "nitro-tpm";
}
static void has_another_nonce(struct test_nitro *nitro)
{
	nitro->given_nonce = (struct tobi_bytes){many, 32};
}
static void has_no_nonce(struct test_nitro *nitro)
{
	nitro->nonce = (struct tobi_bytes){0};
}
static void has_a_nonce_and_zeros(struct test_nitro *nitro)
{
	static const uint8_t longer[40] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

	nitro->nonce = (struct tobi_bytes){longer, 40};
	nitro->given_nonce = (struct tobi_bytes){longer, 9};
}

static void test_nitro__what_the_policy_refuses__refused(void **state)
{
	(void)state;
	refuses_with(is_under_a_debugger, "POLICY-DEBUG");
	refuses_with(has_one_zero_pcr, "POLICY-DEBUG");
	accepts(NITRO_ENCLAVE, is_debugged_as_allowed);
	refuses_with(is_too_old, "POLICY-FRESHNESS");
	refuses_with(is_of_another_image, "POLICY-IMAGE");
	refuses_with(is_not_of_the_tier, "POLICY-TIER");
	refuses_with(has_another_nonce, "CLAIMS-NONCE");
	refuses_with(has_no_nonce, "CLAIMS-NONCE");
	refuses_with(has_a_nonce_and_zeros, "CLAIMS-NONCE");
}

/* A document of a TPM under the name of an enclave's, and the reverse. */
static void test_nitro_examine__of_the_other_kind__refused(void **state)
{
	static const struct tee_verifier *const other[] = {
	    [NITRO_ENCLAVE] = &tee_nitro_tpm, [NITRO_TPM] = &tee_nitro};

	(void)state;
	for (int kind = NITRO_ENCLAVE; kind <= NITRO_TPM; kind++) {
		struct test_nitro nitro;
		struct writer document = wr_init(LIMIT_NITRO);
		struct arena arena = arena_init(LIMIT_APPRAISAL);
		struct checklist *list = calloc(1, sizeof(*list));
		struct tee_claims *said = calloc(1, sizeof(*said));
		struct tee_request request = {.time = NITRO_NOW};

		test_nitro_make(&nitro, (enum nitro_kind)kind);
		test_nitro_document(&nitro, &document);
		request.evidence = wr_view(&document);
		list->arena = &arena;
		assert_int_equal(other[kind]->examine(&request, list, said, NULL), 0);
		assert_null(said->tier);
		assert_string_equal(list->records[1].check->code, "NITRO-DOCUMENT");
		assert_int_equal(list->records[1].outcome, TOBI_FAILED);
		assert_false(tee_nitro.recognise(request.evidence) ==
			     tee_nitro_tpm.recognise(request.evidence));
		free(list);
		free(said);
		arena_done(&arena);
		wr_done(&document);
		test_nitro_done(&nitro);
	}
}

static void test_nitro_claims__say_what_the_document_says(void **state)
{
	struct test_nitro nitro;
	struct tobi_result *result;
	uint8_t eights[48];

	(void)state;
	memset(eights, 0x18, sizeof(eights));
	test_nitro_make(&nitro, NITRO_ENCLAVE);
	result = test_nitro_appraise(&nitro);
	assert_int_equal(result->claims.issued, NITRO_NOW - 3);
	assert_int_equal(result->claims.signer_count, 1);
	assert_bytes_equal(result->claims.signers[0],
			   ((struct tobi_bytes){eights, sizeof(eights)}));
	assert_string_equal(result->claims.facts[0].name, "module");
	assert_string_equal(result->claims.facts[0].value, "i-0123-enc4567");
	assert_string_equal(result->claims.facts[1].value, "2030-03-17T17:46:37.500Z");
	assert_string_equal(result->claims.root_kind, "hardware");
	tobi_result_free(result);
	memset(nitro.pcrs[8], 0, sizeof(nitro.pcrs[8]));
	result = test_nitro_appraise(&nitro);
	assert_int_equal(result->claims.signer_count, 0);
	tobi_result_free(result);
	test_nitro_done(&nitro);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nitro__right_documents__accepted),
	    cmocka_unit_test(test_nitro__each_check__refuses_alone),
	    cmocka_unit_test(test_nitro_cases__name_every_check),
	    cmocka_unit_test(test_verify__sizes_of_a_nonce),
	    cmocka_unit_test(test_nitro__what_the_policy_refuses__refused),
	    cmocka_unit_test(test_nitro_examine__of_the_other_kind__refused),
	    cmocka_unit_test(test_nitro_claims__say_what_the_document_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
