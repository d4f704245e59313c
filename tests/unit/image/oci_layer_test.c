/* A layer is what its descriptor and its diff id say, or nothing. */
#include "oci_sample.h"

#include <stdio.h>

static struct oci_source *source;
static struct oci_descriptor descriptor;
static struct oci_digest diff_id;
static struct oci_budget budget;
static size_t taken;

static enum tobi_err take(void *context, struct archive *archive,
			  struct archive_entry *entry, struct tobi_fault *fault)
{
	(void)context;
	(void)archive;
	(void)entry;
	(void)fault;
	taken++;
	return TOBI_OK;
}

/* form: 0 plain, 1 gzip, 2 zstd; scene.tar is the layer. */
static void make(int form)
{
	struct writer packed = wr_init(1 << 20);
	struct tobi_bytes blob = wr_view(&scene.tar);
	char text_of_digest[72];

	tar_digest(blob, text_of_digest);
	assert_true(oci_digest_parse(text_of_digest, &diff_id));
	if (form) {
		tar_pack(blob, form == 2, &packed);
		blob = wr_view(&packed);
	}
	tar_digest(blob, text_of_digest);
	descriptor = (struct oci_descriptor){
	    .name = "blob", .media_type = "", .has_size = true, .size = blob.size};
	assert_true(oci_digest_parse(text_of_digest, &descriptor.digest));
	oci_put("blob", blob);
	wr_done(&packed);
	budget = scene.budget;
	taken = 0;
}

static enum tobi_err read_layer(struct tobi_fault *fault)
{
	struct oci_layer layer = {.descriptor = &descriptor,
				  .diff_id = &diff_id,
				  .budget = &budget,
				  .object = "layer 7"};
	enum tobi_err err;

	assert_int_equal(oci_source_open(scene.folder, "/tmp", NULL, &source, NULL),
			 TOBI_OK);
	layer.source = source;
	err = oci_layer_read(&layer, take, NULL, fault);
	oci_source_free(source);
	return err;
}

static void two_files(void)
{
	scene.tar.size = 0;
	tar_file(&scene.tar, "a", "content");
	tar_file(&scene.tar, "b", "content");
	tar_end(&scene.tar);
}

static void test_layer__plain_gzip_zstd(void **state)
{
	(void)state;
	two_files();
	for (int form = 0; form < 3; form++) {
		make(form);
		assert_int_equal(read_layer(NULL), TOBI_OK);
		assert_int_equal(taken, 2);
		assert_int_equal(scene.budget.bytes - budget.bytes, scene.tar.size);
		assert_int_equal(scene.budget.entries - budget.entries, 2);
	}
}

static void test_layer_without_files__is_one(void **state)
{
	(void)state;
	tar_end(&scene.tar);
	make(1);
	assert_int_equal(read_layer(NULL), TOBI_OK);
	assert_int_equal(taken, 0);
}

static void test_layer_of_other_bytes__refused(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	two_files();
	for (int form = 0; form < 3; form++) {
		make(form);
		descriptor.digest.value[0] ^= 1;
		assert_int_equal(read_layer(&fault), TOBI_E_MISMATCH);
		assert_string_equal(fault.field, "digest");
		assert_string_equal(fault.object, "layer 7");
		make(form);
		diff_id.value[31] ^= 1;
		assert_int_equal(read_layer(&fault), TOBI_E_MISMATCH);
		assert_string_equal(fault.field, "diff_id");
		make(form);
		descriptor.size++;
		assert_int_equal(read_layer(&fault), TOBI_E_MISMATCH);
		assert_string_equal(fault.field, "size");
		make(form);
		descriptor.size--;
		assert_int_equal(read_layer(&fault), TOBI_E_MISMATCH);
		assert_string_equal(fault.field, "size");
		assert_int_equal(taken, 0);
	}
}

/* Bytes after the end of the archive are part of what the digests are of. */
static void test_layer_with_more_behind_it__compared_too(void **state)
{
	(void)state;
	two_files();
	wr_printf(&scene.tar, "more");
	make(0);
	assert_int_equal(read_layer(NULL), TOBI_OK);
	diff_id.value[0] ^= 1;
	assert_int_equal(read_layer(NULL), TOBI_E_MISMATCH);
}

