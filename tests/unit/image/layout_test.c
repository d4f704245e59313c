#include "sample.h"

#include <unistd.h>

static void test_layout_offsets__rounded_up(void **state)
{
	struct image_layout at = image_layout(1, 1, 4096);

	(void)state;
	assert_int_equal(at.root_offset, 4096);
	assert_int_equal(at.tree_offset, 8192);
	assert_int_equal(at.tree_size, 0);
	assert_int_equal(at.file_size, 8192);
	at = image_layout(4096 - 56 - 1, 1, 8192);
	assert_int_equal(at.root_offset, 4096);
	assert_int_equal(at.file_size, 4096 + 8192 + 4096);
	at = image_layout(4096 - 56, 1, 8192);
	assert_int_equal(at.root_offset, 8192);
	at = image_layout(LIMIT_MANIFEST, LIMIT_SIGNATURES, LIMIT_ROOTFS);
	assert_int_equal(at.root_offset, 135168);
	assert_int_equal(at.tree_offset, 135168 + LIMIT_ROOTFS);
	assert_true(at.root_offset <= IMAGE_HEAD + IMAGE_MIDDLE_MAX);
}

static void test_layout_head__golden(void **state)
{
	static const uint8_t golden[62] = "TOBICHI1\0\0\0\1\0\0\0\3\0\0\0\2\0\0\0\0"
					  "\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x20\0"
					  "\0\0\0\0\0\0\x30\0\0\0\0\0\0\0\x10\0abcde";
	struct writer out = wr_init(IMAGE_HEAD + IMAGE_MIDDLE_MAX), small = wr_init(4095);
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(image_head_write(text("abc"), text("de"), 8192, &out, &fault),
			 TOBI_OK);
	assert_int_equal(out.size, 4096);
	assert_memory_equal(out.ptr, golden, 61);
	for (size_t i = 61; i < out.size; i++)
		assert_int_equal(out.ptr[i], 0);
	assert_int_equal(image_head_write(text("abc"), text("de"), 8192, &small, &fault),
			 TOBI_E_LIMIT);
	wr_done(&out);
	wr_done(&small);
}

static enum tobi_err drop(void *context, uint64_t offset,
			  const uint8_t block[static HASHTREE_BLOCK])
{
	(void)offset;
	(void)block;
	++*(size_t *)context;
	return TOBI_OK;
}

static void test_layout_measure__hashes_only_its_part(void **state)
{
	static uint8_t bytes[4 * HASHTREE_BLOCK];
	struct root_measurement found;
	struct tobi_fault fault = {0};
	uint8_t want[SHA384_SIZE];
	size_t emitted = 0;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / 100);
	fd = sample_file((struct tobi_bytes){bytes, sizeof(bytes)});
	assert_int_equal(root_measure(fd, HASHTREE_BLOCK, 2 * HASHTREE_BLOCK, drop,
				      &emitted, &found, NULL),
			 TOBI_OK);
	assert_int_equal(emitted, 1);
	assert_int_equal(
	    hash_sha384((struct tobi_bytes){bytes + HASHTREE_BLOCK, 2 * HASHTREE_BLOCK},
			want),
	    TOBI_OK);
	assert_memory_equal(found.sha384, want, SHA384_SIZE);
	/* A file that ends too early; a size that no root file system has. */
	assert_int_equal(root_measure(fd, HASHTREE_BLOCK, sizeof(bytes), drop, &emitted,
				      &found, &fault),
			 TOBI_E_TRUNCATED);
	assert_int_equal(root_measure(fd, 0, 100, drop, &emitted, &found, &fault),
			 TOBI_E_ARGUMENT);
	assert_string_equal(fault.field, "root file system");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layout_offsets__rounded_up),
	    cmocka_unit_test(test_layout_head__golden),
	    cmocka_unit_test(test_layout_measure__hashes_only_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
