/* A folder and an archive, as the same set of files. */
#include "oci_sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop_now;

static enum tobi_err open_source(const char *path, struct oci_source **ret_source,
				 struct tobi_fault *fault)
{
	return oci_source_open(path, scene.folder, &stop_now, ret_source, fault);
}

static enum tobi_err read_all(const struct oci_source *source, const char *name,
			      struct writer *out, struct tobi_fault *fault)
{
	struct oci_stream stream = {.fd = -1};
	uint8_t chunk[100];
	size_t size = 1;
	enum tobi_err err = oci_stream_open(source, name, &stream, fault);

	while (!err && size) {
		err = oci_stream_read(&stream, chunk, sizeof(chunk), &size, fault);
		if (!err)
			wr_bytes(out, chunk, size);
	}
	if (!err)
		assert_int_equal(stream.size, out->size);
	oci_stream_done(&stream);
	return err;
}

static bool reads(const struct oci_source *source, const char *name, const char *content)
{
	struct writer out = wr_init(1 << 20);
	bool same = read_all(source, name, &out, NULL) == TOBI_OK &&
		    bytes_equal_text(wr_view(&out), content);

	wr_done(&out);
	return same;
}

static void test_folder__files_and_links_that_stay(void **state)
{
	struct oci_source *source = NULL;
	struct writer out = wr_init(100);
	char target[256];

	(void)state;
	oci_put("blobs/sha256/a", text("content"));
	assert_int_equal(symlink("blobs/sha256/a", oci_at("inner")), 0);
	snprintf(target, sizeof(target), "%s/secret", scene.outside);
	assert_int_equal(symlink(target, oci_at("outer")), 0);
	assert_int_equal(symlink("../../etc/passwd", oci_at("up")), 0);
	assert_int_equal(mkfifo(oci_at("pipe"), 0600), 0);
	assert_int_equal(open_source(scene.folder, &source, NULL), TOBI_OK);
	assert_true(reads(source, "blobs/sha256/a", "content"));
	assert_true(reads(source, "inner", "content"));
	assert_true(oci_source_has(source, "inner"));
	assert_false(oci_source_has(source, "nothing"));
	assert_false(oci_source_has(source, "outer"));
	assert_int_equal(read_all(source, "nothing", &out, NULL), TOBI_E_NOT_FOUND);
	assert_int_equal(read_all(source, "outer", &out, NULL), TOBI_E_DENIED);
	assert_int_equal(read_all(source, "up", &out, NULL), TOBI_E_DENIED);
	assert_int_equal(read_all(source, "blobs", &out, NULL), TOBI_E_MALFORMED);
	assert_int_equal(read_all(source, "pipe", &out, NULL), TOBI_E_MALFORMED);
	oci_source_free(source);
	wr_done(&out);
}

static void make_archive(void)
{
	tar_folder(&scene.tar, "blobs/");
	tar_file(&scene.tar, "./blobs/a", "first");
	tar_file(&scene.tar, "b", "second");
	tar_link(&scene.tar, "blobs/up", "../b");
	tar_link(&scene.tar, "chain", "blobs/up");
	tar_hard(&scene.tar, "x/hard", "b");
	tar_link(&scene.tar, "out", "../../etc/passwd");
	tar_link(&scene.tar, "above", "../b"); /* b is there, but this is above it */
	tar_link(&scene.tar, "abs", "/etc/passwd");
	tar_link(&scene.tar, "round", "round");
	tar_file(&scene.tar, "b", "the last one");
	tar_end(&scene.tar);
}

static void test_archive__files_and_links_of_it(void **state)
{
	struct oci_source *source = NULL;
	struct writer out = wr_init(100);

	(void)state;
	make_archive();
	for (int form = 0; form < 3; form++) {
		struct writer packed = wr_init(1 << 20);

		if (form)
			tar_pack(wr_view(&scene.tar), form == 2, &packed);
		oci_put("x.tar", form ? wr_view(&packed) : wr_view(&scene.tar));
		assert_int_equal(open_source(oci_at("x.tar"), &source, NULL), TOBI_OK);
		assert_true(reads(source, "blobs/a", "first"));
		assert_true(reads(source, "b", "the last one"));
		assert_true(reads(source, "chain", "the last one"));
		assert_true(reads(source, "x/hard", "the last one"));
		assert_false(oci_source_has(source, "blobs"));
		assert_int_equal(read_all(source, "out", &out, NULL), TOBI_E_NOT_FOUND);
		assert_int_equal(read_all(source, "abs", &out, NULL), TOBI_E_NOT_FOUND);
		assert_int_equal(read_all(source, "above", &out, NULL), TOBI_E_NOT_FOUND);
		assert_int_equal(read_all(source, "round", &out, NULL), TOBI_E_NOT_FOUND);
		oci_source_free(source);
		wr_done(&packed);
	}
	wr_done(&out);
}

