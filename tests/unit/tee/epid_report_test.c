#include "tee/epid_report.h"

#include "base/endian.h"
#include "base/limits.h"
#include "tests/bytes.h"
#include "tests/epid_scene.h"

static const struct test_service no_service;

static enum tobi_err parse(const struct test_epid *epid, struct arena *arena,
			   struct epid_report *report, struct tobi_fault *fault)
{
	struct writer body = wr_init(LIMIT_EPID_REPORT);
	struct block block;
	enum tobi_err err;

	test_epid_body(epid, &body);
	block = block_new(wr_view(&body));
	err = epid_report_parse(block_view(block), arena, report, fault);
	block_done(block);
	wr_done(&body);
	return err;
}

static void expect_wrong(const struct test_epid *epid, const char *field)
{
	struct arena arena = arena_init(1 << 20);
	struct epid_report report;
	struct tobi_fault fault = {0};

	assert_int_not_equal(parse(epid, &arena, &report, &fault), TOBI_OK);
	assert_string_equal(fault.field, field);
	arena_done(&arena);
}

static struct test_epid good(void)
{
	struct test_epid epid;

	test_epid_make(&epid, &no_service);
	return epid;
}

static void test_epid_report_parse__all_members__taken(void **state)
{
	struct arena arena = arena_init(1 << 20);
	struct test_epid epid = good();
	struct epid_report report = {0};

	(void)state;
	epid.nonce = "0123456789abcdef0123456789abcdef";
	epid.advisories = "[\"INTEL-SA-00334\",\"INTEL-SA-00615\"]";
	epid.more = "\"advisoryURL\":\"https://security-center.intel.com\","
		    "\"epidPseudonym\":\"abc=\",\"pseManifestStatus\":\"OK\","
		    "\"revocationReason\":1,\"tcbEvaluationDataNumber\":16";
	assert_int_equal(parse(&epid, &arena, &report, NULL), TOBI_OK);
	assert_int_equal(report.version, 5);
	assert_int_equal(report.timestamp, 1899999600);
	assert_string_equal(report.status, "OK");
	assert_string_equal(report.nonce, epid.nonce);
	assert_int_equal(report.advisory_count, 2);
	assert_string_equal(report.advisories[1], "INTEL-SA-00615");
	assert_true(report.has_revocation_reason);
	assert_int_equal(report.revocation_reason, 1);
	assert_bytes_equal(report.quote, ((struct tobi_bytes){epid.quote, 432}));
	arena_done(&arena);
}

static void test_epid_report_parse__no_version__is_2(void **state)
{
	struct arena arena = arena_init(1 << 20);
	struct test_epid epid = good();
	struct epid_report report = {0};

	(void)state;
	epid.version = NULL;
	assert_int_equal(parse(&epid, &arena, &report, NULL), TOBI_OK);
	assert_int_equal(report.version, 2);
	arena_done(&arena);
}

static void test_epid_report_parse__wrong_member__named(void **state)
{
	struct test_epid epid = good();

	(void)state;
	epid.version = "\"5\"";
	expect_wrong(&epid, "version");
	epid.version = "-1";
	expect_wrong(&epid, "version");
	epid = good();
	epid.status = NULL;
	expect_wrong(&epid, "isvEnclaveQuoteStatus");
	epid = good();
	epid.nonce = "0123456789abcdef0123456789abcdef0";
	expect_wrong(&epid, "nonce");
	epid.nonce = "a\\u00e4";
	expect_wrong(&epid, "nonce");
	epid = good();
	epid.advisories = "\"INTEL-SA-00334\"";
	expect_wrong(&epid, "advisoryIDs");
	epid.advisories = "[1]";
	expect_wrong(&epid, "advisoryIDs");
	epid.advisories = "[\"012345678901234567890123456789012\"]";
	expect_wrong(&epid, "advisoryIDs");
	epid = good();
	epid.more = "\"platformInfoBlob\":\"0g\"";
	expect_wrong(&epid, "platformInfoBlob");
	epid.more = "\"platformInfoBlob\":\"012\"";
	expect_wrong(&epid, "platformInfoBlob");
	epid.more = "\"revocationReason\":\"1\"";
	expect_wrong(&epid, "revocationReason");
	epid.more = "\"epidPseudonym\":1";
	expect_wrong(&epid, "epidPseudonym");
	epid.more = "\"nonce\":\"a\",\"nonce\":\"b\""; /* one member twice */
	expect_wrong(&epid, "");
}

