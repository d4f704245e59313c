#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/file.h"

/* Opens and measures; what a launcher does before it trusts an image. */
static enum tobi_err check(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct image *image = NULL;
	int fd = sample_file(bytes);
	enum tobi_err err = image_open(fd, &image, fault);

	if (!err)
		err = image_measure(fd, image, fault);
	image_free(image);
	close(fd);
	return err;
}

static void test_image_created__opens_and_measures(void **state)
{
	EVP_PKEY *key = sample_key(KEY_P384);
	struct writer bytes = sample_image(3, key);
	struct image *image = NULL;
	int fd = sample_file(wr_view(&bytes));
	uint8_t id[SHA384_SIZE];

	(void)state;
	assert_int_equal(image_open(fd, &image, NULL), TOBI_OK);
	assert_int_equal(image_measure(fd, image, NULL), TOBI_OK);
	assert_int_equal(image->signer_count, 1);
	assert_int_equal(key_spki_sha384(key, id, NULL), TOBI_OK);
	assert_memory_equal(image->signers[0], id, SHA384_SIZE);
	assert_int_equal(hash_sha384(image->manifest_bytes, id), TOBI_OK);
	assert_memory_equal(image->image_id, id, SHA384_SIZE);
	assert_int_equal(image->file_size, bytes.size);
	assert_int_equal(image->root_size, 3 * HASHTREE_BLOCK);
	image_free(image);
	image_free(NULL);
	close(fd);
	wr_done(&bytes);
	EVP_PKEY_free(key);
}

static void
test_image_truncated__every_length_of_the_head_and_every_block__refused(void **state)
{
	struct writer bytes = sample_image(3, NULL);
	size_t head = image_layout(1, 1, 4096).root_offset;

	(void)state;
	for (size_t size = 0; size < bytes.size; size += size < head ? 1 : 512) {
		struct tobi_fault fault = {0};

		assert_int_equal(check((struct tobi_bytes){bytes.ptr, size}, &fault),
				 TOBI_E_TRUNCATED);
		assert_string_equal(fault.object, "image");
		assert_string_equal(fault.field, "end");
		assert_true(fault.has_offset && fault.offset == size);
	}
	wr_done(&bytes);
}

/* It may show what an image says, and nothing that it would have to prove. */
static void test_image_read__bad_signature__read_but_not_opened(void **state)
{
	EVP_PKEY *key = sample_key(KEY_P256);
	struct writer bytes = sample_image(2, key);
	static const uint8_t none[SHA384_SIZE];
	struct image *image = NULL, *opened = NULL;
	int fd = sample_file(wr_view(&bytes));

	(void)state;
	assert_int_equal(image_open(fd, &image, NULL), TOBI_OK);
	bytes.ptr[IMAGE_HEAD + image->manifest_bytes.size + image->signature_bytes.size -
		  1] ^= 1;
	image_free(image);
	close(fd);
	fd = sample_file(wr_view(&bytes));
	assert_int_equal(image_open(fd, &opened, NULL), TOBI_E_SIGNATURE);
	assert_null(opened);
	assert_int_equal(image_read(fd, &image, NULL), TOBI_OK);
	assert_memory_equal(image->image_id, none, sizeof(none));
	assert_int_equal(image->signer_count, 0);
	image_free(image);
	close(fd);
	wr_done(&bytes);
	EVP_PKEY_free(key);
}

static void test_image_read__truncated_or_no_image__refused(void **state)
{
	struct writer bytes = sample_image(2, NULL);
	struct tobi_bytes part = wr_view(&bytes);
	struct image *image = NULL;
	int fd;

	(void)state;
	part.size--;
	fd = sample_file(part);
	assert_int_equal(image_read(fd, &image, NULL), TOBI_E_TRUNCATED);
	close(fd);
	bytes.ptr[IMAGE_HEAD] ^= 0xff; /* the manifest's first byte */
	fd = sample_file(wr_view(&bytes));
	assert_int_equal(image_read(fd, &image, NULL), TOBI_E_MALFORMED);
	assert_null(image);
	close(fd);
	wr_done(&bytes);
}

static void test_image_trailing_byte__refused(void **state)
{
	struct writer bytes = sample_image(2, NULL);
	struct tobi_fault fault = {0};

	(void)state;
	wr_u8(&bytes, 0);
	assert_int_equal(check(wr_view(&bytes), &fault), TOBI_E_TRAILING);
	assert_int_equal(fault.offset, bytes.size - 1);
	wr_done(&bytes);
}

/* An unsigned image has nothing but its shape and hashes; a signed one also that. In the
 * manifest, what a flip keeps well formed is another image, with another id. */
