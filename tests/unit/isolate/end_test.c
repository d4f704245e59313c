/* What is taken away at the end of an enclave, and later. */
#include "base/writer.h"
#include "isolate/launch.h"
#include "tests/unit/isolate/fake_cgroup.h"

static struct isolate isolate;

/* A host with version 1, a run folder, and an enclave with its state file. */
static int enter(void **state)
{
	char text[2048];

	if (tree_enter(state))
		return -1;
	fake_proc("");
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("pids", "pids", "/");
	fake_own_group("memory", "/tobichi-01234567");
	fake_own_group("pids", "/tobichi-01234567");
	tree_folder("run");
	tree_folder("run/enclaves");
	snprintf(text, sizeof(text), "%s\n", fake_path("fs/memory/tobichi-01234567"));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n",
		 fake_path("fs/pids/tobichi-01234567"));
	tree_file("run/enclaves/01234567", text);
	isolate = (struct isolate){.pid = -1, .pidfd = -1};
	isolate.cleanup = calloc(1, sizeof(*isolate.cleanup));
	assert_non_null(isolate.cleanup);
	isolate.cleanup->slot_fd = -1;
	snprintf(isolate.cleanup->group.path[0], LIMIT_PATH, "%s",
		 fake_path("fs/memory/tobichi-01234567"));
	snprintf(isolate.cleanup->group.path[1], LIMIT_PATH, "%s",
		 fake_path("fs/pids/tobichi-01234567"));
	snprintf(isolate.cleanup->state, LIMIT_PATH, "%s",
		 fake_path("run/enclaves/01234567"));
	return 0;
}

static int leave(void **state)
{
	free(isolate.cleanup);
	isolate.cleanup = NULL;
	return tree_leave(state);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_isolate_end__groups_removed__and_the_state_file(void **state)
{
	(void)state;
	isolate_end(&isolate);
	assert_false(is_there("fs/memory/tobichi-01234567"));
	assert_false(is_there("fs/pids/tobichi-01234567"));
	assert_false(is_there("run/enclaves/01234567"));
	assert_null(isolate.cleanup);
	isolate_end(&isolate);
}

static void test_isolate_end__group_stays__written_down_for_the_next_sweep(void **state)
{
	(void)state;
	isolate.cleanup->group.path[1][0] = 0;
	fake_cgroup.stuck = true;
	isolate_end(&isolate);
	assert_true(is_there("fs/memory/tobichi-01234567"));
	assert_true(is_there("run/enclaves/01234567"));
	fake_cgroup.stuck = false;
	isolate_sweep(fake_path("run"));
	assert_false(is_there("fs/memory/tobichi-01234567"));
	assert_false(is_there("fs/pids/tobichi-01234567"));
	assert_false(is_there("run/enclaves"));
}

static void test_isolate_sweep__group_stays__written_down_still(void **state)
{
	(void)state;
	assert_int_equal(rmdir(fake_path("fs/pids/tobichi-01234567")), 0);
	fake_cgroup.stuck = true;
	isolate_sweep(fake_path("run"));
	assert_true(is_there("run/enclaves/01234567"));
	fake_cgroup.stuck = false;
	isolate_sweep(fake_path("run"));
	assert_false(is_there("run/enclaves"));
}

static void test_isolate_sweep__other_names_in_the_file__left_alone(void **state)
{
	char text[4096];

	(void)state;
	fake_own_group("memory", "/other");
	fake_own_group("memory", "/tobichi-76543210");
	snprintf(text, sizeof(text), "%s\nno path\n\n", fake_path("fs/memory/other"));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n",
		 fake_path("fs/pids/../memory/tobichi-76543210"));
	tree_file("run/enclaves/01234567", text);
	isolate_sweep(fake_path("run"));
	assert_true(is_there("fs/memory/other"));
	assert_true(is_there("fs/memory/tobichi-76543210"));
	assert_false(is_there("run/enclaves"));
}

static void test_isolate_sweep__nothing_there__nothing_done(void **state)
{
	(void)state;
	isolate_sweep(fake_path("nowhere"));
	assert_false(is_there("nowhere"));
	assert_int_equal(fake_cgroup.removals, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_isolate_end__groups_removed__and_the_state_file),
	    TEST(test_isolate_end__group_stays__written_down_for_the_next_sweep),
	    TEST(test_isolate_sweep__group_stays__written_down_still),
	    TEST(test_isolate_sweep__other_names_in_the_file__left_alone),
	    TEST(test_isolate_sweep__nothing_there__nothing_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
