#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "program.h"

static struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

static enum tobi_err no_confinement(const struct manifest *manifest,
				    struct tobi_fault *fault)
{
	(void)manifest;
	(void)fault;
	return TOBI_OK;
}

static enum tobi_err refuse(const struct manifest *manifest, struct tobi_fault *fault)
{
	(void)manifest;
	return fault_set(fault, TOBI_E_SYSTEM, "confinement", "landlock", "not here");
}

static struct manifest manifest;
static struct launch_config launch;

static int setup(void **state)
{
	(void)state;
	manifest = (struct manifest){.directory = text("/"), .limits.files = 64};
	launch = (struct launch_config){0};
	return 0;
}

static void arguments(const char *first, const char *second, const char *third)
{
	const char *all[] = {first, second, third};

	for (size_t i = 0; i < 3 && all[i]; i++)
		manifest.arguments[manifest.argument_count++] = text(all[i]);
}

/* Runs the program; what it writes goes to out. */
static enum tobi_err run(char *out, size_t size, int *ret_status,
			 struct tobi_fault *fault)
{
	struct program_vectors vectors;
	struct program_spec spec = {.manifest = &manifest,
				    .vectors = &vectors,
				    .uid = (uid_t)-1,
				    .gid = (gid_t)-1,
				    .confine = no_confinement};
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	enum tobi_err err;
	size_t used = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spec.stdio[0] = null;
	spec.stdio[1] = spec.stdio[2] = ends[1];
	assert_int_equal(program_vectors_make(&manifest, &launch, &vectors, NULL),
			 TOBI_OK);
	err = program_start(&spec, &pid, fault);
	close(ends[1]);
	close(null);
	while (used < size - 1 && (got = read(ends[0], out + used, size - 1 - used)) > 0)
		used += (size_t)got;
	out[used] = '\0';
	close(ends[0]);
	program_vectors_done(&vectors);
	if (!err)
		assert_int_equal(waitpid(pid, ret_status, 0), pid);
	return err;
}

static void test_arguments_and_environment_are_only_the_declared_ones(void **state)
{
	char out[4096];
	int status;

	(void)state;
	setenv("LD_PRELOAD_OUTSIDE", "1", 1);
	arguments("/bin/sh", "-c", "echo $0 $1; /usr/bin/env");
	launch.arguments[launch.argument_count++] = text("zero");
	launch.arguments[launch.argument_count++] = text("one");
	manifest.environment[manifest.environment_count++] =
	    (struct text_pair){text("A"), text("1")};
	launch.environment[launch.environment_count++] =
	    (struct text_pair){text("B"), text("2")};
	assert_int_equal(run(out, sizeof(out), &status, NULL), TOBI_OK);
	assert_int_equal(status, 0);
	assert_non_null(strstr(out, "zero one\n"));
	assert_non_null(strstr(out, "A=1\n"));
	assert_non_null(strstr(out, "B=2\n"));
	assert_null(strstr(out, "OUTSIDE"));
}

static void test_no_descriptor_is_inherited(void **state)
{
	enum { LEAK = 50 };
	char out[4096];
	int status;

	(void)state;
	/* Not close-on-exec. The shell's own 3 is the folder that it lists. */
	assert_int_equal(dup2(0, LEAK), LEAK);
	arguments("/bin/sh", "-c", "echo /proc/$$/fd/*; ulimit -n");
	assert_int_equal(run(out, sizeof(out), &status, NULL), TOBI_OK);
	close(LEAK);
	assert_non_null(strstr(out, "/fd/2"));
	assert_non_null(strstr(out, "\n64\n"));
	assert_null(strstr(out, "/fd/50"));
	assert_null(strstr(out, "/fd/4"));
}

static void test_status_comes_back(void **state)
{
	char out[64];
	int status;

	(void)state;
	arguments("/bin/sh", "-c", "exit 41");
	assert_int_equal(run(out, sizeof(out), &status, NULL), TOBI_OK);
	assert_int_equal(WEXITSTATUS(status), 41);
}