static void test_image_bit_flips__refused_or_another_id(void **state)
{
	EVP_PKEY *key = sample_key(KEY_P256);

	(void)state;
	for (int is_signed = 0; is_signed < 2; is_signed++) {
		struct writer bytes = sample_image(2, is_signed ? key : NULL);
		size_t manifest_end = IMAGE_HEAD + load_u32be(bytes.ptr + 12);
		size_t root = (size_t)load_u64be(bytes.ptr + 24), step = 1;
		uint8_t id[SHA384_SIZE], found[SHA384_SIZE];

		assert_int_equal(
		    hash_sha384((struct tobi_bytes){bytes.ptr + IMAGE_HEAD,
						    manifest_end - IMAGE_HEAD},
				id),
		    TOBI_OK);
		for (size_t bit = 0; bit < bytes.size * 8; bit += step) {
			uint8_t *at = bytes.ptr + bit / 8;
			struct tobi_fault fault = {0};
			enum tobi_err err;

			*at = (uint8_t)(*at ^ 1 << bit % 8);
			err = check(wr_view(&bytes), &fault);
			if (err && strcmp(fault.object, "signatures") != 0)
				assert_true(fault.field[0] && fault.has_offset);
			if (!err) {
				assert_false(is_signed);
				assert_in_range(bit / 8, IMAGE_HEAD, manifest_end - 1);
				assert_int_equal(
				    hash_sha384(
					(struct tobi_bytes){bytes.ptr + IMAGE_HEAD,
							    manifest_end - IMAGE_HEAD},
					found),
				    TOBI_OK);
				assert_memory_not_equal(id, found, SHA384_SIZE);
			}
			*at = (uint8_t)(*at ^ 1 << bit % 8);
			/* Padding, root and tree: a sample of their bits. */
			step = bit / 8 < manifest_end + 400 || bit / 8 == root ? 1 : 61;
		}
		wr_done(&bytes);
	}
	EVP_PKEY_free(key);
}

static void expect(struct writer *bytes, size_t at, uint64_t value, size_t size,
		   enum tobi_err err, const char *field, uint64_t offset)
{
	struct tobi_fault fault = {0};
	uint8_t saved[8];

	memcpy(saved, bytes->ptr + at, size);
	for (size_t i = 0; i < size; i++)
		bytes->ptr[at + i] = (uint8_t)(value >> 8 * (size - 1 - i));
	assert_int_equal(check(wr_view(bytes), &fault), err);
	assert_string_equal(fault.object, "image");
	assert_string_equal(fault.field, field);
	assert_int_equal(fault.offset, offset);
	memcpy(bytes->ptr + at, saved, size);
}

static void test_image_header__each_field_refused_by_name(void **state)
{
	struct writer bytes = sample_image(2, NULL);
	size_t manifest = load_u32be(bytes.ptr + 12);
	size_t padding = IMAGE_HEAD + manifest + 1;

	(void)state;
	expect(&bytes, 0, 'X', 1, TOBI_E_MALFORMED, "magic", 0);
	expect(&bytes, 8, 2, 4, TOBI_E_UNSUPPORTED, "version", 8);
	expect(&bytes, 12, 0, 4, TOBI_E_LIMIT, "manifest size", 12);
	expect(&bytes, 12, LIMIT_MANIFEST + 1, 4, TOBI_E_LIMIT, "manifest size", 12);
	/* At the limit the size is read, and then nothing fits. */
	expect(&bytes, 12, LIMIT_MANIFEST, 4, TOBI_E_MALFORMED, "root offset", 24);
	expect(&bytes, 16, 0, 4, TOBI_E_LIMIT, "signatures size", 16);
	expect(&bytes, 16, LIMIT_SIGNATURES + 1, 4, TOBI_E_LIMIT, "signatures size", 16);
	expect(&bytes, 16, LIMIT_SIGNATURES, 4, TOBI_E_MALFORMED, "root offset", 24);
	expect(&bytes, 20, 1, 4, TOBI_E_MALFORMED, "zero", 20);
	expect(&bytes, 24, 8192, 8, TOBI_E_MALFORMED, "root offset", 24);
	expect(&bytes, 24, UINT64_MAX, 8, TOBI_E_MALFORMED, "root offset", 24);
	expect(&bytes, 32, 0, 8, TOBI_E_LIMIT, "root size", 32);
	expect(&bytes, 32, 8191, 8, TOBI_E_LIMIT, "root size", 32);
	expect(&bytes, 32, LIMIT_ROOTFS + 4096, 8, TOBI_E_LIMIT, "root size", 32);
	expect(&bytes, 32, LIMIT_ROOTFS, 8, TOBI_E_MALFORMED, "tree offset", 40);
	expect(&bytes, 40, 4096, 8, TOBI_E_MALFORMED, "tree offset", 40);
	expect(&bytes, 48, 8192, 8, TOBI_E_MALFORMED, "tree size", 48);
	expect(&bytes, padding, 1, 1, TOBI_E_MALFORMED, "padding", padding);
	expect(&bytes, 4095, 1, 1, TOBI_E_MALFORMED, "padding", 4095);
	assert_int_equal(check(wr_view(&bytes), NULL), TOBI_OK);
	wr_done(&bytes);
}

