#include "seal/memfile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/bytes.h"

static void test_memfile_new__cannot_be_changed(void **state)
{
	char content[8] = "";
	size_t size = 0;
	int fd = -1;

	(void)state;
	assert_int_equal(memfile_new(text_bytes("content"), &fd, NULL), TOBI_OK);
	assert_int_equal(memfile_size(fd, 7, &size, NULL), TOBI_OK);
	assert_int_equal(size, 7);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 9), -1);
	assert_ptr_equal(mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	assert_int_equal(fd_pread_all(fd, content, 7, 0, "content", NULL), TOBI_OK);
	assert_string_equal(content, "content");
	close(fd);
}

static void test_memfile_size__over_the_ceiling__fails(void **state)
{
	size_t size = 99;
	int fd = -1;

	(void)state;
	assert_int_equal(memfile_new(text_bytes("content"), &fd, NULL), TOBI_OK);
	assert_int_equal(memfile_size(fd, 6, &size, NULL), TOBI_E_LIMIT);
	assert_int_equal(size, 99);
	close(fd);
}

static void test_memfile_size__each_seal_missing__fails(void **state)
{
	static const int seals[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE};

	(void)state;
	for (int missing = 0; missing < 3; missing++) {
		size_t size;
		int fd = -1;

		assert_int_equal(memfile_open(&fd, NULL), TOBI_OK);
		for (int i = 0; i < 3; i++) {
			if (i != missing)
				assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		}
		assert_int_equal(memfile_size(fd, 100, &size, NULL), TOBI_E_DENIED);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[missing]), 0);
		assert_int_equal(memfile_size(fd, 100, &size, NULL), TOBI_OK);
		close(fd);
	}
}

static void test_memfile_size__no_memory_file__fails(void **state)
{
	int pipes[2], file = open("/proc/self/exe", O_RDONLY);
	size_t size;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(memfile_size(pipes[0], 100, &size, NULL), TOBI_E_DENIED);
	assert_int_equal(memfile_size(file, SIZE_MAX, &size, NULL), TOBI_E_DENIED);
	assert_int_equal(memfile_size(-1, 100, &size, NULL), TOBI_E_DENIED);
	close(pipes[0]);
	close(pipes[1]);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_memfile_new__cannot_be_changed),
	    cmocka_unit_test(test_memfile_size__over_the_ceiling__fails),
	    cmocka_unit_test(test_memfile_size__each_seal_missing__fails),
	    cmocka_unit_test(test_memfile_size__no_memory_file__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
