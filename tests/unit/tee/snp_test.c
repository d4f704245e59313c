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
CHANGE(masked_and_signed, snp_scene_set(scene, 0x48, 4, 1 << 1))
CHANGE(without_policy_bit_17, snp_scene_set(scene, 8, 8, 0x10000))
CHANGE(with_policy_bit_26, snp_scene_set(scene, 8, 8, 0x4030000))
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
CHANGE(of_amds_roots, scene->without_roots = true)
CHANGE(by_an_ask_of_genoa, scene->ask_name = "SEV-Genoa")
CHANGE(by_an_ark_of_genoa, scene->ark_name = "ARK-Genoa")
CHANGE(by_an_asvk, scene->ask_name = "SEV-VLEK-Milan")
CHANGE(of_a_vlek_by_an_ask, snp_scene_vlek(scene); scene->ask_name = "SEV-Milan")
CHANGE(with_one_between, scene->four_certificates = true;
       scene->leaf_issuer_key = SNP_AUTHOR)

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
CHANGE(with_a_reserved_version, snp_scene_extra(scene, "3.5")->value[2] = 1)
CHANGE(committed_above, scene->report[0x1e0]++;
       scene->policy = "snp:\n  provisional-firmware: allowed\n")
CHANGE(launched_above, scene->report[0x1f0 + 6]++)
CHANGE(of_another_chip, snp_scene_extra(scene, "4")->value[63] ^= 1)
CHANGE(of_turin_with_a_long_chip, of_turin(scene); scene->report[0x1a0 + 8] = 1)
CHANGE(of_a_genoa_cpu, snp_scene_set(scene, 0x189, 1, 0x11))
CHANGE(of_a_turin_cpu, snp_scene_set(scene, 0x188, 2, 0x021a))
CHANGE(of_a_venice_cpu, snp_scene_set(scene, 0x188, 2, 0x501a))
CHANGE(of_a_cpu_unknown, snp_scene_set(scene, 0x188, 2, 0x0017))

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
#define FAILS(code, make)                                                                \
	{                                                                                \
		code, make, false                                                        \
	}
#define JOINS(code, make)                                                                \
	{                                                                                \
		code, make, WITH_OTHERS                                                  \
	}
#define STOPS(code, make)                                                                \
	{                                                                                \
		code, make, true                                                         \
	}

