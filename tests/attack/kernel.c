/* Parts of the kernel that a program has no business with. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/reboot.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/personality.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"

#define KEY_NAME "tobichi-attack"

enum { SESSION = KEY_SPEC_SESSION_KEYRING };

/* Puts a secret into a new session keyring, then runs the rest: keyring-hold SECRET
 * COMMAND. */
static enum outcome hold_key(char **arguments)
{
	const char *secret = need(arguments, 0);

	need(arguments, 1);
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", KEY_NAME, secret, strlen(secret), SESSION) < 0)
		perror("no key");
	execvp(arguments[1], arguments + 1);
	perror(arguments[1]);
	return ABSENT;
}

static enum outcome read_key(char **arguments)
{
	char bytes[64] = "";
	long key = syscall(SYS_keyctl, KEYCTL_SEARCH, SESSION, "user", KEY_NAME, 0);

	(void)arguments;
	if (key < 0)
		return refused("keyctl search of the session keyring");
	if (syscall(SYS_keyctl, KEYCTL_READ, key, bytes, sizeof(bytes) - 1) < 0)
		return refused("keyctl read");
	return worked("the session's key: %s", bytes);
}

static enum outcome request_a_key(char **arguments)
{
	(void)arguments;
	if (syscall(SYS_request_key, "user", KEY_NAME, NULL, 0) < 0)
		return refused("request_key");
	return worked("the session's key");
}

static enum outcome add_a_key(char **arguments)
{
	(void)arguments;
	if (syscall(SYS_add_key, "user", "tobichi-other", "x", 1,
		    KEY_SPEC_PROCESS_KEYRING) < 0)
		return refused("add_key");
	return worked("a key of its own in the kernel");
}

static enum outcome start_ring(char **arguments)
{
	struct io_uring_params parameters = {0};

	(void)arguments;
	if (syscall(SYS_io_uring_setup, 4, &parameters) < 0)
		return refused("io_uring_setup");
	return worked("a ring, whose calls no filter sees");
}

static enum outcome handle_faults(char **arguments)
{
	(void)arguments;
	if (syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY) < 0)
		return refused("userfaultfd");
	return worked("it can stop the kernel in a copy");
}

static enum outcome make_map(char **arguments)
{
	union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY,
			      .key_size = 4,
			      .value_size = 8,
			      .max_entries = 1};

	(void)arguments;
	if (syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof(map)) < 0)
		return refused("bpf");
	return worked("a map for a program in the kernel");
}

static enum outcome load_kernel(char **arguments)
{
	(void)arguments;
	if (syscall(SYS_kexec_load, 0, 0, NULL, 0))
		return errno == ENOSYS
			   ? absent("the kernel has no kexec_load, or a filter "
				    "says so")
			   : refused("kexec_load");
	return worked("another kernel could be loaded");
}

/* What is not a module is refused only by who may load one. */
static enum outcome load_module(char **arguments)
{
	(void)arguments;
	syscall(SYS_init_module, "", 0, "");
	if (errno == ENOSYS)
		return absent("the kernel takes no modules, or a filter says so");
	return errno == ENOEXEC || errno == EINVAL
		   ? worked("the kernel looks at a module")
		   : refused("init_module");
}

static enum outcome be_somebody_else(char **arguments)
{
	(void)arguments;
	if (personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC) < 0)
		return refused("personality");
	return worked("memory that is read can be executed, at known places");
}

/* What is not a block device or a swap area is refused only after who may ask. */
static enum outcome set_quota(char **arguments)
{
	(void)arguments;
	if (syscall(SYS_quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL) &&
	    errno != ESRCH)
		return refused("quotactl");
	return worked("the kernel's quotas answer");
}

static enum outcome stop_swapping(char **arguments)
{
	(void)arguments;
	if (swapoff("/dev/null") && errno == EINVAL)
		return worked("the kernel looks for the swap area");
	return refused("swapoff");
}