static void test_layer_cut_anywhere__refused(void **state)
{
	(void)state;
	two_files();
	for (int form = 0; form < 3; form++) {
		struct writer whole;

		make(form);
		whole = sample_read(oci_at("blob"));
		for (size_t cut = 0; cut < whole.size; cut += form ? 3 : 61) {
			oci_put("blob", (struct tobi_bytes){whole.ptr, cut});
			descriptor.size = cut; /* as if it were meant so */
			assert_int_not_equal(read_layer(NULL), TOBI_OK);
		}
		wr_done(&whole);
	}
}

static void test_layer_budget__limit_and_one_beyond(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	two_files();
	for (int form = 0; form < 3; form++) {
		make(form);
		budget = (struct oci_budget){scene.tar.size, 2};
		assert_int_equal(read_layer(NULL), TOBI_OK);
		budget = (struct oci_budget){scene.tar.size - 1, 2};
		assert_int_equal(read_layer(&fault), TOBI_E_LIMIT);
		assert_non_null(strstr(fault.message, "too many bytes"));
		budget = (struct oci_budget){scene.tar.size, 1};
		assert_int_equal(read_layer(&fault), TOBI_E_LIMIT);
		assert_non_null(strstr(fault.message, "too many entries"));
	}
}

/* A small blob that would become very much. */
static void test_layer_bomb__ends_at_the_limit(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	scene.tar.size = 0;
	tar_add(&scene.tar, &(struct tar_entry){"zeros", '0', "", NULL, 3 << 20});
	assert_non_null(wr_reserve(&scene.tar, 3 << 20));
	tar_end(&scene.tar);
	for (int form = 1; form < 3; form++) {
		make(form);
		assert_true(descriptor.size < 20000);
		assert_int_equal(read_layer(&fault), TOBI_E_LIMIT);
		assert_int_equal(taken, 1);
	}
}

static enum tobi_err break_it(void *context, struct archive *archive,
			      struct archive_entry *entry, struct tobi_fault *fault)
{
	(void)context;
	(void)archive;
	(void)entry;
	fault->field[0] = 0;
	return taken++ ? TOBI_E_DENIED : TOBI_OK;
}

static void test_layer_entry_that_is_refused__named(void **state)
{
	struct oci_layer layer = {.descriptor = &descriptor,
				  .diff_id = &diff_id,
				  .budget = &budget,
				  .object = "layer 7"};
	struct tobi_fault fault = {0};

	(void)state;
	two_files();
	make(0);
	assert_int_equal(oci_source_open(scene.folder, "/tmp", NULL, &source, NULL),
			 TOBI_OK);
	layer.source = source;
	assert_int_equal(oci_layer_read(&layer, break_it, NULL, &fault), TOBI_E_DENIED);
	assert_string_equal(fault.object, "layer 7");
	assert_string_equal(fault.field, "entry 1");
	assert_int_equal(fault.offset, 1024);
	oci_source_free(source);
}

static void test_layer_that_is_no_archive__refused(void **state)
{
	(void)state;
	scene.tar.size = 0;
	wr_printf(&scene.tar, "no archive, whatever the media type says of it");
	for (int form = 0; form < 3; form++) {
		make(form);
		assert_int_equal(read_layer(NULL), TOBI_E_MALFORMED);
	}
	scene.tar.size = 0;
	make(0);
	assert_int_equal(read_layer(NULL), TOBI_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OCI_TEST(test_layer__plain_gzip_zstd),
	    OCI_TEST(test_layer_without_files__is_one),
	    OCI_TEST(test_layer_of_other_bytes__refused),
	    OCI_TEST(test_layer_with_more_behind_it__compared_too),
	    OCI_TEST(test_layer_cut_anywhere__refused),
	    OCI_TEST(test_layer_budget__limit_and_one_beyond),
	    OCI_TEST(test_layer_bomb__ends_at_the_limit),
	    OCI_TEST(test_layer_entry_that_is_refused__named),
	    OCI_TEST(test_layer_that_is_no_archive__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
