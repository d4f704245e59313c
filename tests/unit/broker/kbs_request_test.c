#include "broker/kbs_request.h"

#include <stdio.h>

#include "base/limits.h"
#include "tests/bytes.h"

static enum tobi_err request(const char *text, enum kbs_tee *ret_tee)
{
	struct block block = block_new(text_bytes(text));
	enum tobi_err err = kbs_request_read(block_view(block), ret_tee, NULL);

	block_done(block);
	return err;
}

static enum tobi_err attestation(const char *text)
{
	struct block block = block_new(text_bytes(text));
	struct kbs_attestation found = {0};
	enum tobi_err err = kbs_attestation_read(block_view(block), &found, NULL);

	assert_true(err ? found.json == NULL : found.json != NULL);
	kbs_attestation_done(&found);
	block_done(block);
	return err;
}

/* ---- the first ---- */

#define FIRST                                                                            \
	"{\"version\":\"0.4.0\",\"tee\":\"az-snp-vtpm\",\"extra-params\":{\"supported-"  \
	"hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\",\"sm3\"]}}"

static void test_kbs_request__as_clients_write_it__its_platform(void **state)
{
	enum kbs_tee tee = KBS_TEE_NONE;

	(void)state;
	assert_int_equal(request(FIRST, &tee), 0);
	assert_int_equal(tee, KBS_TEE_AZ_SNP);
	assert_int_equal(
	    request("{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":"
		    "\"\",\"more\":[1]}",
		    &tee),
	    0);
	assert_int_equal(tee, KBS_TEE_SNP);
	assert_int_equal(request("{\"tee\":\"tdx\",\"version\":\"0.4.0\"}", &tee), 0);
	assert_int_equal(tee, KBS_TEE_TDX);
}

static void test_kbs_request__every_cut__malformed(void **state)
{
	char text[sizeof(FIRST)];
	enum kbs_tee tee = KBS_TEE_NONE;

	(void)state;
	for (size_t size = 0; size < strlen(FIRST); size++) {
		snprintf(text, sizeof(text), "%.*s", (int)size, FIRST);
		assert_int_equal(request(text, &tee), TOBI_E_MALFORMED);
	}
	assert_int_equal(request(FIRST " x", &tee), TOBI_E_MALFORMED);
	assert_int_equal(tee, KBS_TEE_NONE);
}

static void test_kbs_request__other_versions_and_platforms__unsupported(void **state)
{
	static const char *const versions[] = {"0.1.0", "0.1.1",  "0.2.0",    "0.3.0",
					       "0.4.1", "0.4",	  "v0.4.0",   "",
					       "1.0.0", "0.4.0 ", "0.4.0-rc1"};
	static const char *const tees[] = {"sample",   "sampledevice", "se", "csv",
					   "hygondcu", "nvidia",       "",   "SNP"};
	enum kbs_tee tee = KBS_TEE_NONE;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		snprintf(text, sizeof(text), "{\"version\":\"%s\",\"tee\":\"snp\"}",
			 versions[i]);
		assert_int_equal(request(text, &tee), TOBI_E_UNSUPPORTED);
	}
	for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++) {
		snprintf(text, sizeof(text), "{\"version\":\"0.4.0\",\"tee\":\"%s\"}",
			 tees[i]);
		assert_int_equal(request(text, &tee), TOBI_E_UNSUPPORTED);
	}
}

static void test_kbs_request__other_types__malformed(void **state)
{
	static const char *const texts[] = {
	    "",
	    "7",
	    "[]",
	    "null",
	    "\"0.4.0\"",
	    "{}",
	    "{\"version\":\"0.4.0\"}",
	    "{\"tee\":\"snp\"}",
	    "{\"version\":4,\"tee\":\"snp\"}",
	    "{\"version\":\"0.4.0\",\"tee\":7}",
	    "{\"version\":\"0.4.0\",\"tee\":{\"snp\":1}}",
	    "{\"version\":null,\"tee\":\"snp\"}",
	    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":7}",
	    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":[]}",
	    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"tee\":\"tdx\"}",
	    "{\"version\":\"0.4.0\",\"tee\":\"sn\\u0000p\"}",
	    "{\"version\":\"0.4.0\",\"tee\":\"\xff\"}"};
	enum kbs_tee tee = KBS_TEE_NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(request(texts[i], &tee), TOBI_E_MALFORMED);
}

static void test_kbs_request__size_and_depth__limits(void **state)
{
	char *text = calloc(1, LIMIT_KBS_REQUEST + 2);
	enum kbs_tee tee = KBS_TEE_NONE;
	char deep[128] = "", *at = deep;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', LIMIT_KBS_REQUEST + 1);
	bytes_copy(text, LIMIT_KBS_REQUEST, FIRST, strlen(FIRST));
	assert_int_equal(request(text, &tee), TOBI_E_LIMIT);
	text[LIMIT_KBS_REQUEST] = '\0';
	assert_int_equal(request(text, &tee), 0);
	free(text);
	for (unsigned i = 0; i < LIMIT_JSON_DEPTH + 1; i++)
		*at++ = '[';
	assert_int_equal(request(deep, &tee), TOBI_E_LIMIT);
}