static const struct failure failures[] = {
    JOINS("SNP-VERSION", of_version_4),
    JOINS("SNP-VERSION", of_version_6),
    FAILS("SNP-RESERVED", with_reserved_4c),
    FAILS("SNP-RESERVED", with_key_info_5),
    FAILS("SNP-RESERVED", with_reserved_18b),
    FAILS("SNP-RESERVED", with_reserved_1eb),
    FAILS("SNP-RESERVED", with_reserved_1ef),
    FAILS("SNP-RESERVED", with_mitigations_in_3),
    FAILS("SNP-RESERVED", with_cpu_in_2),
    FAILS("SNP-RESERVED", with_reserved_208),
    FAILS("SNP-ALGORITHM", of_another_algorithm),
    FAILS("SNP-SIGNING-KEY", masked_and_signed),
    JOINS("SNP-SIGNING-KEY", masked),
    JOINS("SNP-SIGNING-KEY", with_key_none),
    FAILS("SNP-GUEST-POLICY", without_policy_bit_17),
    FAILS("SNP-GUEST-POLICY", with_policy_bit_26),
    FAILS("SNP-PLATFORM", with_platform_bit_8),
    FAILS("SNP-VMPL", asked_by_the_host),
    FAILS("SNP-VMPL", of_vmpl_4),
    STOPS("SNP-CERTIFICATE", without_certificate),
    STOPS("SNP-CERTIFICATE", of_another_name),
    STOPS("SNP-CERTIFICATE", with_p256),
    STOPS("SNP-CERTIFICATE", that_is_a_ca),
    STOPS("SNP-CERTIFICATE", without_a_version),
    STOPS("SNP-CERTIFICATE", with_two_versions),
    STOPS("SNP-CERTIFICATE", with_an_fmc),
    STOPS("SNP-CERTIFICATE", of_turin_without_fmc),
    STOPS("SNP-CERTIFICATE", with_an_unknown),
    STOPS("SNP-CERTIFICATE", with_a_csp),
    STOPS("SNP-CERTIFICATE", without_a_chip),
    STOPS("SNP-CERTIFICATE", of_a_product_unknown),
    STOPS("SNP-CERTIFICATE", of_the_next_product),
    FAILS("SNP-LEAF-KIND", of_another_kind),
    FAILS("SNP-LEAF-KIND", of_a_vlek_when_a_vcek_signs),
    STOPS("SNP-CHAIN", without_issuers),
    STOPS("SNP-CHAIN", not_by_the_ask),
    STOPS("SNP-CHAIN", ask_not_by_the_ark),
    STOPS("SNP-CHAIN", ask_no_ca),
    STOPS("SNP-CHAIN", not_yet_valid),
    STOPS("SNP-CHAIN", expired),
    STOPS("SNP-CHAIN", of_amds_roots),
    STOPS("SNP-ISSUER", by_an_ask_of_genoa),
    STOPS("SNP-ISSUER", by_an_ark_of_genoa),
    STOPS("SNP-ISSUER", by_an_asvk),
    STOPS("SNP-ISSUER", of_a_vlek_by_an_ask),
    STOPS("SNP-ISSUER", with_one_between),
    STOPS("SNP-CRL", with_a_late_list),
    STOPS("SNP-CRL", with_an_early_list),
    STOPS("SNP-CRL", with_a_list_of_nobody),
    STOPS("SNP-CRL", with_an_old_list),
    FAILS("SNP-REVOKED", with_the_ask_revoked),
    FAILS("SNP-REVOKED", with_the_leaf_revoked),
    FAILS("SNP-SIGNATURE", signed_by_another),
    FAILS("SNP-TCB", of_newer_firmware),
    FAILS("SNP-TCB", of_older_firmware),
    FAILS("SNP-TCB", with_a_reserved_version),
    FAILS("SNP-TCB-ORDER", committed_above),
    FAILS("SNP-TCB-ORDER", launched_above),
    FAILS("SNP-TCB-ORDER", reported_above),
    FAILS("SNP-CHIP", of_another_chip),
    FAILS("SNP-CHIP", of_turin_with_a_long_chip),
    FAILS("SNP-PRODUCT", of_a_genoa_cpu),
    FAILS("SNP-PRODUCT", of_a_turin_cpu),
    FAILS("SNP-PRODUCT", of_a_venice_cpu),
    FAILS("SNP-PRODUCT", of_a_cpu_unknown),
    FAILS("SNP-ID-BLOCK", with_the_block_of_another),
    FAILS("SNP-ID-BLOCK", with_a_block_of_another_key),
    FAILS("SNP-AUTHOR-KEY", with_another_author),
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

/* No list: neither check of it has a record, which refuses; unless the policy says so. */
static void test_snp_crl__missing__refuses_unless_allowed(void **state)
{
	struct snp_scene scene;
	struct tobi_result *result;

	(void)state;
	snp_scene_make(&scene);
	scene.without_crl = true;
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_non_null(strstr(tobi_result_reason(result), "SNP-CRL"));
	tobi_result_free(result);
	scene.policy = "snp:\n  crl: not-required\n";
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 1), "NO LIST"));
	tobi_result_free(result);
	/* One that came must be good all the same. */
	scene.without_crl = false;
	scene.crl_key = SNP_OTHER_ARK;
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	tobi_result_free(result);
	snp_scene_done(&scene);
}

static void test_snp_crl__of_another_product__is_none(void **state)
{
	struct snp_scene scene;
	struct tobi_result *result;

	(void)state;
	snp_scene_make(&scene);
	scene.crl_issuer = "ARK-Genoa";
	result = snp_scene_verify(&scene);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_non_null(strstr(tobi_result_reason(result), "SNP-CRL"));
	tobi_result_free(result);
	snp_scene_done(&scene);
}

static void test_snp_crl__past_its_date_in_grace__is_named(void **state)
{
	struct snp_scene scene;

	(void)state;
	snp_scene_make(&scene);
	scene.crl_to = SNP_NOW - 10;
	scene.more = "collateral:\n  grace: 11\n";
	assert_accepted(&scene);
	scene.more = "collateral:\n  grace: 10\n";
	{
		struct tobi_result *result = snp_scene_verify(&scene);

		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
	}
	snp_scene_done(&scene);
}

static struct tobi_policy *policy_of(const struct snp_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	snp_scene_policy(scene, &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "test", &policy, NULL), 0);
	wr_done(&yaml);
	return policy;
}

