/* What go-tpm-tools writes on Google's cloud: quotes of several banks, and reports of
 * hardware that were taken apart; the right one is accepted, each wrong one is not. */
#include "tee/google_message.h"

#include "base/endian.h"
#include "tee/tdx.h"
#include "tests/bytes.h"
#include "tests/google_scene.h"

static enum tobi_err try(struct google_scene *message, struct tobi_result **ret_result,
			 struct tobi_fault *fault)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE), root = wr_init(LIMIT_CERTIFICATE);
	enum tobi_err err;

	google_scene_write(message, &bytes);
	if (message->with_snp)
		snp_scene_ark(&message->snp, &root);
	message->scene.more_root = wr_view(&root);
	err = quote_scene_try_bytes(&message->scene, wr_view(&bytes), ret_result, fault);
	message->scene.more_root = (struct tobi_bytes){0};
	wr_done(&bytes);
	wr_done(&root);
	return err;
}

typedef void (*change)(struct google_scene *message);
#define CHANGE(name, ...)                                                                \
	static void name(struct google_scene *message)                                   \
	{                                                                                \
		(void)message;                                                           \
		__VA_ARGS__;                                                             \
	}

static void accepted_with(change to)
{
	struct google_scene message;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	google_scene_make(&message);
	to(&message);
	if (try(&message, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s", tobi_result_reason(result));
	tobi_result_free(result);
	google_scene_done(&message);
}

/* This check, and no other. */
static void FAILS(const char *code, change to)
{
	struct google_scene message;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	bool failed = false;

	google_scene_make(&message);
	to(&message);
	if (try(&message, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);
		bool same = strcmp(check->code, code) == 0;

		failed |= same && check->outcome == TOBI_FAILED;
		if (!same && check->outcome == TOBI_FAILED)
			fail_msg("%s: %s fails, too: %s", code, check->code,
				 check->found);
	}
	assert_true(failed);
	tobi_result_free(result);
	google_scene_done(&message);
}

static void unreadable(change to, enum tobi_err expected)
{
	struct google_scene message;
	struct tobi_result *result = NULL;

	google_scene_make(&message);
	to(&message);
	assert_int_equal(try(&message, &result, NULL), expected);
	assert_null(result);
	google_scene_done(&message);
}

#define WITHOUT_CRL "snp:\n  crl: not-required\n"

CHANGE(as_it_is)
CHANGE(of_one_bank, message->scene.selection_count = 1)
/* Beside the message nothing came: AMD's list of revoked keys is not in it. */
static void with_sev_snp(struct google_scene *message)
{
	message->with_snp = true;
	message->scene.more = WITHOUT_CRL;
}
CHANGE(with_sev_snp_for_another_nonce, with_sev_snp(message);
       message->other_hardware_nonce = true)
CHANGE(with_sev_snp_of_nobody, with_sev_snp(message); message->snp.signs = SNP_OTHER_LEAF)

static void test_google_message__right_one__is_accepted(void **state)
{
	(void)state;
	accepted_with(as_it_is);
	accepted_with(of_one_bank);
}

CHANGE(of_another_nonce, message->other_nonce_of_second = true)
CHANGE(with_a_damaged_second, message->scene.damage_signature = true)

static void test_google_message__every_quote__is_checked(void **state)
{
	(void)state;
	FAILS("TPM-BINDING", of_another_nonce);
	FAILS("TPM-QUOTE-SIGNATURE", with_a_damaged_second);
}

CHANGE(with_a_key_twice, message->twice_the_key = true)
CHANGE(with_the_hash_behind, message->hash_behind = true)
CHANGE(with_short_values, message->short_value = true)
CHANGE(with_a_number_for_bytes, message->number_for_bytes = true)
CHANGE(with_both_kinds_of_hardware, message->with_snp = message->with_td = true)
CHANGE(with_a_field_of_the_report_twice, message->with_snp = true;
       message->twice_a_field_of_the_report = true)
CHANGE(with_a_number_that_is_too_large, message->with_snp = true;
       message->long_field_of_the_report = true)

static void test_google_message__of_another_form__is_not_read(void **state)
{
	(void)state;
	unreadable(with_a_key_twice, TOBI_E_MALFORMED);
	unreadable(with_the_hash_behind, TOBI_E_MALFORMED);
	unreadable(with_short_values, TOBI_E_MALFORMED);
	unreadable(with_a_number_for_bytes, TOBI_E_MALFORMED);
	unreadable(with_both_kinds_of_hardware, TOBI_E_MALFORMED);
	unreadable(with_a_field_of_the_report_twice, TOBI_E_MALFORMED);
	unreadable(with_a_number_that_is_too_large, TOBI_E_MALFORMED);
}

/* Its report is what AMD's processor signed, byte for byte. */
static void test_google_message__sev_snp__is_checked_as_by_itself(void **state)
{
	(void)state;
	accepted_with(with_sev_snp);
	FAILS("TPM-HARDWARE", with_sev_snp_for_another_nonce);
	FAILS("SNP-SIGNATURE", with_sev_snp_of_nobody);
}

/* Certificates of more than one report are more than there is room for. */
static void test_google_message__reports_beside_it__are_refused(void **state)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes pieces[4];
	struct tpm_parts parts = {0};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct google_scene message;
	enum tobi_err err = TOBI_OK;

	(void)state;
	google_scene_make(&message);
	with_sev_snp(&message);
	google_scene_write(&message, &bytes);
	parts.arena = &arena;
	for (size_t i = 0; i < 4 && !err; i++) {
		pieces[i] = wr_view(&bytes);
		err = google_message_add(&parts, pieces[i], NULL);
		assert_true(parts.hardware_pieces.count <= TPM_PARTS_EACH);
	}
	assert_true(err || parts.twice);
	arena_done(&arena);
	wr_done(&bytes);
	google_scene_done(&message);
}

static void test_google_message__cut_short__is_not_accepted(void **state)
{
	struct google_scene message;
	struct writer bytes = wr_init(LIMIT_EVIDENCE);

	(void)state;
	google_scene_make(&message);
	google_scene_write(&message, &bytes);
	for (size_t size = 0; size < bytes.size; size += size < 600 ? 1 : 7) {
		struct block block = block_new((struct tobi_bytes){bytes.ptr, size});
		struct tobi_result *result = NULL;

		IGNORE(quote_scene_try_bytes(&message.scene, block_view(block), &result,
					     NULL));
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
		block_done(block);
	}
	wr_done(&bytes);
	google_scene_done(&message);
}

static enum tobi_outcome outcome_of(const struct checklist *list, const char *code)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->records[i].check->code, code) == 0)
			return list->records[i].outcome;
	}
	return TOBI_NOT_RUN;
}

