#include "tee/epid.h"

#include <openssl/rsa.h>

#include "base/endian.h"
#include "codec/base64.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/epid_scene.h"

static struct test_service service, other, renamed, renamed_root;

static int enter(void **state)
{
	(void)state;
	test_service_make(&service, NULL, NULL);
	test_service_make(&other, NULL, NULL);
	test_service_make(&renamed, NULL, "Intel SGX Attestation Report Signer");
	test_service_make(&renamed_root, "Intel SGX Root CA", NULL);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_service_done(&service);
	test_service_done(&other);
	test_service_done(&renamed);
	test_service_done(&renamed_root);
	return 0;
}

static void test_epid__good_report__accepted_and_called_retired(void **state)
{
	struct test_epid epid;
	struct tobi_result *result;

	(void)state;
	test_epid_make(&epid, &service);
	result = test_epid_appraise(&epid);
	assert_string_equal(tobi_result_tier(result), "sgx-epid");
	expect_allowance(result, "RETIRED");
	expect_accepted(result);
}

static void test_epid__every_version__accepted(void **state)
{
	static const char *const versions[] = {NULL, "2", "3", "4", "5"};
	struct test_epid epid;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		test_epid_make(&epid, &service);
		epid.version = versions[i];
		expect_accepted(test_epid_appraise(&epid));
	}
}

static void test_epid__another_version__fails_alone(void **state)
{
	static const char *const versions[] = {"0", "1", "6", "99999999999"};
	struct test_epid epid;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		test_epid_make(&epid, &service);
		epid.version = versions[i];
		FAILS("EPID-VERSION", test_epid_appraise(&epid));
	}
}

/* The chain fails, and so nothing can be said of the signature. */
static void expect_chain_fails(struct tobi_result *result)
{
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	ALSO_FAILS("EPID-CHAIN", result);
	assert_int_equal(outcome_of(result, "EPID-SIGNATURE"), TOBI_NOT_RUN);
	assert_int_equal(outcome_of(result, "EPID-STATUS"), TOBI_PASSED);
	tobi_result_free(result);
}

static void test_epid__another_root__fails(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &other);
	epid.anchors = (const char *)service.root_pem.ptr;
	expect_chain_fails(test_epid_appraise(&epid));
}

static void test_epid__test_root_without_policy_of_it__fails(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.anchors = "";
	expect_chain_fails(test_epid_appraise(&epid));
}

static void test_epid__other_names__fail(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &renamed);
	expect_chain_fails(test_epid_appraise(&epid));
	test_epid_make(&epid, &renamed_root);
	expect_chain_fails(test_epid_appraise(&epid));
}

static struct tobi_result *with_certificates(const struct test_epid *epid,
					     const struct writer *first,
					     const struct writer *second)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct tobi_bytes pieces[3] = {{0}, wr_view(first)};
	struct tobi_result *result = NULL;

	test_epid_body(epid, &body);
	test_epid_signature(epid, wr_view(&body), &signature);
	pieces[0] = wr_view(&signature);
	if (second)
		pieces[2] = wr_view(second);
	assert_int_equal(
	    test_epid_verify(epid, wr_view(&body), pieces, second ? 3 : 2, &result, NULL),
	    0);
	wr_done(&body);
	wr_done(&signature);
	return result;
}

static void test_epid__signer_of_another_root__fails(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &other);
	epid.anchors = (const char *)service.root_pem.ptr;
	expect_chain_fails(with_certificates(&epid, &other.certificate, &service.root));
}

/* Which of them signs? */
static void test_epid__two_signers__fail(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	expect_chain_fails(with_certificates(&epid, &service.chain, &other.certificate));
	expect_chain_fails(with_certificates(&epid, &other.certificate, &service.chain));
}

/* All is genuine below the root, and the names are where they would be looked for. */
static void test_epid__ca_between__fails(void **state)
{
	struct test_service long_one;
	struct test_epid epid;

	(void)state;
	test_service_make_below(&long_one, &renamed_root, TEST_SERVICE_CA,
				EVP_RSA_gen(2048));
	test_epid_make(&epid, &long_one);
	expect_chain_fails(test_epid_appraise(&epid));
	test_service_done(&long_one);
}

/* A signature of its size is none that can be read: the key is refused all the same. */
static void test_epid__signer_without_rsa__fails(void **state)
{
	struct test_service below;
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	test_service_make_below(&below, &service, NULL, EVP_EC_gen("P-256"));
	expect_chain_fails(with_certificates(&epid, &below.chain, NULL));
	test_service_done(&below);
	/* So that it was the key. */
	test_service_make_below(&below, &service, NULL, EVP_RSA_gen(2048));
	epid.service = &below;
	expect_accepted(test_epid_appraise(&epid));
	test_service_done(&below);
}

