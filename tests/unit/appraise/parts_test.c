/* Wrappers around evidence: a record, a tag, a collection, and signed ones. */
#include "appraise/parts.h"

#include "codec/cose.h"
#include "codec/jose.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/token_scene.h"
#include "token/claims_buffer.h"

#define TYPE "application/eat+jwt; eat_profile=\"tag:ietf.org,2026:rats/ear#03\""

static struct cmw_record record_of(struct tobi_bytes value)
{
	return (struct cmw_record){text_bytes("result"), text_bytes(TYPE), 0, value,
				   CMW_RESULT};
}

static struct tobi_result *accepted_as(struct token_scene *scene, struct tobi_bytes bytes)
{
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	if (token_scene_try(scene, bytes, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	return result;
}

static void test_evidence_take__each_form_of_wrapper__what_is_in_it(void **state)
{
	struct writer token = wr_init(65536), all = wr_init(1 << 20);
	struct token_scene scene;
	struct cmw_record record;

	(void)state;
	token_scene_ear(&scene);
	token_scene_write(&scene, &token);
	record = record_of(wr_view(&token));
	for (unsigned form = 0; form < 5; form++) {
		all.size = 0;
		switch (form) {
		case 0:
		case 1:
			cmw_write_record(&all, form ? CMW_JSON : CMW_CBOR, &record);
			break;
		case 2:
			cmw_write(&all, &record, 1);
			break;
		case 3:
			cmw_write_json(&all, &record, 1);
			break;
		default:
			record.content_format = 264;
			cmw_write_tag(&all, &record);
		}
		expect_accepted(accepted_as(&scene, wr_view(&all)));
	}
	token_scene_done(&scene);
	wr_done(&token);
	wr_done(&all);
}

static enum tobi_err error_of(struct token_scene *scene, const struct cmw_record *records,
			      size_t count)
{
	struct writer all = wr_init(1 << 20);
	struct tobi_result *result = NULL;
	enum tobi_err err;

	cmw_write(&all, records, count);
	err = token_scene_try(scene, wr_view(&all), &result, NULL);
	tobi_result_free(result);
	wr_done(&all);
	return err;
}

static void test_evidence_take__other_than_one_piece__refused(void **state)
{
	struct writer token = wr_init(65536);
	struct token_scene scene;
	struct cmw_record records[2];

	(void)state;
	token_scene_ear(&scene);
	token_scene_write(&scene, &token);
	records[0] = record_of(wr_view(&token));
	records[1] = record_of(wr_view(&token));
	records[0].key = text_bytes("a");
	records[1].key = text_bytes("b");
	assert_int_equal(error_of(&scene, records, 1), TOBI_OK);
	assert_int_equal(error_of(&scene, records, 2), TOBI_E_UNSUPPORTED);
	/* What says that it is no evidence is none. */
	records[1].indicator = CMW_REFERENCE;
	assert_int_equal(error_of(&scene, records, 2), TOBI_OK);
	records[0].indicator = CMW_REFERENCE;
	assert_int_equal(error_of(&scene, records, 2), TOBI_E_UNSUPPORTED);
	/* A type of one kind, and another kind in it. */
	records[0] = record_of(wr_view(&token));
	records[0].media_type = text_bytes("application/vnd.tobichi.sgx-quote");
	assert_int_equal(error_of(&scene, records, 1), TOBI_E_MALFORMED);
	token_scene_done(&scene);
	wr_done(&token);
}

/* ---- a verifier's result in the place of evidence (passport mode) ---- */

/* The record "result" beside claims about that key, and what calls itself evidence. */
static enum tobi_err with_result(const struct cmw_record *cpu, struct cmw_record record,
				 bool own_key, struct tobi_result **ret_result)
{
	struct writer claims = wr_init(4096);
	struct token_scene scene;
	enum tobi_err err;

	token_scene_ear(&scene);
	token_scene_claims(&scene, own_key, &claims);
	err = token_scene_collect(&scene, record, wr_view(&claims), cpu, ret_result);
	wr_done(&claims);
	return err;
}

static struct tobi_result *result_with(const struct cmw_record *cpu, bool own_key)
{
	struct tobi_result *result = NULL;

	assert_int_equal(
	    with_result(cpu, record_of((struct tobi_bytes){0}), own_key, &result), 0);
	return result;
}

static void test_evidence_take__result_in_a_collection__stands_for_evidence(void **state)
{
	const struct cmw_record cpu = {text_bytes("cpu"),
				       text_bytes("application/vnd.tobichi.sgx-quote"), 0,
				       text_bytes("a quote"), CMW_EVIDENCE};

	(void)state;
	expect_accepted(result_with(NULL, true));
	FAILS("EAR-BINDING", result_with(NULL, false));
	/* The policy does not take that kind of evidence, but such a result. */
	expect_accepted(result_with(&cpu, true));
	FAILS("EAR-BINDING", result_with(&cpu, false));
}

static void test_evidence_take__result_that_is_none__refused(void **state)
{
	struct cmw_record record = record_of((struct tobi_bytes){0});
	struct tobi_result *result = NULL;

	(void)state;
	record.indicator = CMW_EVIDENCE;
	assert_int_equal(with_result(NULL, record, true, &result), TOBI_E_MALFORMED);
	tobi_result_free(result);
	result = NULL;
	record = record_of(text_bytes("no token"));
	assert_int_equal(with_result(NULL, record, true, &result), TOBI_E_UNSUPPORTED);
	tobi_result_free(result);
}

/* What the list says of the result in a session; the rows of the session itself are not
 * recorded here. */
static void in_session(const char *check, enum tobi_outcome expected)
{
	struct writer claims = wr_init(4096), token = wr_init(65536),
		      all = wr_init(1 << 20), yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct appraisal_request request = {.in_session = true};
	struct token_scene scene;
	uint8_t hash[SHA256_SIZE];
	struct cmw_record record;

	token_scene_ear(&scene);
	assert_int_equal(key_spki_sha256(scene.attester, hash, NULL), 0);
	claims_buffer_write(&claims, (struct tobi_bytes){0}, hash, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){hash, sizeof(hash)});
	token_scene_write(&scene, &token);
	record = record_of(wr_view(&token));
	cmw_write(&all, &record, 1);
	token_scene_policy(&scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "x", &policy, NULL), 0);
	assert_int_equal(appraisal_new(policy, scene.now, &result, NULL), 0);
	request.evidence = wr_view(&all);
	request.claims_buffer = wr_view(&claims);
	request.time = scene.now;
	assert_int_equal(appraisal_run(result, policy, &request, NULL), 0);
	appraisal_conclude(result);
	assert_int_equal(outcome_of(result, check), expected);
	tobi_result_free(result);
	tobi_policy_free(policy);
	token_scene_done(&scene);
	wr_done(&claims);
	wr_done(&token);
	wr_done(&all);
	wr_done(&yaml);
}