static void expect(const char *path, enum tobi_err err, const char *field,
		   const char *message)
{
	struct tobi_fault fault = {0};
	char out[64];
	int status;

	setup(NULL);
	arguments(path, NULL, NULL);
	assert_int_equal(run(out, sizeof(out), &status, &fault), err);
	assert_string_equal(fault.field, field);
	assert_non_null(strstr(fault.message, message));
	assert_non_null(strstr(fault.message, path));
}

static void write_file(const char *path, const void *content, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, content, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* /bin/true for another machine, or with another loader. */
static void write_changed_elf(const char *path, bool machine)
{
	static uint8_t bytes[4 << 20];
	int fd = open("/bin/true", O_RDONLY);
	ssize_t size = read(fd, bytes, sizeof(bytes));
	uint8_t *at;

	close(fd);
	assert_true(size > 64);
	if (machine) {
		bytes[18] = 243; /* EM_RISCV */
		bytes[19] = 0;
	} else {
		at = memmem(bytes, 4096, "/ld-", 4);
		assert_non_null(at);
		at[1] = 'X';
	}
	write_file(path, bytes, (size_t)size, 0755);
}

static void test_why_it_cannot_be_started(void **state)
{
	char folder[] = "/tmp/tobichi-program-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	expect("/nonexistent/program", TOBI_E_NOT_FOUND, "entry point",
	       "not in the image");
	expect(folder, TOBI_E_DENIED, "entry point", "is a folder");
	snprintf(path, sizeof(path), "%s/file", folder);
	write_file(path, "text", 4, 0644);
	expect(path, TOBI_E_DENIED, "entry point", "not executable");
	write_file(path, "text", 4, 0755);
	expect(path, TOBI_E_MALFORMED, "entry point", "Exec format error");
	write_file(path, "#!/nowhere/sh -e\n", 17, 0755);
	expect(path, TOBI_E_NOT_FOUND, "interpreter", "the interpreter /nowhere/sh,");
	write_changed_elf(path, true);
	expect(path, TOBI_E_UNSUPPORTED, "entry point", "a program for riscv");
	write_changed_elf(path, false);
	expect(path, TOBI_E_NOT_FOUND, "loader", "which is not in the image");
	unlink(path);
	rmdir(folder);
}

static void test_a_confinement_that_fails_starts_nothing(void **state)
{
	struct program_vectors vectors;
	struct program_spec spec = {.manifest = &manifest,
				    .vectors = &vectors,
				    .stdio = {0, 1, 2},
				    .uid = (uid_t)-1,
				    .confine = refuse};
	struct tobi_fault fault = {0};
	pid_t pid = -7;

	(void)state;
	arguments("/bin/true", NULL, NULL);
	assert_int_equal(program_vectors_make(&manifest, &launch, &vectors, NULL),
			 TOBI_OK);
	assert_int_equal(program_start(&spec, &pid, &fault), TOBI_E_SYSTEM);
	assert_string_equal(fault.field, "landlock");
	assert_int_equal(pid, -7);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
	program_vectors_done(&vectors);
}

static void test_missing_working_directory(void **state)
{
	struct tobi_fault fault = {0};
	char out[64];
	int status;

	(void)state;
	arguments("/bin/true", NULL, NULL);
	manifest.directory = text("/nonexistent");
	assert_int_equal(run(out, sizeof(out), &status, &fault), TOBI_E_SYSTEM);
	assert_string_equal(fault.field, "working directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		test_arguments_and_environment_are_only_the_declared_ones, setup),
	    cmocka_unit_test_setup(test_no_descriptor_is_inherited, setup),
	    cmocka_unit_test_setup(test_status_comes_back, setup),
	    cmocka_unit_test_setup(test_why_it_cannot_be_started, setup),
	    cmocka_unit_test_setup(test_a_confinement_that_fails_starts_nothing, setup),
	    cmocka_unit_test_setup(test_missing_working_directory, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
