/*
 * Confidential VMs of Azure under makers of the tests' own: what must be accepted is, in
 * each of its forms, and each check fails alone.
 */
#include "tee/azure.h"

#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/check.h"

typedef void (*change)(struct azure_scene *scene);

/* Of a quote that is not looked at there is no nonce. */
static void without_nonce(struct azure_scene *scene)
{
	scene->lines = "allow: [no-nonce]\n";
	scene->nonce = (struct tobi_bytes){0};
}

static void show(const struct tobi_result *result)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome == TOBI_FAILED || check->outcome == TOBI_NOT_RUN)
			print_error("%s: expected %s, found %s\n", check->code,
				    check->expected, check->found);
	}
}

static void accepted(struct azure_scene *scene)
{
	enum tobi_err err;
	struct tobi_result *result = azure_scene_verify(scene, &err);

	assert_int_equal(err, 0);
	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		show(result);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	tobi_result_free(result);
}

static void accepted_with(bool tdx, change make)
{
	struct azure_scene scene;

	azure_scene_make(&scene, tdx);
	make(&scene);
	accepted(&scene);
	azure_scene_done(&scene);
}

/* This check fails, and no other; what follows from it may be without a record. */
static void refused(struct azure_scene *scene, const char *code)
{
	enum tobi_err err;
	struct tobi_result *result = azure_scene_verify(scene, &err);
	bool failed = false;

	assert_int_equal(err, 0);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);
		bool same = strcmp(check->code, code) == 0;

		failed |= same && check->outcome == TOBI_FAILED;
		if (check->outcome == TOBI_FAILED && !same)
			fail_msg("%s: %s fails, too: %s", code, check->code,
				 check->found);
	}
	if (!failed)
		show(result);
	assert_true(failed);
	tobi_result_free(result);
}

static void refused_with(bool tdx, change make, const char *code)
{
	struct azure_scene scene;

	azure_scene_make(&scene, tdx);
	make(&scene);
	refused(&scene, code);
	azure_scene_done(&scene);
}

/* The check is the reason, whatever else fails because nothing more was read. */
static void fails_first(bool tdx, change make, const char *code)
{
	struct azure_scene scene;
	struct tobi_result *result;
	enum tobi_err err;

	azure_scene_make(&scene, tdx);
	make(&scene);
	result = azure_scene_verify(&scene, &err);
	assert_int_equal(err, 0);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_ptr_equal(strstr(tobi_result_reason(result), code),
			 tobi_result_reason(result));
	tobi_result_free(result);
	azure_scene_done(&scene);
}

#undef FAILS
#define FAILS(code, tdx, make) refused_with((tdx), (make), (code))

#define CHANGE(name, ...)                                                                \
	static void name(struct azure_scene *scene)                                      \
	{                                                                                \
		(void)scene;                                                             \
		__VA_ARGS__;                                                             \
	}

CHANGE(as_it_is)
CHANGE(in_numbers, scene->form = AZURE_NUMBERS)
CHANGE(in_files, scene->form = AZURE_FILES)
CHANGE(in_bincode, scene->form = AZURE_BINCODE)
CHANGE(in_a_collection, scene->in_collection = true)
CHANGE(in_a_collection_of_files, scene->in_collection = true; scene->form = AZURE_FILES)
CHANGE(of_version_1, scene->version = 1)
CHANGE(with_blanks_before, scene->member = " \n")
CHANGE(with_another_member, scene->member = "\"platform\": \"azure\", ")
CHANGE(without_user_data, scene->user_data = NULL)

static void test_azure__right_in_each_form__is_accepted(void **state)
{
	static const change changes[] = {as_it_is,
					 in_numbers,
					 in_files,
					 in_bincode,
					 in_a_collection_of_files,
					 in_a_collection,
					 of_version_1,
					 with_blanks_before,
					 with_another_member,
					 without_user_data};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		accepted_with(false, changes[i]);
		accepted_with(true, changes[i]);
	}
}

CHANGE(of_version_0, scene->version = 0)
CHANGE(of_version_3, scene->version = 3)
CHANGE(of_another_request, scene->request = 1)
CHANGE(of_a_failed_request, scene->status = 1)
CHANGE(with_reserved_set, scene->reserved = 1)
CHANGE(with_data_of_version_2, scene->data_version = 2)

static void test_azure__head__is_the_one_that_is_known(void **state)
{
	(void)state;
	FAILS("AZURE-HCL", false, of_version_0);
	FAILS("AZURE-HCL", false, of_version_3);
	FAILS("AZURE-HCL", false, of_another_request);
	FAILS("AZURE-HCL", false, of_a_failed_request);
	FAILS("AZURE-HCL", false, with_reserved_set);
	FAILS("AZURE-HCL", false, with_data_of_version_2);
	FAILS("AZURE-HCL", true, of_version_3);
}

CHANGE(that_says_tdx, scene->report_type = 4)
CHANGE(that_says_snp, scene->report_type = 2)
CHANGE(that_says_vbs, scene->report_type = 1)

