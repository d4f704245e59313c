#include "sample.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/oci_tar.h"
#include "tests/tar.h"

static void test_tar_path__plain_forms(void **state)
{
	static const char *const cases[][2] = {{"a", "/a"},
					       {"/a", "/a"},
					       {"./a/", "/a"},
					       {"a//b/./c", "/a/b/c"},
					       {".", "/"},
					       {"/", "/"},
					       {"./", "/"},
					       {"...", "/..."},
					       {"..a/b..", "/..a/b.."}};
	static const char *const out[] = {"..",	    "../a", "a/..",
					  "a/../b", "/..",  "./../x"};
	char path[LIMIT_PATH + 1], name[LIMIT_PATH + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(oci_tar_path(cases[i][0], "x", path, NULL), TOBI_OK);
		assert_string_equal(path, cases[i][1]);
	}
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		assert_int_equal(oci_tar_path(out[i], "x", path, NULL), TOBI_E_DENIED);
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = 'n';
	name[LIMIT_PATH - 1] = 0;
	assert_int_equal(oci_tar_path(name, "x", path, NULL), TOBI_OK);
	assert_int_equal(strlen(path), LIMIT_PATH);
	name[LIMIT_PATH - 1] = 'n';
	name[LIMIT_PATH] = 0;
	assert_int_equal(oci_tar_path(name, "x", path, NULL), TOBI_E_LIMIT);
}

struct memory {
	struct tobi_bytes bytes;
};

static la_ssize_t give(struct archive *archive, void *context, const void **block)
{
	struct memory *memory = context;
	size_t size = memory->bytes.size;

	(void)archive;
	*block = memory->bytes.ptr;
	memory->bytes = (struct tobi_bytes){0};
	return (la_ssize_t)size;
}

/* Name and result of the first entry. */
static enum tobi_err first_name(struct tobi_bytes tar, char *out, size_t room,
				struct tobi_fault *fault)
{
	struct memory memory = {tar};
	struct archive *archive = NULL;
	struct archive_entry *entry = NULL;
	enum tobi_err err = oci_tar_open(give, NULL, &memory, "tar", &archive, fault);

	if (!err)
		err = oci_tar_next(archive, "tar", &entry, fault);
	if (!err)
		snprintf(out, room, "%s", entry ? archive_entry_pathname(entry) : "");
	oci_archive_free(archive);
	return err;
}

/* Two names that look the same are two names, in every language. */
static void test_tar_next__names_do_not_depend_on_the_locale(void **state)
{
	static const char *const locales[] = {"C", "C.UTF-8"};
	struct writer tar = wr_init(1 << 16);
	char name[64];

	(void)state;
	tar_pax(&tar, "path", text("cafe\xcc\x81"));
	tar_file(&tar, "x", "");
	tar_end(&tar);
	for (size_t i = 0; i < 2; i++) {
		assert_non_null(setlocale(LC_ALL, locales[i]));
		assert_int_equal(first_name(wr_view(&tar), name, sizeof(name), NULL),
				 TOBI_OK);
		assert_string_equal(name, "cafe\xcc\x81");
	}
	assert_non_null(setlocale(LC_ALL, "C"));
	wr_done(&tar);
}

static void test_tar_next__damage_is_an_error(void **state)
{
	struct writer tar = wr_init(1 << 16);
	struct tobi_fault fault = {0};
	char name[64];

	(void)state;
	tar_file(&tar, "x", "content");
	tar_end(&tar);
	tar.ptr[0] ^= 1; /* the checksum does not fit */
	assert_int_equal(first_name(wr_view(&tar), name, sizeof(name), &fault),
			 TOBI_E_MALFORMED);
	assert_true(fault.has_offset);
	tar.ptr[0] ^= 1;
	assert_int_equal(
	    first_name((struct tobi_bytes){tar.ptr, 500}, name, sizeof(name), NULL),
	    TOBI_E_MALFORMED);
	assert_int_equal(
	    first_name(text("not a tar archive at all"), name, sizeof(name), NULL),
	    TOBI_E_MALFORMED);
	/* What libarchive only warns of. */
	tar.size = 0;
	tar_add(&tar, &(struct tar_entry){"PaxHeaders/x", 'x', "", "99 path=short\n"});
	tar_file(&tar, "x", "");
	tar_end(&tar);
	assert_int_equal(first_name(wr_view(&tar), name, sizeof(name), NULL),
			 TOBI_E_MALFORMED);
	wr_done(&tar);
}