static void test_epid_report_parse__too_many_advisories__fails(void **state)
{
	struct test_epid epid = good();
	struct writer list = wr_init(4096);
	struct arena arena = arena_init(1 << 20);
	struct epid_report report;

	(void)state;
	wr_printf(&list, "[\"1\"");
	for (size_t i = 1; i < EPID_ADVISORIES_MAX; i++)
		wr_printf(&list, ",\"1\"");
	wr_printf(&list, "]");
	wr_u8(&list, 0);
	epid.advisories = (const char *)list.ptr;
	assert_int_equal(parse(&epid, &arena, &report, NULL), TOBI_OK);
	list.size -= 2;
	wr_printf(&list, ",\"1\"]");
	wr_u8(&list, 0);
	epid.advisories = (const char *)list.ptr;
	expect_wrong(&epid, "advisoryIDs");
	arena_done(&arena);
	wr_done(&list);
}

static void test_epid_report_parse__no_time__fails(void **state)
{
	static const char *const times[] = {
	    "",
	    "2030-03-17T17:40:00Z",
	    "2030-03-17 17:40:00",
	    "2030-02-30T17:40:00",
	    "2030-03-17T24:40:00",
	    "2030-03-17T17:40:00.",
	    "2030-03-17T17:40:00.1234567890",
	    "2030-03-17T17:40",
	    " 2030-03-17T17:40:0",
	    "1969-12-31T23:59:59",
	    "2030-03-17T17:40:00.1+01",
	};
	struct test_epid epid = good();

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		epid.timestamp = times[i];
		expect_wrong(&epid, "timestamp");
	}
}

static enum tobi_err parse_text(const char *text, struct tobi_fault *fault)
{
	struct arena arena = arena_init(1 << 20);
	struct epid_report report;
	enum tobi_err err = epid_report_parse(text_bytes(text), &arena, &report, fault);

	arena_done(&arena);
	return err;
}

