/* The EAR of each tier: what it affirms, and what not. */
#include <stdlib.h>

#include <jansson.h>

#include "appraise/explain.h"
#include "tests/check.h"

static const struct check own = {"NITRO-CHAIN", "it is genuine", "a source", "nothing"};
static const struct check image = {"POLICY-IMAGE", "it is meant", "a source", "nothing"};

struct scene {
	const char *tier;
	const struct check *fails; /* NULL: none */
	bool any_instance, debug;
};

static json_t *write(const struct scene *scene)
{
	struct tobi_policy policy = {.name = "web.yaml"};
	struct tobi_result *result = NULL;
	char *text = NULL;
	json_t *ear, *one;

	assert_int_equal(appraisal_new(&policy, 1000, &result, NULL), TOBI_OK);
	result->claims.tier = scene->tier;
	result->kind = "some-kind";
	result->any_instance = scene->any_instance;
	result->claims.debug = scene->debug;
	tee_fact(&result->claims, &result->arena, "name", "\033value");
	check_record(&result->list, &own, scene->fails != &own, "", "");
	check_record(&result->list, &image, scene->fails != &image, "", "");
	result->complete = true;
	appraisal_conclude(result);
	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_JSON, &text, NULL), 0);
	ear = json_loads(text, 0, NULL);
	assert_non_null(ear);
	one = json_incref(json_object_get(json_object_get(ear, "submods"), "enclave"));
	json_decref(ear);
	free(text);
	tobi_result_free(result);
	return one;
}

static const char *status_of(json_t *one)
{
	return json_string_value(json_object_get(one, "ear_status"));
}

/* -1: not in the vector. */
static json_int_t claim_of(json_t *one, const char *claim)
{
	json_t *value =
	    json_object_get(json_object_get(one, "ear_trustworthiness_vector"), claim);

	return value ? json_integer_value(value) : -1;
}

static void test_explain_json__accepted__each_tier_affirms_what_it_gives(void **state)
{
	static const struct {
		const char *tier, *status;
		int opaque, storage;
	} cases[] = {
	    {"soft", "warning", 32, 32},	{"sgx", "affirming", 2, -1},
	    {"tdx", "affirming", 2, -1},	{"snp", "affirming", 2, -1},
	    {"nitro", "warning", 32, -1},	{"sev", "warning", 32, -1},
	    {"nitro-tpm", "affirming", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *one = write(&(struct scene){.tier = cases[i].tier});

		assert_string_equal(status_of(one), cases[i].status);
		assert_int_equal(claim_of(one, "runtime-opaque"), cases[i].opaque);
		assert_int_equal(claim_of(one, "storage-opaque"), cases[i].storage);
		assert_int_equal(claim_of(one, "executables"), 3);
		assert_int_equal(claim_of(one, "instance-identity"), 2);
		json_decref(one);
	}
}

/* What the vector says of the hardware, tier by tier; -1: nothing. */
static void test_explain_json__accepted__each_tier_says_what_of_its_hardware(void **state)
{
	static const struct {
		const char *tier;
		int hardware, opaque;
	} cases[] = {
	    {"soft", -1, 32},	 {"sgx", 2, 2},	       {"sgx-epid", 32, 2},
	    {"tdx", 2, 2},	 {"snp", 2, 2},	       {"sev", 32, 32},
	    {"cca", 2, 2},	 {"azure-snp", 2, 2},  {"azure-tdx", 2, 2},
	    {"psa", 2, -1},	 {"nvidia-gpu", 2, 2}, {"nitro", 2, 32},
	    {"tpm", 2, -1},	 {"nitro-tpm", 2, -1}, {"eat", -1, -1},
	    {"unknown", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *one = write(&(struct scene){.tier = cases[i].tier});

		assert_int_equal(claim_of(one, "hardware"), cases[i].hardware);
		assert_int_equal(claim_of(one, "runtime-opaque"), cases[i].opaque);
		json_decref(one);
	}
}

static void test_explain_json__allowances__lower_the_status(void **state)
{
	json_t *one = write(&(struct scene){.tier = "sgx", .any_instance = true});

	(void)state;
	assert_string_equal(status_of(one), "warning");
	assert_int_equal(claim_of(one, "configuration"), 32);
	assert_int_equal(claim_of(one, "instance-identity"), -1);
	json_decref(one);
	one = write(&(struct scene){.tier = "sgx", .debug = true});
	assert_string_equal(status_of(one), "contraindicated");
	assert_int_equal(claim_of(one, "runtime-opaque"), 96);
	json_decref(one);
}

static void test_explain_json__refused__says_what_of(void **state)
{
	json_t *one = write(&(struct scene){.tier = "sgx", .fails = &own});

	(void)state;
	assert_string_equal(status_of(one), "contraindicated");
	assert_int_equal(claim_of(one, "instance-identity"), 99);
	assert_int_equal(claim_of(one, "executables"), -1);
	json_decref(one);
	one = write(&(struct scene){.tier = "sgx", .fails = &image});
	assert_string_equal(status_of(one), "contraindicated");
	assert_int_equal(claim_of(one, "executables"), 96);
	assert_int_equal(claim_of(one, "instance-identity"), -1);
	json_decref(one);
}

static void test_explain_json__facts__are_there_and_escaped(void **state)
{
	json_t *one = write(&(struct scene){.tier = "sgx"});
	json_t *extension = json_object_get(one, "tobichi");
	json_t *fact = json_array_get(json_object_get(extension, "facts"), 0);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(extension, "evidence")),
			    "some-kind");
	assert_string_equal(json_string_value(json_object_get(fact, "name")), "name");
	assert_string_equal(json_string_value(json_object_get(fact, "value")),
			    "\\x1bvalue");
	json_decref(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_explain_json__accepted__each_tier_affirms_what_it_gives),
	    cmocka_unit_test(
		test_explain_json__accepted__each_tier_says_what_of_its_hardware),
	    cmocka_unit_test(test_explain_json__allowances__lower_the_status),
	    cmocka_unit_test(test_explain_json__refused__says_what_of),
	    cmocka_unit_test(test_explain_json__facts__are_there_and_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
