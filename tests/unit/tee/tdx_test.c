/* Quotes of TDX guests, with one thing wrong each. */
#include "tests/tdx_run.h"

#include "base/endian.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tee/tdx.h"
#include "tee/tdx_claims.h"
#include "tests/event_log.h"

enum {
	ATTRIBUTES = 120,
	XFAM = 128,
	SEAM_SIGNER = 64,
	SEAM_ATTRIBUTES = 112,
	RTMRS = 328,
	REPORT_DATA = 520
};

static const struct tee_fact *fact(const struct tdx_run *run, const char *name)
{
	for (size_t i = 0; i < run->claims.fact_count; i++) {
		if (strcmp(run->claims.facts[i].name, name) == 0)
			return &run->claims.facts[i];
	}
	fail_msg("no fact %s", name);
	return NULL;
}

static void test_tdx__all_right__claims_of_both_versions(void **state)
{
	struct tdx_run *run = *state;
	const struct tdx_report *td;

	run->scene.body[232] = 0x0a; /* MROWNER */
	tdx_run_passes(run);
	td = &run->claims.tdx->report;
	assert_string_equal(run->claims.tier, "tdx");
	assert_true(bytes_equal(run->claims.image_id, td->mr_td));
	assert_int_equal(run->claims.image_id.ptr[47], 0xd0);
	assert_int_equal(run->claims.owner.ptr[0], 0x0a);
	assert_int_equal(run->claims.report_data.size, 64);
	assert_int_equal(td->rtmrs[3].ptr[0], 0xc3);
	assert_int_equal(td->mr_service_td.size, 0);
	assert_true(run->claims.timeless);
	assert_false(run->claims.debug);
	assert_int_equal(run->claims.hardware.size, DCAP_PPID_SIZE);
	assert_string_equal(fact(run, "TCB status")->value, "UpToDate");
	assert_string_equal(fact(run, "TDATTRIBUTES")->value,
			    "0000000010000000 sept-ve-disable");
	assert_int_equal(tdx_run_outcome(run, "TDX-EVENT-LOG"), TOBI_NOT_ASKED);
	tdx_run_kind(run, 5, DCAP_TD15);
	run->scene.body[600] = 0x0b;
	tdx_run_passes(run);
	td = &run->claims.tdx->report;
	assert_int_equal(td->mr_service_td.ptr[0], 0x0b);
	assert_int_equal(td->tee_tcb_svn_2.ptr[0], 3);
	assert_int_equal(run->claims.owner.size, 0);
	tdx_run_kind(run, 5, DCAP_TD10);
	tdx_run_passes(run);
}

static void test_tdx_format__another_vendor__fails(void **state)
{
	struct tdx_run *run = *state;

	run->scene.vendor[0] ^= 1;
	FAILS("TDX-FORMAT", run);
}

static void test_tdx__quote_of_sgx_or_none__error(void **state)
{
	struct tdx_run *run = *state;

	tdx_run_kind(run, 4, DCAP_SGX);
	assert_int_equal(tdx_run_examine(run), TOBI_E_MALFORMED);
	tdx_run_kind(run, 3, DCAP_SGX);
	assert_int_equal(tdx_run_examine(run), TOBI_E_MALFORMED);
	tdx_run_kind(run, 4, DCAP_TD10);
	run->scene.padding = bytes_of_text("x");
	assert_int_equal(tdx_run_examine(run), TOBI_E_TRAILING);
}

