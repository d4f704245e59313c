#include "tests/unit/isolate/fake_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/cleanup.h"

struct fake_cgroup fake_cgroup;

/* The linker's names for the wrapped calls and their originals. */
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);

const char *fake_path(const char *below)
{
	static char path[1024];
	char here[512];

	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(path, sizeof(path), "%s/%s", here, below);
	return path;
}

static bool is_fake(const char *path)
{
	char here[512], folder[600];

	if (!getcwd(here, sizeof(here)))
		return false;
	snprintf(folder, sizeof(folder), "%s/fs/", here);
	return strncmp(path, folder, strlen(folder)) == 0;
}

static void add_line(const char *path, const char *line)
{
	FILE *file = fopen(path, "ae");

	assert_non_null(file);
	fputs(line, file);
	assert_int_equal(fclose(file), 0);
}

static void add_file(const char *folder, const char *name, const char *content)
{
	char path[1200];

	if (fake_cgroup.missing && strcmp(name, fake_cgroup.missing) == 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	tree_file(path, content);
}

static void fill_group(const char *folder, const char *available)
{
	bool version2 = strstr(folder, "/fs/unified") != NULL;

	add_file(folder, "cgroup.procs", "");
	if (version2) {
		add_file(folder, "cgroup.controllers", available);
		add_file(folder, "cgroup.subtree_control", "");
		add_file(folder, "cgroup.kill", "");
	}
	add_file(folder, "pids.max", "max\n");
	add_file(folder, "memory.max", "max\n");
	add_file(folder, "memory.swap.max", "max\n");
	add_file(folder, "memory.events", "low 0\noom 0\noom_kill 0\n");
	add_file(folder, "memory.limit_in_bytes", "9223372036854771712\n");
	add_file(folder, "memory.memsw.limit_in_bytes", "9223372036854771712\n");
	add_file(folder, "memory.swappiness", "60\n");
	add_file(folder, "memory.oom_control",
		 "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n");
	add_file(folder, "cpu.max", "max 100000\n");
	add_file(folder, "cpu.cfs_period_us", "100000\n");
	add_file(folder, "cpu.cfs_quota_us", "-1\n");
}

void fake_proc(const char *swaps)
{
	fake_cgroup = (struct fake_cgroup){0};
	tree_folder("proc");
	tree_folder("proc/self");
	tree_file("proc/self/mountinfo",
		  "22 1 8:1 / / rw,relatime shared:1 - ext4 x rw\n");
	tree_file("proc/self/cgroup", "");
	tree_file("proc/swaps", swaps);
	tree_folder("fs");
}

void fake_hierarchy(const char *name, const char *available, const char *root)
{
	bool version2 = strcmp(name, "unified") == 0;
	char folder[1024], line[2048];

	snprintf(folder, sizeof(folder), "fs/%s", name);
	assert_int_equal(__real_mkdir(folder, 0755), 0);
	fill_group(fake_path(folder), available);
	snprintf(line, sizeof(line),
		 "30 22 0:27 %s %s rw,nosuid shared:9 - %s cgroup rw%s%s\n", root,
		 fake_path(folder), version2 ? "cgroup2" : "cgroup", version2 ? "" : ",",
		 version2 ? "" : available);
	add_line("proc/self/mountinfo", line);
}

void fake_own_group(const char *name, const char *path)
{
	bool version2 = strcmp(name, "unified") == 0;
	char folder[1024], line[1024], available[256] = "";

	snprintf(line, sizeof(line), "%d:%s:%s\n", version2 ? 0 : 4, version2 ? "" : name,
		 path);
	add_line("proc/self/cgroup", line);
	snprintf(folder, sizeof(folder), "fs/%s/cgroup.controllers", name);
	if (version2) {
		FILE *file = fopen(folder, "re");

		assert_non_null(file);
		assert_non_null(fgets(available, sizeof(available), file));
		fclose(file);
	}
	snprintf(folder, sizeof(folder), "fs/%s%s", name, path);
	if (__real_mkdir(folder, 0755) == 0)
		fill_group(fake_path(folder), available);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	int failed = __real_mkdir(path, mode);

	if (!failed && is_fake(path))
		fill_group(path, "");
	return failed;
}

/* A child that has ended has left its group, reaped or not. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT))
		return kill(pid, 0) != 0;
	return info.si_pid == pid;
}

static bool for_members(const char *folder, int signal)
{
	char path[1200], line[64];
	bool alive = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		pid_t pid = (pid_t)atoi(line);

		if (!strchr(line, '\n') || has_ended(pid))
			continue;
		alive = true;
		if (signal)
			kill(pid, signal);
	}
	if (file)
		fclose(file);
	return alive;
}

int __wrap_rmdir(const char *path)
{
	struct dirent *entry;
	DIR *folder;

	if (!is_fake(path))
		return __real_rmdir(path);
	fake_cgroup.removals++;
	folder = opendir(path);
	if (folder && (fake_cgroup.stuck || for_members(path, 0))) {
		closedir(folder);
		errno = EBUSY;
		return -1;
	}
	while (folder && (entry = readdir(folder))) {
		if (entry->d_type == DT_REG)
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	if (folder)
		closedir(folder);
	return __real_rmdir(path);
}

static bool ends_with(const char *path, const char *end)
{
	size_t size = strlen(path), tail = strlen(end);

	return size >= tail && strcmp(path + size - tail, end) == 0;
}

/* A process that moves to a child leaves the parent. */
static void leave_parent(char *folder)
{
	char path[1200];

	*strrchr(folder, '/') = 0;
	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	tree_file(path, "");
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	char link[64], path[1024];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = 0;
	if (!is_fake(path))
		return __real_write(fd, bytes, size);
	if (ends_with(path, "/cgroup.subtree_control")) {
		*strrchr(path, '/') = 0;
		if (for_members(path, 0)) {
			errno = EBUSY;
			return -1;
		}
	} else if (ends_with(path, "/cgroup.kill")) {
		*strrchr(path, '/') = 0;
		for_members(path, SIGKILL);
	} else if (ends_with(path, "/tobichid/cgroup.procs")) {
		length = __real_write(fd, bytes, size);
		*strrchr(path, '/') = 0;
		leave_parent(path);
		return length;
	}
	IGNORE(ftruncate(fd, 0));
	return __real_write(fd, bytes, size);
}

void fake_version1(const char *swaps)
{
	fake_proc(swaps);
	fake_hierarchy("memory", "memory", "/");
	fake_hierarchy("pids", "pids", "/");
	fake_hierarchy("cpu", "cpu,cpuacct", "/");
	fake_own_group("memory", "/user");
	fake_own_group("pids", "/");
	fake_own_group("cpu", "/");
}

void fake_version2(const char *swaps)
{
	fake_proc(swaps);
	fake_hierarchy("unified", "cpuset cpu io memory pids\n", "/");
	fake_own_group("unified", "/service");
}
