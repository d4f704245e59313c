#include "broker/kbs_snp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/bytes.h"
#include "tests/snp_json.h"
#include "tests/snp_scene.h"

/* Every byte that the form can say, a different one. */
static void make(uint8_t report[static SNP_REPORT_SIZE])
{
	struct snp_scene scene;

	snp_scene_make(&scene);
	bytes_copy(report, SNP_REPORT_SIZE, scene.report, sizeof(scene.report));
	for (size_t i = 0; i < 144; i++)
		report[SNP_SIGNED_SIZE + i] = (uint8_t)(i + 1);
	snp_scene_done(&scene);
}

static void same_again(const uint8_t *report, bool turin)
{
	json_t *json = snp_json_report(report, turin);
	uint8_t again[SNP_REPORT_SIZE];

	assert_int_equal(kbs_snp_read(json, NULL, again, NULL), 0);
	assert_memory_equal(again, report, SNP_REPORT_SIZE);
	json_decref(json);
}

static void test_kbs_snp_read__both_layouts__the_same_bytes(void **state)
{
	uint8_t report[SNP_REPORT_SIZE];

	(void)state;
	make(report);
	same_again(report, false);
	memset(report + 0x38, 0, 8);
	for (size_t i = 0; i < 4; i++)
		report[0x38 + i] = (uint8_t)(i + 1);
	report[0x3f] = 0x54;
	for (size_t i = 0; i < 3; i++)
		bytes_copy(report + (const size_t[]){0x180, 0x1e0, 0x1f0}[i], 8,
			   report + 0x38, 8);
	same_again(report, true);
}

/* Real reports of all generations. */
static void test_kbs_snp_read__reports_from_the_field__the_same_bytes(void **state)
{
	static const char *const names[] = {"cmc-milan-v2",
					    "dstack-milan-v3",
					    "gosevguest-milan-v2-debug",
					    "lunal-genoa-v5",
					    "microsoft-aci-milan-v2",
					    "oak-turin-v5",
					    "steward-milan-v2-with-crl",
					    "trustee-aws-vlek-v3",
					    "trustee-milan-v2"};
	const char *folder = getenv("TOBICHI_VECTORS");
	char path[512];

	(void)state;
	if (!folder)
		skip();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct writer bytes = wr_init(LIMIT_EVIDENCE);

		snprintf(path, sizeof(path), "%s/snp/%s/report.bin", folder, names[i]);
		assert_int_equal(file_read(path, LIMIT_EVIDENCE, "report", &bytes, NULL),
				 0);
		assert_int_equal(bytes.size, SNP_REPORT_SIZE);
		same_again(bytes.ptr, strstr(names[i], "turin") != NULL);
		wr_done(&bytes);
	}
}

static void test_kbs_snp_read__later_members_absent_or_null__zero(void **state)
{
	static const char *const later[] = {"cpuid_fam_id",	  "cpuid_mod_id",
					    "cpuid_step",	  "launch_mit_vector",
					    "current_mit_vector", "key_info"};
	uint8_t report[SNP_REPORT_SIZE], again[SNP_REPORT_SIZE];
	json_t *json;

	(void)state;
	make(report);
	json = snp_json_report(report, false);
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (i % 2)
			json_object_del(json, later[i]);
		else
			json_object_set_new(json, later[i], json_null());
	}
	assert_int_equal(kbs_snp_read(json, NULL, again, NULL), 0);
	memset(report + 0x188, 0, 3);
	memset(report + 0x1f8, 0, 16);
	memset(report + 0x48, 0, 4);
	assert_memory_equal(again, report, SNP_REPORT_SIZE);
	json_decref(json);
}

static void refused(json_t *json, const char *field)
{
	uint8_t again[SNP_REPORT_SIZE] = {1};
	struct tobi_fault fault = {0};

	assert_int_equal(kbs_snp_read(json, NULL, again, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, field);
	assert_int_equal(again[0], 1);
}

static void test_kbs_snp_read__member_missing_or_of_another_type__refused(void **state)
{
	static const char *const names[] = {
	    "version",	     "guest_svn",    "policy",
	    "family_id",     "image_id",     "vmpl",
	    "sig_algo",	     "current_tcb",  "plat_info",
	    "report_data",   "measurement",  "host_data",
	    "id_key_digest", "report_id",    "author_key_digest",
	    "report_id_ma",  "reported_tcb", "chip_id",
	    "committed_tcb", "current",	     "committed",
	    "launch_tcb",    "signature"};
	uint8_t report[SNP_REPORT_SIZE];

	(void)state;
	make(report);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *json = snp_json_report(report, false);

		json_object_del(json, names[i]);
		refused(json, names[i]);
		json_object_set_new(json, names[i], json_string("7"));
		refused(json, names[i]);
		json_object_set_new(json, names[i], json_real(1.0));
		refused(json, names[i]);
		json_object_set_new(json, names[i], json_null());
		refused(json, names[i]);
		json_decref(json);
	}
}

