#include "tee/sev_launch.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "tests/bytes.h"

static uint8_t blob[SEV_BLOB_SIZE];
static char blob_text[2 * SEV_BLOB_SIZE];

static int enter(void **state)
{
	struct writer text = wr_init(sizeof(blob_text));

	(void)state;
	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (uint8_t)(5 * i);
	base64_write(&text, (struct tobi_bytes){blob, sizeof(blob)});
	wr_u8(&text, 0);
	bytes_copy(blob_text, sizeof(blob_text), text.ptr, text.size);
	wr_done(&text);
	return 0;
}

static enum tobi_err take(struct sev_launch *launch, struct tobi_bytes piece,
			  bool *ret_known)
{
	struct block block = block_new(piece);
	enum tobi_err err = sev_launch_take(block_view(block), launch, ret_known, NULL);

	block_done(block);
	return err;
}

static enum tobi_err take_text(struct sev_launch *launch, const char *text)
{
	bool known = false;
	enum tobi_err err = take(launch, text_bytes(text), &known);

	if (!err)
		assert_true(known);
	return err;
}

static void expect_blob(const struct sev_launch *launch)
{
	assert_true(launch->has_blob);
	assert_memory_equal(launch->measure, blob, 32);
	assert_memory_equal(launch->mnonce, blob + 32, 16);
}

static void expect_numbers(const struct sev_launch *launch)
{
	assert_null(sev_launch_lacks(launch));
	assert_int_equal(launch->api_major, 1);
	assert_int_equal(launch->api_minor, 51);
	assert_int_equal(launch->build, 3);
	assert_int_equal(launch->policy, 0x10005);
}

static void test_sev_launch_take__every_form__taken(void **state)
{
	struct sev_launch launch = {0};
	char text[512];
	bool known = false;

	(void)state;
	assert_int_equal(take(&launch, (struct tobi_bytes){blob, sizeof(blob)}, &known),
			 0);
	assert_true(known);
	expect_blob(&launch);
	assert_string_equal(sev_launch_lacks(&launch),
			    "the API version, build and policy that the launch was made "
			    "with did not come (query-sev)");
	assert_int_equal(take_text(&launch,
				   "{\"return\": {\"api-minor\": 51, \"api-major\": 1, "
				   "\"build-id\": 3, \"policy\": 65541}}"),
			 0);
	expect_numbers(&launch);
	launch = (struct sev_launch){0};
	snprintf(text, sizeof(text), "%s\n", blob_text);
	assert_int_equal(take_text(&launch, text), 0);
	expect_blob(&launch);
	launch = (struct sev_launch){0};
	snprintf(text, sizeof(text), "{\"data\":\"%s\"}", blob_text);
	assert_int_equal(take_text(&launch, text), 0);
	expect_blob(&launch);
	launch = (struct sev_launch){0};
	snprintf(text, sizeof(text),
		 "sev-measurement: %s\nsev-api-major  : 1\nsev-api-minor  : 51\n"
		 "sev-build-id   : 3\r\nsev-policy     : 65541\nsev-other: 1\n\n",
		 blob_text);
	assert_int_equal(take_text(&launch, text), 0);
	expect_blob(&launch);
	expect_numbers(&launch);
	/* The same again is no contradiction. */
	assert_int_equal(take_text(&launch, text), 0);
}

static void test_sev_launch_take__something_else__left_alone(void **state)
{
	struct sev_launch launch = {0};
	bool known = true;

	(void)state;
	assert_int_equal(take(&launch, text_bytes("{\"a\": 1}"), &known), 0);
	assert_false(known);
	known = true;
	assert_int_equal(take(&launch, BYTES(1, 2, 3), &known), 0);
	assert_false(known);
	assert_string_equal(sev_launch_lacks(&launch),
			    "no measurement of a launch came with it");
}

