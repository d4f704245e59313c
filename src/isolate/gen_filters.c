/*
 * Runs at build time: prints the seccomp filters as C arrays, made by libseccomp, so that
 * nothing at run time depends on it.
 *
 * Allowed is what ordinary programs need (servers, interpreters, JIT runtimes). What is
 * known to be dangerous gets EPERM; the rest gets ENOSYS, so that a C library newer than
 * this list takes its older way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Names that an architecture lacks are skipped. */
static const char *const allowed[] = {
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "open",
    "openat",
    "openat2",
    "close",
    "close_range",
    "creat",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "statx",
    "statfs",
    "fstatfs",
    "access",
    "faccessat",
    "faccessat2",
    "lseek",
    "dup",
    "dup2",
    "dup3",
    "pipe",
    "pipe2",
    "fcntl",
    "flock",
    "fsync",
    "fdatasync",
    "sync",
    "syncfs",
    "sync_file_range",
    "truncate",
    "ftruncate",
    "fallocate",
    "fadvise64",
    "readahead",
    "getdents",
    "getdents64",
    "getcwd",
    "chdir",
    "fchdir",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "symlink",
    "symlinkat",
    "readlink",
    "readlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "umask",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "mknod",
    "mknodat",
    "getxattr",
    "lgetxattr",
    "fgetxattr",
    "listxattr",
    "llistxattr",
    "flistxattr",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "copy_file_range",
    "sendfile",
    "splice",
    "tee",
    "vmsplice",
    "select",
    "pselect6",
    "poll",
    "ppoll",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd",
    "eventfd2",
    "signalfd",
    "signalfd4",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "inotify_init",
    "inotify_init1",
    "inotify_add_watch",
    "inotify_rm_watch",
    "io_setup",
    "io_destroy",
    "io_submit",
    "io_cancel",
    "io_getevents",
    "io_pgetevents",
    "connect",
    "accept",
    "accept4",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "recvmmsg",
    "shutdown",
    "bind",
    "listen",
    "getsockname",
    "getpeername",
    "setsockopt",
    "getsockopt",
    "mmap",
    "mprotect",
    "munmap",
    "mremap",
    "msync",
    "mincore",
    "madvise",
    "brk",
    "mlock",
    "mlock2",
    "munlock",
    "mlockall",
    "munlockall",
    "membarrier",
    "memfd_create",
    "get_mempolicy",
    "set_mempolicy",
    "mbind",
    "shmget",
    "shmat",
    "shmdt",
    "shmctl",
    "semget",
    "semop",
    "semtimedop",
    "semctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
    "mq_timedsend",
    "mq_timedreceive",
    "mq_notify",
    "mq_getsetattr",
    "fork",
    "vfork",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "wait4",
    "waitid",
    "kill",
    "tkill",
    "tgkill",
    "pidfd_open",
    "pidfd_send_signal",
    "getpid",
    "getppid",
    "gettid",
    "getpgrp",
    "getpgid",
    "setpgid",
    "getsid",
    "setsid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capget",
    "capset",
    "prctl",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "futex",
    "futex_waitv",
    "futex_wake",
    "futex_wait",
    "futex_requeue",
    "sched_yield",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_setparam",
    "sched_getscheduler",
    "sched_setscheduler",
    "sched_getattr",
    "sched_setattr",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_rr_get_interval",
    "getpriority",
    "setpriority",
    "ioprio_get",
    "ioprio_set",
    "getrlimit",
    "setrlimit",
    "getrusage",
    "times",
    "sysinfo",
    "uname",
    "getcpu",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "rt_sigsuspend",
    "sigaltstack",
    "pause",
    "alarm",
    "getitimer",
    "setitimer",
    "timer_create",
    "timer_settime",
    "timer_gettime",
    "timer_getoverrun",
    "timer_delete",
    "nanosleep",
    "clock_nanosleep",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "getrandom",
    "restart_syscall",
    "seccomp",
    "landlock_create_ruleset",
    "landlock_add_rule",
    "landlock_restrict_self",
    "mseal",
    "map_shadow_stack",
};

static const char *const refused[] = {
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "statmount",
    "listmount",
    "unshare",
    "setns",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "keyctl",
    "add_key",
    "request_key",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "open_by_handle_at",
    "name_to_handle_at",
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "syslog",
    "quotactl",
    "quotactl_fd",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vhangup",
    "fanotify_init",
    "fanotify_mark",
    "lookup_dcookie",
    "move_pages",
    "migrate_pages",
    "pidfd_getfd",
};

