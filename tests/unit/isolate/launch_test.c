#include "tests/check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "isolate/isolate.h"

enum { ALL = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static const struct isolate_spec good = {.image_fd = -1,
					 .agent_fd = -1,
					 .channel_fd = -1,
					 .id = "0123abcd",
					 .run_folder = "/nowhere"};

static int memory_file(int seals)
{
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void expect_refused(const struct isolate_spec *spec, const char *field)
{
	struct isolate isolate = {.pid = 12345};
	struct tobi_fault fault = {0};

	assert_int_equal(isolate_start(spec, &isolate, &fault), TOBI_E_ARGUMENT);
	assert_string_equal(fault.field, field);
	assert_int_equal(isolate.pid, 12345); /* untouched */
}

static void test_isolate_start__image_without_every_seal__refused(void **state)
{
	static const int lacking[] = {0, ALL & ~F_SEAL_WRITE, ALL & ~F_SEAL_SHRINK,
				      ALL & ~F_SEAL_GROW, ALL & ~F_SEAL_SEAL};

	(void)state;
	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		struct isolate_spec spec = good;

		spec.image_fd = memory_file(lacking[i]);
		expect_refused(&spec, "image");
		close(spec.image_fd);
	}
}

static void test_isolate_start__image_on_disk__refused(void **state)
{
	struct isolate_spec spec = good;

	(void)state;
	spec.image_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(spec.image_fd >= 0);
	expect_refused(&spec, "image");
	close(spec.image_fd);
}

static void test_isolate_start__slot_or_id_out_of_range__refused(void **state)
{
	struct isolate_spec spec = good;

	(void)state;
	spec.image_fd = memory_file(ALL);
	spec.slot = LIMIT_ENCLAVES;
	expect_refused(&spec, "slot");
	spec.slot = 0;
	spec.id = "0123abc";
	expect_refused(&spec, "slot");
	spec.id = "0123abcde";
	expect_refused(&spec, "slot");
	close(spec.image_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_isolate_start__image_without_every_seal__refused),
	    cmocka_unit_test(test_isolate_start__image_on_disk__refused),
	    cmocka_unit_test(test_isolate_start__slot_or_id_out_of_range__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
