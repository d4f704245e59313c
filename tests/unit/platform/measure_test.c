#include "daemons/platform/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/image/sample.h"

enum { BLOCKS = 70 }; /* more than is compared at a time */

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Measures; the inode of the copy, or 0 and *ret_err. */
static ino_t measure(struct tobi_bytes bytes, int *kept, enum tobi_err *ret_err)
{
	struct image *image = NULL;
	int fd = sample_file(bytes), copy = -1;
	ino_t found = 0;

	*ret_err = measure_image(fd, kept, &copy, &image, NULL);
	if (!*ret_err) {
		found = inode(copy);
		assert_int_equal(image->file_size, bytes.size);
		close(copy);
	}
	image_free(image);
	close(fd);
	return found;
}

static void test_measure_image__the_same_bytes_again__the_same_copy(void **state)
{
	EVP_PKEY *key = sample_key(KEY_P384);
	struct writer bytes = sample_image(BLOCKS, key);
	enum tobi_err err;
	int kept = -1;
	ino_t first = measure(wr_view(&bytes), &kept, &err);

	(void)state;
	assert_int_equal(err, TOBI_OK);
	assert_true(kept >= 0);
	assert_int_equal(measure(wr_view(&bytes), &kept, &err), first);
	assert_int_equal(err, TOBI_OK);
	assert_int_equal(inode(kept), first);
	close(kept);
	wr_done(&bytes);
	EVP_PKEY_free(key);
}

/* Were one byte not compared, what was changed there would pass for what was measured. */
static void test_measure_image__any_byte_changed__not_the_kept_copy(void **state)
{
	EVP_PKEY *key = sample_key(KEY_P384);
	struct writer bytes = sample_image(BLOCKS, key);
	enum tobi_err err;
	int kept = -1;
	ino_t first = measure(wr_view(&bytes), &kept, &err);

	(void)state;
	assert_int_equal(err, TOBI_OK);
	for (size_t at = 0; at < bytes.size; at += at < 4096 ? 61 : 509) {
		bytes.ptr[at] ^= 1;
		assert_int_equal(measure(wr_view(&bytes), &kept, &err), 0);
		assert_int_not_equal(err, TOBI_OK);
		bytes.ptr[at] ^= 1;
	}
	bytes.ptr[bytes.size - 1] ^= 1;
	assert_int_equal(measure(wr_view(&bytes), &kept, &err), 0);
	bytes.ptr[bytes.size - 1] ^= 1;
	/* What was refused has not taken its place. */
	assert_int_equal(inode(kept), first);
	close(kept);
	wr_done(&bytes);
	EVP_PKEY_free(key);
}

static void test_measure_image__shorter_or_longer__refused(void **state)
{
	struct writer bytes = sample_image(BLOCKS, NULL);
	struct tobi_bytes part = wr_view(&bytes);
	enum tobi_err err;
	int kept = -1;

	(void)state;
	measure(part, &kept, &err);
	assert_int_equal(err, TOBI_OK);
	part.size--;
	measure(part, &kept, &err);
	assert_int_equal(err, TOBI_E_TRUNCATED);
	wr_u8(&bytes, 0);
	measure(wr_view(&bytes), &kept, &err);
	assert_int_equal(err, TOBI_E_TRAILING);
	close(kept);
	wr_done(&bytes);
}

static void test_measure_image__another_image__takes_the_place(void **state)
{
	struct writer one = sample_image(BLOCKS, NULL);
	struct writer other = sample_image(BLOCKS + 1, NULL);
	size_t open_before = sample_open_descriptors();
	enum tobi_err err;
	int kept = -1;
	ino_t first = measure(wr_view(&one), &kept, &err), second;

	(void)state;
	second = measure(wr_view(&other), &kept, &err);
	assert_int_equal(err, TOBI_OK);
	assert_int_not_equal(first, second);
	assert_int_equal(inode(kept), second);
	close(kept);
	assert_int_equal(sample_open_descriptors(), open_before);
	wr_done(&one);
	wr_done(&other);
}

static void test_measure_image__kept_copy__nobody_can_change_it(void **state)
{
	struct writer bytes = sample_image(BLOCKS, NULL);
	enum tobi_err err;
	int kept = -1;

	(void)state;
	measure(wr_view(&bytes), &kept, &err);
	assert_int_equal(err, TOBI_OK);
	assert_int_equal(pwrite(kept, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(kept, 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, kept, 0), MAP_FAILED);
	close(kept);
	wr_done(&bytes);
}

static void test_measure_image__no_regular_file__refused(void **state)
{
	struct writer bytes = sample_image(BLOCKS, NULL);
	struct image *image = NULL;
	enum tobi_err err;
	int kept = -1, pipes[2], copy = -1;

	(void)state;
	measure(wr_view(&bytes), &kept, &err);
	assert_int_equal(err, TOBI_OK);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(measure_image(pipes[0], &kept, &copy, &image, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(copy, -1);
	close(pipes[0]);
	close(pipes[1]);
	close(kept);
	wr_done(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_measure_image__the_same_bytes_again__the_same_copy),
	    cmocka_unit_test(test_measure_image__any_byte_changed__not_the_kept_copy),
	    cmocka_unit_test(test_measure_image__shorter_or_longer__refused),
	    cmocka_unit_test(test_measure_image__another_image__takes_the_place),
	    cmocka_unit_test(test_measure_image__kept_copy__nobody_can_change_it),
	    cmocka_unit_test(test_measure_image__no_regular_file__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
