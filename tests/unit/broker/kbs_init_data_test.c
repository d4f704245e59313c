#include "broker/kbs_init_data.h"

#include <openssl/sha.h>

#include "base/limits.h"
#include "tests/bytes.h"

#define HEAD "version = \"0.1.0\"\nalgorithm = \"sha384\"\n"
#define DATA "\n[data]\n\"aa.toml\" = '''\nalgorithm = \"none\"\n'''\n"

static enum tobi_err read(const char *format, const char *body,
			  struct kbs_init_data *ret_init_data)
{
	json_t *json = json_pack("{s:s, s:s}", "format", format, "body", body);
	enum tobi_err err;

	assert_non_null(json);
	err = kbs_init_data_read(json, ret_init_data, NULL);
	json_decref(json);
	return err;
}

static void test_kbs_init_data_read__whole_text__its_digest(void **state)
{
	struct kbs_init_data found = {0};
	uint8_t expected[64];

	(void)state;
	assert_int_equal(read("toml", HEAD DATA, &found), 0);
	SHA384((const uint8_t *)HEAD DATA, strlen(HEAD DATA), expected);
	assert_bytes_equal(((struct tobi_bytes){found.digest, found.size}),
			   ((struct tobi_bytes){expected, 48}));
}

static void test_kbs_init_data_read__each_algorithm__its_size(void **state)
{
	static const struct {
		const char *body;
		size_t size;
	} bodies[] = {
	    {"version = \"0.1.0\"\nalgorithm = \"sha256\"", 32},
	    {"algorithm = 'sha384'\r\nversion\t=\t'0.1.0' # c\r\n[data]", 48},
	    {"# a comment\n\n  version=\"0.1.0\"\n\talgorithm=\"sha512\" #x\n[data]", 64},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct kbs_init_data found = {0};

		assert_int_equal(read("toml", bodies[i].body, &found), 0);
		assert_int_equal(found.size, bodies[i].size);
	}
}

static void test_kbs_init_data_read__none__none(void **state)
{
	struct kbs_init_data found = {.size = 7};
	json_t *null = json_null();

	(void)state;
	assert_int_equal(kbs_init_data_read(NULL, &found, NULL), 0);
	assert_int_equal(found.size, 0);
	found.size = 7;
	assert_int_equal(kbs_init_data_read(null, &found, NULL), 0);
	assert_int_equal(found.size, 0);
}

static void
test_kbs_init_data_read__what_two_readers_could_differ_in__refused(void **state)
{
	static const char *const bodies[] = {
	    HEAD "algorithm = \"sha256\"\n[data]\n",
	    "version = \"0.1.0\"\n",
	    "algorithm = \"sha256\"\n",
	    "version = \"0.2.0\"\nalgorithm = \"sha256\"\n",
	    "version = \"0.1.0\"\nalgorithm = \"md5\"\n",
	    "version = \"0.1.0\"\nalgorithm = \"SHA256\"\n",
	    "version = \"0.1.0\"\nalgorithm = \"sha2\\u00356\"\n",
	    "version = \"0.1.0\"\nalgorithm = \"\"\"sha256\"\"\"\n",
	    "version = \"0.1.0\"\nalgorithm = '''\nsha256'''\n",
	    "version = \"0.1.0\"\n\"algorithm\" = \"sha256\"\n",
	    "version = \"0.1.0\"\nalgorithm = \"sha256\" x\n",
	    "version = \"0.1.0\"\nalgorithm = \"sha256\n",
	    "version = \"0.1.0\"\nalgorithm = \"sha256'\n",
	    "version = \"0.1.0\"\nalgorithm \"sha256\"\n",
	    "version = \"0.1.0\"\nalgorithm =\n\"sha256\"\n",
	    "version = \"0.1.0\"\nalgorithm = sha256\n",
	    "version = 0.1\nalgorithm = \"sha256\"\n",
	    HEAD "x = 1\n",
	    HEAD "data.x = \"y\"\n",
	    HEAD "data = { }\n",
	    "versions = \"0.1.0\"\nalgorithm = \"sha256\"\n",
	    "[data]\nversion = \"0.1.0\"\nalgorithm = \"sha256\"\n",
	    ("[data]\n" HEAD),
	    "",
	    "version = \"0.1.0000000000000000000\"\nalgorithm = \"sha256\"\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct kbs_init_data found = {.size = 7};

		assert_int_not_equal(read("toml", bodies[i], &found), 0);
		assert_int_equal(found.size, 7);
	}
}

