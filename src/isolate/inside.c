/* The new process, from its birth to the agent's exec. */
#include "isolate/inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "ipc/packet.h"
#include "isolate/sys.h"

#define OBJECT "isolation"

enum { CHANNEL_FD = 3 };

static enum tobi_err become_root_inside(bool by_root, struct tobi_fault *fault)
{
	/* Only here do the mapped ids exist. An ordinary user's map has no setgroups. */
	if (setgroups(0, NULL) && (by_root || errno != EPERM))
		return fault_errno(fault, OBJECT, "user namespace",
				   "the groups cannot be left");
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return fault_errno(fault, OBJECT, "user namespace", "no user 0 inside");
	/* A change of user takes it away: so only now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fault_errno(fault, OBJECT, "parent death signal", "cannot be set");
	return TOBI_OK;
}

/* Loopback up; every port free for every user inside. */
static enum tobi_err prepare_network(struct tobi_fault *fault)
{
	CLEANUP(fd_close) int ports = -1;
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		return fault_errno(fault, OBJECT, "network namespace",
				   "loopback cannot be started");
	ports =
	    open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
	if (ports < 0 || write(ports, "0", 1) != 1)
		return fault_errno(fault, OBJECT, "network namespace",
				   "low ports cannot be opened");
	return TOBI_OK;
}

static enum tobi_err lower_limit(int resource, rlim_t value, const char *field,
				 struct tobi_fault *fault)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit))
		return fault_errno(fault, OBJECT, field, "cannot be read");
	if (value < limit.rlim_max)
		limit.rlim_max = value;
	limit.rlim_cur = value < limit.rlim_max ? value : limit.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &limit))
		return fault_errno(fault, OBJECT, field, "cannot be set");
	return TOBI_OK;
}

static enum tobi_err set_limits(const struct inside *inside, struct tobi_fault *fault)
{
	const struct manifest *manifest = inside->spec->image->manifest;
	/* The agent's sessions need descriptors too; the program's own limit comes later.
	 */
	const rlim_t agent_files = 2048;
	rlim_t files =
	    manifest->limits.files > agent_files ? manifest->limits.files : agent_files;
	enum tobi_err err = lower_limit(RLIMIT_CORE, 0, "core dumps", fault);

	if (!err)
		err = lower_limit(RLIMIT_NOFILE, files, "open files", fault);
	/* Counted for each user and user namespace: of use where there is no control
	 * group. */
	if (!err && !inside->by_root)
		err = lower_limit(RLIMIT_NPROC, manifest->limits.processes + 1,
				  "processes", fault);
	return err;
}

/* Nothing of the host's session: terminal, keyring, signal dispositions, descriptors. */
static enum tobi_err leave_session(struct tobi_fault *fault)
{
	const long join_session_keyring = 1;
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	if (setsid() < 0)
		return fault_errno(fault, OBJECT, "session", "cannot be left");
	if (syscall(SYS_keyctl, join_session_keyring, NULL) < 0 && errno != ENOSYS)
		return fault_errno(fault, OBJECT, "keyring", "the host's cannot be left");
	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &standard, NULL);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		return fault_errno(fault, OBJECT, "signals", "cannot be unblocked");
	umask(022);
	return TOBI_OK;
}

/* 0-2 are /dev/null, 3 the channel, 4 the agent's file, 5 the fault pipe; 4 and 5 go with
 * the exec. */
static enum tobi_err arrange_descriptors(const struct inside *inside, int *ret_agent,
					 int *ret_fault, struct tobi_fault *fault)
{
	const int floor = 16;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int channel = fcntl(inside->spec->channel_fd, F_DUPFD_CLOEXEC, floor);
	int agent = fcntl(inside->spec->agent_fd, F_DUPFD_CLOEXEC, floor);
	int pipe = fcntl(inside->fault_fd, F_DUPFD_CLOEXEC, floor);

	if (null < 0 || channel < 0 || agent < 0 || pipe < 0)
		return fault_errno(fault, OBJECT, "descriptors", "cannot be arranged");
	for (int fd = 0; fd < CHANNEL_FD; fd++) {
		if (dup2(null, fd) < 0)
			return fault_errno(fault, OBJECT, "descriptors",
					   "cannot be arranged");
	}
	if (dup2(channel, CHANNEL_FD) < 0 || dup3(agent, CHANNEL_FD + 1, O_CLOEXEC) < 0 ||
	    dup3(pipe, CHANNEL_FD + 2, O_CLOEXEC) < 0)
		return fault_errno(fault, OBJECT, "descriptors", "cannot be arranged");
	*ret_agent = CHANNEL_FD + 1;
	*ret_fault = CHANNEL_FD + 2;
	if (syscall(SYS_close_range, CHANNEL_FD + 3, ~0u, 0))
		return fault_errno(fault, OBJECT, "descriptors", "cannot be closed");
	return TOBI_OK;
}

/* Waits for the launcher: ids are mapped, limits hold. The root's mount comes with it. */
static enum tobi_err wait_for_go(const struct inside *inside, int *ret_root,
				 struct tobi_fault *fault)
{
	struct packet go = {0};
	enum tobi_err err = packet_receive(inside->sync_fd, 16, &go, fault);

	if (err)
		return err;
	*ret_root = packet_take_fd(&go, 0);
	packet_done(&go);
	return TOBI_OK;
}

static enum tobi_err prepare(const struct inside *inside, int *ret_agent, int *ret_fault,
			     struct tobi_fault *fault)
{
	CLEANUP(fd_close) int root = -1;
	enum tobi_err err = cgroup_join(inside->group, fault);

	if (!err)
		err = wait_for_go(inside, &root, fault);
	if (!err)
		err = become_root_inside(inside->by_root, fault);
	/* Now that it is in its own control group, and not before. */
	if (!err && unshare(CLONE_NEWCGROUP))
		err = fault_errno(fault, OBJECT, "cgroup namespace", "cannot be made");
	if (!err && sethostname("enclave", strlen("enclave")))
		err =
		    fault_errno(fault, OBJECT, "UTS namespace", "the name cannot be set");
	if (!err)
		err = prepare_network(fault);
	if (!err)
		err = mounts_enter(inside->spec, root, fault);
	if (!err)
		err = leave_session(fault);
	if (!err)
		err = set_limits(inside, fault);
	return err ? err : arrange_descriptors(inside, ret_agent, ret_fault, fault);
}

_Noreturn void inside_run(const struct inside *inside)
{
	char name[] = "tobichi-agent";
	char *arguments[] = {name, NULL};
	char *environment[] = {NULL};
	struct tobi_fault fault = {0};
	int agent = -1, fault_fd = inside->fault_fd;
	enum tobi_err err = prepare(inside, &agent, &fault_fd, &fault);

	if (!err) {
		syscall(SYS_execveat, agent, "", arguments, environment, AT_EMPTY_PATH);
		fault_errno(&fault, "agent", "", "cannot be executed");
	}
	IGNORE(fd_write_all(fault_fd,
			    (struct tobi_bytes){(const uint8_t *)&fault, sizeof(fault)},
			    OBJECT, NULL));
	_exit(1);
}