static bool accepts(const struct tobi_policy *policy, struct tobi_bytes evidence,
		    const struct snp_scene *scene, const struct tobi_collateral *set)
{
	const struct tobi_verify_request request = {.evidence = evidence,
						    .nonce = scene->nonce,
						    .time = scene->time,
						    .collateral = set,
						    .pieces = scene->pieces,
						    .piece_count = scene->piece_count};
	struct tobi_result *result = NULL;
	bool accepted;

	if (tobi_verify(policy, &request, &result, NULL))
		return false;
	accepted = tobi_result_verdict(result) == TOBI_ACCEPT;
	tobi_result_free(result);
	return accepted;
}

/* The same policy again and again: a memory of a chain must not outlive what it rests on.
 */
static void test_snp_memo__another_time_list_or_leaf__is_looked_at_again(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(2048), other = wr_init(2048);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = policy_of(&scene);
	for (int i = 0; i < 3; i++)
		assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	scene.signs = SNP_OTHER_LEAF;
	snp_scene_report(&scene, &other);
	assert_false(accepts(policy, wr_view(&other), &scene, NULL));
	scene.time = scene.crl_to;
	assert_false(accepts(policy, wr_view(&report), &scene, NULL));
	scene.time = scene.crl_from - 1;
	assert_false(accepts(policy, wr_view(&report), &scene, NULL));
	scene.time = SNP_NOW;
	assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	scene.piece_count = 3; /* no list */
	assert_false(accepts(policy, wr_view(&report), &scene, NULL));
	snp_scene_done(&scene);
	memset(scene.files, 0, sizeof(scene.files));
	scene.revoked = scene.ask_serial;
	snp_scene_pieces(&scene);
	assert_false(accepts(policy, wr_view(&report), &scene, NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&other);
	snp_scene_done(&scene);
}

static void put(struct tobi_collateral *set, enum collateral_kind kind, const char *name,
		void (*write)(const struct snp_scene *scene, struct writer *out),
		const struct snp_scene *scene)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	struct collateral_item item = {.kind = kind, .name = name};

	write(scene, &der);
	item.data = wr_view(&der);
	assert_int_equal(collateral_put(set, &item, NULL), 0);
	wr_done(&der);
}

/* As a fleet's verifier has it: everything in the set, of other chips too. */
static void test_snp_collateral__of_a_fleet__has_the_chips_own(void **state)
{
	struct snp_scene scene, other;
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer report = wr_init(2048);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_make(&other);
	other.leaf_key = SNP_OTHER_LEAF;
	snp_scene_extra(&other, "4")->value[0] ^= 1;
	for (int i = 0; i < 40; i++) { /* more than are looked at */
		snp_scene_extra(&other, "4")->value[1] = (uint8_t)i;
		put(set, COLLATERAL_SNP_LEAF, "", snp_scene_leaf, &other);
	}
	put(set, COLLATERAL_SNP_LEAF, "", snp_scene_leaf, &scene);
	put(set, COLLATERAL_SNP_ISSUER, "Milan", snp_scene_ask, &scene);
	put(set, COLLATERAL_SNP_ISSUER, "Milan", snp_scene_ark, &scene);
	other.crl_to = SNP_NOW - 1; /* an older list, that another one follows */
	put(set, COLLATERAL_SNP_CRL, "Milan", snp_scene_crl, &other);
	put(set, COLLATERAL_SNP_CRL, "Milan", snp_scene_crl, &scene);
	snp_scene_report(&scene, &report);
	policy = policy_of(&scene);
	assert_true(accepts(policy, wr_view(&report), &scene, set));
	assert_true(accepts(policy, wr_view(&report), &scene, set));
	snp_scene_set(&scene, 0x1a0, 1, 0x77);
	wr_done(&report);
	report = wr_init(2048);
	snp_scene_report(&scene, &report);
	assert_false(accepts(policy, wr_view(&report), &scene, set));
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	wr_done(&report);
	snp_scene_done(&scene);
	snp_scene_done(&other);
}

/* VLEKs of two clouds fit as well: the one whose key has signed counts. */
static void test_snp_leaf__two_that_fit__is_the_one_that_signed(void **state)
{
	struct snp_scene scene, other;
	struct writer report = wr_init(2048), der = wr_init(LIMIT_CERTIFICATE);
	struct tobi_policy *policy;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_vlek(&scene);
	snp_scene_make(&other);
	snp_scene_vlek(&other);
	other.leaf_key = SNP_OTHER_LEAF;
	snp_scene_leaf(&other, &der);
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = policy_of(&scene);
	scene.pieces[scene.piece_count++] = wr_view(&der);
	assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	scene.pieces[scene.piece_count - 1] = scene.pieces[0];
	scene.pieces[0] = wr_view(&der);
	assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&der);
	snp_scene_done(&scene);
	snp_scene_done(&other);
}

