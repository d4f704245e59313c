/* The guest around an enclave: its evidence counts by a policy that asks for it, over the
 * same claims, and for nothing else. */
#include "appraise/guest.h"

#include "base/cleanup.h"
#include "codec/cbor.h"
#include "tests/evidence.h"
#include "tests/snp_scene.h"
#include "token/cmw.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct world {
	struct test_scene enclave;
	struct snp_scene guest;
	struct writer evidence; /* the enclave's, with the guest's in it */
	struct writer given;	/* the guest's collection */
	const char *media_type; /* of the record */
	unsigned indicator;
	bool other_claims, without, of_nothing;
	const char *section;
};

static void make(struct world *world)
{
	*world = (struct world){.evidence = wr_init(LIMIT_CMW),
				.given = wr_init(LIMIT_CMW),
				.media_type = CMW_TYPE_COLLECTION,
				.indicator = CMW_EVIDENCE,
				.section = ""};
	test_scene_make(&world->enclave);
	snp_scene_make(&world->guest);
	world->guest.now = TEST_NOW;
	world->guest.leaf_from = world->guest.crl_from = TEST_NOW - SNP_DAY;
	world->guest.leaf_to = world->guest.crl_to = TEST_NOW + SNP_DAY;
}

static void done(struct world *world)
{
	test_scene_done(&world->enclave);
	snp_scene_done(&world->guest);
	wr_done(&world->evidence);
	wr_done(&world->given);
}

/* The guest's report over the enclave's claims, and its certificates. */
static void make_guest(struct world *world)
{
	struct writer report = wr_init(LIMIT_EVIDENCE), endorse = wr_init(LIMIT_CMW);
	struct tobi_bytes claims = wr_view(&world->enclave.claims_buffer);
	uint8_t *data = world->guest.report + 0x50;
	struct cmw_record records[2];

	memset(data, 0, 64);
	assert_int_equal(hash_sha256(claims, data), 0);
	data[0] ^= world->other_claims;
	snp_scene_pieces(&world->guest);
	snp_scene_report(&world->guest, &report);
	cbor_write_array(&endorse, world->guest.piece_count);
	for (size_t i = 0; i < world->guest.piece_count; i++)
		cbor_write_bytes(&endorse, world->guest.pieces[i]);
	records[0] = (struct cmw_record){
	    .key = bytes_of_text(world->of_nothing ? "dev" : "cpu"),
	    .media_type = bytes_of_text("application/vnd.tobichi.snp-report"),
	    .value = wr_view(&report),
	    .indicator = world->of_nothing ? CMW_REFERENCE : CMW_EVIDENCE};
	records[1] = (struct cmw_record){.key = bytes_of_text("endorse"),
					 .media_type = bytes_of_text(CMW_TYPE_CHAIN),
					 .value = wr_view(&endorse),
					 .indicator = CMW_ENDORSEMENT};
	cmw_write(&world->given, records, 2);
	wr_done(&report);
	wr_done(&endorse);
}

/* The enclave's collection, with one record more. */
static void join(struct world *world)
{
	struct writer enclave = wr_init(LIMIT_CMW);
	struct cmw_record records[4];
	struct cmw cmw;
	size_t count = 0;

	test_scene_evidence(&world->enclave, &enclave);
	make_guest(world);
	assert_int_equal(cmw_parse(wr_view(&enclave), "test", &cmw, NULL), 0);
	records[count++] = *cmw_find(&cmw, "cpu");
	if (!world->without)
		records[count++] =
		    (struct cmw_record){.key = bytes_of_text("guest"),
					.media_type = bytes_of_text(world->media_type),
					.value = wr_view(&world->given),
					.indicator = world->indicator};
	records[count++] = *cmw_find(&cmw, "claims");
	cmw_write(&world->evidence, records, count);
	wr_done(&enclave);
}

static void write_guest_root(struct world *world, struct writer *out)
{
	struct writer ark = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);
	const char *line, *end;

	snp_scene_ark(&world->guest, &ark);
	assert_int_equal(chain_write_pem(wr_view(&ark), &pem, NULL), 0);
	wr_u8(&pem, 0);
	wr_printf(out, "  - tier: snp\n    anchors: |\n");
	for (line = (char *)pem.ptr; (end = strchr(line, '\n')); line = end + 1)
		wr_printf(out, "      %.*s\n", (int)(end - line), line);
	wr_done(&ark);
	wr_done(&pem);
}

/* The scene's policy ends with its roots or before; whatever it has, one root more. */
static void write_policy(struct world *world, struct writer *out)
{
	CLEANUP(wr_done) struct writer plain = wr_init(LIMIT_POLICY);
	const char *roots;

	world->enclave.tiers = "soft";
	test_scene_policy(&world->enclave, &plain);
	wr_u8(&plain, 0);
	roots = strstr((char *)plain.ptr, "roots:\n");
	assert_non_null(roots);
	roots += strlen("roots:\n");
	wr_bytes(out, plain.ptr, (size_t)(roots - (char *)plain.ptr));
	write_guest_root(world, out);
	wr_printf(out, "%s%s", roots, world->section);
}

