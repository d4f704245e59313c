#include "base/hex.h"
#include "tests/bytes.h"

static void test_hex_write__all_bytes__read_back(void **state)
{
	uint8_t bytes[256], back[256];
	char text[513];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	hex_write((struct tobi_bytes){bytes, sizeof(bytes)}, text, sizeof(text));
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 506, "fdfeff");
	assert_true(hex_read(text, back, sizeof(back)));
	assert_memory_equal(bytes, back, sizeof(back));
}

static void test_hex_write__little_room__whole_digits_and_terminated(void **state)
{
	char text[6];

	(void)state;
	for (size_t room = 1; room <= sizeof(text); room++) {
		memset(text, '!', sizeof(text));
		hex_write(BYTES(0xab, 0xcd, 0xef), text, room);
		assert_int_equal(strlen(text), (room - 1) / 2 * 2);
		assert_memory_equal(text, "abcd", (room - 1) / 2 * 2);
		for (size_t i = room; i < sizeof(text); i++)
			assert_int_equal(text[i], '!');
	}
	text[0] = '!';
	hex_write(BYTES(1), text, 0);
	assert_int_equal(text[0], '!');
}

static void test_hex_read__either_case__same(void **state)
{
	uint8_t out[2];

	(void)state;
	assert_true(hex_read("aBfF", out, 2));
	assert_int_equal(out[0], 0xab);
	assert_int_equal(out[1], 0xff);
	assert_true(hex_read("", out, 0));
}

static void test_hex_read__wrong_form__untouched(void **state)
{
	static const char *const bad[] = {"",	  "ab",	  "abc",  "abcde", "abcdef",
					  "abcg", " bcd", "0xab", "ab d",  "+1+2"};
	uint8_t out[2] = {7, 7};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(hex_read(bad[i], out, 2));
		assert_int_equal(out[0], 7);
		assert_int_equal(out[1], 7);
	}
	/* Around the ranges of digits. */
	assert_false(hex_read("/0:0", out, 2) || hex_read("@0G0", out, 2) ||
		     hex_read("`0g0", out, 2) || hex_read("0/00", out, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hex_write__all_bytes__read_back),
	    cmocka_unit_test(test_hex_write__little_room__whole_digits_and_terminated),
	    cmocka_unit_test(test_hex_read__either_case__same),
	    cmocka_unit_test(test_hex_read__wrong_form__untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
