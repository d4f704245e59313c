/* The launcher's side of a start. */
#include "isolate/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "ipc/packet.h"
#include "isolate/inside.h"
#include "isolate/slot.h"
#include "isolate/sys.h"
#include "token/soft_token.h"

#define OBJECT "isolation"

enum {
	SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	START_TIMEOUT_MS = 20000,
};

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

/* It becomes a part of paths. */
static bool is_id(const char *id)
{
	return strlen(id) == 8 && strspn(id, "0123456789abcdef") == 8;
}

static enum tobi_err check_spec(const struct isolate_spec *spec, struct tobi_fault *fault)
{
	/* Without seals what was measured could be changed before it is used. */
	if (!is_sealed(spec->image_fd))
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "image",
				 "it is not in sealed memory");
	if (!is_sealed(spec->agent_fd))
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "agent",
				 "it is not in sealed memory");
	if (!is_id(spec->id))
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "id", "not allowed");
	if (spec->run_folder[0] != '/' || strlen(spec->run_folder) > LIMIT_PATH / 2)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "run folder",
				 "not allowed");
	return TOBI_OK;
}

static enum tobi_err write_proc(pid_t pid, const char *name, const char *text,
				struct tobi_fault *fault)
{
	char path[64];
	CLEANUP(fd_close) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return fault_errno(fault, OBJECT, "user namespace", "%s cannot be set",
				   name);
	return TOBI_OK;
}

static enum tobi_err map_users(struct isolate *isolate, bool by_root,
			       struct tobi_fault *fault)
{
	pid_t pid = isolate->pid;
	char users[48], groups[48];
	enum tobi_err err = TOBI_OK;
	unsigned slot;

	if (by_root) {
		err = slot_take(SLOT_FILE, &slot, &isolate->cleanup->slot_fd, fault);
		if (err)
			return err;
		snprintf(users, sizeof(users), "0 %u %d",
			 SLOT_FIRST_USER_ID + slot * SLOT_USER_IDS, SLOT_USER_IDS);
		snprintf(groups, sizeof(groups), "%s", users);
	} else {
		snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
		snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
		err = write_proc(pid, "setgroups", "deny", fault);
	}
	if (!err)
		err = write_proc(pid, "uid_map", users, fault);
	return err ? err : write_proc(pid, "gid_map", groups, fault);
}

/* A free loop device over the image; the kernel frees it with its last user. */
static int open_loop(const struct isolate_spec *spec)
{
	const int tries = 64;
	CLEANUP(fd_close) int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {
	    .fd = (unsigned)spec->image_fd,
	    .block_size = 4096,
	    .info = {.lo_offset = spec->image->root_offset,
		     .lo_sizelimit = spec->image->root_size,
		     .lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR},
	};

	for (int n = 0; n < tries && control >= 0; n++) {
		CLEANUP(fd_close) int loop = -1;
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		char path[LIMIT_PATH];

		if (number < 0)
			return -1;
		snprintf(path, sizeof(path), "/dev/loop%d", number);
		loop = open(path, O_RDONLY | O_CLOEXEC);
		if (loop < 0 && errno == ENOENT) {
			/* A /dev that the kernel does not fill. */
			snprintf(path, sizeof(path), "%s/loop-%s", spec->run_folder,
				 spec->id);
			IGNORE(mknod(path, S_IFBLK | 0600,
				     makedev(LOOP_MAJOR, (unsigned)number)));
			loop = open(path, O_RDONLY | O_CLOEXEC);
			unlink(path);
		}
		/* Somebody else may have been faster: EBUSY, and the next free one. */
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
			int taken = loop;

			loop = -1;
			return taken;
		}
		if (errno != EBUSY && errno != ENXIO)
			return -1;
	}
	return -1;
}

static int fs_context(int loop)
{
	char source[64];
	int context = (int)syscall(SYS_fsopen, "erofs", FSOPEN_CLOEXEC);

	snprintf(source, sizeof(source), "/proc/self/fd/%d", loop);
	if (context >= 0 &&
	    (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0) ||
	     syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "ro", NULL, 0) ||
	     syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)))
		fd_close(&context);
	return context;
}

