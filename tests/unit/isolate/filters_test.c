/* The seccomp filters, asked about every call (src/isolate/gen_filters.c). */
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "seccomp_filters.h"
#include "tests/unit/isolate/bpf.h"

#define REFUSED(error) (SECCOMP_RET_ERRNO | (error))

static const struct {
	const char *name;
	const struct sock_filter *filter;
	size_t count;
} filters[] = {
    {"program", filter_program, sizeof(filter_program) / sizeof(filter_program[0])},
    {"agent", filter_agent, sizeof(filter_agent) / sizeof(filter_agent[0])},
    {"debug", filter_debug, sizeof(filter_debug) / sizeof(filter_debug[0])},
};
enum { PROGRAM, AGENT, DEBUG, FILTERS };

static uint32_t ask(int filter, long number, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct seccomp_data data = {
	    .nr = (int)number, .arch = BPF_NATIVE, .args = {a0, a1, a2}};

	return bpf_run(filters[filter].filter, filters[filter].count, &data);
}

static void expect(int filter, long number, uint32_t action)
{
	uint32_t is = ask(filter, number, 0, 0, 0);

	if (is != action)
		fail_msg("%s: call %ld gets 0x%x", filters[filter].name, number, is);
}

/* What the kernel may get after this list was written: never allowed. */
static void test_filter__numbers_of_the_future__enosys(void **state)
{
	const long after_mseal = 463, far = 1 << 16;

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		for (long number = after_mseal; number < far; number++)
			expect(f, number, REFUSED(ENOSYS));
		expect(f, -2,
		       ask(f, -2, 0, 0, 0) == SECCOMP_RET_KILL_PROCESS
			   ? SECCOMP_RET_KILL_PROCESS
			   : REFUSED(ENOSYS));
	}
}

/* Another architecture's numbers mean other calls. */
static void test_filter__other_architecture__killed(void **state)
{
	static const uint32_t others[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM,
					  AUDIT_ARCH_RISCV64, 0};

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			struct seccomp_data data = {.arch = others[i]};

			for (data.nr = 0; data.nr < 512; data.nr++)
				assert_int_equal(
				    bpf_run(filters[f].filter, filters[f].count, &data),
				    SECCOMP_RET_KILL_PROCESS);
		}
	}
}

#ifdef __x86_64__
static void test_filter__x32__killed_or_enosys(void **state)
{
	const int x32 = 0x40000000;

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		for (int number = 0; number < 1024; number++) {
			uint32_t is = ask(f, x32 | number, 0, 0, 0);

			assert_true(is == SECCOMP_RET_KILL_PROCESS ||
				    is == REFUSED(ENOSYS));
		}
	}
}
#endif

static void test_filter__dangerous__eperm(void **state)
{
	static const long calls[] = {
	    SYS_mount,
	    SYS_umount2,
	    SYS_pivot_root,
	    SYS_chroot,
	    SYS_move_mount,
	    SYS_open_tree,
	    SYS_fsopen,
	    SYS_fsconfig,
	    SYS_fsmount,
	    SYS_fspick,
	    SYS_mount_setattr,
	    SYS_unshare,
	    SYS_setns,
	    SYS_bpf,
	    SYS_perf_event_open,
	    SYS_userfaultfd,
	    SYS_io_uring_setup,
	    SYS_io_uring_enter,
	    SYS_io_uring_register,
	    SYS_keyctl,
	    SYS_add_key,
	    SYS_request_key,
	    SYS_kexec_load,
	    SYS_kexec_file_load,
	    SYS_init_module,
	    SYS_finit_module,
	    SYS_delete_module,
	    SYS_open_by_handle_at,
	    SYS_name_to_handle_at,
	    SYS_reboot,
	    SYS_swapon,
	    SYS_swapoff,
	    SYS_acct,
	    SYS_syslog,
	    SYS_quotactl,
	    SYS_quotactl_fd,
	    SYS_settimeofday,
	    SYS_clock_settime,
	    SYS_clock_adjtime,
	    SYS_adjtimex,
	    SYS_sethostname,
	    SYS_setdomainname,
	    SYS_vhangup,
	    SYS_fanotify_init,
	    SYS_fanotify_mark,
	    SYS_move_pages,
	    SYS_migrate_pages,
	    SYS_pidfd_getfd,
	    SYS_process_madvise,
	};
	static const long debugging[] = {SYS_ptrace, SYS_process_vm_readv,
					 SYS_process_vm_writev, SYS_kcmp};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (int f = 0; f < FILTERS; f++)
			expect(f, calls[i], REFUSED(EPERM));
	}
	for (size_t i = 0; i < sizeof(debugging) / sizeof(debugging[0]); i++) {
		expect(PROGRAM, debugging[i], REFUSED(EPERM));
		expect(AGENT, debugging[i], REFUSED(EPERM));
		expect(DEBUG, debugging[i], SECCOMP_RET_ALLOW);
	}
}