/* Whether Ctrl-Alt-Del restarts: as it is, so that nothing changes. */
static enum outcome restart(char **arguments)
{
	(void)arguments;
	if (syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		    LINUX_REBOOT_CMD_CAD_ON, NULL))
		return refused("reboot");
	return worked("the kernel would restart the host");
}

static enum outcome set_clock(char **arguments)
{
	struct timespec now;

	(void)arguments;
	clock_gettime(CLOCK_REALTIME, &now);
	if (clock_settime(CLOCK_REALTIME, &now))
		return refused("clock_settime");
	return worked("the host's clock is set");
}

static enum outcome read_log(char **arguments)
{
	const int size_of_buffer = 10, read_all = 3;
	static char text[1 << 16];
	long size = syscall(SYS_syslog, read_all, text, sizeof(text));

	(void)arguments;
	if (size < 0 && errno != EPERM &&
	    syscall(SYS_syslog, size_of_buffer, NULL, 0) < 0)
		return refused("syslog");
	return size < 0 ? refused("syslog")
			: worked("%ld bytes of the kernel's log", size);
}

static enum outcome watch_files(char **arguments)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);

	(void)arguments;
	if (fd < 0)
		return refused("fanotify_init");
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "/"))
		return refused("fanotify_mark");
	return worked("it sees who opens which file");
}

struct handle {
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static enum outcome name_handle(char **arguments)
{
	struct handle handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	if (name_to_handle_at(AT_FDCWD, need(arguments, 0), &handle.head, &mount, 0))
		return refused("name_to_handle_at");
	return worked("a handle that is good without a path");
}

/* By its number and without its path: the way out of a container that has the right. */
static enum outcome open_handle(char **arguments)
{
	struct handle handle = {.head.handle_bytes = 8, .head.handle_type = 1};
	const unsigned root_inode = 2;
	int mount = open(need(arguments, 0), O_RDONLY | O_CLOEXEC), fd;

	memcpy(handle.bytes, &root_inode, sizeof(root_inode));
	if (mount < 0)
		return refused("open");
	fd = open_by_handle_at(mount, &handle.head, O_RDONLY | O_CLOEXEC);
	/* A file system that has no such number says so to those who may ask. */
	if (fd < 0 && errno != ESTALE && errno != EOPNOTSUPP)
		return refused("open_by_handle_at");
	return worked(fd < 0 ? "the file system looks for the number"
			     : "the root folder of the disk");
}

static enum outcome account(char **arguments)
{
	(void)arguments;
	if (acct(NULL))
		return refused("acct");
	return worked("the host's accounting is off");
}

/* The other table of calls, which a filter for one architecture would not see. */
static enum outcome other_table(char **arguments)
{
	(void)arguments;
#ifdef __x86_64__
	long pid;
	const long getpid_of_i386 = 20;

	__asm__ volatile("int $0x80" : "=a"(pid) : "a"(getpid_of_i386) : "memory");
	if (pid != (long)getpid())
		return refused_because("the old table does not answer");
	return worked("the calls of another architecture");
#else
	return absent("this architecture has one table");
#endif
}

/* To take the filter off, or to weaken it by a second one. */
static enum outcome set_ports(char **arguments)
{
	(void)arguments;
#ifdef __x86_64__
	if (syscall(SYS_iopl, 3))
		return refused("iopl");
	return worked("the machine's ports");
#else
	return absent("this architecture has no ports");
#endif
}

const struct attack kernel_attacks[] = {{"keyring-hold", hold_key},
					{"keyring", read_key},
					{"request-key", request_a_key},
					{"add-key", add_a_key},
					{"io-uring", start_ring},
					{"userfaultfd", handle_faults},
					{"bpf", make_map},
					{"kexec", load_kernel},
					{"module", load_module},
					{"personality", be_somebody_else},
					{"quotactl", set_quota},
					{"swapoff", stop_swapping},
					{"reboot", restart},
					{"clock", set_clock},
					{"syslog", read_log},
					{"fanotify", watch_files},
					{"name-handle", name_handle},
					{"open-handle", open_handle},
					{"acct", account},
					{"int80", other_table},
					{"ports", set_ports},
					{NULL, NULL}};