static const char *const for_debug[] = {"ptrace", "process_vm_readv", "process_vm_writev",
					"kcmp", NULL};
/* What the agent needs beside what it hands on to the program. */
static const char *const for_agent[] = {"memfd_secret", NULL};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6};

static int rule_failed; /* NOLINT: of a program that runs at build time */

/* A rule for a call that this architecture lacks is no error. */
static void add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
		const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number < 0)
		return;
	if (seccomp_rule_add_array(filter, action, number, count, arguments))
		rule_failed = 1;
}

static int in(const char *const *list, const char *name)
{
	for (; list && *list; list++) {
		const char *a = *list, *b = name;

		while (*a && *a == *b)
			a++, b++;
		if (*a == *b)
			return 1;
	}
	return 0;
}

/*
 * Every ioctl but two: TIOCSTI (0x5412) types into a terminal, TIOCLINUX (0x541c) pastes,
 * as if the user had. The kernel looks at 32 bits of the request only, so a comparison of
 * the whole register could be dodged. The two share all bits outside 0xe: a request is
 * another one when any of those bits differs, or the bits 0xe are not 2 or 0xc.
 */
static void add_ioctl(scmp_filter_ctx filter)
{
	const unsigned differ = 0xe;

	for (unsigned value = 0; value <= differ; value += 2) {
		struct scmp_arg_cmp low = SCMP_A1(SCMP_CMP_MASKED_EQ, differ, value);

		if (value != (TIOCSTI & differ) && value != (TIOCLINUX & differ))
			add(filter, SCMP_ACT_ALLOW, "ioctl", 1, &low);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned mask = 1u << bit;
		struct scmp_arg_cmp other =
		    SCMP_A1(SCMP_CMP_MASKED_EQ, mask, ~(unsigned)TIOCSTI & mask);

		if (!(mask & differ))
			add(filter, SCMP_ACT_ALLOW, "ioctl", 1, &other);
	}
}

static void add_restricted(scmp_filter_ctx filter)
{
	const unsigned long new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP |
					     CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
					     CLONE_NEWPID | CLONE_NEWNET;
	struct scmp_arg_cmp clone = SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces, 0);
	struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp query = SCMP_A0(SCMP_CMP_EQ, 0xffffffff);
	struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp only_read = SCMP_A2(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp route[] = {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				       SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE)};

	add(filter, SCMP_ACT_ALLOW, "clone", 1, &clone);
	/* clone3 is not on the list: its flags are in memory, where a filter cannot look,
	 * and the C library has another way. */
	add(filter, SCMP_ACT_ALLOW, "personality", 1, &own);
	add(filter, SCMP_ACT_ALLOW, "personality", 1, &query);
	/* Its own limits: where the program is the agent's user it could set the agent's.
	 */
	add(filter, SCMP_ACT_ALLOW, "prlimit64", 1, &self);
	add(filter, SCMP_ACT_ALLOW, "prlimit64", 1, &only_read);
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct scmp_arg_cmp family =
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]);

		add(filter, SCMP_ACT_ALLOW, "socket", 1, &family);
		add(filter, SCMP_ACT_ALLOW, "socketpair", 1, &family);
	}
	add(filter, SCMP_ACT_ALLOW, "socket", 2, route);
}

static int print_filter(const char *name, const char *const *more)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sock_filter instruction;

	if (!filter || fd < 0)
		return 1;
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	for (unsigned i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		add(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (!in(more, refused[i]))
			add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0, NULL);
	}
	for (unsigned i = 0; more && more[i]; i++)
		add(filter, SCMP_ACT_ALLOW, more[i], 0, NULL);
	add_ioctl(filter);
	add_restricted(filter);
	if (rule_failed || seccomp_export_bpf(filter, fd) || lseek(fd, 0, SEEK_SET))
		return 1;
	printf("static const struct sock_filter %s[] = {\n", name);
	while (read(fd, &instruction, sizeof(instruction)) ==
	       (ssize_t)sizeof(instruction))
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", instruction.code,
		       instruction.jt, instruction.jf, instruction.k);
	printf("};\n");
	close(fd);
	seccomp_release(filter);
	return 0;
}

int main(void)
{
	printf("/* Made by gen_filters.c. */\n#include <linux/filter.h>\n");
	return print_filter("filter_program", NULL) ||
	       print_filter("filter_debug", for_debug) ||
	       print_filter("filter_agent", for_agent);
}
