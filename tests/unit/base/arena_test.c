#include "base/arena.h"
#include "tests/bytes.h"

static void test_arena_alloc__any_size__aligned_and_zeroed(void **state)
{
	struct arena arena = arena_init(1 << 20);

	(void)state;
	for (size_t size = 1; size < 40000; size = size * 3 + 1) {
		uint8_t *ptr = arena_alloc(&arena, size);

		assert_non_null(ptr);
		assert_int_equal((uintptr_t)ptr % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(ptr[i], 0);
		memset(ptr, 0xff, size);
	}
	arena_done(&arena);
	assert_int_equal(arena.used, 0);
}

static void test_arena_alloc__two_allocations__apart(void **state)
{
	struct arena arena = arena_init(1 << 20);
	uint8_t *first = arena_alloc(&arena, 5), *second = arena_alloc(&arena, 5);

	(void)state;
	assert_true(second >= first + 5 || first >= second + 5);
	arena_done(&arena);
}

static void test_arena_ceiling__full__next_is_null(void **state)
{
	struct arena arena = arena_init(1024);

	(void)state;
	assert_null(arena_alloc(&arena, 1025));
	for (int i = 0; i < 64; i++)
		assert_non_null(arena_alloc(&arena, 1 + (size_t)i % 16));
	assert_int_equal(arena.used, 1024);
	assert_null(arena_alloc(&arena, 1));
	arena_done(&arena);
	assert_non_null(arena_alloc(&arena, 1024));
	arena_done(&arena);
}

static void test_arena_alloc__size_that_wraps__null(void **state)
{
	struct arena arena = arena_init(SIZE_MAX);

	(void)state;
	for (size_t less = 0; less < 16; less++)
		assert_null(arena_alloc(&arena, SIZE_MAX - less));
	assert_int_equal(arena.used, 0);
	arena_done(&arena);
}

static void test_arena_array__product_that_wraps__null(void **state)
{
	struct arena arena = arena_init(1 << 20);

	(void)state;
	assert_non_null(arena_array(&arena, 10, 10));
	assert_null(arena_array(&arena, SIZE_MAX / 2 + 1, 2));
	assert_null(arena_array(&arena, SIZE_MAX, SIZE_MAX));
	assert_null(arena_array(&arena, (1 << 20) / 8 + 1, 8));
	arena_done(&arena);
}

static void test_arena_copy__bytes_and_nothing__not_null(void **state)
{
	struct arena arena = arena_init(1 << 10);
	uint8_t original[] = {1, 2, 3};
	struct tobi_bytes copy = arena_copy(&arena, (struct tobi_bytes){original, 3});

	(void)state;
	original[0] = 9;
	assert_bytes_equal(copy, BYTES(1, 2, 3));
	copy = arena_copy(&arena, (struct tobi_bytes){NULL, 0});
	assert_non_null(copy.ptr);
	assert_int_equal(copy.size, 0);
	copy = arena_copy(&arena, (struct tobi_bytes){original, 1 << 20});
	assert_null(copy.ptr);
	assert_int_equal(copy.size, 0);
	arena_done(&arena);
}

static void test_arena_text__nul_inside__null(void **state)
{
	struct arena arena = arena_init(1 << 10);

	(void)state;
	assert_string_equal(arena_text(&arena, text_bytes("abc")), "abc");
	assert_string_equal(arena_text(&arena, (struct tobi_bytes){0}), "");
	assert_null(arena_text(&arena, BYTES('a', 0, 'b')));
	assert_null(arena_text(&arena, BYTES('a', 'b', 0)));
	arena_done(&arena);
}

static void test_arena_text__over_ceiling__null(void **state)
{
	struct arena arena = arena_init(16);

	(void)state;
	assert_null(arena_text(&arena, text_bytes("0123456789abcdef")));
	assert_string_equal(arena_text(&arena, text_bytes("0123456789abcde")),
			    "0123456789abcde");
	arena_done(&arena);
}

static void test_arena_printf__fits_or_not(void **state)
{
	struct arena arena = arena_init(32);

	(void)state;
	assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
	assert_null(arena_printf(&arena, "%040d", 1));
	arena_done(&arena);
}

/* The text may begin where the block has too little room left, or fill it up. */
static void test_arena_printf__any_room_left__whole_text(void **state)
{
	(void)state;
	for (size_t size = 1; size < 200; size++) {
		struct arena arena = arena_init(1 << 20);
		char *first = arena_alloc(&arena, (8 << 10) - 128), *text, *next;

		assert_non_null(first);
		text = arena_printf(&arena, "%0*d", (int)size, 7);
		assert_int_equal(strlen(text), size);
		assert_int_equal(text[size - 1], '7');
		next = arena_alloc(&arena, 100);
		for (size_t i = 0; i < 100; i++)
			assert_int_equal(next[i], 0);
		assert_int_equal(strlen(text), size);
		arena_done(&arena);
	}
}

static void test_arena_printf__over_ceiling__next_is_zeroed(void **state)
{
	struct arena arena = arena_init(64);
	char *next;

	(void)state;
	assert_non_null(arena_alloc(&arena, 16));
	assert_null(arena_printf(&arena, "%060d", 1));
	next = arena_alloc(&arena, 48);
	assert_non_null(next);
	for (size_t i = 0; i < 48; i++)
		assert_int_equal(next[i], 0);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arena_printf__any_room_left__whole_text),
	    cmocka_unit_test(test_arena_printf__over_ceiling__next_is_zeroed),
	    cmocka_unit_test(test_arena_alloc__any_size__aligned_and_zeroed),
	    cmocka_unit_test(test_arena_alloc__two_allocations__apart),
	    cmocka_unit_test(test_arena_ceiling__full__next_is_null),
	    cmocka_unit_test(test_arena_alloc__size_that_wraps__null),
	    cmocka_unit_test(test_arena_array__product_that_wraps__null),
	    cmocka_unit_test(test_arena_copy__bytes_and_nothing__not_null),
	    cmocka_unit_test(test_arena_text__nul_inside__null),
	    cmocka_unit_test(test_arena_text__over_ceiling__null),
	    cmocka_unit_test(test_arena_printf__fits_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
