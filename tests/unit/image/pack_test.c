#include "sample.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/file.h"
#include "image/pack.h"

static char *folder;
static struct pack *pack;
static volatile sig_atomic_t stopped;

static int setup(void **state)
{
	(void)state;
	stopped = 0;
	folder = sample_folder();
	assert_int_equal(pack_new(folder, &stopped, &pack, NULL), TOBI_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pack_free(pack);
	sample_remove(folder);
	return 0;
}

/* A path below the test's folder: one of four at a time. */
static const char *at(const char *name)
{
	static char path[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static const char *put(const char *name, struct tobi_bytes content, mode_t mode)
{
	const char *path = at(name);

	assert_int_equal(file_write(path, mode, content, "test", NULL), TOBI_OK);
	return path;
}

static enum tobi_err add(const char *program, char *path, struct tobi_fault *fault)
{
	return pack_add_program(pack, program, 1000, 1000, path, LIMIT_PATH, fault);
}

static void refused(const char *program, enum tobi_err err, const char *message)
{
	struct tobi_fault fault = {0};
	char path[LIMIT_PATH];

	assert_int_equal(add(program, path, &fault), err);
	if (!strstr(fault.message, message))
		fail_msg("'%s' is not in '%s'", message, fault.message);
}

static void test_pack_program__comes_with_loader_libraries_and_surroundings(void **state)
{
	static const char *const needed[] = {
	    "/usr/bin/env",	  "/etc/passwd", "/etc/hosts",
	    "/etc/nsswitch.conf", "/etc/group",
	};
	char path[LIMIT_PATH];

	(void)state;
	assert_int_equal(add("env", path, NULL), TOBI_OK);
	assert_string_equal(path, "/usr/bin/env");
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		assert_true(pack_has(pack, needed[i]));
#if defined(__x86_64__)
	assert_true(pack_has(pack, "/lib64/ld-linux-x86-64.so.2"));
	assert_true(pack_has(pack, "/lib/x86_64-linux-gnu/libc.so.6"));
#endif
	/* Nothing of this host's accounts, keys and logs. */
	assert_false(pack_has(pack, "/etc/shadow"));
	assert_false(pack_has(pack, "/var/log"));
	assert_string_equal(pack_extras(pack), "");
}

static void test_pack_program__keeps_the_name_given(void **state)
{
	char path[LIMIT_PATH], cwd[PATH_MAX];

	(void)state;
	char want[160];

	assert_int_equal(symlink("/usr/bin/env", at("mine")), 0);
	assert_int_equal(add(at("mine"), path, NULL), TOBI_OK);
	/* /tmp is writable memory inside, which takes no programs. */
	snprintf(want, sizeof(want), "/opt%s", at("mine"));
	assert_string_equal(path, want);
	assert_true(pack_has(pack, path));
	assert_false(pack_has(pack, at("mine")));
	/* By a relative path too. */
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(add("./mine", path, NULL), TOBI_OK);
	assert_int_equal(chdir(cwd), 0);
	assert_string_equal(path, want);
}

static void test_pack_script__comes_with_its_interpreter(void **state)
{
	char path[LIMIT_PATH];

	(void)state;
	put("one", text("#!/bin/sh -e\necho\n"), 0755);
	assert_int_equal(add(at("one"), path, NULL), TOBI_OK);
	assert_true(pack_has(pack, "/bin/sh"));
	put("two", text("#! /usr/bin/env -S cat -n\n"), 0755);
	assert_int_equal(add(at("two"), path, NULL), TOBI_OK);
	assert_true(pack_has(pack, "/usr/bin/env"));
	assert_true(pack_has(pack, "/usr/bin/cat"));
}

static void test_pack_script__that_never_ends_or_lacks_something(void **state)
{
	static const char loop[] = "/usr/local/bin/tobichi-test-loop";

	(void)state;
	/* Where a test may write there: a script that needs itself. */
	if (file_write(loop, 0755, text("#!/usr/local/bin/tobichi-test-loop\n"), "test",
		       NULL) == TOBI_OK) {
		refused(loop, TOBI_E_LIMIT, "too many interpreters");
		unlink(loop);
	}
	put("home", text("#!/tmp/tobichi-test-sh\n"), 0755);
	assert_int_equal(
	    file_write("/tmp/tobichi-test-sh", 0755, text("#!/bin/sh\n"), "test", NULL),
	    TOBI_OK);
	refused(at("home"), TOBI_E_UNSUPPORTED, "takes no programs");
	unlink("/tmp/tobichi-test-sh");
	put("lost", text("#!/no/such/sh\n"), 0755);
	refused(at("lost"), TOBI_E_NOT_FOUND, "/no/such/sh");
	put("lost", text("#!/usr/bin/env no-such-program\n"), 0755);
	refused(at("lost"), TOBI_E_NOT_FOUND, "no-such-program");
	/* The name of the interpreter is on the first line. */
	put("empty", text("#!\n/bin/sh\n"), 0755);
	refused(at("empty"), TOBI_E_UNSUPPORTED, "neither a program nor a script");
}

static void test_pack_program__what_cannot_be_one(void **state)
{
	(void)state;
	refused("no-such-program-anywhere", TOBI_E_NOT_FOUND, "there is no program");
	refused("/no/such/program", TOBI_E_SYSTEM, "/no/such/program");
	refused(folder, TOBI_E_ARGUMENT, "is a folder");
	refused(put("text", text("just text\n"), 0755), TOBI_E_UNSUPPORTED,
		"neither a program");
	refused(put("plain", text("#!/bin/sh\n"), 0644), TOBI_E_DENIED, "chmod +x");
	refused(put("empty", text(""), 0755), TOBI_E_UNSUPPORTED, "neither a program");
	assert_int_equal(mkfifo(at("fifo"), 0755), 0);
	refused(at("fifo"), TOBI_E_ARGUMENT, "not a regular file");
}

/* /usr/bin/env with two bytes changed. */
static void put_elf(const char *name, size_t offset, uint16_t value, size_t size)
{
	struct writer bytes = sample_read("/usr/bin/env");

	bytes.ptr[offset] = (uint8_t)value;
	bytes.ptr[offset + 1] = (uint8_t)(value >> 8);
	put(name, (struct tobi_bytes){bytes.ptr, size ? size : bytes.size}, 0755);
	wr_done(&bytes);
}

static void test_pack_elf__of_another_machine_or_damaged(void **state)
{
	(void)state;
	put_elf("machine", offsetof(Elf64_Ehdr, e_machine), EM_RISCV, 0);
	refused(at("machine"), TOBI_E_UNSUPPORTED, "another kind of machine");
	put_elf("class", EI_CLASS, ELFCLASS32 | ELFDATA2LSB << 8, 0);
	refused(at("class"), TOBI_E_UNSUPPORTED, "another kind of machine");
	put_elf("core", offsetof(Elf64_Ehdr, e_type), ET_CORE, 0);
	refused(at("core"), TOBI_E_UNSUPPORTED, "not a program");
	put_elf("short", EI_CLASS, ELFCLASS64 | ELFDATA2LSB << 8, 40);
	refused(at("short"), TOBI_E_TRUNCATED, "cut off");
	put_elf("headers", EI_CLASS, ELFCLASS64 | ELFDATA2LSB << 8, 100);
	refused(at("headers"), TOBI_E_TRUNCATED, "cut off");
	put_elf("count", offsetof(Elf64_Ehdr, e_phnum), 0, 0);
	refused(at("count"), TOBI_E_TRUNCATED, "none where");
	put_elf("many", offsetof(Elf64_Ehdr, e_phnum), 0xffff, 0);
	refused(at("many"), TOBI_E_TRUNCATED, "cut off");
	put_elf("half", EI_CLASS, ELFCLASS64 | ELFDATA2LSB << 8, 4096);
	refused(at("half"), TOBI_E_NOT_FOUND, "libraries");
}

/* A program may name any loader: only root's are run. */
static void test_pack_elf__with_a_loader_of_somebody_else__not_run(void **state)
{
	struct writer bytes = sample_read("/usr/bin/env");
	char loader[64], script[200];
	uint8_t *name = memmem(bytes.ptr, 4096, "/lib", 4);

	(void)state;
	assert_non_null(name);
	/* As long as the name it replaces, so that the header stays right. */
	snprintf(loader, sizeof(loader), "/tmp/tobi-%.*s",
		 (int)(strlen((char *)name) - 10), "loader-loader-loader-loader");
	assert_int_equal(strlen(loader), strlen((char *)name));
	memcpy(name, loader, strlen(loader));
	snprintf(script, sizeof(script), "#!/bin/sh\ntouch %s\n", at("was-run"));
	assert_int_equal(file_write(loader, 0755, text(script), "test", NULL), TOBI_OK);
	assert_int_equal(chmod(loader, 0777), 0);
	put("program", wr_view(&bytes), 0755);
	refused(at("program"), TOBI_E_DENIED, "not root's");
	assert_int_equal(access(at("was-run"), F_OK), -1);
	unlink(loader);
	refused(at("program"), TOBI_E_SYSTEM, "which is not here");
	wr_done(&bytes);
}

static void test_pack_add__folder_with_all_kinds(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *first;

	(void)state;
	assert_int_equal(mkdir(at("d"), 0700), 0);
	assert_int_equal(mkdir(at("d/sub"), 0700), 0);
	put("d/sub/file", text("x"), 0600);
	assert_int_equal(symlink("/etc/shadow", at("d/link")), 0);
	assert_int_equal(mkfifo(at("d/fifo"), 0600), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", at("d/socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(pack_add(pack, at("d"), "/data", NULL), TOBI_OK);
	assert_true(pack_has(pack, "/data/sub/file"));
	assert_false(pack_has(pack, "/data/fifo"));
	assert_false(pack_has(pack, "/data/socket"));
	/* The link is there, and leads to nothing of the host. */
	assert_false(pack_has(pack, "/data/link"));
	assert_false(pack_has(pack, "/etc/shadow"));
	assert_int_equal(pack_left_out(pack, &first), 2);
	assert_non_null(strstr(first, "/d/"));
}

static void test_pack_add__the_staging_folder_itself_is_not_packed(void **state)
{
	(void)state;
	put("file", text("x"), 0644);
	assert_int_equal(pack_add(pack, folder, "/all", NULL), TOBI_OK);
	assert_true(pack_has(pack, "/all/file"));
}

static void test_pack_add__what_cannot_be_added(void **state)
{
	struct tobi_fault fault = {0};
	char far[128];

	(void)state;
	put("file", text("x"), 0644);
	assert_int_equal(pack_add(pack, "/", NULL, &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, "/../", NULL, &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, "/", "/host", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, at("none"), NULL, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, at("none")));
	assert_int_equal(pack_add(pack, at("file"), "relative", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, at("file"), "/a/../b", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, at("file"), "/a/..", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, at("file"), "/", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, at("file"), "", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add(pack, "/dev/null", NULL, &fault), TOBI_E_UNSUPPORTED);
	snprintf(far, sizeof(far), "%s", at("ring"));
	assert_int_equal(symlink(far, far), 0);
	assert_int_equal(pack_add(pack, far, NULL, &fault), TOBI_E_LIMIT);
	assert_non_null(strstr(fault.message, "too many links"));
}

static void test_pack_root__hostile_links_and_sparse_files(void **state)
{
	struct tobi_fault fault = {0};
	int fd;

	(void)state;
	assert_int_equal(mkdir(at("root"), 0755), 0);
	assert_int_equal(mkdir(at("host"), 0755), 0);
	assert_int_equal(symlink(at("host"), at("root/run")), 0);
	assert_int_equal(pack_add_root(pack, at("root"), NULL), TOBI_OK);
	/* What every image has must not be made where the link points on this host. */
	struct manifest *m = sample_manifest();
	uint8_t id[SHA384_SIZE];
	assert_int_not_equal(pack_finish(pack, at("image"), m, NULL, id, &fault),
			     TOBI_OK);
	assert_int_equal(rmdir(at("host")), 0);
	/* 20 GiB that take no room. */
	fd = open(at("root/sparse"), O_WRONLY | O_CREAT, 0644);
	if (ftruncate(fd, INT64_C(20) << 30) == 0) {
		assert_int_equal(pack_add_root(pack, at("root"), &fault), TOBI_E_LIMIT);
		assert_non_null(strstr(fault.message, "16 GiB"));
	}
	close(fd);
	assert_int_equal(pack_add_root(pack, "/", &fault), TOBI_E_ARGUMENT);
	assert_int_equal(pack_add_root(pack, at("none"), &fault), TOBI_E_SYSTEM);
	assert_int_equal(pack_add_root(pack, put("file", text("x"), 0644), &fault),
			 TOBI_E_ARGUMENT);
}

static void finish_refused(const char *entry, enum tobi_err err, const char *message)
{
	struct manifest *m = sample_manifest();
	struct tobi_fault fault = {0};
	uint8_t id[SHA384_SIZE];

	m->arguments[0] = text(entry);
	assert_int_equal(pack_finish(pack, at("image"), m, NULL, id, &fault), err);
	if (!strstr(fault.message, message))
		fail_msg("'%s' is not in '%s'", message, fault.message);
	assert_int_equal(access(at("image"), F_OK), -1);
}

static void test_pack_finish__checks_the_entry_point(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("root"), 0755), 0);
	put("root/text", text("just text"), 0755);
	put("root/plain", text("#!/plain"), 0644);
	put("root/script", text("#!/no/such/sh\n"), 0755);
	put_elf("root/elf", offsetof(Elf64_Ehdr, e_machine), EM_RISCV, 0);
	assert_int_equal(symlink("/usr/bin/env", at("root/link")), 0);
	assert_int_equal(pack_add_root(pack, at("root"), NULL), TOBI_OK);
	finish_refused("env", TOBI_E_ARGUMENT, "absolute path");
	finish_refused("/none", TOBI_E_NOT_FOUND, "/none is not in the root folder");
	finish_refused("/etc", TOBI_E_ARGUMENT, "is a folder");
	finish_refused("/text", TOBI_E_UNSUPPORTED, "neither a program");
	finish_refused("/plain", TOBI_E_DENIED, "not executable");
	finish_refused("/script", TOBI_E_NOT_FOUND, "/no/such/sh");
	finish_refused("/elf", TOBI_E_UNSUPPORTED, "another kind of machine");
	/* To a program of the host, which is not in the image. */
	finish_refused("/link", TOBI_E_NOT_FOUND, "/link is not in");
}

static void test_pack_stopped__ends_with_nothing(void **state)
{
	struct manifest *m = sample_manifest();
	struct tobi_fault fault = {0};
	uint8_t id[SHA384_SIZE];
	char path[LIMIT_PATH];

	(void)state;
	assert_int_equal(add("env", path, NULL), TOBI_OK);
	m->arguments[0] = text(path);
	stopped = 1;
	assert_int_equal(pack_add(pack, "/usr/bin/cat", NULL, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "interrupted"));
	assert_int_equal(pack_finish(pack, at("image"), m, NULL, id, &fault),
			 TOBI_E_SYSTEM);
	assert_int_equal(access(at("image"), F_OK), -1);
	pack_free(pack);
	pack = NULL;
	/* The folder that held the staging folder is empty again. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void test_pack_new__nowhere(void **state)
{
	char deep[400] = "/tmp/";
	struct tobi_fault fault = {0};
	struct pack *none = NULL;

	(void)state;
	assert_int_equal(pack_new("/no/such/folder", NULL, &none, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "TMPDIR"));
	memset(deep + 5, 'a', 300);
	assert_int_equal(pack_new(deep, NULL, &none, &fault), TOBI_E_SYSTEM);
	assert_null(none);
	pack_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_pack_program__comes_with_loader_libraries_and_surroundings),
	    TEST(test_pack_program__keeps_the_name_given),
	    TEST(test_pack_script__comes_with_its_interpreter),
	    TEST(test_pack_script__that_never_ends_or_lacks_something),
	    TEST(test_pack_program__what_cannot_be_one),
	    TEST(test_pack_elf__of_another_machine_or_damaged),
	    TEST(test_pack_elf__with_a_loader_of_somebody_else__not_run),
	    TEST(test_pack_add__folder_with_all_kinds),
	    TEST(test_pack_add__the_staging_folder_itself_is_not_packed),
	    TEST(test_pack_add__what_cannot_be_added),
	    TEST(test_pack_root__hostile_links_and_sparse_files),
	    TEST(test_pack_finish__checks_the_entry_point),
	    TEST(test_pack_stopped__ends_with_nothing),
	    TEST(test_pack_new__nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
