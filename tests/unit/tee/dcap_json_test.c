#include "tee/dcap_json.h"

#include <stdio.h>

#include "base/secret.h"
#include "tests/check.h"

#define SIGNATURE                                                                        \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"               \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static enum tobi_err read_text(const char *text, struct dcap_envelope *ret_envelope)
{
	struct tobi_fault fault = {0};

	return dcap_envelope_read(bytes_of_text(text), "tcbInfo", "TCB info",
				  ret_envelope, &fault);
}

static void test_dcap_envelope__as_served__exact_bytes(void **state)
{
	static const char *const values[] = {
	    "{\"a\":1}",
	    "{}",
	    "{\"a\":{\"b\":[{}]}}",
	    "{\"a\":\"}\"}",
	    "{\"a\":\"\\\"}\"}",
	    "{ \"a\" :\n1 }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct dcap_envelope envelope = {0};
		char text[512];

		snprintf(text, sizeof(text), "{\"tcbInfo\":%s,\"signature\":\"%s\"}",
			 values[i], SIGNATURE);
		assert_int_equal(read_text(text, &envelope), TOBI_OK);
		assert_true(bytes_equal_text(envelope.signed_part, values[i]));
		assert_int_equal(envelope.signature[1], 0x11);
		/* The other order, blanks, and what ends a text. */
		snprintf(text, sizeof(text),
			 " { \"signature\" : \"%s\" ,\r\n\t\"tcbInfo\": %s } \n",
			 SIGNATURE, values[i]);
		assert_int_equal(read_text(text, &envelope), TOBI_OK);
		assert_true(bytes_equal_text(envelope.signed_part, values[i]));
	}
}

static void test_dcap_envelope__wrong__refused(void **state)
{
	static const char *const texts[] = {
	    "[]",
	    "{}",
	    "{\"tcbInfo\":{}}",
	    "{\"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInfo\":1,\"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInfo\":[],\"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInfo\":\"{}\",\"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInfo\":{},\"signature\":\"00\"}",
	    "{\"tcbInfo\":{},\"signature\":\"" SIGNATURE "00\"}",
	    "{\"tcbInfo\":{},\"signature\":\"g0" SIGNATURE "\"}",
	    "{\"tcbInfo\":{},\"signature\":1}",
	    "{\"tcbInfo\":{},\"tcbInfo\":{}}",
	    "{\"signature\":\"" SIGNATURE "\",\"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInf\\u006f\":{},\"signature\":\"" SIGNATURE "\"}",
	    "{\"enclaveIdentity\":{},\"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInfo\":{},\"signature\":\"" SIGNATURE "\",\"more\":1}",
	    "{\"tcbInfo\":{} \"signature\":\"" SIGNATURE "\"}",
	    "{\"tcbInfo\":{},\"signature\":\"" SIGNATURE "\"}{}",
	    "{\"tcbInfo\":{},\"signature\":\"" SIGNATURE "\"}x",
	};
	struct dcap_envelope envelope;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!read_text(texts[i], &envelope))
			fail_msg("taken: %s", texts[i]);
	}
}

static void test_dcap_envelope__every_truncation__refused(void **state)
{
	static const char text[] =
	    "{\"tcbInfo\":{\"a\":\"\\\\\"},\"signature\":\"" SIGNATURE "\"}";
	struct dcap_envelope envelope;

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		assert_int_not_equal(
		    dcap_envelope_read((struct tobi_bytes){(const uint8_t *)text, size},
				       "tcbInfo", "TCB info", &envelope, NULL),
		    TOBI_OK);
}

static void test_dcap_envelope__zeros_behind__taken(void **state)
{
	static const char text[] =
	    "{\"tcbInfo\":{},\"signature\":\"" SIGNATURE "\"}\n\0\0";
	struct dcap_envelope envelope;

	(void)state;
	assert_int_equal(
	    dcap_envelope_read((struct tobi_bytes){(const uint8_t *)text, sizeof(text)},
			       "tcbInfo", "TCB info", &envelope, NULL),
	    TOBI_OK);
}

/* ---- the getters ---- */

struct scene {
	struct arena arena;
	json_t *json;
	struct tobi_fault fault;
	struct dcap_reader rd;
};

static struct scene *open_json(const char *text)
{
	static struct scene scene;

	scene = (struct scene){.arena = arena_init(1 << 16)};
	assert_int_equal(
	    json_parse(bytes_of_text(text), 1 << 16, "test", &scene.json, &scene.fault),
	    TOBI_OK);
	scene.rd = (struct dcap_reader){"test", &scene.arena, &scene.fault, TOBI_OK};
	return &scene;
}

static enum tobi_err close_json(struct scene *scene)
{
	json_decref(scene->json);
	arena_done(&scene->arena);
	return scene->rd.err;
}

static enum tobi_err number(const char *value, uint64_t max, uint64_t *ret_number)
{
	char text[128];
	struct scene *scene;

	snprintf(text, sizeof(text), "{\"n\":%s}", value);
	scene = open_json(text);
	*ret_number = dcap_number(&scene->rd, scene->json, "n", max);
	return close_json(scene);
}

static void test_dcap_number__out_of_range_or_no_integer__refused(void **state)
{
	static const char *const wrong[] = {
	    "-1", "256", "1.0", "1e1", "\"1\"", "null", "true", "9223372036854775807"};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(number(wrong[i], 255, &value), TOBI_E_MALFORMED);
		assert_int_equal(value, 0);
	}
	assert_int_equal(number("255", 255, &value), TOBI_OK);
	assert_int_equal(value, 255);
	assert_int_equal(number("0", 255, &value), TOBI_OK);
}