static const char *default_section(void)
{
	static char text[256];
	char image[97];

	memset(image, '4', 96);
	for (size_t i = 1; i < 96; i += 2)
		image[i] = 'd';
	image[96] = 0;
	snprintf(text, sizeof(text), "guest:\n  tiers: [snp]\n  images: [%s]\n", image);
	return text;
}

static struct tobi_result *appraise(struct world *world)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_verify_request request = {.time = TEST_NOW};
	struct tobi_fault fault = {0};

	join(world);
	write_policy(world, &yaml);
	if (tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault))
		fail_msg("policy: %s: %s", fault.field, fault.message);
	request.evidence = wr_view(&world->evidence);
	request.nonce = world->enclave.given_nonce;
	if (tobi_verify(policy, &request, &result, &fault))
		fail_msg("verify: %s: %s", fault.field, fault.message);
	tobi_policy_free(policy);
	return result;
}

static enum tobi_outcome outcome_of(const struct tobi_result *result, const char *code,
				    const char **ret_found)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (strcmp(line->code, code) != 0)
			continue;
		*ret_found = line->found;
		return line->outcome;
	}
	return TOBI_NOT_ASKED;
}

/* Only this row fails, and what was found has these words. */
static void fails(struct world *world, const char *code, const char *words)
{
	struct tobi_result *result = appraise(world);
	const char *found = "";

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_int_equal(outcome_of(result, code, &found), TOBI_FAILED);
	if (!strstr(found, words))
		fail_msg("'%s' is not in: %s", words, found);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		assert_true(line->outcome != TOBI_FAILED ||
			    strcmp(line->code, code) == 0);
		assert_int_not_equal(line->outcome, TOBI_NOT_RUN);
	}
	tobi_result_free(result);
}
#define FAILS(code, world, words) fails((world), code, (words))

static void test_guest__that_the_policy_means__is_accepted(void **state)
{
	struct tobi_result *result;
	struct world world;
	const char *found = "";

	(void)state;
	make(&world);
	world.section = default_section();
	result = appraise(&world);
	assert_int_equal(outcome_of(result, "POLICY-GUEST", &found), TOBI_PASSED);
	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	tobi_result_free(result);
	done(&world);
}

static void test_guest__not_asked_for__is_not_looked_at(void **state)
{
	struct tobi_result *result;
	struct world world;
	const char *found = "";
	char *text = NULL;

	(void)state;
	make(&world);
	world.other_claims = true;
	result = appraise(&world);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_int_equal(outcome_of(result, "POLICY-GUEST", &found), TOBI_NOT_ASKED);
	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_TEXT, &text, NULL), 0);
	assert_non_null(strstr(text, "the policy does not ask for it"));
	free(text);
	tobi_result_free(result);
	done(&world);
}

static void test_guest__of_other_claims__is_refused(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	world.section = default_section();
	world.other_claims = true;
	FAILS("POLICY-GUEST", &world, "SNP-REPORT-DATA");
	done(&world);
}

static void test_guest__missing__is_refused(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	world.section = default_section();
	world.without = true;
	FAILS("POLICY-GUEST", &world, "there is none");
	done(&world);
}

static void test_guest__of_another_measurement__is_refused(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	world.section = default_section();
	world.guest.report[0x90] ^= 1;
	FAILS("POLICY-GUEST", &world, "POLICY-IMAGE");
	done(&world);
}

static void test_guest__of_another_tier__is_refused(void **state)
{
	static char section[256];
	struct world world;

	(void)state;
	make(&world);
	snprintf(section, sizeof(section), "%s", default_section());
	memcpy(strstr(section, "[snp]"), "[tdx]", 5);
	world.section = section;
	FAILS("POLICY-GUEST", &world, "POLICY-TIER");
	done(&world);
}

static void test_guest__record_of_another_kind__is_refused(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	world.section = default_section();
	world.media_type = "application/vnd.tobichi.snp-report";
	FAILS("POLICY-GUEST", &world, "none of evidence");
	done(&world);
	make(&world);
	world.section = default_section();
	world.indicator = CMW_ENDORSEMENT;
	FAILS("POLICY-GUEST", &world, "none of evidence");
	done(&world);
}

static void test_guest__collection_without_evidence__is_refused(void **state)
{
	struct world world;

	(void)state;
	make(&world);
	world.section = default_section();
	world.of_nothing = true;
	FAILS("POLICY-GUEST", &world, "evidence");
	done(&world);
}

/* What a section asks of the hardware counts for the guest. */
static void test_guest__section_of_its_kind__is_asked(void **state)
{
	static char section[512];
	struct world world;

	(void)state;
	make(&world);
	snprintf(section, sizeof(section), "%ssnp:\n  keys: [vlek]\n", default_section());
	world.section = section;
	FAILS("POLICY-GUEST", &world, "POLICY-SNP-KEY");
	done(&world);
}

static void expect_written(const struct tobi_result *result, enum tobi_format format,
			   const char *words)
{
	char *text = NULL;

	assert_int_equal(tobi_result_write(result, format, &text, NULL), 0);
	if (!strstr(text, words))
		fail_msg("'%s' is not in: %s", words, text);
	free(text);
}