/* A header that fits itself but not the manifest. */
static void test_image_root_size__must_be_the_manifests(void **state)
{
	struct writer two = sample_image(2, NULL), three = sample_image(3, NULL);
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(two.size + HASHTREE_BLOCK, three.size);
	/* The manifest of two blocks before the root of three. */
	memcpy(three.ptr + IMAGE_HEAD, two.ptr + IMAGE_HEAD, 4096 - IMAGE_HEAD);
	assert_int_equal(check(wr_view(&three), &fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.field, "root size");
	wr_done(&two);
	wr_done(&three);
}

static void test_image_measure__says_what_differs(void **state)
{
	struct writer bytes = sample_image(200, NULL);
	uint64_t tree = load_u64be(bytes.ptr + 40);

	(void)state;
	expect(&bytes, 4096, 0xff, 1, TOBI_E_MISMATCH, "root file system", 4096);
	expect(&bytes, tree - 1, 0xfe, 1, TOBI_E_MISMATCH, "root file system", 4096);
	expect(&bytes, tree, 0x55, 1, TOBI_E_MISMATCH, "hash tree", tree);
	expect(&bytes, tree + 8191, 0x55, 1, TOBI_E_MISMATCH, "hash tree", tree + 4096);
	wr_done(&bytes);
}

static void test_image_of_no_file__refused(void **state)
{
	struct image *image = NULL;
	struct tobi_fault fault = {0};
	char *folder = sample_folder();
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(image_open(pipes[0], &image, &fault), TOBI_E_ARGUMENT);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(check(text(""), &fault), TOBI_E_TRUNCATED);
	assert_int_equal(check(text("TOBI"), &fault), TOBI_E_TRUNCATED);
	assert_int_equal(check(text("text"), &fault), TOBI_E_MALFORMED);
	assert_int_equal(check(text("TOBICHI2"), &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "magic");
	assert_int_equal(image_sign("/nonexistent/image", NULL, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "/nonexistent/image"));
	assert_null(image);
	sample_remove(folder);
}

static void test_image_sign__keeps_the_id_and_the_mode(void **state)
{
	EVP_PKEY *key = sample_key(KEY_ED25519);
	struct writer bytes = sample_image(2, NULL), after;
	char *folder = sample_folder(), path[64];
	size_t manifest = load_u32be(bytes.ptr + 12);
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/image", folder);
	assert_int_equal(file_write(path, 0640, wr_view(&bytes), "image", NULL), TOBI_OK);
	assert_int_equal(image_sign(path, key, NULL), TOBI_OK);
	after = sample_read(path);
	assert_int_equal(check(wr_view(&after), NULL), TOBI_OK);
	assert_memory_equal(after.ptr + IMAGE_HEAD, bytes.ptr + IMAGE_HEAD, manifest);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	wr_done(&after);
	/* A changed image is not signed, and stays as it is. */
	bytes.ptr[4096] ^= 1;
	assert_int_equal(file_write(path, 0640, wr_view(&bytes), "image", NULL), TOBI_OK);
	assert_int_equal(image_sign(path, key, NULL), TOBI_E_MISMATCH);
	after = sample_read(path);
	assert_true(bytes_equal(wr_view(&after), wr_view(&bytes)));
	wr_done(&after);
	wr_done(&bytes);
	EVP_PKEY_free(key);
	sample_remove(folder);
}

static void test_image_create__bad_manifest_or_root__leaves_nothing(void **state)
{
	char *folder = sample_folder(), path[64];
	struct manifest *m = sample_manifest();
	uint8_t id[SHA384_SIZE], block[HASHTREE_BLOCK] = {0};
	struct tobi_fault fault = {0};
	int root = sample_file((struct tobi_bytes){block, sizeof(block)});
	int odd = sample_file(text("odd"));

	(void)state;
	snprintf(path, sizeof(path), "%s/image", folder);
	m->uid = 0;
	assert_int_equal(image_create(path, m, root, NULL, id, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "user.uid");
	m = sample_manifest();
	assert_int_equal(image_create(path, m, odd, NULL, id, &fault), TOBI_E_ARGUMENT);
	/* rmdir() works on an empty folder only. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(image_create(path, m, root, NULL, id, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, folder));
	close(root);
	close(odd);
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_image_created__opens_and_measures),
	    cmocka_unit_test(
		test_image_truncated__every_length_of_the_head_and_every_block__refused),
	    cmocka_unit_test(test_image_read__bad_signature__read_but_not_opened),
	    cmocka_unit_test(test_image_read__truncated_or_no_image__refused),
	    cmocka_unit_test(test_image_trailing_byte__refused),
	    cmocka_unit_test(test_image_bit_flips__refused_or_another_id),
	    cmocka_unit_test(test_image_header__each_field_refused_by_name),
	    cmocka_unit_test(test_image_root_size__must_be_the_manifests),
	    cmocka_unit_test(test_image_measure__says_what_differs),
	    cmocka_unit_test(test_image_of_no_file__refused),
	    cmocka_unit_test(test_image_sign__keeps_the_id_and_the_mode),
	    cmocka_unit_test(test_image_create__bad_manifest_or_root__leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
