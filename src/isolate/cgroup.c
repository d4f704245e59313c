#include "isolate/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

static const char *const controllers[CGROUP_COUNT] = {"memory", "pids", "cpu"};

struct path {
	char text[LIMIT_PATH + 128];
};

static struct path in_folder(const char *folder, const char *name)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "%s/%s", folder, name);
	return path;
}

/* What the kernel shows here is short; a longer file is cut, which loses nothing we ask.
 */
static bool read_text(const char *path, char *out, size_t room)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;

	while (fd >= 0 && size + 1 < room) {
		ssize_t got = read(fd, out + size, room - 1 - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	out[size] = 0;
	return fd >= 0;
}

static bool write_text(const char *path, const char *text)
{
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Is word one of the words of list, which are separated by one of the separators? */
static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t size = strlen(word);

	while (*list) {
		size_t length = strcspn(list, separators);

		if (length == size && strncmp(list, word, size) == 0)
			return true;
		list += length + (list[length] != 0);
	}
	return false;
}

/* This process's group for a controller ("" for version 2), from /proc/self/cgroup. */
static bool own_group(const char *text, const char *controller, char *out, size_t room)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		char line[LIMIT_PATH], *names, *path;

		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		text += length + (text[length] != 0);
		names = strchr(line, ':');
		path = names ? strchr(names + 1, ':') : NULL;
		if (!path)
			continue;
		*path = 0;
		if (controller[0] ? has_word(names + 1, controller, ",")
				  : names[1] == 0) {
			snprintf(out, room, "%s",
				 strcmp(path + 1, "/") == 0 ? "" : path + 1);
			return true;
		}
	}
	return false;
}

struct mount_point {
	char root[256], point[512], type[32], options[512];
};

/* One line of /proc/self/mountinfo; see proc(5). */
static bool parse_mount(const char *line, struct mount_point *ret_mount)
{
	const char *dash = strstr(line, " - ");

	return dash &&
	       sscanf(line, "%*d %*d %*s %255s %511s", ret_mount->root,
		      ret_mount->point) == 2 &&
	       sscanf(dash, " - %31s %*s %511s", ret_mount->type, ret_mount->options) ==
		   2;
}

/* The process's group, as a folder: its path is told from the hierarchy's root, of which
 * a container has only a part mounted. What is outside of that part is its root. */
static bool group_folder(const struct mount_point *mount, const char *own, char *out,
			 size_t room)
{
	size_t size = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
	bool below = strncmp(own, mount->root, size) == 0 &&
		     (own[size] == '/' || own[size] == 0) &&
		     strncmp(own, "/..", strlen("/..")) != 0;

	/* A path that was cut would be another group's. */
	return snprintf(out, room, "%s%s", mount->point, below ? own + size : "") <
	       (int)room;
}

static bool lists(const char *folder, const char *name, const char *word)
{
	char text[512];

	return read_text(in_folder(folder, name).text, text, sizeof(text)) &&
	       has_word(text, word, " \n");
}

/* Limited children can be made here: the controller is, or can be, handed down, and this
 * process may move others from here into them. */
static bool is_usable(const char *folder, const char *controller)
{
	const char *control = "cgroup.subtree_control";
	char request[32];

	if (access(folder, W_OK) || access(in_folder(folder, "cgroup.procs").text, W_OK))
		return false;
	snprintf(request, sizeof(request), "+%s", controller);
	return lists(folder, control, controller) ||
	       write_text(in_folder(folder, control).text, request);
}

/* A group has processes or limited children, not both: this process moves into a child
 * when it is the only one, as under systemd. */
static bool step_aside(const char *folder)
{
	struct path own = in_folder(folder, CGROUP_ASIDE);
	char text[64], pid[32];

	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	return read_text(in_folder(folder, "cgroup.procs").text, text, sizeof(text)) &&
	       strcmp(text, pid) == 0 &&
	       (mkdir(own.text, 0755) == 0 || errno == EEXIST) &&
	       write_text(in_folder(own.text, "cgroup.procs").text, pid);
}

/*
 * Version 2: the nearest group at or above this process's own, not above top, in which
 * enclaves can be made. A login session's own group is full of other processes.
 */
static bool find_unified(char *folder, size_t top, const char *controller)
{
	char *last = strrchr(folder, '/');

	if (last && last >= folder + top && strcmp(last + 1, CGROUP_ASIDE) == 0)
		*last = 0;
	if (is_usable(folder, controller) ||
	    (step_aside(folder) && is_usable(folder, controller)))
		return true;
	while ((last = strrchr(folder, '/')) && last >= folder + top && last > folder) {
		*last = 0;
		if (is_usable(folder, controller))
			return true;
	}
	return false;
}

