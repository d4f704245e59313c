/* The folder "image" of each test's folder stands for an image that was just mounted;
 * "host" beside it is what its links must not reach. */
#include "isolate/inroot.h"

#include "base/cleanup.h"
#include "tests/unit/isolate/tree.h"

static int enter(void **state)
{
	if (tree_enter(state))
		return -1;
	tree_folder("host");
	tree_folder("host/secret");
	tree_folder("image");
	tree_folder("image/run");
	tree_folder("image/run/app");
	tree_folder("image/var");
	return 0;
}

/* Where path leads to, or the error. */
static enum tobi_err resolve(const char *path, char out[LIMIT_PATH])
{
	CLEANUP(fd_close) int root = open("image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_close) int fd = -1;
	struct tobi_fault fault = {0};
	enum tobi_err err = inroot_open(root, path, &fd, &fault);

	if (err) {
		assert_int_equal(fault.code, err);
		assert_string_equal(fault.object, "image");
		assert_int_equal(fd, -1);
		return err;
	}
	return inroot_path(root, fd, out, NULL);
}

static void expect(const char *path, const char *real)
{
	char out[LIMIT_PATH] = "";

	assert_int_equal(resolve(path, out), TOBI_OK);
	assert_string_equal(out, real);
}

static void test_inroot_open__plain_folder__itself(void **state)
{
	(void)state;
	expect("/run/app", "/run/app");
	expect("run/app", "/run/app");
	expect("/", "/");
}

static void test_inroot_open__absolute_link__stays_inside(void **state)
{
	char host[LIMIT_PATH], out[LIMIT_PATH];

	snprintf(host, sizeof(host), "%s/host", (char *)*state);
	tree_link(host, "image/lead");
	assert_int_equal(resolve("/lead/secret", out), TOBI_E_NOT_FOUND);
	assert_int_equal(resolve("/lead", out), TOBI_E_NOT_FOUND);
	tree_link("/run", "image/var/run");
	expect("/var/run/app", "/run/app");
}

static void test_inroot_open__dots__stop_at_the_root(void **state)
{
	char out[LIMIT_PATH];

	(void)state;
	tree_link("../../../host", "image/var/up");
	assert_int_equal(resolve("/var/up/secret", out), TOBI_E_NOT_FOUND);
	assert_int_equal(resolve("../host", out), TOBI_E_NOT_FOUND);
	expect("/../../run", "/run");
	tree_link("../..", "image/var/top");
	expect("/var/top", "/");
	tree_link("../../run/app", "image/var/lib");
	expect("/var/lib", "/run/app");
}

static void test_inroot_open__link_of_proc__refused(void **state)
{
	CLEANUP(fd_close) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;

	(void)state;
	/* A link of the kernel's own would lead anywhere. */
	assert_int_not_equal(inroot_open(proc, "/self/cwd", &fd, NULL), TOBI_OK);
	assert_int_equal(fd, -1);
	assert_int_equal(inroot_open(proc, "/self/task", &fd, NULL), TOBI_OK);
	close(fd);
}

static void test_inroot_open__no_folder__not_found(void **state)
{
	char out[LIMIT_PATH];

	(void)state;
	tree_file("image/file", "x");
	tree_link("round", "image/round");
	assert_int_equal(resolve("/nothing", out), TOBI_E_NOT_FOUND);
	assert_int_equal(resolve("/file", out), TOBI_E_NOT_FOUND);
	assert_int_equal(resolve("/file/x", out), TOBI_E_NOT_FOUND);
	assert_int_equal(resolve("/round", out), TOBI_E_NOT_FOUND);
}

static void test_inroot_path__outside__denied(void **state)
{
	CLEANUP(fd_close) int root = open("image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_close) int other = -1, host = open("host", O_PATH | O_CLOEXEC);
	char out[LIMIT_PATH] = "untouched";

	(void)state;
	/* The same letters first, and yet another folder. */
	tree_folder("image-of-another");
	other = open("image-of-another", O_PATH | O_CLOEXEC);
	assert_int_equal(inroot_path(root, host, out, NULL), TOBI_E_DENIED);
	assert_int_equal(inroot_path(root, other, out, NULL), TOBI_E_DENIED);
	assert_string_equal(out, "untouched");
}

static void test_inroot_path__true_root__paths_as_they_are(void **state)
{
	CLEANUP(fd_close) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_close) int fd = open("image", O_PATH | O_CLOEXEC);
	char out[LIMIT_PATH], expected[LIMIT_PATH];

	snprintf(expected, sizeof(expected), "%s/image", (char *)*state);
	assert_int_equal(inroot_path(root, fd, out, NULL), TOBI_OK);
	assert_string_equal(out, expected);
	assert_int_equal(inroot_path(root, root, out, NULL), TOBI_OK);
	assert_string_equal(out, "/");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, tree_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_inroot_open__plain_folder__itself),
	    TEST(test_inroot_open__absolute_link__stays_inside),
	    TEST(test_inroot_open__dots__stop_at_the_root),
	    TEST(test_inroot_open__link_of_proc__refused),
	    TEST(test_inroot_open__no_folder__not_found),
	    TEST(test_inroot_path__outside__denied),
	    TEST(test_inroot_path__true_root__paths_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