static void test_epid__certificate_of_tomorrow__fails(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.time = EPID_TEST_NOW - 24 * 3600 - 1;
	epid.timestamp = "2030-03-16T17:40:00";
	expect_chain_fails(test_epid_appraise(&epid));
}

static void test_epid__expired_certificate__fails(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.time = EPID_TEST_NOW + 24 * 3600 + 1;
	epid.timestamp = "2030-03-18T17:40:00";
	expect_chain_fails(test_epid_appraise(&epid));
}

static void test_epid__remembered_chain__not_for_another_time_or_root(void **state)
{
	struct writer yaml = wr_init(LIMIT_POLICY), reply = wr_init(LIMIT_EVIDENCE),
		      strange = wr_init(LIMIT_EVIDENCE);
	struct tobi_verify_request request = {.time = EPID_TEST_NOW};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct test_epid epid, from_other;

	(void)state;
	test_epid_make(&epid, &service);
	test_epid_make(&from_other, &other);
	test_epid_policy(&epid, &yaml);
	test_epid_reply(&epid, &reply);
	test_epid_reply(&from_other, &strange);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "scene", &policy, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		request.evidence = wr_view(&reply);
		request.time = EPID_TEST_NOW;
		assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
		expect_accepted(result);
		request.time = EPID_TEST_NOW + 25 * 3600;
		assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
		expect_chain_fails(result);
		request.time = EPID_TEST_NOW;
		request.evidence = wr_view(&strange);
		assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
		expect_chain_fails(result);
	}
	tobi_policy_free(policy);
	wr_done(&yaml);
	wr_done(&reply);
	wr_done(&strange);
}

static void test_epid__damaged_signature__fails_alone(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.damage_signature = true;
	FAILS("EPID-SIGNATURE", test_epid_appraise(&epid));
}

static struct tobi_result *with_signature(const struct test_epid *epid,
					  const struct writer *body,
					  const struct writer *signature)
{
	const struct tobi_bytes pieces[2] = {wr_view(signature), wr_view(&service.chain)};
	struct tobi_result *result = NULL;

	assert_int_equal(test_epid_verify(epid, wr_view(body), pieces, 2, &result, NULL),
			 0);
	return result;
}

/* A report that says better things than the service has signed. */
static void test_epid__another_status_than_signed__fails_alone(void **state)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.status = "GROUP_OUT_OF_DATE";
	test_epid_body(&epid, &body);
	test_epid_signature(&epid, wr_view(&body), &signature);
	epid.status = "OK";
	body.size = 0;
	test_epid_body(&epid, &body);
	FAILS("EPID-SIGNATURE", with_signature(&epid, &body, &signature));
	wr_done(&body);
	wr_done(&signature);
}

/* Of the service's own key, and yet none of its signatures. */
static void test_epid__signed_otherwise__fails_alone(void **state)
{
	static const struct {
		const char *digest;
		int padding;
	} ways[] = {{"SHA1", RSA_PKCS1_PADDING},
		    {"SHA384", RSA_PKCS1_PADDING},
		    {"SHA256", RSA_PKCS1_PSS_PADDING}};
	struct writer body = wr_init(LIMIT_EPID_REPORT);
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	test_epid_body(&epid, &body);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();
		EVP_PKEY_CTX *context = NULL;
		struct writer signature = wr_init(1024);
		uint8_t raw[256];
		size_t size = sizeof(raw);

		assert_int_equal(EVP_DigestSignInit_ex(md, &context, ways[i].digest, NULL,
						       NULL, service.key, NULL),
				 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, ways[i].padding),
				 1);
		assert_int_equal(EVP_DigestSign(md, raw, &size, body.ptr, body.size), 1);
		base64_write(&signature, (struct tobi_bytes){raw, size});
		FAILS("EPID-SIGNATURE", with_signature(&epid, &body, &signature));
		EVP_MD_CTX_free(md);
		wr_done(&signature);
	}
	wr_done(&body);
}

static void test_epid__line_end_added__fails_alone(void **state)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	test_epid_body(&epid, &body);
	test_epid_signature(&epid, wr_view(&body), &signature);
	wr_u8(&body, '\n');
	FAILS("EPID-SIGNATURE", with_signature(&epid, &body, &signature));
	wr_done(&body);
	wr_done(&signature);
}

