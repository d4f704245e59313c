#include "isolate/cgroup.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "tests/unit/isolate/fake_cgroup.h"

static const char *why[CGROUP_COUNT];
static struct cgroup parents, group;

static const struct manifest *small(void)
{
	static struct manifest manifest;

	manifest.limits.memory = UINT64_C(100) << 20;
	manifest.limits.processes = 50;
	manifest.limits.cpu_milli = 1500;
	return &manifest;
}

static void find(void)
{
	cgroup_find(fake_path("proc"), &parents, why);
}

static void make(void)
{
	struct tobi_fault fault = {0};

	find();
	if (cgroup_make(&parents, "tobichi-01234567", small(), &group, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
}

static void test_cgroup_make__version1__limits_written(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	make();
	/* 100 MiB and the agent's 64. */
	tree_expect("fs/memory/user/tobichi-01234567/memory.limit_in_bytes", "171966464");
	tree_expect("fs/memory/user/tobichi-01234567/memory.memsw.limit_in_bytes",
		    "171966464");
	tree_expect("fs/memory/user/tobichi-01234567/memory.swappiness", "0");
	tree_expect("fs/memory/user/tobichi-01234567/memory.max", "max\n");
	tree_expect("fs/pids/tobichi-01234567/pids.max", "51");
	tree_expect("fs/cpu/tobichi-01234567/cpu.cfs_period_us", "100000");
	tree_expect("fs/cpu/tobichi-01234567/cpu.cfs_quota_us", "150000");
}

static void test_cgroup_make__version2__limits_written(void **state)
{
	(void)state;
	fake_version2(NO_SWAP);
	make();
	tree_expect("fs/unified/service/tobichi-01234567/memory.max", "171966464");
	tree_expect("fs/unified/service/tobichi-01234567/memory.swap.max", "0");
	tree_expect("fs/unified/service/tobichi-01234567/memory.swappiness", "60\n");
	tree_expect("fs/unified/service/tobichi-01234567/pids.max", "51");
	tree_expect("fs/unified/service/tobichi-01234567/cpu.max", "150000 100000");
}

/* A group without one of its files is refused, and nothing of it stays. */
static void refused_without(const char *missing, const char *field, const char *text)
{
	struct tobi_fault fault = {0};
	struct cgroup untouched;

	memset(&untouched, 7, sizeof(untouched));
	group = untouched;
	fake_cgroup.missing = missing;
	find();
	assert_int_equal(
	    cgroup_make(&parents, "tobichi-01234567", small(), &group, &fault),
	    TOBI_E_SYSTEM);
	assert_string_equal(fault.field, field);
	if (!strstr(fault.message, text))
		fail_msg("'%s' is not in '%s'", text, fault.message);
	assert_memory_equal(&group, &untouched, sizeof(group));
	assert_int_equal(access("fs/memory/user/tobichi-01234567", F_OK), -1);
	assert_int_equal(access("fs/pids/tobichi-01234567", F_OK), -1);
	assert_int_equal(access("fs/cpu/tobichi-01234567", F_OK), -1);
	assert_int_equal(access("fs/unified/service/tobichi-01234567", F_OK), -1);
}

static void test_cgroup_make__limit_cannot_be_set__error_and_removed(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	refused_without("memory.limit_in_bytes", "memory", "memory.limit_in_bytes");
	refused_without("pids.max", "pids", "cannot set pids.max to 51");
	refused_without("cpu.cfs_period_us", "cpu", "cpu.cfs_period_us");
	refused_without("cpu.cfs_quota_us", "cpu", "cpu.cfs_quota_us");
}

static void test_cgroup_make__limit_of_version2_cannot_be_set__error(void **state)
{
	(void)state;
	fake_version2(NO_SWAP);
	refused_without("memory.max", "memory", "memory.max");
	refused_without("pids.max", "pids", "pids.max");
	refused_without("cpu.max", "cpu", "cannot set cpu.max to 150000 100000");
}

static void
test_cgroup_make__swap_cannot_be_forbidden__error_where_there_is_swap(void **state)
{
	(void)state;
	fake_version2(SWAP);
	refused_without("memory.swap.max", "swap", "turn swap off");
	tree_file("proc/swaps", NO_SWAP);
	fake_cgroup.missing = "memory.swap.max";
	make();
}

static void
test_cgroup_make__swappiness_cannot_be_set__error_where_there_is_swap(void **state)
{
	(void)state;
	fake_version1(SWAP);
	refused_without("memory.swappiness", "swap", "turn swap off");
	tree_file("proc/swaps", NO_SWAP);
	fake_cgroup.missing = "memory.swappiness";
	make();
}

/* In version 1 the process goes in itself; in version 2 it is put in. */
static void test_cgroup_add__version2__process_put_in(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	fake_version2(NO_SWAP);
	make();
	assert_int_equal(cgroup_join(&group, NULL), TOBI_OK);
	tree_expect("fs/unified/service/tobichi-01234567/cgroup.procs", "");
	assert_int_equal(cgroup_add(&group, 4321, NULL), TOBI_OK);
	tree_expect("fs/unified/service/tobichi-01234567/cgroup.procs", "4321");
	assert_int_equal(unlink("fs/unified/service/tobichi-01234567/cgroup.procs"), 0);
	assert_int_equal(cgroup_add(&group, 4321, &fault), TOBI_E_SYSTEM);
	assert_string_equal(fault.field, "memory");
}

static void test_cgroup_join__version1__in_every_group(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	fake_version1(NO_SWAP);
	make();
	tree_file("fs/memory/user/tobichi-01234567/tasks", "");
	tree_file("fs/pids/tobichi-01234567/tasks", "");
	assert_int_equal(cgroup_join(&group, &fault), TOBI_E_SYSTEM);
	assert_string_equal(fault.field, "cpu");
	tree_file("fs/cpu/tobichi-01234567/tasks", "");
	assert_int_equal(cgroup_join(&group, NULL), TOBI_OK);
	tree_expect("fs/memory/user/tobichi-01234567/tasks", "0");
	tree_expect("fs/pids/tobichi-01234567/tasks", "0");
	tree_expect("fs/cpu/tobichi-01234567/tasks", "0");
	assert_int_equal(cgroup_add(&group, 4321, NULL), TOBI_OK);
	tree_expect("fs/memory/user/tobichi-01234567/cgroup.procs", "");
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static bool is_alive(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

static int end(pid_t pid)
{
	int status = 0;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return WTERMSIG(status);
}

static void write_members(const char *path, const char *format, pid_t a, pid_t b)
{
	char text[64];

	snprintf(text, sizeof(text), format, (int)a, (int)b);
	tree_file(path, text);
}

static void test_cgroup_remove__processes__killed_and_gone(void **state)
{
	pid_t one, two;

	(void)state;
	fake_version1(NO_SWAP);
	make();
	one = sleeper();
	two = sleeper();
	write_members("fs/memory/user/tobichi-01234567/cgroup.procs", "%d\n%d\n", one,
		      two);
	write_members("fs/pids/tobichi-01234567/cgroup.procs", "%d\n%d\n", one, two);
	assert_true(cgroup_remove(&group));
	assert_int_equal(end(one), SIGKILL);
	assert_int_equal(end(two), SIGKILL);
	assert_int_equal(access("fs/memory/user/tobichi-01234567", F_OK), -1);
	assert_int_equal(access("fs/pids/tobichi-01234567", F_OK), -1);
	assert_int_equal(access("fs/cpu/tobichi-01234567", F_OK), -1);
	assert_int_equal(access("fs/memory/user", F_OK), 0);
}

static void test_cgroup_remove__version2__killed_by_the_group(void **state)
{
	pid_t one;

	(void)state;
	fake_version2(NO_SWAP);
	make();
	one = sleeper();
	write_members("fs/unified/service/tobichi-01234567/cgroup.procs", "%d\n", one, 0);
	assert_true(cgroup_remove(&group));
	assert_int_equal(end(one), SIGKILL);
	assert_int_equal(access("fs/unified/service/tobichi-01234567", F_OK), -1);
}

static void test_cgroup_remove__gone_already__true(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	make();
	assert_true(cgroup_remove(&group));
	assert_true(cgroup_remove(&group));
}

/* The last number may be the beginning of a longer one: of another process. */
static void test_cgroup_remove__number_cut__that_process_lives(void **state)
{
	pid_t one, two;

	(void)state;
	fake_version1(NO_SWAP);
	make();
	one = sleeper();
	two = sleeper();
	write_members("fs/memory/user/tobichi-01234567/cgroup.procs", "%d\n%d", one, two);
	assert_true(cgroup_remove(&group));
	assert_false(is_alive(one));
	assert_true(is_alive(two));
	assert_int_equal(end(one), SIGKILL);
	assert_int_equal(end(two), SIGTERM);
}

/* More than 16 KiB of them, as a fork bomb leaves. */
static void test_cgroup_remove__very_many_members__only_them(void **state)
{
	char path[] = "fs/memory/user/tobichi-01234567/cgroup.procs";
	pid_t one;
	FILE *file;

	(void)state;
	fake_version1(NO_SWAP);
	make();
	one = sleeper();
	file = fopen(path, "we");
	assert_non_null(file);
	/* Numbers that no process has: over pid_max. */
	for (int i = 0; i < 250; i++)
		fprintf(file, "%d\n", 2000000000 + i);
	fprintf(file, "%d\n", (int)one);
	for (int i = 0; i < 3000; i++)
		fprintf(file, "%d\n", 2000000000 + i);
	fclose(file);
	assert_true(cgroup_remove(&group));
	assert_int_equal(end(one), SIGKILL);
}

static void test_cgroup_remove__process_cannot_die__false(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	make();
	fake_cgroup.stuck = true;
	memset(group.path[CGROUP_PIDS], 0, LIMIT_PATH);
	memset(group.path[CGROUP_CPU], 0, LIMIT_PATH);
	assert_false(cgroup_remove(&group));
	assert_int_equal(access("fs/memory/user/tobichi-01234567", F_OK), 0);
	assert_true(fake_cgroup.removals > 100);
	fake_cgroup.stuck = false;
	assert_true(cgroup_remove(&group));
}

/* The service's own neighbours are in the parents. */
static void test_cgroup_make__fails__nobody_in_the_parents_is_killed(void **state)
{
	pid_t one;

	(void)state;
	fake_version1(NO_SWAP);
	one = sleeper();
	write_members("fs/memory/user/cgroup.procs", "%d\n", one, 0);
	write_members("fs/pids/cgroup.procs", "%d\n", one, 0);
	write_members("fs/cpu/cgroup.procs", "%d\n", one, 0);
	refused_without("memory.limit_in_bytes", "memory", "memory.limit_in_bytes");
	assert_true(is_alive(one));
	assert_int_equal(end(one), SIGTERM);
	assert_int_equal(access("fs/pids/pids.max", F_OK), 0);
}

static void test_cgroup_read__value__or_zero(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	make();
	assert_int_equal(cgroup_read(&group, CGROUP_MEMORY, "usage", "current"), 0);
	tree_file("fs/memory/user/tobichi-01234567/usage", "123456789012\n");
	tree_file("fs/memory/user/tobichi-01234567/current", "7\n");
	assert_true(cgroup_read(&group, CGROUP_MEMORY, "usage", "current") ==
		    UINT64_C(123456789012));
	group.unified[CGROUP_MEMORY] = true;
	assert_int_equal(cgroup_read(&group, CGROUP_MEMORY, "usage", "current"), 7);
	group.path[CGROUP_MEMORY][0] = 0;
	assert_int_equal(cgroup_read(&group, CGROUP_MEMORY, "usage", "current"), 0);
}

static void test_cgroup_ran_out_of_memory__as_counted(void **state)
{
	(void)state;
	fake_version1(NO_SWAP);
	make();
	assert_false(cgroup_ran_out_of_memory(&group));
	tree_file("fs/memory/user/tobichi-01234567/memory.oom_control",
		  "oom_kill_disable 1\nunder_oom 1\noom_kill 0\n");
	assert_false(cgroup_ran_out_of_memory(&group));
	tree_file("fs/memory/user/tobichi-01234567/memory.oom_control",
		  "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	assert_true(cgroup_ran_out_of_memory(&group));
	group.unified[CGROUP_MEMORY] = true;
	assert_false(cgroup_ran_out_of_memory(&group));
	tree_file("fs/memory/user/tobichi-01234567/memory.events",
		  "low 0\nhigh 0\nmax 9\noom 9\noom_kill 1\noom_group_kill 0\n");
	assert_true(cgroup_ran_out_of_memory(&group));
	assert_int_equal(unlink("fs/memory/user/tobichi-01234567/memory.events"), 0);
	assert_false(cgroup_ran_out_of_memory(&group));
	group.path[CGROUP_MEMORY][0] = 0;
	assert_false(cgroup_ran_out_of_memory(&group));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TREE_TEST(test_cgroup_make__version1__limits_written),
	    TREE_TEST(test_cgroup_make__version2__limits_written),
	    TREE_TEST(test_cgroup_make__limit_cannot_be_set__error_and_removed),
	    TREE_TEST(test_cgroup_make__limit_of_version2_cannot_be_set__error),
	    TREE_TEST(
		test_cgroup_make__swap_cannot_be_forbidden__error_where_there_is_swap),
	    TREE_TEST(
		test_cgroup_make__swappiness_cannot_be_set__error_where_there_is_swap),
	    TREE_TEST(test_cgroup_add__version2__process_put_in),
	    TREE_TEST(test_cgroup_join__version1__in_every_group),
	    TREE_TEST(test_cgroup_remove__processes__killed_and_gone),
	    TREE_TEST(test_cgroup_remove__version2__killed_by_the_group),
	    TREE_TEST(test_cgroup_remove__gone_already__true),
	    TREE_TEST(test_cgroup_remove__number_cut__that_process_lives),
	    TREE_TEST(test_cgroup_remove__very_many_members__only_them),
	    TREE_TEST(test_cgroup_remove__process_cannot_die__false),
	    TREE_TEST(test_cgroup_make__fails__nobody_in_the_parents_is_killed),
	    TREE_TEST(test_cgroup_read__value__or_zero),
	    TREE_TEST(test_cgroup_ran_out_of_memory__as_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
