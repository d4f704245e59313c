/*
 * Reports of AMD SEV-SNP under a maker of the tests' own: what must be accepted is, and
 * each check fails alone.
 */
#include "tee/snp.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/snp_scene.h"

typedef void (*change)(struct snp_scene *scene);

static void show(const struct tobi_result *result)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome == TOBI_FAILED || check->outcome == TOBI_NOT_RUN)
			print_error("%s: expected %s, found %s\n", check->code,
				    check->expected, check->found);
	}
}

static void assert_accepted(struct snp_scene *scene)
{
	struct tobi_result *result = snp_scene_verify(scene);

	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		show(result);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	tobi_result_free(result);
}

static void accepted_with(change make)
{
	struct snp_scene scene;

	snp_scene_make(&scene);
	make(&scene);
	assert_accepted(&scene);
	snp_scene_done(&scene);
}

#define CHANGE(name, ...)                                                                \
	static void name(struct snp_scene *scene)                                        \
	{                                                                                \
		(void)scene;                                                             \
		__VA_ARGS__;                                                             \
	}
CHANGE(as_it_is)
CHANGE(of_version_2, snp_scene_set(scene, 0, 4, 2); snp_scene_set(scene, 0x188, 3, 0))
CHANGE(of_version_5, snp_scene_set(scene, 0, 4, 5); snp_scene_set(scene, 0x1f8, 8, 0x0b);
       snp_scene_set(scene, 0x200, 8, 0x0b))
CHANGE(of_genoa, snp_scene_product(scene, "Genoa"))
CHANGE(of_bergamo, snp_scene_product(scene, "Genoa");
       snp_scene_set(scene, 0x189, 1, 0xa0))
CHANGE(of_turin, snp_scene_product(scene, "Turin"); snp_scene_set(scene, 0, 4, 5))
CHANGE(of_a_vlek, snp_scene_vlek(scene))
CHANGE(with_rsa, scene->rsa = true)
CHANGE(with_platform_bit_6, snp_scene_set(scene, 0x40, 8, 0x67))
CHANGE(with_an_older_version_committed, scene->report[0x1ed]--;
       scene->report[0x1ec] = 0xff;
       scene->policy = "snp:\n  provisional-firmware: allowed\n")
CHANGE(in_a_collection, scene->in_collection = true)
CHANGE(with_id_block, scene->with_id_block = true; snp_scene_set(scene, 0x48, 4, 1))
CHANGE(with_id_block_and_no_author, scene->with_id_block = true)

static void with_wrapped_hwid(struct snp_scene *scene)
{
	struct snp_extra *chip = snp_scene_extra(scene, "4");

	memmove(chip->value + 2, chip->value, chip->size);
	chip->value[0] = 4;
	chip->value[1] = (uint8_t)chip->size;
	chip->size += 2;
}

static void of_turin_with_wrapped_hwid(struct snp_scene *scene)
{
	of_turin(scene);
	with_wrapped_hwid(scene);
}

/* Its certificate still says which chip it is. */
static void with_a_hidden_chip(struct snp_scene *scene)
{
	memset(scene->report + 0x1a0, 0, 64);
}

static void with_older_firmware_reported(struct snp_scene *scene)
{
	scene->report[0x180 + 7]--;
	snp_scene_extra(scene, "3.8")->value[3]--;
}

static void test_snp__what_is_right__is_accepted(void **state)
{
	static const change changes[] = {
	    as_it_is,
	    of_version_2,
	    of_version_5,
	    of_genoa,
	    of_bergamo,
	    of_turin,
	    of_a_vlek,
	    with_rsa,
	    with_platform_bit_6,
	    with_an_older_version_committed,
	    in_a_collection,
	    with_id_block,
	    with_id_block_and_no_author,
	    with_wrapped_hwid,
	    of_turin_with_wrapped_hwid,
	    with_a_hidden_chip,
	    with_older_firmware_reported,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		print_message("accepted: %zu\n", i);
		accepted_with(changes[i]);
	}
}

