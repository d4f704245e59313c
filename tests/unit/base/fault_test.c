#include <errno.h>

#include "base/fault.h"
#include "tests/bytes.h"

static const enum tobi_err all[] = {
#define X(code, name, text) code,
    TOBI_ERRORS(X)
#undef X
};

enum { COUNT = sizeof(all) / sizeof(all[0]) };

static void test_fault_names__every_error__own_name_and_sentence(void **state)
{
	(void)state;
	assert_int_equal(TOBI_OK, 0);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(all[i], i);
		assert_true(strlen(tobi_err_name(all[i])) > 0);
		assert_true(strlen(tobi_err_text(all[i])) > 5);
		assert_string_not_equal(tobi_err_name(all[i]), "unknown");
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(tobi_err_name(all[i]),
						tobi_err_name(all[j]));
			assert_string_not_equal(tobi_err_text(all[i]),
						tobi_err_text(all[j]));
		}
	}
}

static void test_fault_names__no_such_error__unknown(void **state)
{
	(void)state;
	assert_string_equal(tobi_err_name((enum tobi_err)COUNT), "unknown");
	assert_string_equal(tobi_err_name((enum tobi_err) - 1), "unknown");
	assert_string_equal(tobi_err_text((enum tobi_err)COUNT), "unknown error");
}

static void printed(const struct tobi_fault *fault, const char *expected)
{
	char text[600];

	tobi_fault_print(fault, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_fault_print__with_and_without_offset_and_field(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(fault_at(&fault, TOBI_E_LIMIT, "policy", "name", 0, "is %d", 7),
			 TOBI_E_LIMIT);
	printed(&fault, "policy: name at byte 0: is 7");
	fault_at(&fault, TOBI_E_LIMIT, "policy", "", UINT64_MAX, "bad");
	printed(&fault, "policy at byte 18446744073709551615: bad");
	assert_int_equal(fault_set(&fault, TOBI_E_DENIED, "policy", "name", "no"),
			 TOBI_E_DENIED);
	printed(&fault, "policy: name: no");
	fault_set(&fault, TOBI_E_TRAILING, "policy", NULL, "%s", "");
	printed(&fault, "policy: there are bytes after the end");
}

static void test_fault_print__little_room__terminated(void **state)
{
	struct tobi_fault fault = {0};
	char text[8] = "!!!!!!!";

	(void)state;
	fault_set(&fault, TOBI_E_DENIED, "policy", "name", "no");
	tobi_fault_print(&fault, text, 7);
	assert_string_equal(text, "policy");
	assert_int_equal(text[7], 0);
}

static void test_fault_set__long_texts__cut_and_terminated(void **state)
{
	struct tobi_fault fault;
	char longer[1000];

	(void)state;
	memset(&fault, 0xff, sizeof(fault));
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	fault_at(&fault, TOBI_E_LIMIT, longer, longer, 3, "%s", longer);
	assert_int_equal(strlen(fault.object), sizeof(fault.object) - 1);
	assert_int_equal(strlen(fault.field), sizeof(fault.field) - 1);
	assert_int_equal(strlen(fault.message), sizeof(fault.message) - 1);
	assert_int_equal(fault.offset, 3);
	assert_true(fault.has_offset);
}

static void test_fault_errno__after_other_calls__text_of_errno(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	errno = ENOSPC;
	assert_int_equal(fault_errno(&fault, "file", "", "cannot write %s", "x"),
			 TOBI_E_SYSTEM);
	printed(&fault, "file: cannot write x: No space left on device");
	assert_false(fault.has_offset);
}

static void test_fault_functions__no_fault__the_code(void **state)
{
	(void)state;
	assert_int_equal(fault_set(NULL, TOBI_E_LIMIT, "a", "b", "c"), TOBI_E_LIMIT);
	assert_int_equal(fault_at(NULL, TOBI_E_LIMIT, "a", "b", 1, "c"), TOBI_E_LIMIT);
	assert_int_equal(fault_errno(NULL, "a", "b", "c"), TOBI_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fault_names__every_error__own_name_and_sentence),
	    cmocka_unit_test(test_fault_names__no_such_error__unknown),
	    cmocka_unit_test(test_fault_print__with_and_without_offset_and_field),
	    cmocka_unit_test(test_fault_print__little_room__terminated),
	    cmocka_unit_test(test_fault_set__long_texts__cut_and_terminated),
	    cmocka_unit_test(test_fault_errno__after_other_calls__text_of_errno),
	    cmocka_unit_test(test_fault_functions__no_fault__the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
