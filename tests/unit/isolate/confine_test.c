/* Each confinement holds in a child process, which then tries what it must and must not.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <netdb.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "isolate/inside.h"
#include "tests/unit/isolate/tree.h"

static struct manifest manifest;
static char writable[256];

/* "mine" may be written, "other" not. */
static int enter(void **state)
{
	if (tree_enter(state))
		return -1;
	tree_folder("mine");
	tree_file("mine/file", "mine");
	tree_folder("other");
	tree_file("other/file", "other");
	tree_link("../other/file", "mine/link");
	snprintf(writable, sizeof(writable), "%s/mine", (char *)*state);
	memset(&manifest, 0, sizeof(manifest));
	manifest.writable[0] =
	    (struct tobi_bytes){(const uint8_t *)writable, strlen(writable)};
	manifest.writable_count = 1;
	return 0;
}

/* A row of what is tried: 0, or the error. */
struct attempt {
	const char *what;
	long (*make)(void);
	int error;
};

static long opened(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

static long read_other(void)
{
	return opened(open("other/file", O_RDONLY | O_CLOEXEC));
}
static long write_other(void)
{
	return opened(open("other/file", O_WRONLY | O_CLOEXEC));
}
static long write_through_link(void)
{
	return opened(open("mine/link", O_WRONLY | O_CLOEXEC));
}
static long truncate_other(void)
{
	return truncate("other/file", 0);
}
static long make_other(void)
{
	return opened(open("other/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static long folder_other(void)
{
	return mkdir("other/folder", 0700);
}
static long remove_other(void)
{
	return unlink("other/file");
}
static long link_out(void)
{
	return link("mine/file", "other/linked");
}
static long write_mine(void)
{
	return opened(open("mine/file", O_WRONLY | O_TRUNC | O_CLOEXEC));
}
static long make_mine(void)
{
	return opened(open("mine/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static long rename_mine(void)
{
	return rename("mine/new", "mine/renamed");
}
static long write_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 || write(fd, "x", 1) != 1 ? -1 : close(fd);
}
static long fork_and_wait(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}
static long open_socket(void)
{
	return opened(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}
static long packet_socket(void)
{
	return opened(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}
static long new_user(void)
{
	return unshare(CLONE_NEWUSER);
}
static long trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static long mount_tmpfs(void)
{
	return mount("tmpfs", "mine", "tmpfs", 0, NULL);
}
static long session_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0
		   ? -1
		   : 0;
}
static long clone3_nothing(void)
{
	return syscall(SYS_clone3, NULL, 0);
}
static long hidden_memory(void)
{
	return opened((int)syscall(SYS_memfd_secret, 0));
}
static long type_for_user(void)
{
	return ioctl(0, TIOCSTI, "x");
}
static long no_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data))
		return -1;
	errno = EEXIST;
	return data[0].effective | data[0].permitted | data[0].inheritable |
		       data[1].effective | data[1].permitted | data[1].inheritable
		   ? -1
		   : 0;
}
static long no_new_privileges(void)
{
	errno = EEXIST;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}
static long read_settings(void)
{
	return opened(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}
static long read_programs(void)
{
	return opened(open("/usr/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static long look_up(void)
{
	struct addrinfo *list = NULL;
	int code = getaddrinfo("localhost", "80", NULL, &list);

	if (code)
		return -1;
	freeaddrinfo(list);
	return 0;
}
static long execute(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(errno);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	errno = WEXITSTATUS(status);
	return status ? -1 : 0;
}

/* In a child: the exit status is the number of the first row that went otherwise. */
static void try_all(enum tobi_err (*confine)(struct tobi_fault *),
		    const struct attempt *attempts, size_t count)
{
	const int no_namespace = 254, not_confined = 255;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct tobi_fault fault = {0};

		/* Where root's are asked for, they are there to be dropped. */
		if (geteuid() != 0 && unshare(CLONE_NEWUSER))
			_exit(no_namespace);
		if (confine(&fault)) {
			fprintf(stderr, "%s: %s\n", fault.field, fault.message);
			_exit(not_confined);
		}
		for (size_t i = 0; i < count; i++) {
			errno = 0;
			if (attempts[i].make() == 0 ? attempts[i].error != 0
						    : attempts[i].error != errno)
				_exit((int)i + 1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == no_namespace)
		skip();
	if (WEXITSTATUS(status) == not_confined)
		fail_msg("it could not be confined");
	if (WEXITSTATUS(status))
		fail_msg("not so: %s", attempts[WEXITSTATUS(status) - 1].what);
}

static enum tobi_err as_program(struct tobi_fault *fault)
{
	return isolate_confine_program(&manifest, fault);
}

static enum tobi_err as_unpacker(struct tobi_fault *fault)
{
	return confine_unpacker(writable, fault);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_isolate_confine_program__files__only_its_own_written(void **state)
{
	static const struct attempt attempts[] = {
	    {"reads another file", read_other, 0},
	    {"does not write it", write_other, EACCES},
	    {"nor through a link", write_through_link, EACCES},
	    {"nor cuts it", truncate_other, EACCES},
	    {"nor makes one there", make_other, EACCES},
	    {"nor a folder", folder_other, EACCES},
	    {"nor removes one", remove_other, EACCES},
	    {"nor links its own there", link_out, EACCES},
	    {"writes its own", write_mine, 0},
	    {"makes its own", make_mine, 0},
	    {"renames its own", rename_mine, 0},
	    {"writes /dev/null", write_null, 0},
	};

	(void)state;
	try_all(as_program, attempts, COUNT(attempts));
	tree_expect("other/file", "other");
}

static void test_isolate_confine_program__no_writable_paths__nothing_written(void **state)
{
	static const struct attempt attempts[] = {
	    {"reads", read_other, 0},
	    {"does not write", write_mine, EACCES},
	    {"nor makes", make_mine, EACCES},
	};

	(void)state;
	manifest.writable_count = 0;
	try_all(as_program, attempts, COUNT(attempts));
}

static void test_isolate_confine_program__calls__needed_work_others_do_not(void **state)
{
	static const struct attempt attempts[] = {
	    {"no capability", no_capabilities, 0},
	    {"no_new_privs", no_new_privileges, 0},
	    {"starts processes", fork_and_wait, 0},
	    {"opens sockets", open_socket, 0},
	    {"no raw packets", packet_socket, ENOSYS},
	    {"no new namespace", new_user, EPERM},
	    {"no tracing", trace, EPERM},
	    {"no mount", mount_tmpfs, EPERM},
	    {"no keyring", session_keyring, EPERM},
	    {"no clone3", clone3_nothing, ENOSYS},
	    {"no hidden memory", hidden_memory, ENOSYS},
	    {"types nothing for the user", type_for_user, ENOSYS},
	};

	(void)state;
	try_all(as_program, attempts, COUNT(attempts));
}

static void test_isolate_confine_program__debug__traced_and_no_more(void **state)
{
	static const struct attempt attempts[] = {
	    {"may be traced", trace, 0},
	    {"no new namespace", new_user, EPERM},
	    {"no mount", mount_tmpfs, EPERM},
	    {"does not write another file", write_other, EACCES},
	};

	(void)state;
	manifest.debug = true;
	try_all(as_program, attempts, COUNT(attempts));
}

static void test_isolate_confine_program__writable_path_missing__error(void **state)
{
	struct tobi_fault fault = {0};
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(rename("mine", "gone"), 0);
	pid = fork();
	if (pid == 0)
		_exit(isolate_confine_program(&manifest, &fault) == TOBI_E_SYSTEM &&
			      strcmp(fault.field, "Landlock") == 0
			  ? 0
			  : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_confine_unpacker__files__the_folder_alone(void **state)
{
	static const struct attempt attempts[] = {
	    {"writes in its folder", write_mine, 0},
	    {"makes files there", make_mine, 0},
	    {"renames them", rename_mine, 0},
	    {"reads programs and libraries", read_programs, 0},
	    {"no settings of the host", read_settings, EACCES},
	    {"no other file", read_other, EACCES},
	    {"nor writes one", write_other, EACCES},
	    {"nor through a link", write_through_link, EACCES},
	    {"nor makes one", make_other, EACCES},
	    {"no_new_privs", no_new_privileges, 0},
	    {"no mount", mount_tmpfs, EPERM},
	    {"no new namespace", new_user, EPERM},
	    {"no tracing", trace, EPERM},
	};

	(void)state;
	try_all(as_unpacker, attempts, COUNT(attempts));
}

static long write_settings(void)
{
	return opened(open("/etc/passwd", O_WRONLY | O_CLOEXEC));
}
/* A full folder, so that nothing is lost where the defence is not there: ENOTEMPTY. */
static long remove_settings(void)
{
	return rmdir("/etc");
}
static long make_device(void)
{
	return mknod("mine/device", S_IFIFO | 0600, 0);
}
static long make_link(void)
{
	return symlink("file", "mine/symlink");
}

/* A token's files are below /tmp here. */
static void test_isolate_confine_signer__files_of_a_token_and_no_more(void **state)
{
	static const struct attempt attempts[] = {
	    {"reads settings", read_settings, 0},
	    {"reads a token's files", read_other, 0},
	    {"writes them", write_other, 0},
	    {"makes files there", make_mine, 0},
	    {"removes them", remove_other, 0},
	    {"writes no settings", write_settings, EACCES},
	    {"nor removes them", remove_settings, EACCES},
	    {"executes nothing", execute, EACCES},
	    {"makes no devices", make_device, EACCES},
	    {"nor links", make_link, EACCES},
	    {"nor folders", folder_other, EACCES},
	    {"writes to devices", write_null, 0},
	    {"no_new_privs", no_new_privileges, 0},
	    {"no mount", mount_tmpfs, EPERM},
	};

	(void)state;
	if (geteuid() != 0)
		skip(); /* it has no rights to be taken away */
	try_all(isolate_confine_signer, attempts, COUNT(attempts));
}

static void test_isolate_confine_courier__files__what_names_need_alone(void **state)
{
	static const struct attempt attempts[] = {
	    {"reads settings", read_settings, 0},
	    {"looks a name up", look_up, 0},
	    {"opens sockets", open_socket, 0},
	    {"no other file", read_other, EACCES},
	    {"nor writes one", write_other, EACCES},
	    {"nor makes one", make_other, EACCES},
	    {"executes nothing", execute, EACCES},
	    {"no capability", no_capabilities, 0},
	    {"no_new_privs", no_new_privileges, 0},
	    {"no raw packets", packet_socket, ENOSYS},
	    {"no new namespace", new_user, EPERM},
	    {"no tracing", trace, EPERM},
	};

	(void)state;
	try_all(isolate_confine_courier, attempts, COUNT(attempts));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, tree_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_isolate_confine_program__files__only_its_own_written),
	    TEST(test_isolate_confine_program__no_writable_paths__nothing_written),
	    TEST(test_isolate_confine_program__calls__needed_work_others_do_not),
	    TEST(test_isolate_confine_program__debug__traced_and_no_more),
	    TEST(test_isolate_confine_program__writable_path_missing__error),
	    TEST(test_confine_unpacker__files__the_folder_alone),
	    TEST(test_isolate_confine_signer__files_of_a_token_and_no_more),
	    TEST(test_isolate_confine_courier__files__what_names_need_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