static void test_kbs_snp_read__list_of_another_size__refused(void **state)
{
	static const char *const names[] = {"family_id", "image_id",	"report_data",
					    "host_data", "measurement", "chip_id"};
	uint8_t report[SNP_REPORT_SIZE];

	(void)state;
	make(report);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *json = snp_json_report(report, false);
		json_t *list = json_object_get(json, names[i]);

		json_array_append_new(list, json_integer(0));
		refused(json, names[i]);
		json_array_remove(list, 0);
		json_array_remove(list, 0);
		refused(json, names[i]);
		json_decref(json);
	}
}

static void test_kbs_snp_read__numbers_out_of_range__refused(void **state)
{
	static const struct {
		const char *name;
		json_int_t number;
	} wrong[] = {{"version", -1},
		     {"version", INT64_C(1) << 32},
		     {"vmpl", INT64_C(1) << 32},
		     {"policy", -1},
		     {"cpuid_step", 256},
		     {"cpuid_fam_id", -1},
		     {"key_info", INT64_C(1) << 32}};
	uint8_t report[SNP_REPORT_SIZE];

	(void)state;
	make(report);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *json = snp_json_report(report, false);

		json_object_set_new(json, wrong[i].name, json_integer(wrong[i].number));
		refused(json, wrong[i].name);
		json_decref(json);
	}
}

static void test_kbs_snp_read__bytes_out_of_range__refused(void **state)
{
	uint8_t report[SNP_REPORT_SIZE];
	json_t *json, *list;

	(void)state;
	make(report);
	json = snp_json_report(report, false);
	list = json_object_get(json, "report_data");
	json_array_set_new(list, 63, json_integer(256));
	refused(json, "report_data");
	json_array_set_new(list, 63, json_integer(-1));
	refused(json, "report_data");
	json_array_set_new(list, 63, json_string("a"));
	refused(json, "report_data");
	json_decref(json);
}

static void test_kbs_snp_read__parts_of_objects__refused(void **state)
{
	static const struct {
		const char *object, *part, *field;
	} parts[] = {{"current_tcb", "snp", "current_tcb"},
		     {"launch_tcb", "microcode", "launch_tcb"},
		     {"current", "build", "current"},
		     {"committed", "major", "committed"},
		     {"signature", "r", "signature.r"},
		     {"signature", "s", "signature.s"}};
	uint8_t report[SNP_REPORT_SIZE];

	(void)state;
	make(report);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		json_t *json = snp_json_report(report, false);

		json_object_del(json_object_get(json, parts[i].object), parts[i].part);
		refused(json, parts[i].field);
		json_object_set_new(json_object_get(json, parts[i].object), parts[i].part,
				    json_integer(256));
		refused(json, parts[i].field);
		json_decref(json);
	}
}

static void test_kbs_snp_read__no_object__refused(void **state)
{
	json_t *list = json_array();

	(void)state;
	refused(list, "");
	refused(NULL, "");
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kbs_snp_read__both_layouts__the_same_bytes),
	    cmocka_unit_test(test_kbs_snp_read__reports_from_the_field__the_same_bytes),
	    cmocka_unit_test(test_kbs_snp_read__later_members_absent_or_null__zero),
	    cmocka_unit_test(
		test_kbs_snp_read__member_missing_or_of_another_type__refused),
	    cmocka_unit_test(test_kbs_snp_read__list_of_another_size__refused),
	    cmocka_unit_test(test_kbs_snp_read__numbers_out_of_range__refused),
	    cmocka_unit_test(test_kbs_snp_read__bytes_out_of_range__refused),
	    cmocka_unit_test(test_kbs_snp_read__parts_of_objects__refused),
	    cmocka_unit_test(test_kbs_snp_read__no_object__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