static void test_tdx_seam__another_signer_or_attributes__fails(void **state)
{
	struct tdx_run *run = *state;

	for (size_t i = 0; i < TDX_HASH_SIZE; i++) {
		run->scene.body[SEAM_SIGNER + i] = 1;
		FAILS("TDX-SEAM", run);
		run->scene.body[SEAM_SIGNER + i] = 0;
	}
	for (size_t i = 0; i < 8; i++) {
		run->scene.body[SEAM_ATTRIBUTES + i] = 0x80;
		FAILS("TDX-SEAM", run);
		run->scene.body[SEAM_ATTRIBUTES + i] = 0;
	}
	/* Of a module with a version its own identity counts. */
	tdx_run_kind(run, 5, DCAP_TD15);
	run->collateral.tcb.module.signer[0] = 1;
	tdx_run_passes(run);
	run->collateral.tcb.modules[0].signer[0] = 1;
	FAILS("TDX-SEAM", run);
	run->scene.body[SEAM_SIGNER] = 1;
	tdx_run_passes(run);
	/* Not zero, even where Intel's document would have it so. */
	run->scene.body[SEAM_ATTRIBUTES] = 1;
	FAILS("TDX-SEAM", run);
	run->collateral.tcb.modules[0].attributes[0] = 1;
	FAILS("TDX-SEAM", run);
	run->scene.body[SEAM_ATTRIBUTES] = 0;
	FAILS("TDX-SEAM", run);
}