static void test_sev_launch_take__wrong__fails(void **state)
{
	static const char *const texts[] = {
	    "{\"policy\": 4294967296}",
	    "{\"policy\": -1}",
	    "{\"policy\": \"1\"}",
	    "{\"build-id\": 256}",
	    "{\"build-id\": 1, \"build-id\": 1}",
	    "{\"api-major\": 1}",
	    "{\"api-minor\": 1}",
	    "{\"data\": \"AAAA\"}",
	    "{\"data\": \"A\"}",
	    "{",
	    "sev-measurement: AAAA",
	    "sev-build-id: 256",
	    "sev-build-id: -1",
	    "sev-build-id: 0x1",
	    "sev-build-id:",
	    "sev-policy: 4294967296",
	    "sev-policy: 99999999999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sev_launch launch = {0};

		assert_int_not_equal(take_text(&launch, texts[i]), 0);
	}
}

static void test_sev_launch_take__two_that_differ__fail(void **state)
{
	static const char *const pairs[][2] = {
	    {"{\"policy\": 1}", "{\"policy\": 2}"},
	    {"{\"build-id\": 1}", "{\"build-id\": 2}"},
	    {"{\"api-major\": 1, \"api-minor\": 1}",
	     "{\"api-major\": 2, \"api-minor\": 1}"},
	    {"{\"api-major\": 1, \"api-minor\": 1}",
	     "{\"api-major\": 1, \"api-minor\": 2}"},
	};
	struct sev_launch launch;
	uint8_t other[SEV_BLOB_SIZE];
	bool known;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		launch = (struct sev_launch){0};
		assert_int_equal(take_text(&launch, pairs[i][0]), 0);
		assert_int_equal(take_text(&launch, pairs[i][1]), TOBI_E_MALFORMED);
	}
	for (size_t at = 0; at < sizeof(other); at += 47) {
		memcpy(other, blob, sizeof(blob));
		other[at] ^= 1;
		launch = (struct sev_launch){0};
		assert_int_equal(take(&launch, (struct tobi_bytes){blob, 48}, &known), 0);
		assert_int_equal(take(&launch, (struct tobi_bytes){other, 48}, &known),
				 TOBI_E_MALFORMED);
	}
}

static void test_sev_launch_take__over_its_limit__fails(void **state)
{
	struct sev_launch launch = {0};
	struct writer text = wr_init(1 << 16);
	bool known;

	(void)state;
	wr_printf(&text, "sev-build-id: 1");
	while (text.size < 4096)
		wr_printf(&text, "\n");
	wr_printf(&text, "sev");
	assert_int_equal(take(&launch, wr_view(&text), &known), TOBI_E_LIMIT);
	text.size = 0;
	wr_printf(&text, "{\"a\":\"");
	while (text.size < 4096)
		wr_printf(&text, "a");
	wr_printf(&text, "\"}");
	assert_int_equal(take(&launch, wr_view(&text), &known), TOBI_E_LIMIT);
	wr_done(&text);
}

/* From Python's hmac, over the 56 bytes. */
static void test_sev_launch_measure__known_answer(void **state)
{
	struct sev_launch launch = {
	    .api_minor = 22, .build = 13, .policy = 5, .mnonce = {1, 2, 3}};
	uint8_t digest[SEV_DIGEST_SIZE] = {7}, tik[SEV_TIK_SIZE] = {9}, measure[32];
	struct block known = block_unhex(
	    "789dd225e13f9b5d3fdf442480551b631cbe2c34fa0ee1e7a1195337690a2ec9");

	(void)state;
	assert_int_equal(sev_launch_measure(&launch, (struct tobi_bytes){tik, 16},
					    (struct tobi_bytes){digest, 32}, measure),
			 0);
	assert_bytes_equal(((struct tobi_bytes){measure, 32}), block_view(known));
	block_done(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sev_launch_take__every_form__taken),
	    cmocka_unit_test(test_sev_launch_take__something_else__left_alone),
	    cmocka_unit_test(test_sev_launch_take__wrong__fails),
	    cmocka_unit_test(test_sev_launch_take__two_that_differ__fail),
	    cmocka_unit_test(test_sev_launch_take__over_its_limit__fails),
	    cmocka_unit_test(test_sev_launch_measure__known_answer),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
