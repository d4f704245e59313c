/* The kernel's list of files, in both forms. */
#include "tee/ima_log.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/secret.h"
#include "tests/boot_scene.h"
#include "tests/check.h"

/* A file's digest of 32 bytes 0x01, and of 20. */
#define SHA256_OF_ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define SHA1_OF_ONES "0101010101010101010101010101010101010101"

static struct tobi_bytes ones(size_t size)
{
	static const uint8_t bytes[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

	return (struct tobi_bytes){bytes, size};
}

/* Of the first entry; the log stays open. */
static bool first(struct ima_log *log, struct tobi_bytes bytes, struct ima_entry *entry)
{
	return !ima_log_open(bytes, log, NULL) && ima_log_next(log, entry);
}

static void line(struct writer *out, const char *template)
{
	out->size = 0;
	wr_printf(out, "10 " SHA1_OF_ONES " %s\n", template);
}

static void test_ima_log__text_and_binary__same_data(void **state)
{
	struct writer binary = wr_init(4096), text = wr_init(4096), data;
	struct ima_log one, other;
	struct ima_entry a, b;

	(void)state;
	boot_scene_ima_entry(&binary, 10, ones(32), "/usr/bin/a b", &data);
	line(&text, "ima-ng sha256:" SHA256_OF_ONES " /usr/bin/a b");
	assert_true(first(&one, wr_view(&binary), &a));
	assert_true(first(&other, wr_view(&text), &b));
	assert_false(one.is_text);
	assert_true(other.is_text);
	assert_true(bytes_equal(a.data, wr_view(&data)));
	assert_true(bytes_equal(a.data, b.data));
	assert_true(bytes_equal(a.file, b.file) && bytes_equal(a.file, ones(32)));
	assert_true(bytes_equal(a.path, b.path));
	assert_string_equal(a.algorithm, "sha256");
	assert_string_equal(b.algorithm, "sha256");
	assert_int_equal(a.index, 10);
	assert_int_equal(b.index, 10);
	assert_false(ima_log_next(&one, &a));
	assert_int_equal(ima_log_finish(&one, NULL), TOBI_OK);
	ima_log_done(&one);
	ima_log_done(&other);
	wr_done(&binary);
	wr_done(&text);
	wr_done(&data);
}

static void test_ima_log__templates__their_fields(void **state)
{
	static const struct {
		const char *line, *path, *algorithm;
		size_t size; /* of the data */
	} templates[] = {
	    {"ima " SHA1_OF_ONES " /a", "/a", "", 20 + 256},
	    {"ima-ng sha1:" SHA1_OF_ONES " /a", "/a", "sha1", 4 + 6 + 20 + 4 + 3},
	    {"ima-ngv2 ima:sha1:" SHA1_OF_ONES " /a", "/a", "sha1", 4 + 10 + 20 + 4 + 3},
	    {"ima-sig sha1:" SHA1_OF_ONES " /a b 0302", "/a b", "sha1",
	     4 + 6 + 20 + 4 + 5 + 4 + 2},
	    {"ima-sig sha1:" SHA1_OF_ONES " /a b ", "/a b", "sha1",
	     4 + 6 + 20 + 4 + 5 + 4},
	    {"ima-sigv2 verity:sha1:" SHA1_OF_ONES " /a 03", "/a", "sha1",
	     4 + 13 + 20 + 4 + 3 + 4 + 1},
	    {"ima-buf sha1:" SHA1_OF_ONES " kexec 6162", "kexec", "sha1",
	     4 + 6 + 20 + 4 + 6 + 4 + 2},
	};
	struct writer text = wr_init(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		struct ima_log log;
		struct ima_entry entry;

		line(&text, templates[i].line);
		assert_true(first(&log, wr_view(&text), &entry));
		assert_true(bytes_equal_text(entry.path, templates[i].path));
		assert_string_equal(entry.algorithm, templates[i].algorithm);
		assert_true(bytes_equal(entry.file, ones(20)));
		assert_int_equal(entry.data.size, templates[i].size);
		ima_log_done(&log);
	}
	wr_done(&text);
}

static enum tobi_err whole(struct tobi_bytes bytes)
{
	struct ima_log log;
	struct ima_entry entry;
	enum tobi_err err = ima_log_open(bytes, &log, NULL);