/* None of them can be accepted by a policy: it cannot be named there. */
static void test_epid__revoked_or_forged__fails(void **state)
{
	static const char *const statuses[] = {
	    "SIGNATURE_INVALID", "GROUP_REVOKED",	   "SIGNATURE_REVOKED",
	    "KEY_REVOKED",	 "SIGRL_VERSION_MISMATCH", "ok",
	};
	struct test_epid epid;

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct tobi_result *result;

		test_epid_make(&epid, &service);
		epid.status = statuses[i];
		epid.more = "\"revocationReason\":1";
		result = test_epid_appraise(&epid);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		ALSO_FAILS("EPID-STATUS", result);
		ALSO_FAILS("POLICY-EPID-STATUS", result);
		tobi_result_free(result);
	}
}

static void test_epid__quote_of_another_form__fails_alone(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	store_le(epid.quote, 2, 3);
	FAILS("EPID-QUOTE", test_epid_appraise(&epid));
	test_epid_make(&epid, &service);
	store_le(epid.quote + 2, 2, 2);
	FAILS("EPID-QUOTE", test_epid_appraise(&epid));
	test_epid_make(&epid, &service);
	epid.quote[96] &= (uint8_t)~EPID_FLAG_INITTED;
	FAILS("EPID-QUOTE", test_epid_appraise(&epid));
}

static void test_epid__debug__fails_alone_unless_allowed(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.quote[96] |= EPID_FLAG_DEBUG;
	FAILS("POLICY-DEBUG", test_epid_appraise(&epid));
	epid.allow = "no-nonce, debug";
	expect_accepted(test_epid_appraise(&epid));
}

static void test_epid__from_the_future__fails_alone(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.timestamp = "2030-03-17T17:47:40.9"; /* 60 s: clocks differ */
	expect_accepted(test_epid_appraise(&epid));
	epid.timestamp = "2030-03-17T17:47:41";
	FAILS("EPID-TIME", test_epid_appraise(&epid));
}

static void test_epid__old_report__fails_alone(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.timestamp = "2030-03-17T16:46:40";
	expect_accepted(test_epid_appraise(&epid));
	epid.timestamp = "2030-03-17T16:46:39.5";
	FAILS("POLICY-FRESHNESS", test_epid_appraise(&epid));
}

static void test_epid__nonce_in_report_data__compared(void **state)
{
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	epid.allow = "debug";
	epid.given_nonce = (struct tobi_bytes){epid.quote + 368, 64};
	expect_accepted(test_epid_appraise(&epid));
	epid.given_nonce = (struct tobi_bytes){epid.quote + 367, 64};
	FAILS("CLAIMS-NONCE", test_epid_appraise(&epid));
}

static void test_epid__missing_or_double_parts__fail(void **state)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct tobi_bytes pieces[3];
	struct tobi_result *result = NULL;
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	test_epid_body(&epid, &body);
	test_epid_signature(&epid, wr_view(&body), &signature);
	pieces[0] = wr_view(&signature);
	pieces[1] = wr_view(&service.chain);
	pieces[2] = wr_view(&signature);
	for (size_t i = 0; i < 3; i++) { /* one; the other; one of them twice */
		assert_int_equal(test_epid_verify(&epid, wr_view(&body),
						  i == 1 ? pieces + 1 : pieces,
						  i == 2 ? 3 : 1, &result, NULL),
				 0);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		ALSO_FAILS("EPID-FORMAT", result);
		tobi_result_free(result);
	}
	wr_done(&body);
	wr_done(&signature);
}

/* As attested TLS has it: report data is the hash of the claims. */
static void test_epid__claims__bound_by_report_data(void **state)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct tee_request request = {.time = EPID_TEST_NOW,
				      .claims_buffer = BYTES(1, 2, 3)};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tobi_bytes pieces[2];
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	memset(epid.quote + 368, 0, 64);
	assert_int_equal(hash_sha256(request.claims_buffer, epid.quote + 368), 0);
	for (size_t i = 0; i < 2; i++) {
		struct checklist list = {.arena = &arena};
		struct tee_claims claims = {0};

		epid.quote[431] = (uint8_t)i;
		body.size = signature.size = 0;
		test_epid_body(&epid, &body);
		test_epid_signature(&epid, wr_view(&body), &signature);
		pieces[0] = wr_view(&signature);
		pieces[1] = wr_view(&service.chain);
		request.evidence = wr_view(&body);
		request.pieces = pieces;
		request.piece_count = 2;
		assert_int_equal(tee_epid.examine(&request, &list, &claims, NULL), 0);
		if (i)
			LIST_FAILS("EPID-REPORT-DATA", &list);
		else
			assert_int_equal(outcome_in(&list, "EPID-REPORT-DATA"),
					 TOBI_PASSED);
	}
	arena_done(&arena);
	wr_done(&body);
	wr_done(&signature);
}

