#include "codec/base64.h"

#include "tests/bytes.h"

static enum tobi_err read_text(const char *text, struct writer *out)
{
	return base64_read(text_bytes(text), "test", out, NULL);
}

/* RFC 4648, section 10. */
static void test_base64__rfc_vectors__both_ways(void **state)
{
	static const char *const vectors[][2] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct writer text = wr_init(64), bytes = wr_init(64);

		base64_write(&text, text_bytes(vectors[i][0]));
		assert_bytes_equal(wr_view(&text), text_bytes(vectors[i][1]));
		assert_int_equal(read_text(vectors[i][1], &bytes), 0);
		assert_bytes_equal(wr_view(&bytes), text_bytes(vectors[i][0]));
		wr_done(&text);
		wr_done(&bytes);
	}
}

static void test_base64__every_byte__both_ways(void **state)
{
	struct writer text = wr_init(512), again = wr_init(256);
	uint8_t bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 ^ i >> 3);
	base64_write(&text, (struct tobi_bytes){bytes, sizeof(bytes)});
	assert_int_equal(base64_read(wr_view(&text), "test", &again, NULL), 0);
	assert_bytes_equal(wr_view(&again), ((struct tobi_bytes){bytes, sizeof(bytes)}));
	wr_done(&text);
	wr_done(&again);
}

static void test_base64_read__another_form__fails(void **state)
{
	static const char *const texts[] = {
	    "Zg",   "Zg=",  "Z===", "====", "Zg==\n", "Zm 9",	      "Zm9v=",	"Zh==",
	    "Zm9=", "Zm-v", "Zm_v", "=Zm9", "Z=m9",   "Zm9vZg==Zm9v", "Zm9\xc3"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct writer out = wr_init(64);

		assert_int_equal(read_text(texts[i], &out), TOBI_E_MALFORMED);
		wr_done(&out);
	}
}

static void test_base64_read__no_room__fails(void **state)
{
	struct writer out = wr_init(3);

	(void)state;
	assert_int_equal(read_text("Zm9v", &out), 0);
	assert_int_equal(read_text("Zg==", &out), TOBI_E_LIMIT);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_base64__rfc_vectors__both_ways),
	    cmocka_unit_test(test_base64__every_byte__both_ways),
	    cmocka_unit_test(test_base64_read__another_form__fails),
	    cmocka_unit_test(test_base64_read__no_room__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