static void set_bit(struct tdx_run *run, size_t offset, unsigned bit)
{
	run->scene.body[offset + bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void test_tdx_attributes__each_bit__known_ones_pass(void **state)
{
	static const bool known[64] = {
	    [0] = true,	 [16] = true, [27] = true, [28] = true, [29] = true,
	    [30] = true, [31] = true, [62] = true, [63] = true};
	struct tdx_run *run = *state;

	for (unsigned bit = 0; bit < 64; bit++) {
		set_bit(run, ATTRIBUTES, bit);
		if (known[bit])
			tdx_run_passes(run);
		else
			FAILS("TDX-ATTRIBUTES", run);
		if (bit > 0 && bit < 8)
			assert_non_null(strstr(tdx_run_found(run, "TDX-ATTRIBUTES"),
					       "its host may look into"));
		assert_int_equal(run->claims.debug, bit == 0);
		set_bit(run, ATTRIBUTES, bit);
	}
}

static void test_tdx_xfam__without_x87_or_sse__fails(void **state)
{
	struct tdx_run *run = *state;

	for (unsigned bit = 0; bit < 2; bit++) {
		set_bit(run, XFAM, bit);
		FAILS("TDX-XFAM", run);
		set_bit(run, XFAM, bit);
	}
	set_bit(run, XFAM, 2);
	tdx_run_passes(run);
}

static void test_tdx_report_data__of_other_claims__fails(void **state)
{
	struct tdx_run *run = *state;

	run->claims_buffer = bytes_of_text("claims");
	FAILS("TDX-REPORT-DATA", run);
	memset(run->scene.body + REPORT_DATA, 0, 64);
	assert_int_equal(hash_sha256(run->claims_buffer, run->scene.body + REPORT_DATA),
			 TOBI_OK);
	tdx_run_passes(run);
	assert_int_equal(tdx_run_outcome(run, "TDX-REPORT-DATA"), TOBI_PASSED);
	run->scene.body[REPORT_DATA + 63] = 1;
	FAILS("TDX-REPORT-DATA", run);
}

/* ---- the event log ---- */

/* Three events of RTMR0 and one of RTMR2; the registers of the scene are made of them. */
static void write_log(struct tdx_run *run, struct writer *log)
{
	static const struct tobi_bytes separator = {(const uint8_t *)"\0\0\0\0", 4};
	uint8_t digest[48];

	test_log_start(log, false);
	test_log_event(log, false, 1, EVENT_SEPARATOR, separator);
	test_log_event(log, false, 1, EVENT_SEPARATOR, bytes_of_text("a"));
	test_log_event(log, false, 3, EVENT_ACTION, bytes_of_text("b"));
	test_log_event(log, false, 1, EVENT_ACTION, bytes_of_text("c"));
	memset(run->scene.body + RTMRS, 0, (size_t)TDX_RTMRS * 48);
	assert_int_equal(hash_sha384(separator, digest), TOBI_OK);
	test_log_extend(run->scene.body + RTMRS, digest);
	assert_int_equal(hash_sha384(bytes_of_text("a"), digest), TOBI_OK);
	test_log_extend(run->scene.body + RTMRS, digest);
	assert_int_equal(hash_sha384(bytes_of_text("c"), digest), TOBI_OK);
	test_log_extend(run->scene.body + RTMRS, digest);
	assert_int_equal(hash_sha384(bytes_of_text("b"), digest), TOBI_OK);
	test_log_extend(run->scene.body + RTMRS + 2 * 48, digest);
	run->pieces[0] = wr_view(log);
	run->piece_count = 1;
}

static void test_tdx_event_log__gives_the_registers__passes(void **state)
{
	struct tdx_run *run = *state;
	struct writer log = wr_init(1 << 16);

	write_log(run, &log);
	run->pieces[1] = bytes_of_text("something else");
	run->piece_count = 2;
	tdx_run_passes(run);
	assert_int_equal(tdx_run_outcome(run, "TDX-EVENT-LOG"), TOBI_PASSED);
	assert_true(run->claims.tdx->event_log);
	assert_int_equal(run->claims.tdx->event_count, 4);
	wr_done(&log);
}

static void test_tdx_event_log__in_the_endorsements__is_found(void **state)
{
	struct tdx_run *run = *state;
	struct writer log = wr_init(1 << 16), record = wr_init(1 << 16);

	write_log(run, &log);
	run->piece_count = 0;
	cbor_write_array(&record, 1);
	cbor_write_bytes(&record, wr_view(&log));
	run->endorsements = wr_view(&record);
	tdx_run_passes(run);
	assert_int_equal(tdx_run_outcome(run, "TDX-EVENT-LOG"), TOBI_PASSED);
	record.size--;
	run->endorsements = wr_view(&record);
	FAILS("TDX-EVENT-LOG", run);
	wr_done(&log);
	wr_done(&record);
}

static void test_tdx_event_log__an_event_more_or_fewer__fails(void **state)
{
	struct tdx_run *run = *state;
	struct writer log = wr_init(1 << 16);
	size_t size;

	write_log(run, &log);
	size = log.size;
	test_log_event(&log, false, 1, EVENT_SEPARATOR, bytes_of_text("a"));
	run->pieces[0] = wr_view(&log);
	FAILS("TDX-EVENT-LOG", run);
	run->pieces[0].size = size - 67;
	FAILS("TDX-EVENT-LOG", run);
	run->pieces[0].size = size;
	tdx_run_passes(run);
	/* A digest of it, and a register of the guest. */
	log.ptr[size - 20] ^= 1;
	FAILS("TDX-EVENT-LOG", run);
	log.ptr[size - 20] ^= 1;
	run->scene.body[RTMRS + 3 * 48] = 1;
	FAILS("TDX-EVENT-LOG", run);
	wr_done(&log);
}

static void test_tdx_event_log__extends_what_it_cannot__fails(void **state)
{
	static const uint32_t indexes[] = {0, 5, 23};
	struct tdx_run *run = *state;

	for (size_t i = 0; i < 3; i++) {
		struct writer log = wr_init(1 << 16);

		write_log(run, &log);
		test_log_event(&log, false, indexes[i], EVENT_ACTION, bytes_of_text("x"));
		run->pieces[0] = wr_view(&log);
		FAILS("TDX-EVENT-LOG", run);
		wr_done(&log);
	}
}

static void test_tdx_event_log__two_of_them__fails(void **state)
{
	struct tdx_run *run = *state;
	struct writer log = wr_init(1 << 16);

	write_log(run, &log);
	run->pieces[1] = run->pieces[0];
	run->piece_count = 2;
	FAILS("TDX-EVENT-LOG", run);
	wr_done(&log);
}

static void test_tdx_event_log__table__must_fit(void **state)
{
	struct tdx_run *run = *state;
	struct writer log = wr_init(1 << 16);
	uint8_t table[CCEL_TABLE_SIZE];

	write_log(run, &log);
	test_log_table(table, 2, log.size);
	run->pieces[1] = (struct tobi_bytes){table, sizeof(table)};
	run->piece_count = 2;
	tdx_run_passes(run);
	test_log_table(table, 2, log.size - 1);
	FAILS("TDX-EVENT-LOG", run);
	test_log_table(table, 1, log.size);
	FAILS("TDX-EVENT-LOG", run);
	test_log_table(table, 2, log.size);
	table[9] ^= 1;
	FAILS("TDX-EVENT-LOG", run);
	table[9] ^= 1;
	tdx_run_passes(run);
	/* Two of them: which of them is the log's nobody says. */
	run->pieces[2] = run->pieces[1];
	run->piece_count = 3;
	FAILS("TDX-EVENT-LOG", run);
	/* Without the log. */
	run->pieces[0] = run->pieces[1];
	run->piece_count = 1;
	FAILS("TDX-EVENT-LOG", run);
	wr_done(&log);
}

/* ---- what it is known by ---- */

static void test_tdx__local_report__told_what_to_do(void **state)
{
	uint8_t report[TDREPORT_SIZE] = {0x81};
	struct tdx_run *run = *state;
	struct tee_request request = {.evidence = {report, sizeof(report)}};

	assert_true(tee_tdx.recognise(request.evidence));
	run->arena = arena_init(1 << 16);
	run->list.arena = &run->arena;
	assert_int_equal(tee_tdx.examine(&request, &run->list, &run->claims, &run->fault),
			 TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(run->fault.message, "ask for a quote"));
	report[0] = 0;
	assert_false(tee_tdx.recognise(request.evidence));
	report[0] = 0x81;
	/* Subtype, and what is reserved; the version may be any. */
	for (size_t i = 1; i < 16; i++) {
		report[i] = 1;
		assert_int_equal(tee_tdx.recognise(request.evidence), i == 2);
		report[i] = 0;
	}
	request.evidence.size--;
	assert_false(tee_tdx.recognise(request.evidence));
}

static void test_tdx__every_truncation__refused(void **state)
{
	struct tdx_run *run = *state;
	struct writer quote = wr_init(LIMIT_EVIDENCE);

	run->scene.nul = 0;
	dcap_scene_quote(&run->scene, &quote);
	for (size_t size = 0; size < quote.size; size++) {
		struct tee_request request = {.evidence = {quote.ptr, size}};

		tdx_run_done(run);
		run->arena = arena_init(1 << 16);
		run->list = (struct checklist){.arena = &run->arena};
		assert_int_not_equal(
		    tee_tdx.examine(&request, &run->list, &run->claims, NULL), TOBI_OK);
	}
	wr_done(&quote);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tdx_run_setup, tdx_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_tdx__all_right__claims_of_both_versions),
	    TEST(test_tdx_format__another_vendor__fails),
	    TEST(test_tdx__quote_of_sgx_or_none__error),
	    TEST(test_tdx_seam__another_signer_or_attributes__fails),
	    TEST(test_tdx_attributes__each_bit__known_ones_pass),
	    TEST(test_tdx_xfam__without_x87_or_sse__fails),
	    TEST(test_tdx_report_data__of_other_claims__fails),
	    TEST(test_tdx_event_log__gives_the_registers__passes),
	    TEST(test_tdx_event_log__in_the_endorsements__is_found),
	    TEST(test_tdx_event_log__an_event_more_or_fewer__fails),
	    TEST(test_tdx_event_log__extends_what_it_cannot__fails),
	    TEST(test_tdx_event_log__two_of_them__fails),
	    TEST(test_tdx_event_log__table__must_fit),
	    TEST(test_tdx__local_report__told_what_to_do),
	    TEST(test_tdx__every_truncation__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