static void test_epid__empty_certificate__no_chain(void **state)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT), signature = wr_init(1024);
	struct tee_request request = {.time = EPID_TEST_NOW};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	struct tobi_bytes pieces[2];
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	test_epid_body(&epid, &body);
	test_epid_signature(&epid, wr_view(&body), &signature);
	pieces[0] = wr_view(&signature);
	pieces[1] = text_bytes("X-IASReport-Signing-Certificate:");
	request.evidence = wr_view(&body);
	request.pieces = pieces;
	request.piece_count = 2;
	assert_int_equal(tee_epid.examine(&request, &list, &claims, NULL), 0);
	assert_int_equal(outcome_in(&list, "EPID-CHAIN"), TOBI_FAILED);
	arena_done(&arena);
	wr_done(&body);
	wr_done(&signature);
}

static void test_epid__platform_info__shown(void **state)
{
	struct tee_request request = {.time = EPID_TEST_NOW};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	struct writer body = wr_init(LIMIT_EPID_REPORT);
	struct tee_claims claims = {0};
	struct test_epid epid;
	bool found = false;

	(void)state;
	test_epid_make(&epid, &service);
	epid.more =
	    "\"platformInfoBlob\":\"15020065040005000007070101010101000000000000000000"
	    "00050000060000000200000000000000AE3"
	    "0000000000000000000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000000000000000000\"";
	test_epid_body(&epid, &body);
	request.evidence = wr_view(&body);
	assert_int_equal(tee_epid.examine(&request, &list, &claims, NULL), 0);
	for (size_t i = 0; i < claims.fact_count; i++)
		found |= strcmp(claims.facts[i].name, "platform info") == 0;
	assert_true(found);
	arena_done(&arena);
	wr_done(&body);
}

/* Of a reply in one file: the signed body, and all that it comes with. */
static void test_epid__truncated__never_accepted(void **state)
{
	struct writer reply = wr_init(LIMIT_EVIDENCE);
	struct test_epid epid;

	(void)state;
	test_epid_make(&epid, &service);
	test_epid_reply(&epid, &reply);
	for (size_t size = 0; size < reply.size; size += size < 4000 ? 7 : 1) {
		struct block block = block_new((struct tobi_bytes){reply.ptr, size});
		struct tobi_result *result = NULL;

		if (!test_epid_verify(&epid, block_view(block), NULL, 0, &result, NULL))
			assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
		block_done(block);
	}
	wr_done(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_epid__good_report__accepted_and_called_retired),
	    cmocka_unit_test(test_epid__every_version__accepted),
	    cmocka_unit_test(test_epid__another_version__fails_alone),
	    cmocka_unit_test(test_epid__another_root__fails),
	    cmocka_unit_test(test_epid__test_root_without_policy_of_it__fails),
	    cmocka_unit_test(test_epid__other_names__fail),
	    cmocka_unit_test(test_epid__signer_of_another_root__fails),
	    cmocka_unit_test(test_epid__two_signers__fail),
	    cmocka_unit_test(test_epid__ca_between__fails),
	    cmocka_unit_test(test_epid__signer_without_rsa__fails),
	    cmocka_unit_test(test_epid__certificate_of_tomorrow__fails),
	    cmocka_unit_test(test_epid__expired_certificate__fails),
	    cmocka_unit_test(test_epid__remembered_chain__not_for_another_time_or_root),
	    cmocka_unit_test(test_epid__damaged_signature__fails_alone),
	    cmocka_unit_test(test_epid__another_status_than_signed__fails_alone),
	    cmocka_unit_test(test_epid__signed_otherwise__fails_alone),
	    cmocka_unit_test(test_epid__line_end_added__fails_alone),
	    cmocka_unit_test(test_epid__revoked_or_forged__fails),
	    cmocka_unit_test(test_epid__quote_of_another_form__fails_alone),
	    cmocka_unit_test(test_epid__debug__fails_alone_unless_allowed),
	    cmocka_unit_test(test_epid__from_the_future__fails_alone),
	    cmocka_unit_test(test_epid__old_report__fails_alone),
	    cmocka_unit_test(test_epid__nonce_in_report_data__compared),
	    cmocka_unit_test(test_epid__missing_or_double_parts__fail),
	    cmocka_unit_test(test_epid__claims__bound_by_report_data),
	    cmocka_unit_test(test_epid__empty_certificate__no_chain),
	    cmocka_unit_test(test_epid__platform_info__shown),
	    cmocka_unit_test(test_epid__truncated__never_accepted),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