/* Of form. */
CHANGE(of_version_4, snp_scene_set(scene, 0, 4, 4))
CHANGE(of_version_6, snp_scene_set(scene, 0, 4, 6))
CHANGE(with_reserved_4c, scene->report[0x4c] = 1)
CHANGE(with_key_info_5, snp_scene_set(scene, 0x48, 4, 1 << 5))
CHANGE(with_reserved_18b, scene->report[0x19f] = 1)
CHANGE(with_reserved_1eb, scene->report[0x1eb] = 1)
CHANGE(with_reserved_1ef, scene->report[0x1ef] = 1)
CHANGE(with_mitigations_in_3, scene->report[0x1f8] = 1)
CHANGE(with_cpu_in_2, snp_scene_set(scene, 0, 4, 2))
CHANGE(with_reserved_208, scene->report[0x29f] = 1)
CHANGE(of_another_algorithm, snp_scene_set(scene, 0x34, 4, 2))
CHANGE(with_key_none, snp_scene_set(scene, 0x48, 4, 7 << 2))
CHANGE(masked, snp_scene_set(scene, 0x48, 4, 1 << 1); scene->unsigned_report = true)
CHANGE(with_a_key_of_another_kind, snp_scene_set(scene, 0x48, 4, 2 << 2))
CHANGE(with_the_last_kind_but_one, snp_scene_set(scene, 0x48, 4, 6 << 2))
CHANGE(masked_and_signed, snp_scene_set(scene, 0x48, 4, 1 << 1))
CHANGE(without_policy_bit_17, snp_scene_set(scene, 8, 8, 0x10000))
CHANGE(with_policy_bit_26, snp_scene_set(scene, 8, 8, 0x4030000))
CHANGE(with_policy_bit_31, snp_scene_set(scene, 8, 8, 0x80030000))
CHANGE(with_platform_bit_63, snp_scene_set(scene, 0x40, 8, 0x8000000000000025))
CHANGE(with_platform_bit_8, snp_scene_set(scene, 0x40, 8, 0x125))
CHANGE(asked_by_the_host, snp_scene_set(scene, 0x30, 4, 0xffffffff);
       scene->policy = "snp:\n  max-vmpl: 3\n")
CHANGE(of_vmpl_4, snp_scene_set(scene, 0x30, 4, 4);
       scene->policy = "snp:\n  max-vmpl: 3\n")

/* Of the certificate. */
CHANGE(without_certificate, scene->without_leaf = true)
CHANGE(of_another_name, scene->leaf_name = "VCEK")
CHANGE(with_p256, scene->leaf_p256 = true)
CHANGE(that_is_a_ca, scene->leaf_is_ca = true)
CHANGE(without_a_version, snp_scene_drop(scene, "3.2"))
CHANGE(with_two_versions, snp_scene_add(scene, "3.2", BYTES(2, 1, 1)))
CHANGE(with_an_fmc, snp_scene_add(scene, "3.9", BYTES(2, 1, 0)))
CHANGE(of_turin_without_fmc, of_turin(scene); snp_scene_drop(scene, "3.9"))
CHANGE(with_an_unknown, snp_scene_add(scene, "6", BYTES(2, 1, 0)))
CHANGE(with_a_csp, snp_scene_add(scene, "5", BYTES(22, 1, 'c')))
CHANGE(without_a_chip, snp_scene_drop(scene, "4"))
CHANGE(of_a_product_unknown, *snp_scene_extra(scene, "2") = (struct snp_extra){
				 {2}, 1, {22, 4, 'L', 'i', 'm', 'a'}, 6})
CHANGE(of_the_next_product, *snp_scene_extra(scene, "2") = (struct snp_extra){
				{2}, 1, {22, 6, 'V', 'e', 'n', 'i', 'c', 'e'}, 8})

static void of_another_kind(struct snp_scene *scene)
{
	snp_scene_set(scene, 0x48, 4, 1 << 2);
}

static void of_a_vlek_when_a_vcek_signs(struct snp_scene *scene)
{
	snp_scene_vlek(scene);
	snp_scene_set(scene, 0x48, 4, 0);
}