/* JSON without a TD quote, and a report that calls itself of TDX; and the other way. */
static void test_azure__hardware__is_the_one_that_the_rest_is_of(void **state)
{
	(void)state;
	fails_first(false, that_says_tdx, "AZURE-HCL");
	fails_first(false, that_says_vbs, "AZURE-HCL");
	fails_first(true, that_says_snp, "AZURE-HCL");
}

CHANGE(hashed_with_sha384, scene->hash_type = 2)
CHANGE(hashed_with_nothing, scene->hash_type = 0)

static void test_azure__hash__is_sha256(void **state)
{
	(void)state;
	FAILS("AZURE-HASH", false, hashed_with_sha384);
	FAILS("AZURE-HASH", false, hashed_with_nothing);
	FAILS("AZURE-HASH", true, hashed_with_sha384);
}

CHANGE(with_other_data, scene->change_data = true)
CHANGE(with_more_than_a_hash, scene->other_report_data = true)

static void test_azure__data__is_what_the_hardware_signed_for(void **state)
{
	(void)state;
	FAILS("AZURE-BINDING", false, with_other_data);
	FAILS("AZURE-BINDING", false, with_more_than_a_hash);
	FAILS("AZURE-BINDING", true, with_other_data);
	FAILS("AZURE-BINDING", true, with_more_than_a_hash);
}

CHANGE(asked_for_by_the_guest, snp_scene_set(&scene->snp, 0x30, 4, 2);
       scene->lines = "snp:\n  max-vmpl: 3\n")

/* Although the policy takes reports of that level: a guest could name any key. */
static void test_azure__report_of_a_lower_level__is_refused(void **state)
{
	(void)state;
	FAILS("AZURE-VMPL", false, asked_for_by_the_guest);
}

CHANGE(with_another_td, scene->other_td = true)

static void test_azure__quote_of_another_td__is_refused(void **state)
{
	(void)state;
	FAILS("AZURE-TD-REPORT", true, with_another_td);
}

CHANGE(with_no_json, without_nonce(scene); scene->data = "no JSON")
CHANGE(with_a_list, without_nonce(scene); scene->data = "[]")
CHANGE(with_keys_that_are_none, without_nonce(scene);
       scene->data = "{\"keys\":{},\"vm-configuration\":{}}")
CHANGE(with_a_key_that_is_none, without_nonce(scene);
       scene->data = "{\"keys\":[1],\"vm-configuration\":{}}")
CHANGE(with_a_key_without_name, without_nonce(scene);
       scene->data = "{\"keys\":[{}],\"vm-configuration\":{}}")
CHANGE(with_nine_keys, without_nonce(scene);
       scene->data = "{\"keys\":[{},{},{},{},{},{},{},{},{}],\"vm-configuration\":{}}")
CHANGE(with_no_configuration, without_nonce(scene); scene->configuration = NULL)
CHANGE(with_a_configuration_that_is_none, without_nonce(scene);
       scene->configuration = "1")
CHANGE(with_a_flag_that_is_none, without_nonce(scene);
       scene->configuration = "{\"secure-boot\":\"true\"}")
CHANGE(with_an_id_that_is_none, without_nonce(scene);
       scene->configuration = "{\"vmUniqueId\":1}")
CHANGE(with_short_user_data, without_nonce(scene); scene->user_data = "\"00\"")
CHANGE(with_user_data_that_is_no_text, without_nonce(scene); scene->user_data = "0")
CHANGE(with_a_key_twice, without_nonce(scene);
       scene->configuration = "{\"secure-boot\":true,\"secure-boot\":false}")

static void test_azure__data_of_another_form__is_refused(void **state)
{
	static const change changes[] = {with_no_json,
					 with_a_list,
					 with_keys_that_are_none,
					 with_a_key_that_is_none,
					 with_a_key_without_name,
					 with_nine_keys,
					 with_no_configuration,
					 with_a_configuration_that_is_none,
					 with_a_flag_that_is_none,
					 with_an_id_that_is_none,
					 with_short_user_data,
					 with_user_data_that_is_no_text,
					 with_a_key_twice};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		FAILS("AZURE-DATA", false, changes[i]);
}

CHANGE(with_no_ak, without_nonce(scene); scene->kid = "HCLEkPub")
CHANGE(with_two_aks, without_nonce(scene); scene->twice = true)
CHANGE(with_a_key_of_another_kind, without_nonce(scene); scene->kty = "EC")
CHANGE(with_a_small_exponent, without_nonce(scene); scene->exponent = "Aw")
CHANGE(with_an_exponent_that_is_none, without_nonce(scene); scene->exponent = "!")
CHANGE(with_a_short_key, without_nonce(scene); scene->key_bits = 1024)

