#include "tool.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bytes.h"

static char folder[40], path[64];

static int enter(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/tobichi-tool-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/tobichi", folder);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void test_tool_place__an_executable__that_nobody_may_write(void **state)
{
	struct stat st;

	(void)state;
	umask(077);
	assert_int_equal(tool_place(folder, text_bytes("program"), NULL), TOBI_OK);
	umask(022);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0555);
	assert_int_equal(st.st_size, 7);
}

/* Nobody else's file or link is written to. */
static void test_tool_place__something_there__fails(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(tool_place(folder, text_bytes("program"), NULL), TOBI_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_tool_place__an_executable__that_nobody_may_write, enter, leave),
	    cmocka_unit_test_setup_teardown(test_tool_place__something_there__fails,
					    enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