/* Of the chain. */
CHANGE(without_issuers, scene->without_issuers = true)
CHANGE(not_by_the_ask, scene->leaf_issuer_key = SNP_OTHER_ARK)
CHANGE(ask_not_by_the_ark, scene->ask_issuer_key = SNP_OTHER_ARK)
CHANGE(ask_no_ca, scene->ask_no_ca = true)
CHANGE(not_yet_valid, scene->leaf_from = SNP_NOW + 1)
CHANGE(expired, scene->leaf_to = SNP_NOW - 1)
CHANGE(of_a_vlek_that_expired, snp_scene_vlek(scene); scene->leaf_to = SNP_NOW - 1)
CHANGE(of_amds_roots, scene->without_roots = true)
CHANGE(by_an_ask_of_genoa, scene->ask_name = "SEV-Genoa")
CHANGE(by_an_ark_of_genoa, scene->ark_name = "ARK-Genoa")
CHANGE(by_an_asvk, scene->ask_name = "SEV-VLEK-Milan")
CHANGE(of_a_vlek_by_an_ask, snp_scene_vlek(scene); scene->ask_name = "SEV-Milan")
CHANGE(with_one_between, scene->four_certificates = true;
       scene->leaf_issuer_key = SNP_AUTHOR)

/* Each name is where it is looked for, and a CA more, or less, is there. */
CHANGE(with_one_more_behind_the_names, scene->four_certificates = true;
       scene->leaf_issuer_key = SNP_AUTHOR; scene->between_name = "SEV-Milan";
       scene->ask_name = "ARK-Milan"; scene->ark_name = "ARK-Other")
CHANGE(by_the_ark_itself, scene->leaf_issuer_key = SNP_ARK; scene->ark_name = "SEV-Milan")

/* Of lists. */
CHANGE(with_a_late_list, scene->crl_to = SNP_NOW)
CHANGE(with_an_early_list, scene->crl_from = SNP_NOW + 1)
CHANGE(with_a_list_of_nobody, scene->crl_key = SNP_OTHER_ARK)
CHANGE(with_an_old_list, scene->more = "collateral:\n  baseline: 2027-01-15T00:00:00Z\n")
CHANGE(with_the_ask_revoked, scene->revoked = 0x10001)
CHANGE(with_the_leaf_revoked, scene->leaf_serial = scene->revoked = 77)

/* Of what is signed. */
CHANGE(signed_by_another, scene->signs = SNP_OTHER_LEAF)
CHANGE(of_newer_firmware, snp_scene_extra(scene, "3.3")->value[2]++)
CHANGE(of_older_firmware, snp_scene_extra(scene, "3.3")->value[2]--)
CHANGE(of_a_vlek_of_newer_firmware, snp_scene_vlek(scene);
       snp_scene_extra(scene, "3.3")->value[2]++)
CHANGE(with_a_reserved_version, snp_scene_extra(scene, "3.5")->value[2] = 1)
CHANGE(committed_above, scene->report[0x1e0]++;
       scene->policy = "snp:\n  provisional-firmware: allowed\n")
CHANGE(with_a_build_committed_above, scene->report[0x1ec]++;
       scene->policy = "snp:\n  provisional-firmware: allowed\n")
CHANGE(with_a_minor_committed_above, scene->report[0x1ed]++; scene->report[0x1ec] = 0;
       scene->policy = "snp:\n  provisional-firmware: allowed\n")
CHANGE(with_a_major_committed_above, scene->report[0x1ee]++; scene->report[0x1ed] = 0;
       scene->policy = "snp:\n  provisional-firmware: allowed\n")
CHANGE(launched_above, scene->report[0x1f0 + 6]++)
CHANGE(of_another_chip, snp_scene_extra(scene, "4")->value[63] ^= 1)
CHANGE(of_turin_with_a_long_chip, of_turin(scene); scene->report[0x1a0 + 8] = 1)
CHANGE(of_a_genoa_cpu, snp_scene_set(scene, 0x189, 1, 0x11))
CHANGE(of_a_turin_cpu, snp_scene_set(scene, 0x188, 2, 0x021a))
CHANGE(of_a_venice_cpu, snp_scene_set(scene, 0x188, 2, 0x501a))
CHANGE(of_a_cpu_unknown, snp_scene_set(scene, 0x188, 2, 0x0017))

CHANGE(for_other_claims, scene->in_collection = scene->other_claims = true)