/* Put together again every signature of it verifies. */
static void test_google_message__td_quote__is_what_was_signed(void **state)
{
	static const char *const codes[] = {"DCAP-PCK-CHAIN",  "DCAP-QE-SIGNATURE",
					    "DCAP-QE-BINDING", "DCAP-QUOTE-SIGNATURE",
					    "DCAP-QE-MATCH",   "TDX-SEAM"};
	struct google_scene message;
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tpm_parts parts = {.arena = &arena};
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	struct dcap_test_collateral documents;
	struct tobi_collateral *set = tobi_collateral_new();
	struct tee_request request = {
	    .collateral = set, .pins = dcap_scene_pins(), .time = DCAP_NOW};

	(void)state;
	google_scene_make(&message);
	message.with_td = true;
	google_scene_write(&message, &bytes);
	assert_int_equal(google_message_add(&parts, wr_view(&bytes), NULL), 0);
	dcap_test_collateral_make(&message.td, &documents);
	dcap_test_put(&message.td, &documents, set);
	request.evidence = parts.hardware_quote;
	assert_int_equal(tee_tdx.examine(&request, &list, &claims, NULL), 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(outcome_of(&list, codes[i]), TOBI_PASSED);
	assert_memory_equal(claims.report_data.ptr, message.scene.extra.ptr,
			    message.scene.extra.size);
	tobi_collateral_free(set);
	arena_done(&arena);
	wr_done(&bytes);
	google_scene_done(&message);
}

static void test_google_message__snp_report__is_what_was_signed(void **state)
{
	struct google_scene message;
	struct writer bytes = wr_init(LIMIT_EVIDENCE), report = wr_init(4096);
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tpm_parts parts = {.arena = &arena};

	(void)state;
	google_scene_make(&message);
	message.with_snp = true;
	google_scene_write(&message, &bytes);
	snp_scene_report(&message.snp, &report);
	assert_int_equal(google_message_add(&parts, wr_view(&bytes), NULL), 0);
	assert_int_equal(parts.hardware_report.size, report.size);
	assert_memory_equal(parts.hardware_report.ptr, report.ptr, 0x2a0);
	assert_int_equal(parts.hardware_pieces.count, 3);
	arena_done(&arena);
	wr_done(&bytes);
	wr_done(&report);
	google_scene_done(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_google_message__right_one__is_accepted),
	    cmocka_unit_test(test_google_message__every_quote__is_checked),
	    cmocka_unit_test(test_google_message__of_another_form__is_not_read),
	    cmocka_unit_test(test_google_message__sev_snp__is_checked_as_by_itself),
	    cmocka_unit_test(test_google_message__reports_beside_it__are_refused),
	    cmocka_unit_test(test_google_message__cut_short__is_not_accepted),
	    cmocka_unit_test(test_google_message__td_quote__is_what_was_signed),
	    cmocka_unit_test(test_google_message__snp_report__is_what_was_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