static enum tobi_err date(const char *value, int64_t *ret_when)
{
	char text[128];
	struct scene *scene;

	snprintf(text, sizeof(text), "{\"d\":\"%s\"}", value);
	scene = open_json(text);
	*ret_when = dcap_date(&scene->rd, scene->json, "d");
	return close_json(scene);
}

static void test_dcap_date__none__refused(void **state)
{
	static const char *const wrong[] = {
	    "2025-02-30T00:00:00Z",  "2025-13-01T00:00:00Z", "2025-06-31T00:00:00Z",
	    "2025-06-19T10:32:60Z",  "2025-06-19T10:32:61Z", "2025-02-29T00:00:00Z",
	    "2025-06-19T24:00:00Z",  "2025-06-19T10:60:00Z", "2025-06-19 10:32:27Z",
	    "2025-06-19T10:32:27",   "2025-06-19T10:32:27z", "2025-06-19T10:32:27Z ",
	    "+025-06-19T10:32:27Z",  "25-06-19T10:32:27Z",   "",
	    "2025-06-19T10:32:27+0", "2025- 6-19T10:32:27Z", "1969-12-31T23:59:59Z",
	};
	int64_t when;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (!date(wrong[i], &when))
			fail_msg("taken: %s", wrong[i]);
	}
	assert_int_equal(date("2025-06-19T10:32:27Z", &when), TOBI_OK);
	assert_int_equal(when, 1750329147);
	assert_int_equal(date("2024-02-29T00:00:00Z", &when), TOBI_OK);
}

static void test_dcap_hex__other_size_or_digits__refused(void **state)
{
	static const char *const wrong[] = {"\"00ff0\"", "\"00ff00\"", "\"00fg\"", "1",
					    "\"\""};
	uint8_t out[2];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[64];
		struct scene *scene;

		snprintf(text, sizeof(text), "{\"h\":%s}", wrong[i]);
		scene = open_json(text);
		dcap_hex(&scene->rd, scene->json, "h", out, sizeof(out));
		assert_int_equal(close_json(scene), TOBI_E_MALFORMED);
	}
}

static enum tobi_err advice(const char *text, struct dcap_advice *ret_advice)
{
	struct scene *scene = open_json(text);

	*ret_advice = dcap_advice(&scene->rd, scene->json);
	return close_json(scene);
}

static void test_dcap_advice__wrong__refused(void **state)
{
#define DATE "\"tcbDate\":\"2025-06-19T10:32:27Z\""
	static const char *const wrong[] = {
	    "{" DATE "}",
	    "{\"tcbStatus\":\"UpToDate\"}",
	    "{" DATE ",\"tcbStatus\":\"uptodate\"}",
	    "{" DATE ",\"tcbStatus\":\"TDRelaunchAdvised\"}",
	    "{" DATE ",\"tcbStatus\":\"TDRelaunchAdvisedConfigurationNeeded\"}",
	    "{" DATE ",\"tcbStatus\":1}",
	    "{" DATE ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":1}",
	    "{" DATE ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[1]}",
	    "{" DATE ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[\"\"]}",
	    "{" DATE ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[\"a\\u001b\"]}",
	};
	struct dcap_advice out;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (!advice(wrong[i], &out))
			fail_msg("taken: %s", wrong[i]);
	}
	assert_int_equal(advice("{" DATE ",\"tcbStatus\":\"Revoked\","
				"\"advisoryIDs\":[\"A\",\"B\"]}",
				&out),
			 TOBI_OK);
	assert_int_equal(out.status, DCAP_REVOKED);
	assert_int_equal(out.advisory_count, 2);
}

static void test_dcap_array__too_many__refused(void **state)
{
	struct scene *scene = open_json("{\"a\":[1,2,3]}");

	(void)state;
	assert_non_null(dcap_array(&scene->rd, scene->json, "a", 3));
	assert_null(dcap_array(&scene->rd, scene->json, "a", 2));
	assert_int_equal(close_json(scene), TOBI_E_LIMIT);
}

static void test_dcap_status__names__there_and_back(void **state)
{
	enum dcap_status status;

	(void)state;
	for (unsigned i = 0; i < DCAP_STATUSES; i++) {
		assert_true(
		    dcap_status_find(dcap_status_name((enum dcap_status)i), &status));
		assert_int_equal(status, i);
	}
	assert_false(dcap_status_find("uptodate", &status));
	assert_string_equal(dcap_status_name(DCAP_STATUSES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dcap_envelope__as_served__exact_bytes),
	    cmocka_unit_test(test_dcap_envelope__wrong__refused),
	    cmocka_unit_test(test_dcap_envelope__every_truncation__refused),
	    cmocka_unit_test(test_dcap_envelope__zeros_behind__taken),
	    cmocka_unit_test(test_dcap_number__out_of_range_or_no_integer__refused),
	    cmocka_unit_test(test_dcap_date__none__refused),
	    cmocka_unit_test(test_dcap_hex__other_size_or_digits__refused),
	    cmocka_unit_test(test_dcap_advice__wrong__refused),
	    cmocka_unit_test(test_dcap_array__too_many__refused),
	    cmocka_unit_test(test_dcap_status__names__there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