/* The image's file system as a detached mount whose user ids are the enclave's, or -1
 * and why this host cannot do that: then the enclave unpacks it. */
static int mount_root(const struct isolate_spec *spec, pid_t pid, const char **ret_why)
{
	const unsigned flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	CLEANUP(fd_close) int loop = open_loop(spec);
	CLEANUP(fd_close) int context = loop >= 0 ? fs_context(loop) : -1;
	CLEANUP(fd_close) int users = -1;
	CLEANUP(fd_close) int root = -1;
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP};
	char path[64];
	int taken;

	*ret_why =
	    loop < 0 ? "there is no loop device here" : "the kernel does not mount EROFS";
	if (context < 0)
		return -1;
	root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, flags);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	users = open(path, O_RDONLY | O_CLOEXEC);
	if (root < 0 || users < 0)
		return -1;
	*ret_why = "the kernel does not map the users of an EROFS mount";
	attributes.userns_fd = (uint64_t)(unsigned)users;
	if (syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &attributes,
		    sizeof(attributes)))
		return -1;
	*ret_why = NULL;
	taken = root;
	root = -1;
	return taken;
}

/* Written before anything is made, so that a sweep finds whatever a crash leaves. */
static enum tobi_err write_state(const struct isolate_spec *spec,
				 const struct cgroup *parents,
				 struct isolate_cleanup *cleanup,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(4UL * LIMIT_PATH);
	CLEANUP(fd_close) int fd = -1;
	char folder[LIMIT_PATH];

	snprintf(folder, sizeof(folder), "%s/" ISOLATE_STATE_FOLDER, spec->run_folder);
	if (mkdir(folder, 0700) && errno != EEXIST)
		return fault_errno(fault, OBJECT, "run folder", "cannot make %s", folder);
	snprintf(cleanup->state, sizeof(cleanup->state), "%s/" ISOLATE_STATE_FOLDER "/%s",
		 spec->run_folder, spec->id);
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (parents->path[i][0])
			wr_printf(&text, "%s/tobichi-%s\n", parents->path[i], spec->id);
	}
	/* Of use until the host's next start only: not worth the wait for a disk. */
	fd = open(cleanup->state, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_errno(fault, OBJECT, "run folder", "cannot make %s",
				   cleanup->state);
	return fd_write_all(fd, wr_view(&text), OBJECT, fault);
}

static enum tobi_err make_limits(const struct isolate_spec *spec, bool by_root,
				 struct isolate_cleanup *cleanup, uint64_t *protections,
				 struct tobi_fault *fault)
{
	static const uint64_t bits[CGROUP_COUNT] = {SOFT_LIMIT_MEMORY,
						    SOFT_LIMIT_PROCESSES, SOFT_LIMIT_CPU};
	static const char *const what[CGROUP_COUNT] = {"memory", "processes", "CPU"};
	struct cgroup parents = {0};
	const char *why[CGROUP_COUNT] = {NULL};
	char name[32];
	enum tobi_err err;

	cgroup_find("/proc", &parents, why);
	for (size_t i = 0; i < CGROUP_COUNT; i++) {
		if (parents.path[i][0])
			*protections |= bits[i];
		else if (by_root)
			return fault_set(fault, TOBI_E_SYSTEM, OBJECT, what[i],
					 "no limit can be set: %s", why[i]);
	}
	err = write_state(spec, &parents, cleanup, fault);
	snprintf(name, sizeof(name), "tobichi-%s", spec->id);
	return err ? err
		   : cgroup_make(&parents, name, spec->image->manifest, &cleanup->group,
				 fault);
}

/* Ends well when the agent's exec closes the pipe. */
static enum tobi_err wait_for_exec(int fault_fd, struct tobi_fault *fault)
{
	struct tobi_fault told = {0};
	struct pollfd wait = {.fd = fault_fd, .events = POLLIN};
	ssize_t got;
	int ready;

