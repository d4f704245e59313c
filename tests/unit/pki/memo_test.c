/* What is remembered is found by its name, in its time, by any thread, and is bounded. */
#include <pthread.h>

#include "pki/memo.h"
#include "base/endian.h"
#include "tests/bytes.h"

enum { FROM = 1000, UNTIL = 2000, MANY = 1000 };

struct thing {
	struct memo_value head;
	int number;
	atomic_int *freed;
};

static void thing_free(struct memo_value *value)
{
	struct thing *thing = (struct thing *)value;

	atomic_fetch_add(thing->freed, 1);
	free(thing);
}

static struct memo_value *thing_new(int number, atomic_int *freed)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	assert_non_null(thing);
	*thing = (struct thing){{1, thing_free}, number, freed};
	return &thing->head;
}

static struct memo_name name_of(const char *kind, const char *first, const char *second)
{
	struct tobi_bytes parts[] = {text_bytes(first), text_bytes(second ? second : "")};
	struct memo_name name;

	assert_int_equal(memo_name_make(kind, parts, second ? 2 : 1, &name), 0);
	return name;
}

static struct memo_name numbered(unsigned number)
{
	uint8_t bytes[4];
	struct memo_name name;

	store_be(bytes, sizeof(bytes), number);
	assert_int_equal(
	    memo_name_make("thing", &(struct tobi_bytes){bytes, sizeof(bytes)}, 1, &name),
	    0);
	return name;
}

/* The number of what is found, or -1. */
static int find(struct memo *memo, const struct memo_name *name, int64_t time)
{
	struct memo_value *value = memo_find(memo, name, time);
	int number = value ? ((struct thing *)value)->number : -1;

	memo_unref(value);
	return number;
}

/* The memo's reference is the only one. */
static void keep(struct memo *memo, const struct memo_name *name, int number,
		 atomic_int *freed)
{
	struct memo_value *value = thing_new(number, freed);

	memo_keep(memo, name, &(struct chain_window){FROM, UNTIL}, value);
	memo_unref(value);
}

static void test_memo_find__time__only_in_the_window(void **state)
{
	struct memo *memo = memo_new();
	struct memo_name name = name_of("thing", "a", NULL);
	atomic_int freed = 0;

	(void)state;
	assert_int_equal(find(memo, &name, FROM), -1);
	keep(memo, &name, 7, &freed);
	assert_int_equal(find(memo, &name, FROM), 7);
	assert_int_equal(find(memo, &name, UNTIL - 1), 7);
	assert_int_equal(find(memo, &name, FROM - 1), -1);
	assert_int_equal(find(memo, &name, UNTIL), -1);
	/* A question at another time does not make it forget. */
	assert_int_equal(find(memo, &name, FROM), 7);
	memo_free(memo);
	assert_int_equal(freed, 1);
}

static void test_memo_name__other_parts__other_name(void **state)
{
	struct memo_name names[] = {
	    name_of("thing", "ab", "c"), name_of("thing", "a", "bc"),
	    name_of("thing", "abc", ""), name_of("thing", "abc", NULL),
	    name_of("thinga", "b", "c"), name_of("other", "ab", "c"),
	    name_of("thing", "c", "ab"),
	};
	struct memo_name again = name_of("thing", "ab", "c");

	(void)state;
	assert_memory_equal(names[0].hash, again.hash, sizeof(again.hash));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(names[i].hash, names[j].hash,
						sizeof(names[i].hash));
}

/* Its size in eight bytes before each part, however long the parts are. */
static void test_memo_name__parts_of_any_size__their_sizes_and_bytes(void **state)
{
	static uint8_t bytes[1200], stream[4 * 1300];
	uint8_t expected[SHA256_SIZE];
	struct memo_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t size = 0; size < sizeof(bytes); size += size < 520 ? 1 : 97) {
		struct tobi_bytes parts[] = {
		    text_bytes("thing"), {bytes, size}, {bytes, 3}, {bytes, size / 2}};
		size_t at = 0;

		for (size_t i = 0; i < 4; i++) {
			store_be(stream + at, 8, parts[i].size);
			bytes_copy(stream + at + 8, parts[i].size, parts[i].ptr,
				   parts[i].size);
			at += 8 + parts[i].size;
		}
		assert_int_equal(hash_sha256((struct tobi_bytes){stream, at}, expected),
				 0);
		assert_int_equal(memo_name_make("thing", parts + 1, 3, &name), 0);
		assert_memory_equal(name.hash, expected, SHA256_SIZE);
	}
}