/* Of the ID block. */
CHANGE(with_the_block_of_another, with_id_block(scene); scene->id_block_of_another = true)
CHANGE(with_a_block_of_another_key, with_id_block(scene); scene->other_id_key = true)
CHANGE(with_another_author, with_id_block(scene); scene->other_author_key = true)

/* The reported one is the certificate's, and above what runs. */
static void reported_above(struct snp_scene *scene)
{
	scene->report[0x180 + 6]++;
	snp_scene_extra(scene, "3.3")->value[2]++;
}

/* Of some, others do not run, for lack of what they look at; or one mistake is two. */
enum company { ALONE, STOPPING, WITH_OTHERS };
struct failure {
	const char *code;
	change make;
	enum company company;
};
#define FAILS(code, make, company)                                                       \
	{                                                                                \
		code, make, company                                                      \
	}

static const struct failure failures[] = {
    FAILS("SNP-VERSION", of_version_4, WITH_OTHERS),
    FAILS("SNP-VERSION", of_version_6, WITH_OTHERS),
    FAILS("SNP-RESERVED", with_reserved_4c, ALONE),
    FAILS("SNP-RESERVED", with_key_info_5, ALONE),
    FAILS("SNP-RESERVED", with_reserved_18b, ALONE),
    FAILS("SNP-RESERVED", with_reserved_1eb, ALONE),
    FAILS("SNP-RESERVED", with_reserved_1ef, ALONE),
    FAILS("SNP-RESERVED", with_mitigations_in_3, ALONE),
    FAILS("SNP-RESERVED", with_cpu_in_2, ALONE),
    FAILS("SNP-RESERVED", with_reserved_208, ALONE),
    FAILS("SNP-ALGORITHM", of_another_algorithm, ALONE),
    FAILS("SNP-SIGNING-KEY", masked_and_signed, ALONE),
    FAILS("SNP-SIGNING-KEY", masked, WITH_OTHERS),
    FAILS("SNP-SIGNING-KEY", with_key_none, WITH_OTHERS),
    FAILS("SNP-SIGNING-KEY", with_a_key_of_another_kind, WITH_OTHERS),
    FAILS("SNP-SIGNING-KEY", with_the_last_kind_but_one, WITH_OTHERS),
    FAILS("SNP-GUEST-POLICY", without_policy_bit_17, ALONE),
    FAILS("SNP-GUEST-POLICY", with_policy_bit_26, ALONE),
    FAILS("SNP-GUEST-POLICY", with_policy_bit_31, ALONE),
    FAILS("SNP-PLATFORM", with_platform_bit_8, ALONE),
    FAILS("SNP-PLATFORM", with_platform_bit_63, ALONE),
    FAILS("SNP-VMPL", asked_by_the_host, ALONE),
    FAILS("SNP-VMPL", of_vmpl_4, ALONE),
    FAILS("SNP-CERTIFICATE", without_certificate, STOPPING),
    FAILS("SNP-CERTIFICATE", of_another_name, STOPPING),
    FAILS("SNP-CERTIFICATE", with_p256, STOPPING),
    FAILS("SNP-CERTIFICATE", that_is_a_ca, STOPPING),
    FAILS("SNP-CERTIFICATE", without_a_version, STOPPING),
    FAILS("SNP-CERTIFICATE", with_two_versions, STOPPING),
    FAILS("SNP-CERTIFICATE", with_an_fmc, STOPPING),
    FAILS("SNP-CERTIFICATE", of_turin_without_fmc, STOPPING),
    FAILS("SNP-CERTIFICATE", with_an_unknown, STOPPING),
    FAILS("SNP-CERTIFICATE", with_a_csp, STOPPING),
    FAILS("SNP-CERTIFICATE", without_a_chip, STOPPING),
    FAILS("SNP-CERTIFICATE", of_a_product_unknown, STOPPING),
    FAILS("SNP-CERTIFICATE", of_the_next_product, STOPPING),
    FAILS("SNP-LEAF-KIND", of_another_kind, ALONE),
    FAILS("SNP-LEAF-KIND", of_a_vlek_when_a_vcek_signs, ALONE),
    FAILS("SNP-CHAIN", without_issuers, STOPPING),
    FAILS("SNP-CHAIN", not_by_the_ask, STOPPING),
    FAILS("SNP-CHAIN", ask_not_by_the_ark, STOPPING),
    FAILS("SNP-CHAIN", ask_no_ca, STOPPING),
    FAILS("SNP-CHAIN", not_yet_valid, STOPPING),
    FAILS("SNP-CHAIN", expired, STOPPING),
    FAILS("SNP-CHAIN", of_a_vlek_that_expired, STOPPING),
    FAILS("SNP-CHAIN", of_amds_roots, STOPPING),
    FAILS("SNP-ISSUER", by_an_ask_of_genoa, STOPPING),
    FAILS("SNP-ISSUER", by_an_ark_of_genoa, STOPPING),
    FAILS("SNP-ISSUER", by_an_asvk, STOPPING),
    FAILS("SNP-ISSUER", of_a_vlek_by_an_ask, STOPPING),
    FAILS("SNP-ISSUER", with_one_between, STOPPING),
    FAILS("SNP-ISSUER", with_one_more_behind_the_names, STOPPING),
    FAILS("SNP-ISSUER", by_the_ark_itself, STOPPING),
    FAILS("SNP-CRL", with_a_late_list, STOPPING),
    FAILS("SNP-CRL", with_an_early_list, STOPPING),
    FAILS("SNP-CRL", with_a_list_of_nobody, STOPPING),
    FAILS("SNP-CRL", with_an_old_list, STOPPING),
    FAILS("SNP-REVOKED", with_the_ask_revoked, ALONE),
    FAILS("SNP-REVOKED", with_the_leaf_revoked, ALONE),
    FAILS("SNP-SIGNATURE", signed_by_another, ALONE),
    FAILS("SNP-TCB", of_newer_firmware, ALONE),
    FAILS("SNP-TCB", of_older_firmware, ALONE),
    FAILS("SNP-TCB", of_a_vlek_of_newer_firmware, ALONE),
    FAILS("SNP-TCB", with_a_reserved_version, ALONE),
    FAILS("SNP-TCB-ORDER", committed_above, ALONE),
    FAILS("SNP-TCB-ORDER", with_a_build_committed_above, ALONE),
    FAILS("SNP-TCB-ORDER", with_a_minor_committed_above, ALONE),
    FAILS("SNP-TCB-ORDER", with_a_major_committed_above, ALONE),
    FAILS("SNP-TCB-ORDER", launched_above, ALONE),
    FAILS("SNP-TCB-ORDER", reported_above, ALONE),
    FAILS("SNP-CHIP", of_another_chip, ALONE),
    FAILS("SNP-CHIP", of_turin_with_a_long_chip, ALONE),
    FAILS("SNP-PRODUCT", of_a_genoa_cpu, ALONE),
    FAILS("SNP-PRODUCT", of_a_turin_cpu, ALONE),
    FAILS("SNP-PRODUCT", of_a_venice_cpu, ALONE),
    FAILS("SNP-PRODUCT", of_a_cpu_unknown, ALONE),
    FAILS("SNP-REPORT-DATA", for_other_claims, ALONE),
    FAILS("SNP-ID-BLOCK", with_the_block_of_another, ALONE),
    FAILS("SNP-ID-BLOCK", with_a_block_of_another_key, ALONE),
    FAILS("SNP-AUTHOR-KEY", with_another_author, ALONE),
};

