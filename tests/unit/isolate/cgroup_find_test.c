/* Where a process may make control groups: on hosts of each kind. */
#include "isolate/cgroup.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "tests/unit/isolate/fake_cgroup.h"

static const char *why[CGROUP_COUNT];
static struct cgroup parents;

static void find(void)
{
	cgroup_find(fake_path("proc"), &parents, why);
}

static void expect_parent(enum cgroup_controller controller, const char *below, bool v2)
{
	if (!parents.path[controller][0])
		fail_msg("no parent: %s", why[controller]);
	assert_string_equal(parents.path[controller], fake_path(below));
	assert_int_equal(parents.unified[controller], v2);
	assert_null(why[controller]);
}

static void expect_none(enum cgroup_controller controller, const char *reason)
{
	assert_string_equal(parents.path[controller], "");
	assert_non_null(why[controller]);
	if (!strstr(why[controller], reason))
		fail_msg("'%s' is not '%s'", why[controller], reason);
}

static void test_cgroup_find__version1__own_groups(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	find();
	expect_parent(CGROUP_MEMORY, "fs/memory/user", false);
	expect_parent(CGROUP_PIDS, "fs/pids", false);
	expect_parent(CGROUP_CPU, "fs/cpu", false);
	assert_false(parents.host_swaps);
}

static void test_cgroup_find__version2__own_group(void **state)
{
	(void)state;
	fake_version2(SWAP);
	find();
	for (int i = 0; i < CGROUP_COUNT; i++)
		expect_parent((enum cgroup_controller)i, "fs/unified/service", true);
	tree_expect("fs/unified/service/cgroup.subtree_control", "+cpu");
	assert_true(parents.host_swaps);
}

static void test_cgroup_find__hybrid__each_where_it_is(void **state)
{
	(void)state;
	fake_proc(NO_SWAP);
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("unified", "pids cpu\n", "/");
	fake_own_group("memory", "/a");
	fake_own_group("unified", "/b");
	find();
	expect_parent(CGROUP_MEMORY, "fs/memory/a", false);
	expect_parent(CGROUP_PIDS, "fs/unified/b", true);
	expect_parent(CGROUP_CPU, "fs/unified/b", true);
}

static void test_cgroup_find__controller_missing__said(void **state)
{
	(void)state;
	fake_proc(NO_SWAP);
	fake_hierarchy("unified", "memory pids cpuset\n", "/");
	fake_own_group("unified", "/b");
	find();
	expect_parent(CGROUP_MEMORY, "fs/unified/b", true);
	/* "cpuset" is another word. */
	expect_none(CGROUP_CPU, "no such control group");
}

static void test_cgroup_find__no_hierarchy__said(void **state)
{
	(void)state;
	fake_proc(NO_SWAP);
	find();
	for (int i = 0; i < CGROUP_COUNT; i++)
		expect_none((enum cgroup_controller)i, "no such control group");
	cgroup_find(fake_path("nowhere"), &parents, why);
	expect_none(CGROUP_MEMORY, "no such control group");
	assert_false(parents.host_swaps);
}

/* As another user, for whom the folders are read-only. */
static void test_cgroup_find__not_delegated__said(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	fake_version1(NO_SWAP);
	assert_int_equal(chmod("fs/memory/user", 0555), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
			_exit(2);
		find();
		_exit(!why[CGROUP_MEMORY] || parents.path[CGROUP_MEMORY][0] ||
		      !strstr(why[CGROUP_MEMORY], "not delegated"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_cgroup_find__processes_in_own_group__moved_to_a_child(void **state)
{
	char pid[32];

	(void)state;
	fake_version2(NO_SWAP);
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	tree_file("fs/unified/service/cgroup.procs", pid);
	find();
	expect_parent(CGROUP_MEMORY, "fs/unified/service", true);
	tree_expect("fs/unified/service/tobichid/cgroup.procs", pid);
}

/* A login session's: the nearest group above it that can be used. */
static void test_cgroup_find__own_group_full_of_others__one_above(void **state)
{
	char pids[64];

	(void)state;
	fake_version2(NO_SWAP);
	fake_own_group("unified", "/service/session");
	snprintf(pids, sizeof(pids), "%d\n%d\n", (int)getpid(), (int)getppid());
	tree_file("fs/unified/service/session/cgroup.procs", pids);
	find();
	expect_parent(CGROUP_MEMORY, "fs/unified/service", true);
	tree_expect("fs/unified/service/session/cgroup.procs", pids);
	assert_int_equal(access("fs/unified/service/session/tobichid", F_OK), -1);
}

static void test_cgroup_find__controllers_open_already__nobody_moves(void **state)
{
	char pid[32];

	(void)state;
	fake_version2(NO_SWAP);
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	tree_file("fs/unified/service/cgroup.subtree_control", "cpu memory pids\n");
	tree_file("fs/unified/service/cgroup.procs", pid);
	find();
	expect_parent(CGROUP_CPU, "fs/unified/service", true);
	assert_int_equal(access("fs/unified/service/tobichid", F_OK), -1);
}

static void test_cgroup_find__part_of_the_tree_mounted__path_from_there(void **state)
{
	(void)state;
	fake_proc(NO_SWAP);
	fake_hierarchy("memory", "memory", "/docker/one");
	fake_hierarchy("pids", "pids", "/docker/one");
	fake_hierarchy("cpu", "cpu", "/");
	tree_file("proc/self/cgroup",
		  "4:memory:/docker/one/sub\n5:pids:/docker/one-more\n"
		  "6:cpu:/../../other\n");
	tree_folder("fs/memory/sub");
	find();
	expect_parent(CGROUP_MEMORY, "fs/memory/sub", false);
	/* Not "-more" of the mount point, and not beside it. */
	expect_parent(CGROUP_PIDS, "fs/pids", false);
	expect_parent(CGROUP_CPU, "fs/cpu", false);
}

static void test_cgroup_find__path_too_long__no_other_group(void **state)
{
	char line[1024] = "4:memory:", folder[600] = "";

	(void)state;
	fake_proc(NO_SWAP);
	fake_hierarchy("memory", "memory", "/");
	/* Each part below the one before; the whole is over the limit. */
	while (strlen(folder) < 490)
		strcat(folder, "/abcdefghi");
	strcat(line, folder);
	strcat(line, "\n");
	tree_file("proc/self/cgroup", line);
	for (char *at = folder + 1; at; at = strchr(at + 1, '/')) {
		char path[1024];

		snprintf(path, sizeof(path), "fs/memory%.*s", (int)(at - folder), folder);
		(void)!mkdir(path, 0755);
	}
	find();
	expect_none(CGROUP_MEMORY, "no such control group");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TREE_TEST(test_cgroup_find__version1__own_groups),
	    TREE_TEST(test_cgroup_find__version2__own_group),
	    TREE_TEST(test_cgroup_find__hybrid__each_where_it_is),
	    TREE_TEST(test_cgroup_find__controller_missing__said),
	    TREE_TEST(test_cgroup_find__no_hierarchy__said),
	    TREE_TEST(test_cgroup_find__not_delegated__said),
	    TREE_TEST(test_cgroup_find__processes_in_own_group__moved_to_a_child),
	    TREE_TEST(test_cgroup_find__own_group_full_of_others__one_above),
	    TREE_TEST(test_cgroup_find__controllers_open_already__nobody_moves),
	    TREE_TEST(test_cgroup_find__part_of_the_tree_mounted__path_from_there),
	    TREE_TEST(test_cgroup_find__path_too_long__no_other_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