static void test_memo_find__another_name__not_found(void **state)
{
	struct memo *memo = memo_new();
	struct memo_name kept = numbered(1), other = kept;
	atomic_int freed = 0;

	(void)state;
	keep(memo, &kept, 1, &freed);
	other.hash[SHA256_SIZE - 1] ^= 1;
	assert_int_equal(find(memo, &other, FROM), -1);
	other = kept;
	other.hash[0] ^= 0x80;
	assert_int_equal(find(memo, &other, FROM), -1);
	memo_free(memo);
}

static void test_memo_keep__same_name__the_later_one(void **state)
{
	struct memo *memo = memo_new();
	struct memo_name name = numbered(1);
	struct memo_value *held;
	atomic_int freed = 0;

	(void)state;
	keep(memo, &name, 1, &freed);
	held = memo_find(memo, &name, FROM);
	keep(memo, &name, 2, &freed);
	assert_int_equal(find(memo, &name, FROM), 2);
	/* Who found the earlier one may go on with it. */
	assert_int_equal(freed, 0);
	assert_int_equal(((struct thing *)held)->number, 1);
	memo_unref(held);
	assert_int_equal(freed, 1);
	memo_free(memo);
	assert_int_equal(freed, 2);
}

static void test_memo_keep__many__bounded_and_the_newest_stay(void **state)
{
	struct memo *memo = memo_new();
	atomic_int freed = 0;
	int known = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct memo_name name = numbered((unsigned)i);

		keep(memo, &name, i, &freed);
	}
	for (int i = 0; i < MANY; i++) {
		struct memo_name name = numbered((unsigned)i);
		int found = find(memo, &name, FROM);

		assert_true(found == i || found == -1);
		assert_true(found == i || i < MANY - 256);
		known += found == i;
	}
	assert_int_equal(known, 256);
	assert_int_equal(freed, MANY - 256);
	memo_free(memo);
	assert_int_equal(freed, MANY);
}

static void test_memo__none__nothing_is_kept(void **state)
{
	struct memo_name name = numbered(1);
	atomic_int freed = 0;

	(void)state;
	keep(NULL, &name, 1, &freed);
	assert_int_equal(freed, 1);
	assert_int_equal(find(NULL, &name, FROM), -1);
	memo_unref(NULL);
	memo_free(NULL);
}

/* Few names, so that a value goes while others look at it. */
enum { THREADS = 4, ROUNDS = 20000, NAMES = 3 };

struct work {
	struct memo *memo;
	const struct memo_name *names;
	atomic_int *freed;
	unsigned seed;
	int made, wrong;
};

static void *run(void *given)
{
	struct work *work = given;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned at = (work->seed * 1103515245u + (unsigned)i * 7919u) % NAMES;
		struct memo_value *value =
		    memo_find(work->memo, &work->names[at], FROM + i % 3);

		if (value) {
			work->wrong += ((struct thing *)value)->number != (int)at;
			memo_unref(value);
		}
		if (value && i % 2)
			continue;
		keep(work->memo, &work->names[at], (int)at, work->freed);
		work->made++;
	}
	return NULL;
}

static void test_memo__many_threads__each_value_freed_once(void **state)
{
	struct memo *memo = memo_new();
	struct memo_name names[NAMES];
	struct work work[THREADS];
	pthread_t threads[THREADS];
	atomic_int freed = 0;
	int made = 0;

	(void)state;
	for (unsigned i = 0; i < NAMES; i++)
		names[i] = numbered(i);
	for (unsigned i = 0; i < THREADS; i++) {
		work[i] = (struct work){memo, names, &freed, i + 1, 0, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, run, &work[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(work[i].wrong, 0);
		made += work[i].made;
	}
	memo_free(memo);
	assert_int_equal(freed, made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_memo_find__time__only_in_the_window),
	    cmocka_unit_test(test_memo_name__other_parts__other_name),
	    cmocka_unit_test(test_memo_name__parts_of_any_size__their_sizes_and_bytes),
	    cmocka_unit_test(test_memo_find__another_name__not_found),
	    cmocka_unit_test(test_memo_keep__same_name__the_later_one),
	    cmocka_unit_test(test_memo_keep__many__bounded_and_the_newest_stay),
	    cmocka_unit_test(test_memo__none__nothing_is_kept),
	    cmocka_unit_test(test_memo__many_threads__each_value_freed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