/* Its own list is shown behind the enclave's, in each form. */
static void test_guest__its_checks__are_listed(void **state)
{
	struct tobi_result *result;
	struct world world;

	(void)state;
	make(&world);
	world.section = default_section();
	result = appraise(&world);
	expect_written(result, TOBI_FORMAT_TEXT, "\nChecks of the guest around: ");
	expect_written(result, TOBI_FORMAT_TEXT, "\n  ok    SNP-REPORT-DATA");
	expect_written(result, TOBI_FORMAT_JSON, "\"guest\": {");
	expect_written(result, TOBI_FORMAT_JSON, "\"code\": \"SNP-REPORT-DATA\"");
	expect_written(result, TOBI_FORMAT_HTML, "Every check of the guest around");
	expect_written(result, TOBI_FORMAT_HTML, "<code>SNP-REPORT-DATA</code>");
	tobi_result_free(result);
	done(&world);
	make(&world);
	world.section = default_section();
	world.other_claims = true;
	result = appraise(&world);
	expect_written(result, TOBI_FORMAT_TEXT, "\n  FAIL  SNP-REPORT-DATA");
	expect_written(result, TOBI_FORMAT_TEXT, "\n        do        ");
	expect_written(result, TOBI_FORMAT_HTML, "<li class=\"failed\">");
	tobi_result_free(result);
	done(&world);
}

static void test_guest__without_one__no_list_is_shown(void **state)
{
	static const char *const words[] = {"of the guest around", "\"guest\"",
					    "of the guest around"};
	static const enum tobi_format formats[] = {TOBI_FORMAT_TEXT, TOBI_FORMAT_JSON,
						   TOBI_FORMAT_HTML};
	struct tobi_result *result;
	struct world world;

	(void)state;
	make(&world);
	world.without = true;
	result = appraise(&world);
	for (size_t i = 0; i < 3; i++) {
		char *text = NULL;

		assert_int_equal(tobi_result_write(result, formats[i], &text, NULL), 0);
		assert_null(strstr(text, words[i]));
		free(text);
	}
	tobi_result_free(result);
	done(&world);
}

static void expect_wrong(const char *tiers, const char *section, const char *field,
			 const char *words)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	wr_printf(&yaml,
		  "version: 1\ntiers: [%s]\nimages: [%096d]\nidentity:\n"
		  "  mode: any-instance\n%s",
		  tiers, 0, section);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
	if (!strstr(fault.message, words))
		fail_msg("'%s' is not in: %s", words, fault.message);
}

static void test_policy_guest__wrong__says_what(void **state)
{
	(void)state;
	expect_wrong("snp", default_section(), "guest", "tiers must be [soft]");
	expect_wrong("soft, snp", default_section(), "guest", "tiers must be [soft]");
	expect_wrong("soft", "guest:\n  tiers: [soft]\n  images: [00]\n", "guest.tiers",
		     "snp tdx cca");
	expect_wrong("soft", "guest:\n  images: [00]\n", "guest.tiers", "one at least");
	expect_wrong("soft", "guest:\n  tiers: [snp]\n", "guest.images", "one at least");
	expect_wrong("soft", "guest:\n  tiers: [tpm]\n", "guest.images", "one at least");
	/* What may be started, and not from where. */
	expect_wrong("soft", "guest:\n  tiers: [tpm]\nboot:\n  command-lines: [quiet]\n",
		     "guest.images", "one at least");
	/* What a hypervisor starts is its own word without a measurement. */
	expect_wrong("soft",
		     "guest:\n  tiers: [tpm, azure-snp]\ntpm:\n  pcrs:\n    - index: 8\n"
		     "      value: \"" ZEROS "\"\n",
		     "guest.images", "one at least");
	expect_wrong("soft",
		     "guest:\n  tiers: [snp]\n  images: [" ZEROS "]\n"
		     "boot:\n  secure-boot: required\n",
		     "boot", "no event log");
	expect_wrong("soft", "boot:\n  secure-boot: required\n", "boot", "no event log");
	expect_wrong("soft", "guest:\n  tiers: [snp]\n  images: [00]\n", "guest.images",
		     "hexadecimal digits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guest__that_the_policy_means__is_accepted),
	    cmocka_unit_test(test_guest__not_asked_for__is_not_looked_at),
	    cmocka_unit_test(test_guest__of_other_claims__is_refused),
	    cmocka_unit_test(test_guest__missing__is_refused),
	    cmocka_unit_test(test_guest__of_another_measurement__is_refused),
	    cmocka_unit_test(test_guest__of_another_tier__is_refused),
	    cmocka_unit_test(test_guest__record_of_another_kind__is_refused),
	    cmocka_unit_test(test_guest__collection_without_evidence__is_refused),
	    cmocka_unit_test(test_guest__section_of_its_kind__is_asked),
	    cmocka_unit_test(test_guest__its_checks__are_listed),
	    cmocka_unit_test(test_guest__without_one__no_list_is_shown),
	    cmocka_unit_test(test_policy_guest__wrong__says_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