static void test_evidence_take__result_in_a_session__is_examined(void **state)
{
	(void)state;
	in_session("EAR-BINDING", TOBI_PASSED);
	in_session("EAR-SIGNATURE", TOBI_PASSED);
}

/* ---- signed wrappers ---- */

enum form { COSE, JWS, UNSIGNED, WRAPPED };

static void sign(EVP_PKEY *key, EVP_PKEY *named, enum form form, struct tobi_bytes token,
		 struct writer *out)
{
	struct cmw_record record = record_of(token);
	struct writer inner = wr_init(1 << 20);
	struct cose_signer signer;
	uint8_t kid[SHA256_SIZE];
	json_t *jwk = jwk_write(named);

	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(key_spki_sha256(named, kid, NULL), 0);
	cmw_write_record(&inner, form == JWS ? CMW_JSON : CMW_CBOR, &record);
	if (form == JWS) {
		struct jws_headers headers = {.cty = CMW_TYPE_JSON, .jwk = jwk};

		assert_int_equal(jws_write(out, &signer, &headers, wr_view(&inner), NULL),
				 0);
	} else {
		struct cose_headers headers = {.content_type = CMW_TYPE,
					       .kid = {kid, sizeof(kid)}};

		assert_int_equal(
		    cose_write(out, &signer, &headers, wr_view(&inner), false, NULL), 0);
	}
	json_decref(jwk);
	wr_done(&inner);
}