static void assert_fails_alone(const struct failure *failure)
{
	struct snp_scene scene;
	struct tobi_result *result;
	size_t failed = 0, missed = 0;
	bool found = false;

	snp_scene_make(&scene);
	failure->make(&scene);
	result = snp_scene_verify(&scene);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		failed += check->outcome == TOBI_FAILED;
		missed += check->outcome == TOBI_NOT_RUN;
		found |= check->outcome == TOBI_FAILED &&
			 strcmp(check->code, failure->code) == 0;
	}
	if (!found || (failure->company != WITH_OTHERS && failed != 1) ||
	    (failure->company == ALONE && missed != 0)) {
		print_error("of %s:\n", failure->code);
		show(result);
	}
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_true(found);
	if (failure->company != WITH_OTHERS)
		assert_int_equal(failed, 1);
	if (failure->company == ALONE)
		assert_int_equal(missed, 0);
	tobi_result_free(result);
	snp_scene_done(&scene);
}

static void test_snp_check__what_it_is_for__fails_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		print_message("%zu: %s\n", i, failures[i].code);
		assert_fails_alone(&failures[i]);
	}
}

/* A newer product is named, so that nobody looks for another mistake. */
static void test_snp_product__newer_than_this_build__is_named(void **state)
{
	struct snp_scene scene;
	struct tobi_result *result;

	(void)state;
	snp_scene_make(&scene);
	of_a_venice_cpu(&scene);
	result = snp_scene_verify(&scene);
	assert_non_null(strstr(tobi_result_reason(result), "Venice"));
	assert_non_null(strstr(tobi_result_reason(result), "newer than this build"));
	tobi_result_free(result);
	snp_scene_done(&scene);
}