	do {
		ready = poll(&wait, 1, START_TIMEOUT_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return fault_set(fault, TOBI_E_TIMEOUT, OBJECT, "",
				 "the start took too long");
	do {
		got = read(fault_fd, &told, sizeof(told));
	} while (got < 0 && errno == EINTR);
	if (got == 0)
		return TOBI_OK;
	if (got != (ssize_t)sizeof(told) || told.code == TOBI_OK)
		return fault_set(fault, TOBI_E_SYSTEM, OBJECT, "",
				 "the start was broken off");
	if (fault)
		*fault = told;
	return told.code;
}

static enum tobi_err finish_start(const struct isolate_spec *spec, bool by_root,
				  int sync_fd, int fault_fd, struct isolate *isolate,
				  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int root = -1;
	enum tobi_err err = map_users(isolate, by_root, fault);

	if (!err)
		err = cgroup_add(&isolate->cleanup->group, isolate->pid, fault);
	isolate->unpacked = "only root can mount it";
	if (!err && by_root)
		root = mount_root(spec, isolate->pid, &isolate->unpacked);
	if (!err)
		err = packet_send(sync_fd, (struct tobi_bytes){(const uint8_t *)"go", 2},
				  &root, root >= 0 ? 1 : 0, fault);
	return err ? err : wait_for_exec(fault_fd, fault);
}

static enum tobi_err start(const struct isolate_spec *spec, bool by_root,
			   struct isolate *isolate, struct tobi_fault *fault)
{
	int sync[2] = {-1, -1}, pipes[2] = {-1, -1};
	struct clone_args args = {
	    .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
		     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD,
	    .exit_signal = SIGCHLD,
	    .pidfd = (uint64_t)(uintptr_t)&isolate->pidfd,
	};
	enum tobi_err err = TOBI_OK;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) ||
	    pipe2(pipes, O_CLOEXEC))
		err = fault_errno(fault, OBJECT, "", "no descriptors");
	if (!err) {
		isolate->pid = sys_clone3(&args);
		if (isolate->pid == 0) {
			struct inside inside = {spec, sync[1], pipes[1], by_root,
						&isolate->cleanup->group};

			close(sync[0]);
			close(pipes[0]);
			inside_run(&inside);
		}
		if (isolate->pid < 0)
			err = fault_errno(fault, OBJECT, "namespaces",
					  "cannot be made; an ordinary user needs "
					  "kernel.unprivileged_userns_clone=1");
	}
	fd_close(&sync[1]);
	fd_close(&pipes[1]);
	if (!err)
		err = finish_start(spec, by_root, sync[0], pipes[0], isolate, fault);
	fd_close(&sync[0]);
	fd_close(&pipes[0]);
	return err;
}

enum tobi_err isolate_start(const struct isolate_spec *spec, struct isolate *ret_isolate,
			    struct tobi_fault *fault)
{
	const uint64_t always = SOFT_NS_USER | SOFT_NS_PID | SOFT_NS_MOUNT | SOFT_NS_NET |
				SOFT_NS_IPC | SOFT_NS_UTS | SOFT_NS_CGROUP |
				SOFT_READ_ONLY_ROOT;
	struct isolate isolate = {.pid = -1, .pidfd = -1, .protections = always};
	bool by_root = geteuid() == 0;
	enum tobi_err err = check_spec(spec, fault);

	if (err)
		return err;
	isolate.cleanup = calloc(1, sizeof(*isolate.cleanup));
	if (!isolate.cleanup)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	isolate.cleanup->slot_fd = -1;
	err = make_limits(spec, by_root, isolate.cleanup, &isolate.protections, fault);
	if (!err)
		err = start(spec, by_root, &isolate, fault);
	if (err) {
		if (isolate.pid > 0) {
			kill(isolate.pid, SIGKILL);
			while (waitpid(isolate.pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		isolate_end(&isolate);
		return err;
	}
	*ret_isolate = isolate;
	return TOBI_OK;
}
