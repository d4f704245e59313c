#include "collateral/needs.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

enum { NOW = 1900000000 };

static struct vendor_scene scene;
static struct needs needs; /* large */

static int set_up(void **state)
{
	(void)state;
	vendor_scene_make(&scene, NOW);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vendor_scene_done(&scene);
	return 0;
}

static enum tobi_err needs_of(struct tobi_bytes evidence, const char *product)
{
	const struct needs_hint hint = {product};
	struct block block = block_new(evidence);
	enum tobi_err err;

	needs = (struct needs){0};
	err = needs_of_evidence(block_view(block), &hint, &needs, NULL);
	block_done(block);
	return err;
}

static void is_path(size_t index, const char *path)
{
	assert_true(index < needs.count);
	assert_string_equal(needs.list[index].path, path);
}

static void test_needs__quote_of_sgx__names_its_platform(void **state)
{
	(void)state;
	assert_int_equal(needs_of(wr_view(&scene.quote), NULL), TOBI_OK);
	assert_int_equal(needs.count, 4);
	is_path(0, "/sgx/certification/v4/tcb?fmspc=" VENDOR_FMSPC);
	is_path(1, "/sgx/certification/v4/qe/identity");
	is_path(2, "/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
	is_path(3, "/sgx/certification/v4/rootcacrl");
	assert_string_equal(needs.list[0].name, VENDOR_FMSPC);
	assert_false(needs.pck_first);
}

static void test_needs__quote_of_tdx__has_its_own(void **state)
{
	struct writer quote = wr_init(64 << 10);

	(void)state;
	wr_bytes(&quote, scene.quote.ptr, scene.quote.size);
	quote.ptr[0] = 4;
	quote.ptr[4] = 0x81;
	assert_int_equal(needs_of(wr_view(&quote), NULL), TOBI_OK);
	is_path(0, "/tdx/certification/v4/tcb?fmspc=" VENDOR_FMSPC);
	is_path(1, "/tdx/certification/v4/qe/identity");
	wr_done(&quote);
}

/* Certification data of type 3: the platform's certificate first. */
static void test_needs__encrypted_ppid__asks_for_the_certificate(void **state)
{
	const size_t data = 48 + 384 + 4 + 576 + 2;
	struct writer quote = wr_init(64 << 10);
	const struct collateral_item pck = {.kind = COLLATERAL_PCK,
					    .data = wr_view(&scene.pck_chain)};

	(void)state;
	wr_bytes(&quote, scene.quote.ptr, data);
	wr_bytes(&quote, "\x03\x00\x94\x01\x00\x00", 6);
	for (unsigned i = 0; i < 384 + 16 + 2 + 2; i++)
		wr_u8(&quote, (uint8_t)i);
	quote.ptr[432] = (uint8_t)((quote.size - 436) & 0xff);
	quote.ptr[433] = (uint8_t)((quote.size - 436) >> 8);
	assert_int_equal(needs_of(wr_view(&quote), NULL), TOBI_OK);
	assert_int_equal(needs.count, 1);
	assert_true(needs.pck_first);
	assert_non_null(strstr(needs.list[0].path,
			       "/sgx/certification/v4/pckcert?encrypted_ppid=000102"));
	assert_non_null(strstr(needs.list[0].path,
			       "&cpusvn=808182838485868788898a8b8c8d8e"
			       "8f&pcesvn=9091&pceid=9293&qeid="));
	assert_int_equal(needs_of_pck(&pck, false, &needs, NULL), TOBI_OK);
	is_path(1, "/sgx/certification/v4/tcb?fmspc=" VENDOR_FMSPC);
	quote.ptr[data] = 1; /* in clear: no address of the service takes that */
	assert_int_equal(needs_of(wr_view(&quote), NULL), TOBI_E_UNSUPPORTED);
	wr_done(&quote);
}

static void test_needs__report__names_chip_and_version(void **state)
{
	(void)state;
	assert_int_equal(needs_of(wr_view(&scene.report), NULL), TOBI_OK);
	assert_int_equal(needs.count, 3);
	is_path(0, "/vcek/v1/Milan/cert_chain");
	is_path(1, "/vcek/v1/Milan/crl");
	assert_non_null(strstr(needs.list[2].path, "/vcek/v1/Milan/c0c1c2c3"));
	assert_non_null(
	    strstr(needs.list[2].path, "feff?blSPL=04&teeSPL=00&snpSPL=24&ucodeSPL=213"));
	assert_int_equal(needs.list[2].chip_size, 64);
}

static void test_needs__report_of_turin__has_the_other_layout(void **state)
{
	struct writer report = wr_init(2048);

	(void)state;
	wr_bytes(&report, scene.report.ptr, scene.report.size);
	report.ptr[0x188] = 0x1a;
	report.ptr[0x189] = 2;
	for (unsigned i = 8; i < 64; i++)
		report.ptr[0x1a0 + i] = 0;
	for (unsigned i = 0; i < 8; i++)
		report.ptr[0x180 + i] = (uint8_t)(i + 1);
	assert_int_equal(needs_of(wr_view(&report), NULL), TOBI_OK);
	is_path(2,
		"/vcek/v1/Turin/c0c1c2c3c4c5c6c7?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04"
		"&ucodeSPL=08");
	wr_done(&report);
}

static void test_needs__report_without_product__wants_it_named(void **state)
{
	struct writer report = wr_init(2048);

	(void)state;
	wr_bytes(&report, scene.report.ptr, scene.report.size);
	report.ptr[0] = 2;
	assert_int_equal(needs_of(wr_view(&report), NULL), TOBI_E_UNSUPPORTED);
	assert_int_equal(needs_of(wr_view(&report), "Genoa"), TOBI_OK);
	is_path(0, "/vcek/v1/Genoa/cert_chain");
	report.ptr[0] = 3;
	report.ptr[0x188] = 0x1b; /* a family to come */
	assert_int_equal(needs_of(wr_view(&report), NULL), TOBI_E_UNSUPPORTED);
	wr_done(&report);
}

static void test_needs__vlek_or_hidden_chip__issuers_only(void **state)
{
	struct writer report = wr_init(2048);

	(void)state;
	wr_bytes(&report, scene.report.ptr, scene.report.size);
	report.ptr[0x48] = 1 << 2;
	assert_int_equal(needs_of(wr_view(&report), NULL), TOBI_OK);
	assert_int_equal(needs.count, 2);
	is_path(0, "/vlek/v1/Milan/cert_chain");
	assert_non_null(needs.note);
	report.ptr[0x48] = 0;
	for (unsigned i = 0; i < 64; i++)
		report.ptr[0x1a0 + i] = 0;
	assert_int_equal(needs_of(wr_view(&report), NULL), TOBI_OK);
	assert_int_equal(needs.count, 2);
	assert_non_null(needs.note);
	wr_done(&report);
}

static void test_needs__other_evidence__is_an_error(void **state)
{
	(void)state;
	assert_int_equal(needs_of((struct tobi_bytes){0}, NULL), TOBI_E_UNSUPPORTED);
	assert_int_equal(needs_of(text_bytes("hello"), NULL), TOBI_E_UNSUPPORTED);
	assert_int_equal(needs_of(wr_view(&scene.root_crl), NULL), TOBI_E_UNSUPPORTED);
}

static void test_needs__truncated_anywhere__is_bounded(void **state)
{
	(void)state;
	for (size_t size = 0; size < scene.quote.size; size++) {
		enum tobi_err err =
		    needs_of((struct tobi_bytes){scene.quote.ptr, size}, NULL);

		/* Whole is only a chain whose first certificate is. */
		if (!err)
			assert_int_equal(needs.count, 4);
	}
}

static void test_needs__wrong_names__are_refused(void **state)
{
	static const char *const fmspcs[] = {"", "00A1B2C3D4E", "00A1B2C3D4E5F6",
					     "00A1B2C3D4EG", "00A1B2C3D4E&"};
	static const char *const products[] = {"", "milan", "Milan/..", "Mi lan",
					       "AProductWhoseName"};
	const uint8_t chip[65] = {1};

	(void)state;
	needs = (struct needs){0};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(
		    needs_of_platform(fmspcs[i], "platform", false, &needs, NULL),
		    TOBI_E_ARGUMENT);
		assert_int_equal(needs_of_product(products[i], false, &needs, NULL),
				 TOBI_E_ARGUMENT);
	}
	assert_int_equal(needs.count, 0);
	for (size_t size = 0; size < 66; size++) {
		enum tobi_err err =
		    needs_of_chip("Milan", (struct tobi_bytes){chip, size},
				  (struct tobi_bytes){chip, 8}, &needs, NULL);

		assert_int_equal(err,
				 size == 8 || size == 64 ? TOBI_OK : TOBI_E_ARGUMENT);
	}
	assert_int_equal(needs_of_chip("Milan", (struct tobi_bytes){chip, 8},
				       (struct tobi_bytes){chip, 7}, &needs, NULL),
			 TOBI_E_ARGUMENT);
}

