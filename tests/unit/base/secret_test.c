#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "tests/bytes.h"

/* Linked with --wrap=munmap: what is unmapped while it is watched must be wiped. */
static struct {
	const uint8_t *ptr;
	bool seen, wiped;
} watched;

int __real_munmap(void *ptr, size_t size);
int __wrap_munmap(void *ptr, size_t size);

int __wrap_munmap(void *ptr, size_t size)
{
	if (ptr && ptr == watched.ptr) {
		watched.seen = watched.wiped = true;
		for (size_t i = 0; i < size; i++)
			watched.wiped = watched.wiped && watched.ptr[i] == 0;
		watched.ptr = NULL;
	}
	return __real_munmap(ptr, size);
}

/* ASan and its relatives answer mlock() themselves, and lock nothing. */
#if defined(__SANITIZE_ADDRESS__)
enum { CAN_LOCK = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { CAN_LOCK = 0 };
#else
enum { CAN_LOCK = 1 };
#endif
#else
enum { CAN_LOCK = 1 };
#endif

/* The exit status of what runs in a child of its own. */
static int in_child(int (*run)(const struct secret *secret), const struct secret *secret)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run(secret));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 0 when the kernel says all of these of the mapping at ptr ("lo dd", say). */
static int has_flags(const uint8_t *ptr, const char *const *flags)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512], wanted[8];
	unsigned long from = 0, to = 0, at = (unsigned long)(uintptr_t)ptr;
	bool inside = false;
	int missing = 1;

	if (!file)
		return 99;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= at && at < to;
		if (!inside || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		missing = 0;
		for (; *flags; flags++) {
			snprintf(wanted, sizeof(wanted), " %s ", *flags);
			line[strcspn(line, "\n")] = ' ';
			missing += strstr(line, wanted) == NULL;
		}
		break;
	}
	fclose(file);
	return missing;
}

static int read_in_child(const struct secret *secret)
{
	unsigned char core;

	/* Not there at all, or zeros. */
	if (mincore(secret->ptr, 1, &core) && errno == ENOMEM)
		return 0;
	return secret->ptr[0] == 0 ? 1 : 2;
}

static void test_secret_new__mapped__locked_not_dumped_not_inherited(void **state)
{
	static const char *const hidden[] = {"lo", "dd", "dc", NULL};
	static const char *const locked[] = {"lo", "dd", "wf", NULL};
	struct secret secret = {0};

	(void)state;
	assert_int_equal(secret_new(100, &secret, NULL), TOBI_OK);
	assert_int_equal(secret_view(&secret).size, 100);
	assert_int_equal(has_flags(secret.ptr, secret.hidden ? hidden : locked), 0);
	memset(secret.ptr, 0x5a, 100);
	assert_int_equal(in_child(read_in_child, &secret), secret.hidden ? 0 : 1);
	assert_int_equal(secret.ptr[0], 0x5a);
	secret_done(&secret);
}