/* Behind a report is a table of certificates, or nothing. */
static void test_snp_report__bytes_behind_it__are_counted(void **state)
{
	static const struct {
		size_t size;
		uint8_t byte;
		const char *said; /* NULL: zeros that end an empty table */
	} behind[] = {
	    {1, 0, "1 trailing byte"},
	    {23, 0, "23 trailing bytes"},
	    {24, 0, NULL},
	    {4096, 0, NULL},
	    {24, 1, "24 trailing bytes"},
	    {1184, 0xff, "1184 trailing bytes"},
	};
	struct tobi_policy *policy;
	struct snp_scene scene;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	policy = snp_scene_policy_new(&scene);
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		struct writer report = wr_init(LIMIT_EVIDENCE);
		struct tobi_verify_request request = {.time = SNP_NOW};
		struct tobi_result *result = NULL;
		struct tobi_fault fault = {0};

		snp_scene_report(&scene, &report);
		memset(wr_reserve(&report, behind[i].size), behind[i].byte,
		       behind[i].size);
		assert_int_equal(
		    snp_scene_accepts(&scene, policy, wr_view(&report), NULL),
		    !behind[i].said);
		request.evidence = wr_view(&report);
		if (behind[i].said) {
			assert_int_equal(tobi_verify(policy, &request, &result, &fault),
					 TOBI_E_TRAILING);
			assert_memory_equal(fault.message, behind[i].said,
					    strlen(behind[i].said));
			assert_int_equal(fault.offset, 1184);
		}
		wr_done(&report);
	}
	tobi_policy_free(policy);
	snp_scene_done(&scene);
}

/* What starts as a table is one that is wrong. */
static void test_snp_report__table_cut_behind_it__is_the_tables_fault(void **state)
{
	struct writer report = wr_init(LIMIT_EVIDENCE);
	struct tobi_verify_request request = {.time = SNP_NOW};
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	struct tobi_policy *policy;
	struct snp_scene scene;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_extended(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	request.evidence = (struct tobi_bytes){report.ptr, report.size - 1};
	assert_int_equal(tobi_verify(policy, &request, &result, &fault),
			 TOBI_E_MALFORMED);
	assert_string_equal(fault.object, "SNP certificate table");
	tobi_policy_free(policy);
	wr_done(&report);
	snp_scene_done(&scene);
}

/* Every bit that is signed, and of the signature. */
static void test_snp_report__one_bit_changed__refuses(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(2048);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = snp_scene_policy_new(&scene);
	assert_true(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
	for (size_t i = 0; i < report.size; i++) {
		report.ptr[i] ^= (uint8_t)(1 << i % 8);
		assert_false(snp_scene_accepts(&scene, policy, wr_view(&report), NULL));
		report.ptr[i] ^= (uint8_t)(1 << i % 8);
	}
	tobi_policy_free(policy);
	wr_done(&report);
	snp_scene_done(&scene);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp__what_is_right__is_accepted),
	    TEST(test_snp_check__what_it_is_for__fails_alone),
	    TEST(test_snp_product__newer_than_this_build__is_named),
	    TEST(test_snp_report__bytes_behind_it__are_counted),
	    TEST(test_snp_report__table_cut_behind_it__is_the_tables_fault),
	    TEST(test_snp_report__one_bit_changed__refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