/* The policy of the scene, and whose key may sign wrappers. */
static struct tobi_result *appraised(enum form form, bool right_key, bool right_name,
				     bool has_root, bool required)
{
	struct writer token = wr_init(65536), all = wr_init(1 << 20),
		      yaml = wr_init(LIMIT_POLICY), pem = wr_init(LIMIT_PEM);
	struct token_scene scene;
	struct cmw_record record;
	struct tobi_result *result;

	token_scene_ear(&scene);
	token_scene_write(&scene, &token);
	record = record_of(wr_view(&token));
	if (form == UNSIGNED)
		wr_bytes(&all, token.ptr, token.size);
	else if (form == WRAPPED)
		cmw_write_record(&all, CMW_CBOR, &record);
	else
		sign(right_key ? scene.signer : scene.other,
		     right_name ? scene.signer : scene.other, form, wr_view(&token),
		     &all);
	assert_int_equal(key_write_public(scene.signer, &pem, NULL), 0);
	if (has_root) {
		wr_printf(&yaml, "  - tier: cmw\n%s    anchors: |\n",
			  required ? "    wrapper: required\n" : "");
		for (size_t i = 0; i < pem.size; i++) {
			if (i == 0 || pem.ptr[i - 1] == '\n')
				wr_printf(&yaml, "      ");
			wr_u8(&yaml, pem.ptr[i]);
		}
	}
	wr_printf(&yaml, "%s", scene.more);
	wr_u8(&yaml, 0);
	scene.more = (const char *)yaml.ptr;
	result = accepted_as(&scene, wr_view(&all));
	token_scene_done(&scene);
	wr_done(&token);
	wr_done(&all);
	wr_done(&yaml);
	wr_done(&pem);
	return result;
}

static struct tobi_result *signed_by(enum form form, bool right_key, bool right_name,
				     bool has_root)
{
	return appraised(form, right_key, right_name, has_root, false);
}

static void
test_evidence_take__signed_wrapper_is_wanted__nothing_else_counts(void **state)
{
	(void)state;
	for (enum form form = UNSIGNED; form <= WRAPPED; form++) {
		expect_accepted(appraised(form, true, true, true, false));
		FAILS("CMW-SIGNER", appraised(form, true, true, true, true));
	}
	for (enum form form = COSE; form <= JWS; form++) {
		expect_accepted(appraised(form, true, true, true, true));
		FIRST_FAILS("CMW-SIGNER", appraised(form, false, false, true, true));
	}
}

/* Beside a record "cpu" a log counts by its type; it must not call itself something else.
 */
static void test_evidence_take__log_that_is_no_evidence__refused(void **state)
{
	static const unsigned good[] = {0, CMW_EVIDENCE};
	static const unsigned bad[] = {CMW_ENDORSEMENT, CMW_RESULT};
	struct writer token = wr_init(65536);
	struct token_scene scene;
	struct cmw_record records[2];

	(void)state;
	token_scene_ear(&scene);
	token_scene_write(&scene, &token);
	records[0] = record_of(wr_view(&token));
	records[0].key = text_bytes("cpu");
	records[0].indicator = 0;
	records[1] = (struct cmw_record){text_bytes("boot"), text_bytes(CMW_TYPE_LOG), 0,
					 text_bytes("a log"), 0};
	for (size_t i = 0; i < 2; i++) {
		records[1].indicator = good[i];
		assert_int_equal(error_of(&scene, records, 2), TOBI_OK);
		records[1].indicator = bad[i];
		assert_int_equal(error_of(&scene, records, 2), TOBI_E_MALFORMED);
	}
	token_scene_done(&scene);
	wr_done(&token);
}

static void test_evidence_take__signed_wrapper__by_whom_the_policy_trusts(void **state)
{
	(void)state;
	for (int form = COSE; form <= JWS; form++) {
		expect_accepted(signed_by((enum form)form, true, true, true));
		FIRST_FAILS("CMW-SIGNER", signed_by((enum form)form, true, true, false));
		FIRST_FAILS("CMW-SIGNER", signed_by((enum form)form, false, false, true));
		FAILS("CMW-SIGNATURE", signed_by((enum form)form, false, true, true));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_evidence_take__each_form_of_wrapper__what_is_in_it),
	    cmocka_unit_test(test_evidence_take__other_than_one_piece__refused),
	    cmocka_unit_test(
		test_evidence_take__result_in_a_collection__stands_for_evidence),
	    cmocka_unit_test(test_evidence_take__result_that_is_none__refused),
	    cmocka_unit_test(test_evidence_take__result_in_a_session__is_examined),
	    cmocka_unit_test(
		test_evidence_take__signed_wrapper_is_wanted__nothing_else_counts),
	    cmocka_unit_test(test_evidence_take__log_that_is_no_evidence__refused),
	    cmocka_unit_test(
		test_evidence_take__signed_wrapper__by_whom_the_policy_trusts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
