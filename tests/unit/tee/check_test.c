#include "tee/check.h"
#include "tests/check.h"

static const struct check row = {"TEST-ROW", "it holds", "nowhere", "nothing"};

struct scene {
	struct arena arena;
	struct checklist list;
};

static int setup(void **state)
{
	static struct scene scene;

	scene = (struct scene){.arena = arena_init(1 << 16)};
	scene.list.arena = &scene.arena;
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	arena_done(&((struct scene *)*state)->arena);
	return 0;
}

static enum tobi_outcome outcome(const struct scene *scene)
{
	assert_int_equal(scene->list.count, 1);
	return scene->list.records[0].outcome;
}

static void test_check_not_asked__owed_without_a_record__owed_no_more(void **state)
{
	struct scene *scene = *state;

	check_owe(&scene->list, &row);
	check_not_asked(&scene->list, &row, "it came without");
	assert_int_equal(outcome(scene), TOBI_NOT_ASKED);
	assert_string_equal(scene->list.records[0].found, "it came without");
}

static void test_check_not_asked__recorded__left_alone(void **state)
{
	struct scene *scene = *state;

	check_record(&scene->list, &row, false, "this", "that");
	check_not_asked(&scene->list, &row, "no");
	assert_int_equal(outcome(scene), TOBI_FAILED);
	assert_string_equal(scene->list.records[0].found, "that");
}

static void test_check_owe__not_asked_before__owed_again(void **state)
{
	struct scene *scene = *state;

	check_not_asked(&scene->list, &row, "no");
	check_owe(&scene->list, &row);
	assert_int_equal(outcome(scene), TOBI_NOT_RUN);
}

static void test_check_record__failed_once__stays_failed(void **state)
{
	struct scene *scene = *state;

	check_record(&scene->list, &row, false, "", "");
	check_record(&scene->list, &row, true, "", "");
	assert_int_equal(outcome(scene), TOBI_FAILED);
}

/* Rows that are a whole table's length apart would all have one place. */
static void test_check_record__full_list__each_row_has_its_own(void **state)
{
	static struct check rows[3 * CHECKLIST_SLOTS];
	struct scene *scene = *state;
	size_t count = 0;

	for (size_t i = 0; i < CHECKLIST_MAX; i++)
		check_owe(&scene->list, &rows[i % 3 * CHECKLIST_SLOTS + i / 3]);
	assert_int_equal(scene->list.count, CHECKLIST_MAX);
	for (size_t i = 0; i < CHECKLIST_MAX; i += 2)
		check_record(&scene->list, &rows[i % 3 * CHECKLIST_SLOTS + i / 3], true,
			     "", "");
	assert_int_equal(scene->list.count, CHECKLIST_MAX);
	for (size_t i = 0; i < CHECKLIST_MAX; i++) {
		const struct check_record *record = &scene->list.records[i];

		assert_ptr_equal(record->check, &rows[i % 3 * CHECKLIST_SLOTS + i / 3]);
		count += record->outcome == TOBI_PASSED;
		assert_int_equal(record->outcome, i % 2 ? TOBI_NOT_RUN : TOBI_PASSED);
	}
	assert_int_equal(count, CHECKLIST_MAX / 2);
	/* One that is not owed is not found among them. */
	check_waive(&scene->list, &rows[CHECKLIST_SLOTS - 1], "not owed");
	assert_int_equal(scene->list.count, CHECKLIST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_check_record__full_list__each_row_has_its_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_check_not_asked__owed_without_a_record__owed_no_more, setup,
		teardown),
	    cmocka_unit_test_setup_teardown(test_check_not_asked__recorded__left_alone,
					    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_check_owe__not_asked_before__owed_again,
					    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_check_record__failed_once__stays_failed,
					    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