/* Is this the hierarchy of the controller, and this process's group in it? */
static bool own_folder(const struct mount_point *mount, const char *controller,
		       const char *groups, char *out, size_t room)
{
	char own[512];

	if (strcmp(mount->type, "cgroup2") == 0)
		return own_group(groups, "", own, sizeof(own)) &&
		       group_folder(mount, own, out, room) &&
		       lists(out, "cgroup.controllers", controller);
	return strcmp(mount->type, "cgroup") == 0 &&
	       has_word(mount->options, controller, ",") &&
	       own_group(groups, controller, own, sizeof(own)) &&
	       group_folder(mount, own, out, room);
}

static void take_parent(struct cgroup *parents, const char *why[CGROUP_COUNT],
			const struct mount_point *mount, const char *groups)
{
	bool version2 = strcmp(mount->type, "cgroup2") == 0;
	char folder[512];

	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (parents->path[i][0] ||
		    !own_folder(mount, controllers[i], groups, folder, sizeof(folder)))
			continue;
		why[i] = "the host has not delegated a control group to you";
		if (version2 ? !find_unified(folder, strlen(mount->point), controllers[i])
			     : access(folder, W_OK) != 0)
			continue;
		why[i] = NULL;
		snprintf(parents->path[i], sizeof(parents->path[i]), "%s", folder);
		parents->unified[i] = version2;
	}
}

/* A head and a line for each swap. What cannot be read counts as swap. */
static bool host_swaps(const char *proc)
{
	char text[4096];
	const char *line;

	if (!read_text(in_folder(proc, "swaps").text, text, sizeof(text)))
		return access(in_folder(proc, "swaps").text, F_OK) == 0;
	line = strchr(text, '\n');
	return line && line[1];
}

void cgroup_find(const char *proc, struct cgroup *ret_parents,
		 const char *ret_why[CGROUP_COUNT])
{
	struct cgroup parents = {.host_swaps = host_swaps(proc)};
	char groups[8192], line[4096];
	FILE *mounts;

	for (size_t i = 0; i < CGROUP_COUNT; i++)
		ret_why[i] = "the host has no such control group";
	read_text(in_folder(proc, "self/cgroup").text, groups, sizeof(groups));
	mounts = fopen(in_folder(proc, "self/mountinfo").text, "re");
	while (mounts && fgets(line, sizeof(line), mounts)) {
		struct mount_point mount;

		if (parse_mount(line, &mount))
			take_parent(&parents, ret_why, &mount, groups);
	}
	if (mounts)
		fclose(mounts);
	*ret_parents = parents;
}

static enum tobi_err set_limit(const struct cgroup *group,
			       enum cgroup_controller controller, const char *version1,
			       const char *version2, bool required,
			       struct tobi_fault *fault, const char *format, ...)
    TOBI_PRINTF(7, 8);

static enum tobi_err set_limit(const struct cgroup *group,
			       enum cgroup_controller controller, const char *version1,
			       const char *version2, bool required,
			       struct tobi_fault *fault, const char *format, ...)
{
	const char *name = group->unified[controller] ? version2 : version1;
	struct path path = in_folder(group->path[controller], name);
	char text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!required && access(path.text, F_OK))
		return TOBI_OK;
	if (!write_text(path.text, text))
		return fault_errno(fault, "isolation", controllers[controller],
				   "cannot set %s to %s", name, text);
	return TOBI_OK;
}

static enum tobi_err set_limits(const struct cgroup *group,
				enum cgroup_controller controller,
				const struct manifest *manifest, struct tobi_fault *fault)
{
	const uint64_t period_us = 100000;
	uint64_t memory = manifest->limits.memory + CGROUP_AGENT_MEMORY;
	uint64_t quota_us = manifest->limits.cpu_milli * period_us / 1000;
	enum tobi_err err;

	switch (controller) {
	case CGROUP_MEMORY:
		err = set_limit(group, controller, "memory.limit_in_bytes", "memory.max",
				true, fault, "%" PRIu64, memory);
		/* No swap: it is a disk, on which secrets would stay. */
		if (!err) {
			err = set_limit(group, controller, "memory.swappiness",
					"memory.swap.max", group->host_swaps, fault, "0");
			if (err)
				return fault_set(fault, err, "isolation", "swap",
						 "this host swaps, and that cannot be "
						 "forbidden here; turn swap off");
		}
		/* And in version 1 the sum has a limit of its own. */
		if (!err && !group->unified[controller])
			err = set_limit(group, controller, "memory.memsw.limit_in_bytes",
					"", false, fault, "%" PRIu64, memory);
		return err;
	case CGROUP_PIDS:
		/* One more, for the agent. */
		return set_limit(group, controller, "pids.max", "pids.max", true, fault,
				 "%" PRIu64, manifest->limits.processes + 1);
	case CGROUP_CPU:
		if (group->unified[controller])
			return set_limit(group, controller, "", "cpu.max", true, fault,
					 "%" PRIu64 " %" PRIu64, quota_us, period_us);
		err = set_limit(group, controller, "cpu.cfs_period_us", "", true, fault,
				"%" PRIu64, period_us);
		return err ? err
			   : set_limit(group, controller, "cpu.cfs_quota_us", "", true,
				       fault, "%" PRIu64, quota_us);
	default:
		return TOBI_OK;
	}
}

