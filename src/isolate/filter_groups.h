/*
 * The allow-list of the filters, and why each call is on it. Runs at build time only
 * (gen_filters.c); scripts/seccomp.py makes docs/SECCOMP.md of it and of
 * traced_calls.txt, and the lint complains of a call that no traced program makes and
 * that its group's third text does not name.
 */
#ifndef TOBI_ISOLATE_FILTER_GROUPS_H
#define TOBI_ISOLATE_FILTER_GROUPS_H

#include <stddef.h>

struct call_group {
	const char *name;
	const char *why;
	const char *untraced; /* who makes the calls that no traced program makes */
	const char *const *calls;
};

#define CALLS(...)                                                                       \
	(const char *const[])                                                            \
	{                                                                                \
		__VA_ARGS__, NULL                                                        \
	}

/* Names that an architecture lacks are skipped. */
static const struct call_group allowed[] = {
    {"files: reading and writing", "Every program reads and writes what it has open.",
     "readv, preadv, pwritev, preadv2, pwritev2: databases and servers with their data "
     "in "
     "pieces.",
     CALLS("read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev",
	   "preadv2", "pwritev2", "lseek")},
    {"files: opening and closing",
     "Which files can be opened is Landlock's and the mounts' business, not the "
     "filter's.",
     "openat2: Go and newer tools, to stay below a folder.",
     CALLS("open", "openat", "openat2", "creat", "close", "close_range")},
    {"files: looking at them", "Names, kinds, sizes, times, rights.",
     "stat, fstat, lstat, getdents: C libraries of older images and other architectures. "
     "faccessat, faccessat2, readlinkat: test(1), newer C libraries, Go.",
     CALLS("stat", "fstat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access",
	   "faccessat", "faccessat2", "getdents", "getdents64", "readlink",
	   "readlinkat")},
    {"files: where one is", "The working folder.", "",
     CALLS("getcwd", "chdir", "fchdir")},
    {"files: making, naming and removing",
     "In writable folders; elsewhere the mounts refuse.",
     "renameat, mkdirat, linkat: Go, musl, other architectures. mknod: mkfifo() of older "
     "C "
     "libraries; devices need a capability that nobody here has.",
     CALLS("rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link",
	   "linkat", "unlink", "unlinkat", "symlink", "symlinkat", "mknod", "mknodat")},
    {"files: rights, owners and times",
     "Of a program's own files, which are all that the kernel lets it change.",
     "fchmodat2: chmod without following links, of newer C libraries. lchown, fchownat: "
     "cp, tar, Go; without a capability they set the owner that is there. utime, utimes: "
     "older C libraries.",
     CALLS("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown",
	   "fchownat", "umask", "utime", "utimes", "utimensat")},
    {"files: attributes", "ls looks for them, cp and tar keep them.",
     "fgetxattr, listxattr, llistxattr, flistxattr, setxattr, lsetxattr, fsetxattr, "
     "removexattr, lremovexattr, fremovexattr: the other forms of the same, of cp -a, "
     "tar "
     "--xattrs and file servers.",
     CALLS("getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
	   "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
	   "fremovexattr")},
    {"files: sizes, locks, writing through", "Databases and logs.",
     "flock: locks of package tools and databases. fallocate: PostgreSQL, systemd's "
     "journal. syncfs, sync_file_range: PostgreSQL, Redis, RocksDB.",
     CALLS("truncate", "ftruncate", "fallocate", "fadvise64", "fcntl", "flock", "fsync",
	   "fdatasync", "sync", "syncfs", "sync_file_range")},
    {"descriptors and pipes", "Shells, and every program that starts another.",
     "dup, dup3, pipe: C programs.", CALLS("dup", "dup2", "dup3", "pipe", "pipe2")},
    {"moving bytes in the kernel", "nginx and cp.", "splice: HAProxy, Go.",
     CALLS("copy_file_range", "sendfile", "splice")},
    {"waiting for descriptors", "Servers' loops.",
     "select, ppoll, epoll_pwait, epoll_pwait2: loops in other languages. eventfd, "
     "signalfd, "
     "signalfd4, timerfd_create, timerfd_settime, timerfd_gettime: libevent, libuv, "
     "Rust. "
     "inotify_init, inotify_init1, inotify_add_watch, inotify_rm_watch: tail -f, servers "
     "that read their configuration anew.",
     CALLS("select", "pselect6", "poll", "ppoll", "epoll_create", "epoll_create1",
	   "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd",
	   "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime",
	   "timerfd_gettime", "inotify_init", "inotify_init1", "inotify_add_watch",
	   "inotify_rm_watch")},
    {"asynchronous files", "What databases have instead of io_uring.",
     "io_setup, io_destroy, io_submit, io_cancel, io_getevents, io_pgetevents: MySQL, "
     "nginx "
     "with aio.",
     CALLS("io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents",
	   "io_pgetevents")},
    {"sockets",
     "Servers. The kinds of sockets are restricted below; the namespace has a "
     "loopback device and nothing else.",
     "sendmmsg, recvmmsg: resolvers, QUIC.",
     CALLS("connect", "accept", "accept4", "sendto", "recvfrom", "sendmsg", "recvmsg",
	   "sendmmsg", "recvmmsg", "shutdown", "bind", "listen", "getsockname",
	   "getpeername", "setsockopt", "getsockopt")},
    {"memory", "Allocators, loaders, JIT compilers.",
     "mremap: realloc() of what is large. msync, mincore: databases. munlock, mlock2, "
     "mlockall, munlockall: key stores, against swapping. membarrier: user-space RCU, "
     ".NET. "
     "memfd_create: JIT compilers, and shared memory without a name. mseal, "
     "map_shadow_stack: hardening of newer C libraries.",
     CALLS("mmap", "mprotect", "munmap", "mremap", "msync", "mincore", "madvise", "brk",
	   "mlock", "mlock2", "munlock", "mlockall", "munlockall", "membarrier",
	   "memfd_create", "mseal", "map_shadow_stack")},
    {"memory: which node",
     "Tools and allocators ask where memory lies; of own memory only.",
     "mbind: the Java virtual machine on large hosts.",
     CALLS("get_mempolicy", "set_mempolicy", "mbind")},
    {"shared memory of System V", "In the enclave's own namespace.",
     "shmget, shmat, shmdt, shmctl, semget, semop, semtimedop, semctl, msgget, msgsnd, "
     "msgrcv, msgctl: PostgreSQL, Oracle, older servers.",
     CALLS("shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop",
	   "semctl", "msgget", "msgsnd", "msgrcv", "msgctl")},
    {"processes", "Servers with workers, shells. New namespaces are restricted below.",
     "fork: older C libraries. execveat: fexecve(). waitid: Python, Go.",
     CALLS("fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4",
	   "waitid")},
    {"signals", "To processes of the enclave; Landlock and the users keep the agent out.",
     "tkill, tgkill: raise() and thread libraries. pidfd_open, pidfd_send_signal: "
     "Python, "
     "Go. rt_sigpending, rt_sigtimedwait, rt_sigqueueinfo, rt_tgsigqueueinfo: POSIX's "
     "other "
     "signal functions. sigaltstack: Go, Rust, Java. pause: C programs. restart_syscall: "
     "the "
     "kernel makes it itself after a stop.",
     CALLS("kill", "tkill", "tgkill", "pidfd_open", "pidfd_send_signal", "rt_sigaction",
	   "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
	   "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend", "sigaltstack",
	   "pause", "restart_syscall")},
    {"who one is", "Asked by every shell and server.",
     "getpgrp, getpgid, setpgid, getsid: job control, daemons. getresuid, getresgid: "
     "libraries "
     "that look whether they run with a set-user-id bit.",
     CALLS("getpid", "getppid", "gettid", "getpgrp", "getpgid", "setpgid", "getsid",
	   "setsid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
	   "getgroups")},
    {"giving up rights",
     "Servers change their user and drop capabilities at the start. There are none to "
     "gain: "
     "no_new_privs, no capabilities, mounts without set-user-id.",
     "setreuid, setregid: older daemons. capget: programs that look before they drop.",
     CALLS("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	   "setgroups", "capget", "capset")},
    {"confining oneself", "The agent, and servers with a sandbox of their own.", "",
     CALLS("seccomp", "landlock_create_ruleset", "landlock_add_rule",
	   "landlock_restrict_self", "prctl")},
    {"threads", "Every program's start, and threads.",
     "sched_yield: spinning threads. futex_waitv, futex_wake, futex_wait, futex_requeue: "
     "newer forms, of newer C libraries.",
     CALLS("arch_prctl", "set_tid_address", "set_robust_list", "rseq", "futex",
	   "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "sched_yield")},
    {"scheduling", "Within the quota of the control group; lower priorities only.",
     "sched_setaffinity: databases pin threads. sched_getparam, sched_setparam, "
     "sched_getscheduler, sched_setscheduler, sched_get_priority_max, "
     "sched_get_priority_min, sched_rr_get_interval: pthread attributes, Java.",
     CALLS("sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_setparam",
	   "sched_getscheduler", "sched_setscheduler", "sched_get_priority_max",
	   "sched_get_priority_min", "sched_rr_get_interval", "getpriority",
	   "setpriority")},
    {"limits and usage", "Servers ask how much they may have.",
     "getrlimit, setrlimit: older C libraries; of the caller itself. getrusage, times: "
     "shells, time(1). getcpu: allocators.",
     CALLS("getrlimit", "setrlimit", "getrusage", "times", "sysinfo", "uname", "getcpu")},
    {"time", "Clocks and timers; setting the clock is refused.",
     "alarm, getitimer, timer_create, timer_settime, timer_gettime, timer_getoverrun, "
     "timer_delete: timers of POSIX. nanosleep: older C libraries. clock_gettime, "
     "clock_getres, gettimeofday, time: where the kernel gives no vDSO.",
     CALLS("alarm", "getitimer", "setitimer", "timer_create", "timer_settime",
	   "timer_gettime", "timer_getoverrun", "timer_delete", "nanosleep",
	   "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time")},
    {"randomness", "Keys, hash tables.", "", CALLS("getrandom")},
};

/* Allowed with some arguments only: add_restricted() of gen_filters.c. */
static const struct {
	const char *call, *with, *why;
} restricted[] = {
    {"clone", "no CLONE_NEW* flag",
     "threads and processes, but no namespace: a user namespace would give all "
     "capabilities in itself, and the kernel's parts that ask for them"},
    {"ioctl", "every request but TIOCSTI and TIOCLINUX",
     "terminals and sockets; these two type for the user. Devices are six harmless ones"},
    {"personality", "0, and 0xffffffff to ask",
     "no memory without random addresses, none that is executable when it is readable"},
    {"prlimit64", "of the caller (process 0), or without a new limit",
     "an ordinary user's program has the agent's user, and could set the agent's limits"},
    {"socket", "AF_UNIX, AF_INET, AF_INET6; AF_NETLINK for routes",
     "servers; getifaddrs() asks for routes. No packet, netlink, vsock, AF_ALG or other "
     "family: each is a part of the kernel that was seldom attacked by programs before"},
    {"socketpair", "AF_UNIX, AF_INET, AF_INET6", "as socket"},
};

/* Known to be dangerous: EPERM. What is on no list gets ENOSYS. */
static const struct call_group refused[] = {
    {"other processes' memory and descriptors",
     "A program has no business in another's. The first four are allowed in debug "
     "images.",
     "",
     CALLS("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "process_madvise",
	   "pidfd_getfd")},
    {"mounts and roots", "The file tree is what was measured.", "",
     CALLS("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
	   "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "statmount",
	   "listmount")},
    {"namespaces", "Neither new ones nor others'.", "", CALLS("unshare", "setns")},
    {"large parts of the kernel",
     "Each has had holes that gave root; io_uring also makes calls that no filter sees.",
     "",
     CALLS("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
	   "io_uring_register", "fanotify_init", "fanotify_mark", "lookup_dcookie")},
    {"keys of the kernel", "Keyrings are not in a namespace.", "",
     CALLS("keyctl", "add_key", "request_key")},
    {"files without a path", "They open what is outside the file tree.", "",
     CALLS("open_by_handle_at", "name_to_handle_at")},
    {"the host itself", "Kernel, modules, clock, swap, log, name, accounting, quotas.",
     "",
     CALLS("kexec_load", "kexec_file_load", "init_module", "finit_module",
	   "delete_module", "reboot", "swapon", "swapoff", "acct", "syslog", "quotactl",
	   "quotactl_fd", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	   "sethostname", "setdomainname", "vhangup")},
    {"the machine", "Ports, segments, pages on other nodes.", "",
     CALLS("iopl", "ioperm", "modify_ldt", "move_pages", "migrate_pages")},
};

/* On no list, and why not: so that nobody adds them without a thought. */
static const struct {
	const char *calls, *why;
} left_out[] = {
    {"clone3",
     "its flags are in memory, where a filter cannot look; the C library takes clone"},
    {"mq_open and the other calls of POSIX queues",
     "Landlock allows files below the enclave's folders only, and queues are in none"},
    {"vmsplice, tee", "no traced program makes them; vmsplice has had holes"},
    {"readahead, ioprio_set, ioprio_get, sched_setattr, sched_getattr",
     "hints, and no traced program makes them"},
    {"setfsuid, setfsgid", "for file servers of many users, and an enclave has one"},
    {"futimesat, get_robust_list", "obsolete, or for tools that look at other processes"},
    {"memfd_secret", "the agent's alone: its keys lie there"},
    {"cachestat, lsm_get_self_attr, process_mrelease and whatever comes",
     "newer than this list: ENOSYS makes a C library take its older way"},
};

#endif
