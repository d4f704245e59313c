#include <stdlib.h>

#include "base/writer.h"
#include "tests/bytes.h"

/* Linked with --wrap=free: what is freed while it is watched must be wiped. */
static struct {
	const uint8_t *ptr;
	size_t size;
	bool freed, wiped;
} watched;

void __real_free(void *ptr);
void __wrap_free(void *ptr);

void __wrap_free(void *ptr)
{
	if (ptr && ptr == watched.ptr) {
		watched.freed = true;
		watched.wiped = true;
		for (size_t i = 0; i < watched.size; i++)
			watched.wiped = watched.wiped && watched.ptr[i] == 0;
		watched.ptr = NULL;
	}
	__real_free(ptr);
}

static void watch(const struct writer *wr)
{
	watched.ptr = wr->ptr;
	watched.size = wr->capacity;
	watched.freed = watched.wiped = false;
}

static void test_writer_bytes__appended__in_order(void **state)
{
	struct writer wr = wr_init(64);

	(void)state;
	wr_u8(&wr, 1);
	wr_uint_be(&wr, 0x020304, 3);
	wr_bytes(&wr, "\5\6", 2);
	wr_bytes(&wr, NULL, 0);
	wr_printf(&wr, "%d%s", 7, "x");
	assert_int_equal(wr_err(&wr), TOBI_OK);
	assert_bytes_equal(wr_view(&wr), BYTES(1, 2, 3, 4, 5, 6, '7', 'x'));
	wr_done(&wr);
	assert_null(wr.ptr);
	assert_int_equal(wr.ceiling, 64);
}

static void test_writer_ceiling__exactly_full__one_more_fails(void **state)
{
	(void)state;
	for (size_t ceiling = 1; ceiling < 1100; ceiling += 73) {
		struct writer wr = wr_init(ceiling);

		for (size_t i = 0; i < ceiling; i++)
			wr_u8(&wr, (uint8_t)i);
		assert_int_equal(wr_err(&wr), TOBI_OK);
		assert_int_equal(wr_view(&wr).size, ceiling);
		for (size_t i = 0; i < ceiling; i++)
			assert_int_equal(wr.ptr[i], (uint8_t)i);
		wr_u8(&wr, 0);
		assert_int_equal(wr_err(&wr), TOBI_E_LIMIT);
		wr_done(&wr);
	}
}

static void test_writer_failure__later_writes__sticky_and_empty(void **state)
{
	struct writer wr = wr_init(4);

	(void)state;
	wr_u8(&wr, 1);
	wr_bytes(&wr, "12345", 5);
	assert_int_equal(wr_err(&wr), TOBI_E_LIMIT);
	assert_int_equal(wr.size, 1);
	wr_u8(&wr, 2); /* it would fit */
	wr_uint_be(&wr, 2, 1);
	wr_printf(&wr, "x");
	assert_null(wr_reserve(&wr, 1));
	assert_int_equal(wr.size, 1);
	assert_int_equal(wr_view(&wr).size, 0);
	wr_done(&wr);
}

static void test_writer_reserve__size_that_wraps__limit(void **state)
{
	struct writer wr = wr_init(SIZE_MAX);

	(void)state;
	wr_u8(&wr, 1);
	assert_null(wr_reserve(&wr, SIZE_MAX));
	assert_int_equal(wr_err(&wr), TOBI_E_LIMIT);
	wr_done(&wr);
}

static void test_writer_reserve__after_other_use__zeroed(void **state)
{
	struct writer wr = wr_init(1000);
	uint8_t *at;

	(void)state;
	memset(wr_reserve(&wr, 10), 0xff, 10);
	at = wr_reserve(&wr, 500);
	assert_non_null(at);
	for (size_t i = 0; i < 500; i++)
		assert_int_equal(at[i], 0);
	assert_int_equal(wr.ptr[9], 0xff);
	wr_done(&wr);
}

static void test_writer_zero_ceiling__nothing_but_empty_writes(void **state)
{
	struct writer wr = wr_init(0);

	(void)state;
	wr_bytes(&wr, "", 0);
	assert_int_equal(wr_err(&wr), TOBI_OK);
	wr_u8(&wr, 0);
	assert_int_equal(wr_err(&wr), TOBI_E_LIMIT);
	wr_done(&wr);
}

static void test_writer_done__secret_content__wiped_before_free(void **state)
{
	struct writer wr = wr_init(1000);

	(void)state;
	wr_printf(&wr, "a secret");
	watch(&wr);
	wr_done(&wr);
	assert_true(watched.freed);
	assert_true(watched.wiped);
}

static void test_writer_growth__secret_content__old_block_wiped(void **state)
{
	struct writer wr = wr_init(1000);

	(void)state;
	wr_printf(&wr, "a secret");
	watch(&wr);
	assert_non_null(wr_reserve(&wr, 900));
	assert_true(watched.freed);
	assert_true(watched.wiped);
	assert_memory_equal(wr.ptr, "a secret", 8);
	wr_done(&wr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_writer_bytes__appended__in_order),
	    cmocka_unit_test(test_writer_ceiling__exactly_full__one_more_fails),
	    cmocka_unit_test(test_writer_failure__later_writes__sticky_and_empty),
	    cmocka_unit_test(test_writer_reserve__size_that_wraps__limit),
	    cmocka_unit_test(test_writer_reserve__after_other_use__zeroed),
	    cmocka_unit_test(test_writer_zero_ceiling__nothing_but_empty_writes),
	    cmocka_unit_test(test_writer_done__secret_content__wiped_before_free),
	    cmocka_unit_test(test_writer_growth__secret_content__old_block_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