enum tobi_err cgroup_make(const struct cgroup *parents, const char *name,
			  const struct manifest *manifest, struct cgroup *ret_group,
			  struct tobi_fault *fault)
{
	/* Never a parent's path: what is in this is removed after an error. */
	struct cgroup group = {.host_swaps = parents->host_swaps};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < CGROUP_COUNT && !err; i++) {
		if (!parents->path[i][0])
			continue;
		group.unified[i] = parents->unified[i];
		snprintf(group.path[i], sizeof(group.path[i]), "%s",
			 in_folder(parents->path[i], name).text);
		if (mkdir(group.path[i], 0755) && errno != EEXIST)
			err = fault_errno(fault, "isolation", controllers[i],
					  "cannot make the group %s", name);
		if (!err)
			err = set_limits(&group, (enum cgroup_controller)i, manifest,
					 fault);
	}
	if (err) {
		IGNORE(cgroup_remove(&group));
		return err;
	}
	*ret_group = group;
	return TOBI_OK;
}

enum tobi_err cgroup_add(const struct cgroup *group, pid_t pid, struct tobi_fault *fault)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", (int)pid);
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (group->path[i][0] && group->unified[i] &&
		    !write_text(in_folder(group->path[i], "cgroup.procs").text, text))
			return fault_errno(fault, "isolation", controllers[i],
					   "the enclave cannot be put in its group");
	}
	return TOBI_OK;
}

enum tobi_err cgroup_join(const struct cgroup *group, struct tobi_fault *fault)
{
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (group->path[i][0] && !group->unified[i] &&
		    !write_text(in_folder(group->path[i], "tasks").text, "0"))
			return fault_errno(fault, "isolation", controllers[i],
					   "the enclave cannot go into its group");
	}
	return TOBI_OK;
}

enum { MEMBERS = 256 };

/* Some of the processes in a group. Only whole lines: half a number is another process.
 */
static size_t read_members(const char *folder, pid_t list[MEMBERS])
{
	FILE *file = fopen(in_folder(folder, "cgroup.procs").text, "re");
	char line[32], *end;
	size_t count = 0;

	while (file && count < MEMBERS && fgets(line, sizeof(line), file)) {
		long pid = strtol(line, &end, 10);

		if (end == line || *end != '\n')
			break;
		if (pid > 1 && pid <= INT32_MAX)
			list[count++] = (pid_t)pid;
	}
	if (file)
		fclose(file);
	return count;
}

static bool is_member(const char *folder, pid_t pid)
{
	pid_t list[MEMBERS];
	size_t count = read_members(folder, list);

	while (count > 0 && list[count - 1] != pid)
		count--;
	return count > 0;
}

static void kill_members(const char *folder)
{
	pid_t list[MEMBERS];
	size_t count;

	if (write_text(in_folder(folder, "cgroup.kill").text, "1"))
		return; /* version 2, since Linux 5.14 */
	count = read_members(folder, list);
	for (size_t i = 0; i < count; i++) {
		CLEANUP(fd_close) int pidfd = (int)syscall(SYS_pidfd_open, list[i], 0);

		/* It may have ended, and the number be somebody else's: what is held
		 * now and is in the group now is the one that is meant. */
		if (pidfd >= 0 && is_member(folder, list[i]))
			syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	}
}

bool cgroup_remove(const struct cgroup *group)
{
	const useconds_t wait_us = 2000;
	const int tries = 500;
	bool gone = true;

	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		int left = tries;
		int failed;

		if (!group->path[i][0])
			continue;
		/* A killed process leaves its group a little later. Whatever else is in
		 * the way is tried again a few times only. */
		while ((failed = rmdir(group->path[i])) && errno != ENOENT && left > 0) {
			left -= errno == EBUSY ? 1 : tries / 4;
			kill_members(group->path[i]);
			usleep(wait_us);
		}
		gone = gone && (!failed || errno == ENOENT);
	}
	return gone;
}

uint64_t cgroup_read(const struct cgroup *group, enum cgroup_controller controller,
		     const char *version1, const char *version2)
{
	char text[64];

	if (!group->path[controller][0] ||
	    !read_text(in_folder(group->path[controller],
				 group->unified[controller] ? version2 : version1)
			   .text,
		       text, sizeof(text)))
		return 0;
	return strtoull(text, NULL, 10);
}

bool cgroup_ran_out_of_memory(const struct cgroup *group)
{
	const char *name =
	    group->unified[CGROUP_MEMORY] ? "memory.events" : "memory.oom_control";
	char text[512];
	const char *at;

	if (!group->path[CGROUP_MEMORY][0] ||
	    !read_text(in_folder(group->path[CGROUP_MEMORY], name).text, text,
		       sizeof(text)))
		return false;
	at = strstr(text, "oom_kill ");
	return at && strtoull(at + 9, NULL, 10) > 0;
}