/* Every call since Linux 5.10: the list has decided, one way or the other. Numbers that
 * the headers here may not have are the same on every architecture. */
static void test_filter__calls_since_5_10__as_decided(void **state)
{
	static const struct {
		long number;
		uint32_t action;
	} calls[] = {
	    {441, SECCOMP_RET_ALLOW}, /* epoll_pwait2 */
	    {442, REFUSED(EPERM)},    /* mount_setattr */
	    {443, REFUSED(EPERM)},    /* quotactl_fd */
	    {444, SECCOMP_RET_ALLOW}, /* landlock_create_ruleset */
	    {445, SECCOMP_RET_ALLOW}, /* landlock_add_rule */
	    {446, SECCOMP_RET_ALLOW}, /* landlock_restrict_self */
	    {447, REFUSED(ENOSYS)},   /* memfd_secret: the agent's alone */
	    {448, REFUSED(ENOSYS)},   /* process_mrelease */
	    {449, SECCOMP_RET_ALLOW}, /* futex_waitv */
	    {450, REFUSED(ENOSYS)},   /* set_mempolicy_home_node */
	    {451, REFUSED(ENOSYS)},   /* cachestat: what others have read */
	    {459, REFUSED(ENOSYS)},   /* lsm_get_self_attr */
	    {460, REFUSED(ENOSYS)},   /* lsm_set_self_attr */
	    {461, REFUSED(ENOSYS)},   /* lsm_list_modules */
	    {463, REFUSED(ENOSYS)},   /* setxattrat */
	    {464, REFUSED(ENOSYS)},   /* getxattrat */
	    {465, REFUSED(ENOSYS)},   /* listxattrat */
	    {466, REFUSED(ENOSYS)},   /* removexattrat */
	    {467, REFUSED(ENOSYS)},   /* open_tree_attr */
	    {468, REFUSED(ENOSYS)},   /* file_getattr */
	    {469, REFUSED(ENOSYS)},   /* file_setattr */
	    {470, REFUSED(ENOSYS)},   /* listns */
	};
	/* Named in the list, and so decided only where libseccomp knows the names:
	 * fchmodat2, map_shadow_stack, futex_wake, futex_wait, futex_requeue, mseal;
	 * statmount, listmount. */
	static const long wanted[] = {452, 453, 454, 455, 456, 462};
	static const long unwanted[] = {457, 458};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		expect(PROGRAM, calls[i].number, calls[i].action);
		expect(DEBUG, calls[i].number, calls[i].action);
		if (calls[i].number != SYS_memfd_secret)
			expect(AGENT, calls[i].number, calls[i].action);
	}
	expect(AGENT, SYS_memfd_secret, SECCOMP_RET_ALLOW);
	for (int f = 0; f < FILTERS; f++) {
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			uint32_t is = ask(f, wanted[i], 0, 0, 0);

			assert_true(is == SECCOMP_RET_ALLOW || is == REFUSED(ENOSYS));
		}
		for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
			uint32_t is = ask(f, unwanted[i], 0, 0, 0);

			assert_true(is == REFUSED(EPERM) || is == REFUSED(ENOSYS));
		}
	}
}

static void test_filter__new_namespaces__refused(void **state)
{
	static const uint64_t flags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
					 CLONE_NEWIPC, CLONE_NEWUSER,	CLONE_NEWPID,
					 CLONE_NEWNET};
	const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
				CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	const uint64_t high = UINT64_C(0xffffffff00000000);

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		assert_int_equal(ask(f, SYS_clone, thread, 0, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(f, SYS_clone, 17, 0, 0), SECCOMP_RET_ALLOW);
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
			assert_int_equal(ask(f, SYS_clone, flags[i], 0, 0),
					 REFUSED(ENOSYS));
			assert_int_equal(
			    ask(f, SYS_clone, thread | flags[i] | high, 0, 0),
			    REFUSED(ENOSYS));
		}
		/* Its flags cannot be seen; the C library takes clone. */
		expect(f, SYS_clone3, REFUSED(ENOSYS));
	}
}

static void test_filter__ioctl__all_but_typing_for_the_user(void **state)
{
	const uint64_t high = UINT64_C(0x100000000);

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		for (uint64_t request = 0; request < 1 << 16; request++) {
			bool types = request == TIOCSTI || request == TIOCLINUX;
			uint32_t action =
			    types ? REFUSED(ENOSYS) : (uint32_t)SECCOMP_RET_ALLOW;

			assert_int_equal(ask(f, SYS_ioctl, 0, request, 0), action);
			/* The kernel does not look at the upper half. */
			assert_int_equal(ask(f, SYS_ioctl, 0, request | high, 0), action);
		}
		for (unsigned bit = 0; bit < 32; bit++) {
			uint64_t other = TIOCSTI ^ UINT64_C(1) << bit;

			assert_int_equal(ask(f, SYS_ioctl, 0, other, 0),
					 SECCOMP_RET_ALLOW);
		}
	}
}