static void test_snp_extended_report__with_its_table__needs_nothing_else(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(LIMIT_EVIDENCE);
	struct tobi_policy *policy;
	struct tobi_bytes whole, table;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_extended(&scene, &report);
	whole = wr_view(&report);
	policy = policy_of(&scene);
	scene.piece_count = 0;
	assert_true(accepts(policy, whole, &scene, NULL));
	assert_true(accepts(policy, whole, &scene, NULL));
	/* As a piece of its own. */
	table = (struct tobi_bytes){whole.ptr + 1184, whole.size - 1184};
	scene.pieces[scene.piece_count++] = table;
	assert_true(accepts(policy, (struct tobi_bytes){whole.ptr, 1184}, &scene, NULL));
	/* No end of it but the right one. */
	scene.piece_count = 0;
	for (size_t size = 0; size < whole.size; size++)
		assert_false(
		    accepts(policy, (struct tobi_bytes){whole.ptr, size}, &scene, NULL));
	wr_u8(&report, 1);
	assert_false(accepts(policy, wr_view(&report), &scene, NULL));
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
	policy = policy_of(&scene);
	assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	for (size_t i = 0; i < report.size; i++) {
		report.ptr[i] ^= (uint8_t)(1 << i % 8);
		assert_false(accepts(policy, wr_view(&report), &scene, NULL));
		report.ptr[i] ^= (uint8_t)(1 << i % 8);
	}
	tobi_policy_free(policy);
	wr_done(&report);
	snp_scene_done(&scene);
}

/* In PEM, all in one; and as Azure's hosts hand them out. */
static void test_snp_pieces__in_pem_and_json__are_read(void **state)
{
	struct snp_scene scene;
	struct writer report = wr_init(2048), pem = wr_init(LIMIT_PEM),
		      json = wr_init(LIMIT_PEM);
	struct tobi_policy *policy;
	size_t leaf_size;

	(void)state;
	snp_scene_make(&scene);
	scene.policy = "snp:\n  crl: not-required\n";
	snp_scene_pieces(&scene);
	snp_scene_report(&scene, &report);
	policy = policy_of(&scene);
	assert_int_equal(chain_write_pem(scene.pieces[0], &pem, NULL), 0);
	leaf_size = pem.size;
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(chain_write_pem(scene.pieces[i], &pem, NULL), 0);
	wr_printf(&json, "{\"vcekCert\":\"");
	for (size_t i = 0; i < pem.size; i++) {
		if (i == leaf_size)
			wr_printf(&json, "\",\"tcbm\":\"0\",\"certificateChain\":\"");
		if (pem.ptr[i] == '\n')
			wr_printf(&json, "\\n");
		else
			wr_u8(&json, pem.ptr[i]);
	}
	wr_printf(&json, "\"}");
	scene.piece_count = 1;
	scene.pieces[0] = wr_view(&pem);
	assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	scene.pieces[0] = wr_view(&json);
	assert_true(accepts(policy, wr_view(&report), &scene, NULL));
	scene.pieces[0].size--;
	assert_false(accepts(policy, wr_view(&report), &scene, NULL));
	tobi_policy_free(policy);
	wr_done(&report);
	wr_done(&pem);
	wr_done(&json);
	snp_scene_done(&scene);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp__what_is_right__is_accepted),
	    TEST(test_snp_check__what_it_is_for__fails_alone),
	    TEST(test_snp_crl__missing__refuses_unless_allowed),
	    TEST(test_snp_crl__of_another_product__is_none),
	    TEST(test_snp_crl__past_its_date_in_grace__is_named),
	    TEST(test_snp_memo__another_time_list_or_leaf__is_looked_at_again),
	    TEST(test_snp_collateral__of_a_fleet__has_the_chips_own),
	    TEST(test_snp_leaf__two_that_fit__is_the_one_that_signed),
	    TEST(test_snp_extended_report__with_its_table__needs_nothing_else),
	    TEST(test_snp_report__one_bit_changed__refuses),
	    TEST(test_snp_pieces__in_pem_and_json__are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