static void test_archive_cut_anywhere__no_crash_and_no_wrong_content(void **state)
{
	(void)state;
	make_archive();
	for (size_t cut = 0; cut < scene.tar.size; cut += 97) {
		struct oci_source *source = NULL;

		oci_put("x.tar", (struct tobi_bytes){scene.tar.ptr, cut});
		if (open_source(oci_at("x.tar"), &source, NULL))
			continue;
		if (oci_source_has(source, "blobs/a"))
			assert_true(cut < 1536 || reads(source, "blobs/a", "first"));
		oci_source_free(source);
	}
}

static void test_source__what_is_none(void **state)
{
	struct oci_source *source = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(open_source(oci_at("nothing"), &source, &fault), TOBI_E_SYSTEM);
	oci_put("text", text("just a text, no archive"));
	assert_int_equal(open_source(oci_at("text"), &source, &fault), TOBI_E_MALFORMED);
	oci_put("empty", text(""));
	assert_int_equal(open_source(oci_at("empty"), &source, &fault), TOBI_E_MALFORMED);
	assert_int_equal(open_source("/dev/null", &source, &fault), TOBI_E_ARGUMENT);
	tar_file(&scene.tar, "../evil", "x");
	tar_end(&scene.tar);
	oci_put("evil.tar", wr_view(&scene.tar));
	assert_int_equal(open_source(oci_at("evil.tar"), &source, &fault), TOBI_E_DENIED);
	assert_null(source);
}

static void test_archive_that_changes__noticed(void **state)
{
	struct oci_source *source = NULL;
	struct writer out = wr_init(100);
	int fd;

	(void)state;
	make_archive();
	oci_put("x.tar", wr_view(&scene.tar));
	assert_int_equal(open_source(oci_at("x.tar"), &source, NULL), TOBI_OK);
	/* In place: the descriptor sees it. */
	assert_int_equal(truncate(oci_at("x.tar"), 600), 0);
	assert_int_not_equal(read_all(source, "b", &out, NULL), TOBI_OK);
	oci_source_free(source);
	/* Another file where one was. */
	oci_put("x.tar", wr_view(&scene.tar));
	assert_int_equal(open_source(oci_at("x.tar"), &source, NULL), TOBI_OK);
	scene.tar.size = 0;
	tar_folder(&scene.tar, "blobs/");
	tar_file(&scene.tar, "./blobs/a", "of another size");
	fd = open(oci_at("x.tar"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, scene.tar.ptr, scene.tar.size, 0), scene.tar.size);
	close(fd);
	assert_int_equal(read_all(source, "blobs/a", &out, NULL), TOBI_E_MISMATCH);
	oci_source_free(source);
	wr_done(&out);
}

static void test_members__limit_and_one_beyond(void **state)
{
	struct oci_source *source = NULL;
	char name[32];

	(void)state;
	wr_done(&scene.tar);
	scene.tar = wr_init(16 << 20);
	for (int i = 0; i < LIMIT_OCI_MEMBERS; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		tar_file(&scene.tar, name, "");
	}
	oci_put("x.tar", wr_view(&scene.tar));
	assert_int_equal(open_source(oci_at("x.tar"), &source, NULL), TOBI_OK);
	oci_source_free(source);
	tar_file(&scene.tar, "more", "");
	oci_put("x.tar", wr_view(&scene.tar));
	assert_int_equal(open_source(oci_at("x.tar"), &source, NULL), TOBI_E_LIMIT);
}

static void test_stopped__ends(void **state)
{
	struct oci_source *source = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	make_archive();
	oci_put("x.tar", wr_view(&scene.tar));
	stop_now = 1;
	assert_int_equal(open_source(oci_at("x.tar"), &source, &fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "interrupted"));
	stop_now = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OCI_TEST(test_folder__files_and_links_that_stay),
	    OCI_TEST(test_archive__files_and_links_of_it),
	    OCI_TEST(test_archive_cut_anywhere__no_crash_and_no_wrong_content),
	    OCI_TEST(test_source__what_is_none),
	    OCI_TEST(test_archive_that_changes__noticed),
	    OCI_TEST(test_members__limit_and_one_beyond),
	    OCI_TEST(test_stopped__ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