static void test_needs__the_same__is_asked_for_once(void **state)
{
	(void)state;
	needs = (struct needs){0};
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    needs_of_platform(VENDOR_FMSPC, "platform", false, &needs, NULL),
		    TOBI_OK);
	assert_int_equal(needs.count, 4);
}

static void test_needs__too_many__is_a_limit(void **state)
{
	enum tobi_err err = TOBI_OK;
	char fmspc[13];

	(void)state;
	needs = (struct needs){0};
	for (unsigned i = 0; i < NEEDS_MAX && !err; i++) {
		snprintf(fmspc, sizeof(fmspc), "%012X", i);
		err = needs_of_platform(fmspc, "platform", false, &needs, NULL);
	}
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_int_equal(needs.count, NEEDS_MAX);
}

static void test_need_of_item__what_a_vendor_replaces(void **state)
{
	static const struct {
		enum collateral_kind kind;
		const char *name, *source, *path; /* NULL: nothing */
	} cases[] = {
	    {COLLATERAL_TDX_TCB_INFO, "00A1B2C3D4E5", "",
	     "/tdx/certification/v4/tcb?fmspc=00A1B2C3D4E5"},
	    {COLLATERAL_PCK_CRL, "processor", "",
	     "/sgx/certification/v4/pckcrl?ca=processor&encoding=der"},
	    {COLLATERAL_SNP_ISSUER, "Genoa", "", "/vcek/v1/Genoa/cert_chain"},
	    {COLLATERAL_SNP_CRL, "Genoa", "https://a/vlek/v1/Genoa/crl",
	     "/vlek/v1/Genoa/crl"},
	    {COLLATERAL_SNP_LEAF, "", "", NULL},
	    {COLLATERAL_PCK, "", "", NULL},
	    {COLLATERAL_SEV, "", "", NULL},
	    {COLLATERAL_INTEL_ISSUER, "tcb", "", NULL},
	};
	struct need need;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct collateral_item item = {.kind = cases[i].kind,
						     .name = cases[i].name,
						     .source = cases[i].source};

		assert_int_equal(need_of_item(&item, &need), cases[i].path != NULL);
		if (cases[i].path)
			assert_string_equal(need.path, cases[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_needs__quote_of_sgx__names_its_platform),
	    cmocka_unit_test(test_needs__quote_of_tdx__has_its_own),
	    cmocka_unit_test(test_needs__encrypted_ppid__asks_for_the_certificate),
	    cmocka_unit_test(test_needs__report__names_chip_and_version),
	    cmocka_unit_test(test_needs__report_of_turin__has_the_other_layout),
	    cmocka_unit_test(test_needs__report_without_product__wants_it_named),
	    cmocka_unit_test(test_needs__vlek_or_hidden_chip__issuers_only),
	    cmocka_unit_test(test_needs__other_evidence__is_an_error),
	    cmocka_unit_test(test_needs__truncated_anywhere__is_bounded),
	    cmocka_unit_test(test_needs__wrong_names__are_refused),
	    cmocka_unit_test(test_needs__the_same__is_asked_for_once),
	    cmocka_unit_test(test_needs__too_many__is_a_limit),
	    cmocka_unit_test(test_need_of_item__what_a_vendor_replaces),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