static void test_kbs_init_data_read__every_cut_of_the_head__refused(void **state)
{
	char body[sizeof(HEAD)];

	(void)state;
	/* Without the last line end, and the last quote: not without one of them. */
	for (size_t size = 0; size < strlen(HEAD) - 1; size++) {
		struct kbs_init_data found = {0};

		bytes_copy(body, sizeof(body), HEAD, size);
		body[size] = '\0';
		assert_int_not_equal(read("toml", body, &found), 0);
	}
}

static void test_kbs_init_data_read__other_forms__refused(void **state)
{
	static const char *const texts[] = {"{}",
					    "[]",
					    "\"toml\"",
					    "7",
					    "true",
					    "{\"format\":\"toml\"}",
					    "{\"body\":\"x\"}",
					    "{\"format\":1,\"body\":\"x\"}",
					    "{\"format\":\"toml\",\"body\":{}}"};
	struct kbs_init_data found = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);

		assert_int_equal(kbs_init_data_read(json, &found, NULL),
				 TOBI_E_MALFORMED);
		json_decref(json);
	}
	assert_int_equal(read("json", HEAD, &found), TOBI_E_UNSUPPORTED);
	assert_int_equal(read("TOML", HEAD, &found), TOBI_E_UNSUPPORTED);
}

static void test_kbs_init_data_read__size__limit_and_over(void **state)
{
	char *body = calloc(1, LIMIT_KBS_INIT_DATA + 2);
	struct kbs_init_data found = {0};

	(void)state;
	assert_non_null(body);
	memset(body, ' ', LIMIT_KBS_INIT_DATA + 1);
	bytes_copy(body, LIMIT_KBS_INIT_DATA, HEAD "[d]", strlen(HEAD "[d]"));
	assert_int_equal(read("toml", body, &found), TOBI_E_LIMIT);
	body[LIMIT_KBS_INIT_DATA] = '\0';
	assert_int_equal(read("toml", body, &found), 0);
	free(body);
}

/* ---- in a field ---- */

static void test_kbs_init_data_is_in__fields__cut_or_filled_up(void **state)
{
	struct kbs_init_data shown = {.size = 48};
	uint8_t field[65] = {0};

	(void)state;
	for (uint8_t i = 0; i < 48; i++)
		shown.digest[i] = field[i] = (uint8_t)(i + 1);
	assert_true(kbs_init_data_is_in(&shown, (struct tobi_bytes){field, 32}, false));
	assert_true(kbs_init_data_is_in(&shown, (struct tobi_bytes){field, 48}, false));
	assert_true(kbs_init_data_is_in(&shown, (struct tobi_bytes){field, 64}, false));
	for (size_t i = 0; i < 64; i++) {
		field[i] ^= 0x80;
		assert_false(
		    kbs_init_data_is_in(&shown, (struct tobi_bytes){field, 64}, false));
		field[i] ^= 0x80;
	}
	assert_false(kbs_init_data_is_in(&shown, (struct tobi_bytes){0}, false));
	assert_false(kbs_init_data_is_in(&shown, (struct tobi_bytes){field, 65}, false));
	shown.size = 0;
	assert_false(kbs_init_data_is_in(&shown, (struct tobi_bytes){field, 32}, false));
}

static void test_kbs_init_data_is_in__pcr__extended_once_from_zero(void **state)
{
	struct kbs_init_data shown = {.size = 48};
	uint8_t both[64] = {0}, pcr[32];

	(void)state;
	for (uint8_t i = 0; i < 48; i++)
		shown.digest[i] = (uint8_t)(i + 1);
	bytes_copy(both + 32, 32, shown.digest, 32);
	SHA256(both, sizeof(both), pcr);
	assert_true(kbs_init_data_is_in(&shown, (struct tobi_bytes){pcr, 32}, true));
	assert_false(kbs_init_data_is_in(&shown, (struct tobi_bytes){pcr, 32}, false));
	pcr[0] ^= 1;
	assert_false(kbs_init_data_is_in(&shown, (struct tobi_bytes){pcr, 32}, true));
	assert_false(
	    kbs_init_data_is_in(&shown, (struct tobi_bytes){shown.digest, 48}, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kbs_init_data_read__whole_text__its_digest),
	    cmocka_unit_test(test_kbs_init_data_read__each_algorithm__its_size),
	    cmocka_unit_test(test_kbs_init_data_read__none__none),
	    cmocka_unit_test(
		test_kbs_init_data_read__what_two_readers_could_differ_in__refused),
	    cmocka_unit_test(test_kbs_init_data_read__every_cut_of_the_head__refused),
	    cmocka_unit_test(test_kbs_init_data_read__other_forms__refused),
	    cmocka_unit_test(test_kbs_init_data_read__size__limit_and_over),
	    cmocka_unit_test(test_kbs_init_data_is_in__fields__cut_or_filled_up),
	    cmocka_unit_test(test_kbs_init_data_is_in__pcr__extended_once_from_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