/* ---- the second ---- */

#define SECOND                                                                           \
	"{\"init-data\":null,\"runtime-data\":{\"nonce\":\"bm9uY2U=\",\"tee-pubkey\":{}" \
	"},\"tee-evidence\":{\"primary_evidence\":{},\"additional_evidence\":\"\"}}"

static void test_kbs_attestation__as_clients_write_it__its_members(void **state)
{
	struct kbs_attestation found = {0};

	(void)state;
	assert_int_equal(kbs_attestation_read(text_bytes(SECOND), &found, NULL), 0);
	assert_string_equal(found.nonce, "bm9uY2U=");
	assert_true(json_is_object(found.jwk) && json_is_object(found.primary));
	assert_string_equal(found.additional, "");
	assert_true(json_is_null(found.init_data));
	kbs_attestation_done(&found);
	assert_int_equal(
	    attestation("{\"runtime-data\":{\"nonce\":\"\",\"tee-pubkey\":{},"
			"\"more\":1},\"tee-evidence\":{\"primary_evidence\":"
			"{},\"additional_evidence\":\"\",\"x\":{}},\"y\":7}"),
	    0);
}

static void test_kbs_attestation__every_cut__malformed(void **state)
{
	char text[sizeof(SECOND)];

	(void)state;
	for (size_t size = 0; size < strlen(SECOND); size++) {
		snprintf(text, sizeof(text), "%.*s", (int)size, SECOND);
		assert_int_equal(attestation(text), TOBI_E_MALFORMED);
	}
	assert_int_equal(attestation(SECOND "}"), TOBI_E_MALFORMED);
}

/* Each member away, and of each other type. */
static void test_kbs_attestation__other_types__malformed(void **state)
{
	static const char *const paths[][2] = {{"runtime-data", NULL},
					       {"runtime-data", "nonce"},
					       {"runtime-data", "tee-pubkey"},
					       {"tee-evidence", NULL},
					       {"tee-evidence", "primary_evidence"},
					       {"tee-evidence", "additional_evidence"}};
	static const char *const values[] = {"7",    "-1",    "1.5",	  "null", "true",
					     "[{}]", "false", "\"text\"", "{}"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (size_t j = 0; j <= sizeof(values) / sizeof(values[0]); j++) {
			json_t *json = json_loads(SECOND, 0, NULL), *place = json, *old;
			const char *name = paths[i][paths[i][1] != NULL];
			char *text;

			if (paths[i][1])
				place = json_object_get(json, paths[i][0]);
			old = json_incref(json_object_get(place, name));
			json_object_del(place, name);
			if (j < sizeof(values) / sizeof(values[0]))
				json_object_set_new(
				    place, name,
				    json_loads(values[j], JSON_DECODE_ANY, NULL));
			text = json_dumps(json, 0);
			if (!json_object_get(place, name) ||
			    json_typeof(json_object_get(place, name)) != json_typeof(old))
				assert_int_equal(attestation(text), TOBI_E_MALFORMED);
			free(text);
			json_decref(old);
			json_decref(json);
		}
	}
}

static void test_kbs_attestation__abuse__refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "[]",
	    "7",
	    "\"\"",
	    "null",
	    "{\"runtime-data\":{},\"runtime-data\":{}}",
	    "{\"runtime-data\":{\"nonce\":\"a\",\"nonce\":\"b\",\"tee-pubkey\":{}},\"tee-"
	    "evidence\":{\"primary_evidence\":{},\"additional_evidence\":\"\"}}",
	    "{\"runtime-data\":{\"nonce\":\"a\",\"tee-pubkey\":{\"x\":1,\"x\":2}},\"tee-"
	    "evidence\":{\"primary_evidence\":{},\"additional_evidence\":\"\"}}"};
	char *big = calloc(1, LIMIT_KBS_BODY + 2);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(attestation(texts[i]), TOBI_E_MALFORMED);
	assert_non_null(big);
	memset(big, ' ', LIMIT_KBS_BODY + 1);
	bytes_copy(big, LIMIT_KBS_BODY, SECOND, strlen(SECOND));
	assert_int_equal(attestation(big), TOBI_E_LIMIT);
	big[LIMIT_KBS_BODY] = '\0';
	assert_int_equal(attestation(big), 0);
	memset(big, '[', LIMIT_KBS_BODY);
	assert_int_equal(attestation(big), TOBI_E_LIMIT);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kbs_request__as_clients_write_it__its_platform),
	    cmocka_unit_test(test_kbs_request__every_cut__malformed),
	    cmocka_unit_test(test_kbs_request__other_versions_and_platforms__unsupported),
	    cmocka_unit_test(test_kbs_request__other_types__malformed),
	    cmocka_unit_test(test_kbs_request__size_and_depth__limits),
	    cmocka_unit_test(test_kbs_attestation__as_clients_write_it__its_members),
	    cmocka_unit_test(test_kbs_attestation__every_cut__malformed),
	    cmocka_unit_test(test_kbs_attestation__other_types__malformed),
	    cmocka_unit_test(test_kbs_attestation__abuse__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