static void test_filter__sockets__three_families_and_routes(void **state)
{
	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		for (uint64_t family = 0; family < 64; family++) {
			bool known =
			    family == AF_UNIX || family == AF_INET || family == AF_INET6;
			uint32_t action =
			    known ? (uint32_t)SECCOMP_RET_ALLOW : REFUSED(ENOSYS);
			uint32_t other =
			    family == AF_NETLINK ? (uint32_t)SECCOMP_RET_ALLOW : action;

			assert_int_equal(ask(f, SYS_socketpair, family, 1, 1), action);
			assert_int_equal(ask(f, SYS_socket, family, 1, 1), action);
			assert_int_equal(ask(f, SYS_socket, family, 1, NETLINK_ROUTE),
					 other);
		}
		for (uint64_t protocol = 1; protocol < 32; protocol++)
			assert_int_equal(ask(f, SYS_socket, AF_NETLINK, 3, protocol),
					 REFUSED(ENOSYS));
	}
}

static void test_filter__limits__own_or_asked(void **state)
{
	const uint64_t agent = 1, new_limit = 0x7ffe0000, high = UINT64_C(1) << 32;

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		assert_int_equal(ask(f, SYS_prlimit64, 0, 7, new_limit),
				 SECCOMP_RET_ALLOW);
		assert_int_equal(ask(f, SYS_prlimit64, agent, 7, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(f, SYS_prlimit64, agent, 7, new_limit),
				 REFUSED(ENOSYS));
		assert_int_equal(ask(f, SYS_prlimit64, agent | high, 7, new_limit),
				 REFUSED(ENOSYS));
		/* An address above 4 GiB is an address. */
		assert_int_equal(ask(f, SYS_prlimit64, agent, 7, high), REFUSED(ENOSYS));
	}
}

static void test_filter__personality__own_or_asked(void **state)
{
	const uint64_t no_random_addresses = 0x0040000, read_is_exec = 0x0400000;

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		assert_int_equal(ask(f, SYS_personality, 0, 0, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(f, SYS_personality, 0xffffffff, 0, 0),
				 SECCOMP_RET_ALLOW);
		assert_int_equal(ask(f, SYS_personality, no_random_addresses, 0, 0),
				 REFUSED(ENOSYS));
		assert_int_equal(ask(f, SYS_personality, read_is_exec, 0, 0),
				 REFUSED(ENOSYS));
	}
}

/* The agent's filter holds for the program too: it lets through what the program's does.
 */
static void test_filter__agent__no_stricter_than_program(void **state)
{
	(void)state;
	for (long number = 0; number < 1024; number++) {
		if (ask(PROGRAM, number, 0, 0, 0) == SECCOMP_RET_ALLOW)
			expect(AGENT, number, SECCOMP_RET_ALLOW);
	}
}

static void test_filter__needed__allowed(void **state)
{
	static const long calls[] = {
	    SYS_read,
	    SYS_write,
	    SYS_openat,
	    SYS_close,
	    SYS_mmap,
	    SYS_mprotect,
	    SYS_munmap,
	    SYS_brk,
	    SYS_futex,
	    SYS_execve,
	    SYS_exit_group,
	    SYS_wait4,
	    SYS_rt_sigaction,
	    SYS_rt_sigreturn,
	    SYS_clock_gettime,
	    SYS_getrandom,
	    SYS_epoll_ctl,
	    SYS_epoll_pwait,
	    SYS_accept4,
	    SYS_sendmsg,
	    SYS_recvmsg,
	    SYS_setuid,
	    SYS_setgroups,
	    SYS_prctl,
	    SYS_statx,
	    SYS_faccessat2,
	    SYS_close_range,
	    SYS_rseq,
	    SYS_set_robust_list,
	    SYS_sched_getaffinity,
	    SYS_memfd_create,
	    SYS_kill,
	};

	(void)state;
	for (int f = 0; f < FILTERS; f++) {
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
			expect(f, calls[i], SECCOMP_RET_ALLOW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_filter__numbers_of_the_future__enosys),
	    cmocka_unit_test(test_filter__other_architecture__killed),
#ifdef __x86_64__
	    cmocka_unit_test(test_filter__x32__killed_or_enosys),
#endif
	    cmocka_unit_test(test_filter__dangerous__eperm),
	    cmocka_unit_test(test_filter__calls_since_5_10__as_decided),
	    cmocka_unit_test(test_filter__new_namespaces__refused),
	    cmocka_unit_test(test_filter__ioctl__all_but_typing_for_the_user),
	    cmocka_unit_test(test_filter__sockets__three_families_and_routes),
	    cmocka_unit_test(test_filter__personality__own_or_asked),
	    cmocka_unit_test(test_filter__limits__own_or_asked),
	    cmocka_unit_test(test_filter__agent__no_stricter_than_program),
	    cmocka_unit_test(test_filter__needed__allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