static enum tobi_err unpack(struct tobi_bytes bytes, struct writer *out,
			    struct tobi_fault *fault)
{
	struct memory memory = {bytes};
	struct archive *archive = NULL;
	char chunk[256];
	la_ssize_t got = 1;
	enum tobi_err err = oci_unpack_open(give, &memory, "blob", &archive, fault);

	while (!err && got > 0) {
		got = archive_read_data(archive, chunk, sizeof(chunk));
		if (got > 0)
			wr_bytes(out, chunk, (size_t)got);
		if (got < 0)
			err = oci_archive_fault(archive, "blob", "", fault);
	}
	oci_archive_free(archive);
	return err;
}

static void test_unpack__once_and_not_twice(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct writer once = wr_init(1 << 16), twice = wr_init(1 << 16);
		struct writer out = wr_init(1 << 16);

		tar_pack(text("hello"), i & 1, &once);
		assert_int_equal(unpack(wr_view(&once), &out, NULL), TOBI_OK);
		assert_true(bytes_equal_text(wr_view(&out), "hello"));
		tar_pack(wr_view(&once), i & 2, &twice);
		assert_int_equal(unpack(wr_view(&twice), &out, NULL), TOBI_E_UNSUPPORTED);
		wr_done(&once);
		wr_done(&twice);
		wr_done(&out);
	}
}

static void test_unpack__plain_stays_and_cut_is_an_error(void **state)
{
	struct writer out = wr_init(1 << 16);

	(void)state;
	assert_int_equal(unpack(text("hello"), &out, NULL), TOBI_OK);
	assert_true(bytes_equal_text(wr_view(&out), "hello"));
	for (int zstd = 0; zstd < 2; zstd++) {
		struct writer packed = wr_init(1 << 16);

		tar_pack(text("hello, hello, hello, hello, hello"), zstd, &packed);
		for (size_t cut = 5; cut < packed.size; cut++) {
			out.size = 0;
			/* gzip's last four bytes say nothing that is asked for */
			if (!unpack((struct tobi_bytes){packed.ptr, cut}, &out, NULL))
				assert_true(!zstd &&
					    (cut + 8 >= packed.size || out.size == cut));
		}
		wr_done(&packed);
	}
	wr_done(&out);
}

static void test_file__reads_from_a_position_and_skips(void **state)
{
	int fd = sample_file(text("0123456789"));
	struct oci_file file;
	const void *block = NULL;

	(void)state;
	assert_int_equal(oci_file_init(fd, 2, &file, NULL), TOBI_OK);
	assert_int_equal(oci_file_skip(NULL, &file, 3), 3);
	assert_int_equal(oci_file_skip(NULL, &file, INT64_MAX), 0);
	assert_int_equal(oci_file_skip(NULL, &file, -1), 0);
	assert_int_equal(oci_file_read(NULL, &file, &block), 5);
	assert_memory_equal(block, "56789", 5);
	assert_int_equal(oci_file_read(NULL, &file, &block), 0);
	oci_file_done(&file);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tar_path__plain_forms),
	    cmocka_unit_test(test_tar_next__names_do_not_depend_on_the_locale),
	    cmocka_unit_test(test_tar_next__damage_is_an_error),
	    cmocka_unit_test(test_unpack__once_and_not_twice),
	    cmocka_unit_test(test_unpack__plain_stays_and_cut_is_an_error),
	    cmocka_unit_test(test_file__reads_from_a_position_and_skips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