/* From here on, in this process, memfd_secret() is not known. */
static bool forbid_memfd_secret(void)
{
	struct sock_filter code[] = {
	    {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
	    {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_memfd_secret},
	    {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
	    {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int without_memfd_secret(const struct secret *unused)
{
	static const char *const flags[] = {"lo", "dd", "wf", NULL};
	struct secret secret = {0};
	pid_t pid;
	int status = 0;

	(void)unused;
	if (!forbid_memfd_secret())
		return 77;
	if (secret_new(5000, &secret, NULL) || secret.hidden)
		return 1;
	if (has_flags(secret.ptr, flags))
		return 2;
	memset(secret.ptr, 0x5a, 5000);
	pid = fork();
	if (pid == 0)
		_exit(read_in_child(&secret));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 1)
		return 3;
	return secret.ptr[4999] == 0x5a ? 0 : 4;
}

static void test_secret_new__no_memfd_secret__locked_and_wiped_in_children(void **state)
{
	int status = CAN_LOCK ? in_child(without_memfd_secret, NULL) : 77;

	(void)state;
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

static int without_locked_memory(const struct secret *unused)
{
	struct rlimit none = {0, 0};
	struct secret secret = {0};
	struct tobi_fault fault = {0};

	(void)unused;
	/* Root's capability would lift the limit. */
	if (setrlimit(RLIMIT_MEMLOCK, &none) || (geteuid() == 0 && setuid(65534)))
		return 1;
	if (secret_new(16, &secret, &fault) != TOBI_E_SYSTEM || secret.ptr)
		return 2;
	return strstr(fault.message, "ulimit -l") ? 0 : 3;
}

static void test_secret_new__no_memory_may_be_locked__refused(void **state)
{
	(void)state;
	if (!CAN_LOCK)
		skip();
	assert_int_equal(in_child(without_locked_memory, NULL), 0);
}

static void test_secret_new__size_that_wraps__limit(void **state)
{
	struct secret secret = {0};

	(void)state;
	assert_int_equal(secret_new(SIZE_MAX, &secret, NULL), TOBI_E_LIMIT);
	assert_null(secret.ptr);
}

static void test_secret_done__content__wiped_before_unmap(void **state)
{
	struct secret secret = {0};

	(void)state;
	assert_int_equal(secret_new(5000, &secret, NULL), TOBI_OK);
	memset(secret.ptr, 0x5a, 5000);
	watched.ptr = secret.ptr;
	secret_done(&secret);
	assert_true(watched.seen);
	assert_true(watched.wiped);
	assert_null(secret.ptr);
	assert_int_equal(secret.size, 0);
	secret_done(&secret);
}

static void test_bytes_equal_secret__each_bit__seen(void **state)
{
	uint8_t a[33], b[33];

	(void)state;
	memset(a, 0xc3, sizeof(a));
	memset(b, 0xc3, sizeof(b));
	assert_true(
	    bytes_equal_secret((struct tobi_bytes){a, 33}, (struct tobi_bytes){b, 33}));
	assert_false(
	    bytes_equal_secret((struct tobi_bytes){a, 33}, (struct tobi_bytes){b, 32}));
	for (size_t bit = 0; bit < sizeof(b) * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(bytes_equal_secret((struct tobi_bytes){a, 33},
						(struct tobi_bytes){b, 33}));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(
	    bytes_equal_secret((struct tobi_bytes){NULL, 0}, (struct tobi_bytes){a, 0}));
}

static void test_bytes_compare__prefix_and_difference__ordered(void **state)
{
	(void)state;
	assert_true(bytes_compare(text_bytes("ab"), text_bytes("abc")) < 0);
	assert_true(bytes_compare(text_bytes("abc"), text_bytes("ab")) > 0);
	assert_true(bytes_compare(text_bytes("b"), text_bytes("abc")) > 0);
	assert_true(bytes_compare(BYTES(0x7f), BYTES(0x80)) < 0);
	assert_int_equal(bytes_compare(text_bytes("ab"), text_bytes("ab")), 0);
	assert_int_equal(bytes_compare((struct tobi_bytes){0}, (struct tobi_bytes){0}),
			 0);
	assert_true(bytes_equal_text(text_bytes("ab"), "ab"));
	assert_false(bytes_equal_text(text_bytes("ab"), "abc"));
	assert_false(bytes_equal_text(BYTES('a', 0), "a"));
	assert_true(bytes_equal(bytes_of_text("ab"), BYTES('a', 'b')));
	assert_int_equal(bytes_of_text("").size, 0);
	assert_int_equal(bytes_of_text(NULL).size, 0);
}

static int copy_too_much(const struct secret *unused)
{
	uint8_t to[4], from[5] = {0};

	(void)unused;
	signal(SIGABRT, SIG_DFL);
	if (fork() == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		bytes_copy(to, sizeof(to), from, sizeof(from));
		_exit(0);
	}
	int status = 0;

	wait(&status);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 0 : 1;
}

static void test_bytes_copy__more_than_room__aborts(void **state)
{
	(void)state;
	assert_int_equal(in_child(copy_too_much, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_secret_new__mapped__locked_not_dumped_not_inherited),
	    cmocka_unit_test(
		test_secret_new__no_memfd_secret__locked_and_wiped_in_children),
	    cmocka_unit_test(test_secret_new__no_memory_may_be_locked__refused),
	    cmocka_unit_test(test_secret_new__size_that_wraps__limit),
	    cmocka_unit_test(test_secret_done__content__wiped_before_unmap),
	    cmocka_unit_test(test_bytes_equal_secret__each_bit__seen),
	    cmocka_unit_test(test_bytes_compare__prefix_and_difference__ordered),
	    cmocka_unit_test(test_bytes_copy__more_than_room__aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