static void test_azure__ak__is_one_rsa_key(void **state)
{
	static const change changes[] = {with_no_ak,
					 with_two_aks,
					 with_a_key_of_another_kind,
					 with_a_small_exponent,
					 with_an_exponent_that_is_none,
					 with_a_short_key};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		FAILS("AZURE-AK", false, changes[i]);
}

CHANGE(with_a_forged_magic, scene->magic = 0x12345678)
CHANGE(without_a_quote, scene->form = AZURE_FILES; scene->no_quote = true;
       without_nonce(scene))

static void test_azure__quote__is_there_and_a_tpms(void **state)
{
	(void)state;
	FAILS("AZURE-QUOTE", false, without_a_quote);
	FAILS("AZURE-QUOTE", true, without_a_quote);
	FAILS("AZURE-QUOTE", false, with_a_forged_magic);
}

CHANGE(signed_by_another, scene->other_signer = true)
CHANGE(with_a_damaged_signature, scene->damage_signature = true)

static void test_azure__quote_of_another_key__is_refused(void **state)
{
	(void)state;
	FAILS("AZURE-QUOTE-SIGNATURE", false, signed_by_another);
	FAILS("AZURE-QUOTE-SIGNATURE", false, with_a_damaged_signature);
	FAILS("AZURE-QUOTE-SIGNATURE", true, signed_by_another);
}

CHANGE(with_23_values, scene->values = 23)
CHANGE(with_another_value, scene->change_value = true)

static void test_azure__pcr_values__are_those_that_were_quoted(void **state)
{
	(void)state;
	FAILS("AZURE-QUOTE-VALUES", false, with_23_values);
	FAILS("AZURE-QUOTE-PCRS", false, with_another_value);
	FAILS("AZURE-QUOTE-PCRS", true, with_another_value);
}

CHANGE(with_other_claims, scene->in_collection = true; scene->other_claims = true)

static void test_azure__quote_for_other_claims__is_refused(void **state)
{
	(void)state;
	FAILS("AZURE-NONCE", false, with_other_claims);
	FAILS("AZURE-NONCE", true, with_other_claims);
}

static void test_azure__another_nonce__is_refused(void **state)
{
	static const uint8_t longer[] = "a nonce of somebody\0";
	struct azure_scene scene;

	(void)state;
	azure_scene_make(&scene, false);
	scene.nonce = text_bytes("a nonce of nobody");
	refused(&scene, "CLAIMS-NONCE");
	/* Zeros behind it are another nonce: it is no report data. */
	scene.nonce = (struct tobi_bytes){longer, sizeof(longer) - 1};
	refused(&scene, "CLAIMS-NONCE");
	azure_scene_done(&scene);
}

CHANGE(under_the_vendors_roots, scene->no_roots = true)
CHANGE(of_a_revoked_leaf, scene->snp.leaf_serial = scene->snp.revoked = 77)
CHANGE(of_a_damaged_quote, scene->td.scene.damage_signature = true)
CHANGE(of_a_report_of_nobody, scene->snp.signs = SNP_OTHER_LEAF)

/* The hardware's own checks are owed as they are. */
static void test_azure__hardware__is_checked_as_by_itself(void **state)
{
	(void)state;
	FAILS("SNP-CHAIN", false, under_the_vendors_roots);
	FAILS("SNP-REVOKED", false, of_a_revoked_leaf);
	FAILS("SNP-SIGNATURE", false, of_a_report_of_nobody);
	FAILS("DCAP-PCK-CHAIN", true, under_the_vendors_roots);
	FAILS("DCAP-QUOTE-SIGNATURE", true, of_a_damaged_quote);
}

CHANGE(with_debugging, scene->snp.report[0x08 + 2] |= 1 << 3)

static void test_azure__debugging__is_refused(void **state)
{
	(void)state;
	FAILS("POLICY-DEBUG", false, with_debugging);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_azure__right_in_each_form__is_accepted),
	    cmocka_unit_test(test_azure__head__is_the_one_that_is_known),
	    cmocka_unit_test(test_azure__hardware__is_the_one_that_the_rest_is_of),
	    cmocka_unit_test(test_azure__hash__is_sha256),
	    cmocka_unit_test(test_azure__data__is_what_the_hardware_signed_for),
	    cmocka_unit_test(test_azure__report_of_a_lower_level__is_refused),
	    cmocka_unit_test(test_azure__quote_of_another_td__is_refused),
	    cmocka_unit_test(test_azure__data_of_another_form__is_refused),
	    cmocka_unit_test(test_azure__ak__is_one_rsa_key),
	    cmocka_unit_test(test_azure__quote__is_there_and_a_tpms),
	    cmocka_unit_test(test_azure__quote_of_another_key__is_refused),
	    cmocka_unit_test(test_azure__pcr_values__are_those_that_were_quoted),
	    cmocka_unit_test(test_azure__quote_for_other_claims__is_refused),
	    cmocka_unit_test(test_azure__another_nonce__is_refused),
	    cmocka_unit_test(test_azure__hardware__is_checked_as_by_itself),
	    cmocka_unit_test(test_azure__debugging__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
