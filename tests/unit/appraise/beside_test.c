/* Files beside the evidence that nothing could use. */
#include "appraise/beside.h"

#include "tests/bytes.h"
#include "tests/check.h"
#include "tests/dcap_collateral.h"
#include "tests/event_log.h"
#include "tests/snp_scene.h"

static bool is_used(const char *kind, struct tobi_bytes piece)
{
	const struct tobi_result result = {.kind = kind};

	assert_non_null(tee_verifier_named(kind));
	return !beside_why_unused(&result, piece);
}

static void write_log(struct writer *log)
{
	test_log_start(log, false);
	test_log_event(log, false, 1, EVENT_SEPARATOR, text_bytes("data"));
}

static void test_beside__certificates_of_intel__used_by_quotes(void **state)
{
	struct writer pem = wr_init(LIMIT_PEM);
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	dcap_scene_pem(&scene, DCAP_PCK, &pem);
	assert_true(is_used("sgx-quote", wr_view(&pem)));
	assert_true(is_used("tdx-quote", wr_view(&pem)));
	assert_true(is_used("oe-evidence", wr_view(&pem)));
	assert_false(is_used("nitro-doc", wr_view(&pem)));
	assert_false(is_used("sev", wr_view(&pem)));
	wr_done(&pem);
}

static void test_beside__event_log__used_by_who_measures(void **state)
{
	static const struct {
		const char *kind;
		bool used;
	} kinds[] = {{"tdx-quote", true},  {"nitro-tpm-doc", true}, {"tpm-quote", true},
		     {"azure-snp", true},  {"sgx-quote", false},    {"snp-report", false},
		     {"nitro-doc", false}, {"sgx-epid", false},	    {"ear", false}};
	struct writer log = wr_init(4096);

	(void)state;
	write_log(&log);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_used(kinds[i].kind, wr_view(&log)) != kinds[i].used)
			fail_msg("%s", kinds[i].kind);
	wr_done(&log);
}

/* Leaf, ASK, ARK, the list, an ID block with its authentication. */
static void test_beside__pieces_of_amds__used_by_reports(void **state)
{
	struct snp_scene scene;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	assert_true(scene.piece_count >= 4);
	for (size_t i = 0; i < scene.piece_count; i++)
		assert_true(is_used("snp-report", scene.pieces[i]));
	snp_scene_done(&scene);
	assert_true(is_used("snp-report", (struct tobi_bytes){(uint8_t[96]){0}, 96}));
	assert_false(is_used("snp-report", (struct tobi_bytes){(uint8_t[97]){0}, 97}));
}

static void test_beside__measurement_of_a_launch__used_by_sev(void **state)
{
	static const char answer[] =
	    "{\"return\": {\"enabled\": true, \"api-major\": 0, \"api-minor\": 24, "
	    "\"build-id\": 15, \"policy\": 3, \"state\": \"running\", \"handle\": 1}}";

	(void)state;
	assert_true(is_used("sev", text_bytes(answer)));
	assert_false(is_used("snp-report", text_bytes(answer)));
	assert_false(is_used("sev", text_bytes("a line")));
}

static void test_beside__signature_of_a_report__used_by_epid(void **state)
{
	char text[345];

	(void)state;
	memset(text, 'A', sizeof(text));
	assert_true(is_used("sgx-epid", (struct tobi_bytes){(const uint8_t *)text, 344}));
	assert_false(is_used("sgx-epid", text_bytes("AAAA")));
	assert_false(is_used("sgx-epid", text_bytes("not base64")));
}

/* It belongs elsewhere, which is said. */
static void test_beside__collateral__named_as_such(void **state)
{
	const struct tobi_result result = {.kind = "sgx-quote"};
	struct tobi_collateral *set = tobi_collateral_new();
	struct dcap_test_collateral documents;
	struct dcap_scene scene;

	(void)state;
	dcap_scene_make(&scene);
	dcap_test_collateral_make(&scene, &documents);
	dcap_test_put(&scene, &documents, set);
	for (size_t i = 0; i < collateral_count(set); i++) {
		const char *why = beside_why_unused(&result, collateral_at(set, i)->data);

		assert_non_null(why);
		assert_non_null(strstr(why, "--collateral"));
	}
	tobi_collateral_free(set);
	assert_null(strstr(beside_why_unused(&result, text_bytes("{}")), "--collateral"));
}

/* What the guest around an enclave takes is of use. */
static void test_beside__of_the_guest_around__used(void **state)
{
	struct tobi_result guest = {.kind = "tdx-quote"};
	struct tobi_result result = {.kind = "eat", .guest = &guest};
	struct writer log = wr_init(4096);

	(void)state;
	write_log(&log);
	assert_null(beside_why_unused(&result, wr_view(&log)));
	guest.kind = "snp-report";
	assert_non_null(beside_why_unused(&result, wr_view(&log)));
	result.guest = NULL;
	assert_non_null(beside_why_unused(&result, wr_view(&log)));
	result.kind = NULL; /* nothing is known of it */
	assert_null(beside_why_unused(&result, wr_view(&log)));
	wr_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_beside__certificates_of_intel__used_by_quotes),
	    cmocka_unit_test(test_beside__event_log__used_by_who_measures),
	    cmocka_unit_test(test_beside__pieces_of_amds__used_by_reports),
	    cmocka_unit_test(test_beside__measurement_of_a_launch__used_by_sev),
	    cmocka_unit_test(test_beside__signature_of_a_report__used_by_epid),
	    cmocka_unit_test(test_beside__collateral__named_as_such),
	    cmocka_unit_test(test_beside__of_the_guest_around__used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