static void test_epid_report_parse__no_quote__fails(void **state)
{
	static const char start[] = "{\"id\":\"1\",\"timestamp\":\"2030-03-17T17:40:00\","
				    "\"isvEnclaveQuoteStatus\":\"OK\"";
	struct tobi_fault fault = {0};
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "%s}", start);
	assert_int_equal(parse_text(text, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "isvEnclaveQuoteBody");
	snprintf(text, sizeof(text), "%s,\"isvEnclaveQuoteBody\":\"AgAA\"}", start);
	assert_int_equal(parse_text(text, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "isvEnclaveQuoteBody");
	assert_int_equal(parse_text("[]", &fault), TOBI_E_MALFORMED);
}

static void test_epid_report_parse__over_its_limit__fails(void **state)
{
	struct test_epid epid = good();
	struct writer body = wr_init(LIMIT_EVIDENCE);
	struct arena arena = arena_init(1 << 20);
	struct epid_report report;

	(void)state;
	test_epid_body(&epid, &body);
	while (body.size < LIMIT_EPID_REPORT)
		wr_u8(&body, ' ');
	assert_int_equal(epid_report_parse(wr_view(&body), &arena, &report, NULL),
			 TOBI_OK);
	wr_u8(&body, ' ');
	assert_int_equal(epid_report_parse(wr_view(&body), &arena, &report, NULL),
			 TOBI_E_LIMIT);
	arena_done(&arena);
	wr_done(&body);
}

static void test_epid_report_parse__truncated__fails(void **state)
{
	struct test_epid epid = good();
	struct writer body = wr_init(LIMIT_EPID_REPORT);
	struct arena arena = arena_init(8 << 20);

	(void)state;
	test_epid_body(&epid, &body);
	for (size_t size = 0; size < body.size; size++) {
		struct block block = block_new((struct tobi_bytes){body.ptr, size});
		struct epid_report report;

		assert_int_not_equal(
		    epid_report_parse(block_view(block), &arena, &report, NULL), TOBI_OK);
		block_done(block);
	}
	arena_done(&arena);
	wr_done(&body);
}

/* From the field: a report of 2018. */
static void test_epid_report_parse__platform_info__read(void **state)
{
	struct test_epid epid = good();
	struct arena arena = arena_init(1 << 20);
	struct epid_report report = {0};
	struct writer more = wr_init(1024);

	(void)state;
	wr_printf(&more, "\"platformInfoBlob\":\"15020065"
			 "04"
			 "0005"
			 "0001"
			 "07070101010100000000000000000000"
			 "0500"
			 "0600"
			 "00000200"
			 "00000000"
			 "00000AE3");
	for (size_t i = 0; i < 64; i++)
		wr_printf(&more, "aa");
	wr_printf(&more, "\"");
	wr_u8(&more, 0);
	epid.more = (const char *)more.ptr;
	assert_int_equal(parse(&epid, &arena, &report, NULL), TOBI_OK);
	assert_true(report.platform.known);
	assert_int_equal(report.platform.group_flags, 4);
	assert_int_equal(report.platform.tcb_flags, 5);
	assert_int_equal(report.platform.pse_flags, 1);
	assert_int_equal(report.platform.latest_isv_svn, 5);
	assert_int_equal(report.platform.group, 0xae3);
	more.size -= 4; /* a byte less: shown as it is */
	wr_printf(&more, "\"");
	wr_u8(&more, 0);
	assert_int_equal(parse(&epid, &arena, &report, NULL), TOBI_OK);
	assert_false(report.platform.known);
	assert_int_equal(report.blob.size, 104);
	arena_done(&arena);
	wr_done(&more);
}

static void test_epid_quote_parse__fields__where_they_are(void **state)
{
	struct test_epid epid = good();
	struct epid_quote quote = {0};

	(void)state;
	store_le(epid.quote + 4, 4, 0xae3);
	store_le(epid.quote + 8, 2, 5);
	store_le(epid.quote + 10, 2, 4);
	store_le(epid.quote + 48 + 256, 2, 37095);
	assert_int_equal(
	    epid_quote_parse((struct tobi_bytes){epid.quote, 432}, &quote, NULL),
	    TOBI_OK);
	assert_int_equal(quote.group, 0xae3);
	assert_int_equal(quote.qe_svn, 5);
	assert_int_equal(quote.pce_svn, 4);
	assert_int_equal(quote.flags, 5);
	assert_int_equal(quote.product, 37095);
	assert_ptr_equal(quote.measurement.ptr, epid.quote + 48 + 64);
	assert_ptr_equal(quote.signer.ptr, epid.quote + 48 + 128);
	assert_ptr_equal(quote.report_data.ptr, epid.quote + 48 + 320);
	assert_ptr_equal(quote.config_id.ptr, epid.quote + 48 + 192);
}

static void test_epid_quote_parse__another_size__fails(void **state)
{
	uint8_t bytes[EPID_QUOTE_SIZE + 1] = {2};
	struct epid_quote quote;

	(void)state;
	for (size_t size = 0; size < EPID_QUOTE_SIZE; size++)
		assert_int_equal(
		    epid_quote_parse((struct tobi_bytes){bytes, size}, &quote, NULL),
		    TOBI_E_TRUNCATED);
	assert_int_equal(
	    epid_quote_parse((struct tobi_bytes){bytes, sizeof(bytes)}, &quote, NULL),
	    TOBI_E_TRAILING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_epid_report_parse__all_members__taken),
	    cmocka_unit_test(test_epid_report_parse__no_version__is_2),
	    cmocka_unit_test(test_epid_report_parse__wrong_member__named),
	    cmocka_unit_test(test_epid_report_parse__too_many_advisories__fails),
	    cmocka_unit_test(test_epid_report_parse__no_time__fails),
	    cmocka_unit_test(test_epid_report_parse__no_quote__fails),
	    cmocka_unit_test(test_epid_report_parse__over_its_limit__fails),
	    cmocka_unit_test(test_epid_report_parse__truncated__fails),
	    cmocka_unit_test(test_epid_report_parse__platform_info__read),
	    cmocka_unit_test(test_epid_quote_parse__fields__where_they_are),
	    cmocka_unit_test(test_epid_quote_parse__another_size__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
