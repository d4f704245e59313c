/* What isolate_start refuses before it makes anything. */
#include "isolate/isolate.h"

#include <sys/mman.h>

#include "base/cleanup.h"
#include "tests/unit/isolate/tree.h"

enum { ALL = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static int memory(int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static struct isolate_spec good(void)
{
	static struct manifest manifest;
	static struct image image;

	image.manifest = &manifest;
	return (struct isolate_spec){.image = &image,
				     .image_fd = memory(ALL),
				     .agent_fd = memory(ALL),
				     .channel_fd = -1,
				     .id = "0123abcd",
				     .run_folder = "/nowhere/at/all"};
}

static void refused(struct isolate_spec *spec, const char *field)
{
	struct tobi_fault fault = {0};
	struct isolate isolate = {.pid = 7};

	assert_int_equal(isolate_start(spec, &isolate, &fault), TOBI_E_ARGUMENT);
	assert_string_equal(fault.object, "isolation");
	assert_string_equal(fault.field, field);
	assert_int_equal(isolate.pid, 7);
}

static void done(struct isolate_spec *spec)
{
	fd_close(&spec->image_fd);
	fd_close(&spec->agent_fd);
}

/* Goes past the checks: to the run folder, which is not there, or to the limits. */
static void test_isolate_start__spec_in_order__not_refused_for_it(void **state)
{
	struct isolate_spec spec = good();
	struct tobi_fault fault = {0};
	struct isolate isolate;

	(void)state;
	assert_int_equal(isolate_start(&spec, &isolate, &fault), TOBI_E_SYSTEM);
	done(&spec);
}

static void test_isolate_start__not_sealed__refused(void **state)
{
	static const int seals[] = {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW,
				    F_SEAL_SEAL};
	struct isolate_spec spec = good();

	(void)state;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		CLEANUP(fd_close) int open = memory(ALL & ~seals[i]);
		struct isolate_spec other = spec;

		other.image_fd = open;
		refused(&other, "image");
		other = spec;
		other.agent_fd = open;
		refused(&other, "agent");
	}
	done(&spec);
}

static void test_isolate_start__no_memory_file__refused(void **state)
{
	struct isolate_spec spec = good(), other = spec;

	(void)state;
	tree_file("file", "x");
	other.image_fd = open("file", O_RDONLY | O_CLOEXEC);
	refused(&other, "image");
	close(other.image_fd);
	other.image_fd = -1;
	refused(&other, "image");
	done(&spec);
}

static void test_isolate_start__id__eight_hexadecimal_digits(void **state)
{
	static const char *const bad[] = {"",	       "0123abc",  "0123abcde",
					  "../../..",  "0123ABCD", "0123abc/",
					  "0123abc\n", "ghijklmn"};
	struct isolate_spec spec = good();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		spec.id = bad[i];
		refused(&spec, "id");
	}
	done(&spec);
}

static void test_isolate_start__run_folder__absolute_and_short(void **state)
{
	char path[LIMIT_PATH];
	struct isolate_spec spec = good();

	(void)state;
	spec.run_folder = "relative";
	refused(&spec, "run folder");
	spec.run_folder = "";
	refused(&spec, "run folder");
	memset(path, '/', sizeof(path));
	path[LIMIT_PATH / 2 + 1] = 0;
	spec.run_folder = path;
	refused(&spec, "run folder");
	done(&spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TREE_TEST(test_isolate_start__spec_in_order__not_refused_for_it),
	    TREE_TEST(test_isolate_start__not_sealed__refused),
	    TREE_TEST(test_isolate_start__no_memory_file__refused),
	    TREE_TEST(test_isolate_start__id__eight_hexadecimal_digits),
	    TREE_TEST(test_isolate_start__run_folder__absolute_and_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