	while (!err && ima_log_next(&log, &entry))
		;
	err = err ? err : ima_log_finish(&log, NULL);
	ima_log_done(&log);
	return err;
}

static void test_ima_log__lines_wrong__refused(void **state)
{
	static const struct {
		const char *line;
		enum tobi_err err;
	} lines[] = {
	    {"ima-other sha1:" SHA1_OF_ONES " /a", TOBI_E_UNSUPPORTED},
	    {"ima-ng " SHA1_OF_ONES " /a", TOBI_E_MALFORMED},
	    {"ima-ng sha1:010 /a", TOBI_E_MALFORMED},
	    {"ima-ng ima:sha1:" SHA1_OF_ONES " /a", TOBI_E_MALFORMED},
	    {"ima-ngv2 sha1:" SHA1_OF_ONES " /a", TOBI_E_MALFORMED},
	    {"ima-ng averylongnameofahash:" SHA1_OF_ONES " /a", TOBI_E_MALFORMED},
	    {"ima-sig sha1:" SHA1_OF_ONES " /a", TOBI_E_MALFORMED},
	    {"ima-sig sha1:" SHA1_OF_ONES " /a 030", TOBI_E_MALFORMED},
	    {"ima " SHA256_OF_ONES " /a", TOBI_E_MALFORMED},
	};
	struct writer text = wr_init(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		line(&text, lines[i].line);
		assert_int_equal(whole(wr_view(&text)), lines[i].err);
	}
	/* Another register, another digest, no end. */
	line(&text, "ima-ng sha1:" SHA1_OF_ONES " /a");
	assert_int_equal(whole(wr_view(&text)), TOBI_OK);
	text.ptr[0] = '2';
	text.ptr[1] = '4';
	assert_int_equal(whole(wr_view(&text)), TOBI_E_MALFORMED);
	line(&text, "ima-ng sha1:" SHA1_OF_ONES " /a");
	text.size--;
	assert_int_equal(whole(wr_view(&text)), TOBI_E_TRUNCATED);
	wr_done(&text);
}

static void test_ima_log__every_truncation__refused_or_shorter(void **state)
{
	struct writer binary = wr_init(4096), data;
	size_t ends = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		boot_scene_ima_entry(&binary, 10, ones(32), "/a", &data);
		wr_done(&data);
	}
	for (size_t size = 0; size < binary.size; size++)
		ends += !whole((struct tobi_bytes){binary.ptr, size});
	assert_int_equal(ends, 2);
	assert_int_equal(whole(wr_view(&binary)), TOBI_OK);
	wr_done(&binary);
}

static void test_ima_log__too_many_entries__refused(void **state)
{
	struct writer one = wr_init(4096), all = wr_init(16 << 20), data;

	(void)state;
	boot_scene_ima_entry(&one, 10, ones(32), "/a", &data);
	for (size_t i = 0; i < LIMIT_IMA_ENTRIES; i++)
		wr_bytes(&all, one.ptr, one.size);
	assert_int_equal(whole(wr_view(&all)), TOBI_OK);
	wr_bytes(&all, one.ptr, one.size);
	assert_int_equal(whole(wr_view(&all)), TOBI_E_LIMIT);
	wr_done(&one);
	wr_done(&all);
	wr_done(&data);
}

static void test_ima_log_starts__other_bytes__false(void **state)
{
	struct boot_scene scene;

	(void)state;
	assert_false(ima_log_starts(bytes_of_text("")));
	assert_false(ima_log_starts(bytes_of_text("10 a list of something")));
	assert_false(ima_log_starts(bytes_of_text("-----BEGIN CERTIFICATE-----")));
	boot_scene_whole(&scene, BOOT_PCRS);
	assert_false(ima_log_starts(wr_view(&scene.log)));
	boot_scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ima_log__text_and_binary__same_data),
	    cmocka_unit_test(test_ima_log__templates__their_fields),
	    cmocka_unit_test(test_ima_log__lines_wrong__refused),
	    cmocka_unit_test(test_ima_log__every_truncation__refused_or_shorter),
	    cmocka_unit_test(test_ima_log__too_many_entries__refused),
	    cmocka_unit_test(test_ima_log_starts__other_bytes__false),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
