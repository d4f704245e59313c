/* What the events of a log are about, and what is taken from them. */
#include "tee/boot_walk.h"

#include <stdio.h>

#include "base/secret.h"
#include "pki/key.h"
#include "tests/boot_run.h"
#include "tests/event_log.h"

/* ---- Secure Boot ---- */

static void secure_boot(struct boot_run *run, struct tobi_bytes data)
{
	boot_run_begin(run, BOOT_PCRS);
	boot_scene_variable(&run->scene, "SecureBoot", data);
	boot_scene_separators(&run->scene);
}

static void test_boot_secure_boot__values__on_off_unknown(void **state)
{
	static const uint8_t values[] = {0, 1, 2};
	struct boot_run *run = *state;

	secure_boot(run, (struct tobi_bytes){values, 1});
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_OFF);
	secure_boot(run, (struct tobi_bytes){values + 1, 1});
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_ON);
	secure_boot(run, (struct tobi_bytes){values + 2, 1});
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_UNKNOWN);
	/* Without keys there is no variable. */
	secure_boot(run, (struct tobi_bytes){values, 0});
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_OFF);
	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_UNKNOWN);
}

static void test_boot_secure_boot__said_twice__unknown(void **state)
{
	static const uint8_t values[] = {0, 1};
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_variable(&run->scene, "SecureBoot", (struct tobi_bytes){values, 1});
	boot_scene_variable(&run->scene, "SecureBoot",
			    (struct tobi_bytes){values + 1, 1});
	boot_scene_separators(&run->scene);
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_UNKNOWN);
	boot_run_begin(run, BOOT_PCRS);
	boot_scene_variable(&run->scene, "db", bytes_of_text("one"));
	boot_scene_variable(&run->scene, "db", bytes_of_text("another"));
	boot_scene_separators(&run->scene);
	boot_run_examine(run);
	FAILS("BOOT-LOG-READ", run);
}

/* Its data is changed, and the digest is not of it. */
static void test_boot_secure_boot__data_not_covered__unknown(void **state)
{
	static const struct tobi_bytes off = {(const uint8_t *)"\0", 1};
	struct boot_run *run = *state;
	struct tobi_bytes log;
	uint8_t *name;

	secure_boot(run, off);
	log = wr_view(&run->scene.log);
	name = memmem(log.ptr, log.size, "B\0o\0o\0t\0", 8);
	assert_non_null(name);
	name[8] = 1;
	assert_int_equal(boot_run_passes(run)->secure_boot, BOOT_UNKNOWN);
}

static void test_boot_state__told_by_firmware__taken_when_covered(void **state)
{
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_event(&run->scene, 7, EVENT_EFI_ACTION,
			 bytes_of_text("UEFI Debug Mode"));
	boot_scene_event(&run->scene, 7, EVENT_EFI_ACTION,
			 bytes_of_text("DMA Protection Disabled"));
	boot_scene_separators(&run->scene);
	assert_true(boot_run_passes(run)->debug);
	assert_true(run->claims.boot->no_dma_protection);
	assert_false(run->claims.boot->handed_over);
	boot_scene_measured(&run->scene, 5, EVENT_EFI_ACTION, bytes_of_text("x"),
			    bytes_of_text("Exit Boot Services Invocation"));
	boot_scene_measured(&run->scene, 5, EVENT_EFI_ACTION, bytes_of_text("y"),
			    bytes_of_text("Exit Boot Services Returned with Success"));
	assert_false(boot_run_passes(run)->handed_over);
	boot_scene_hand_over(&run->scene);
	assert_true(boot_run_passes(run)->handed_over);
}

/* ---- loaders ---- */

static size_t command_lines(const struct boot_claims *boot, const char *text)
{
	size_t count = 0;

	for (size_t i = 0; i < boot->item_count; i++)
		count += boot->items[i].role == BOOT_COMMAND_LINE &&
			 bytes_equal_text(boot->items[i].text, text);
	return count;
}

static void test_boot_command_line__by_another_word__still_one(void **state)
{
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	boot_scene_grub(&run->scene, "module_cmdline: ", "linux /v init=/bin/sh");
	boot_scene_grub(&run->scene, "grub_cmd: ", "/v init=/bin/sh");
	boot_scene_grub(&run->scene, "grub_cmd: ", "linux /v \"a b\"");
	boot_scene_grub(&run->scene, "kernel_cmdline: ", "/v a b");
	boot_scene_grub(&run->scene, "grub_cmd: ", "linux /alone");
	boot_run_passes(run);
	assert_int_equal(command_lines(run->claims.boot, "/v init=/bin/sh"), 1);
	assert_int_equal(command_lines(run->claims.boot, "/v a b"), 1);
	assert_int_equal(command_lines(run->claims.boot, "/alone"), 1);
}

static void test_boot_command_line__not_covered__is_none(void **state)
{
	struct boot_run *run = *state;

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	boot_scene_measured(&run->scene, 8, EVENT_IPL, bytes_of_text("another"),
			    bytes_of_text("kernel_cmdline: good"));
	boot_run_is_of(boot_run_only(boot_run_passes(run), BOOT_OTHER),
		       bytes_of_text("another"));
	/* With the end, as some loaders measure it. */
	boot_scene_measured(
	    &run->scene, 8, EVENT_IPL, (struct tobi_bytes){(const uint8_t *)"good", 5},
	    (struct tobi_bytes){(const uint8_t *)"kernel_cmdline: good", 21});
	assert_int_equal(command_lines(boot_run_passes(run), "good"), 1);
}

static void test_boot_command_line__once_more_by_linux__explained(void **state)
{
	struct boot_run *run = *state;
	struct writer wide = wr_init(4096);
	static const uint8_t tag[] = {0xed, 0x22, 0x3b, 0x8f, 4,   0,
				      0,    0,	  'o',	'p',  't', 0};
	size_t explained = 0;

	boot_scene_wide(&wide, "BOOT_IMAGE=" BOOT_SCENE_COMMAND_LINE);
	wide.size -= 2;
	boot_scene_measured(&run->scene, 9, EVENT_TAG, wr_view(&wide),
			    (struct tobi_bytes){tag, sizeof(tag)});
	boot_run_only(boot_run_passes(run), BOOT_COMMAND_LINE);
	for (size_t i = 0; i < run->claims.boot->item_count; i++)
		explained += run->claims.boot->items[i].explained;
	assert_int_equal(explained, 1);
	wr_done(&wide);
}

static void put_section(struct boot_run *run, const char *name, struct tobi_bytes content)
{
	struct writer wide = wr_init(4096);
	struct tobi_bytes ended = {(const uint8_t *)name, strlen(name) + 1};

	boot_scene_wide(&wide, name);
	boot_scene_measured(&run->scene, 11, EVENT_IPL, ended, wr_view(&wide));
	boot_scene_measured(&run->scene, 11, EVENT_IPL, content, wr_view(&wide));
	wr_done(&wide);
}

static void test_boot_unified_image__sections__by_the_name_before(void **state)
{
	struct boot_run *run = *state;
	struct writer wide = wr_init(4096);

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	put_section(run, ".linux", boot_scene_kernel);
	put_section(run, ".initrd", boot_scene_initrd);
	put_section(run, ".osrel", bytes_of_text("ID=test"));
	boot_scene_wide(&wide, "console=ttyS0");
	boot_scene_event(&run->scene, 12, EVENT_IPL, wr_view(&wide));
	boot_run_passes(run);
	boot_run_is_of(boot_run_only(run->claims.boot, BOOT_KERNEL), boot_scene_kernel);
	boot_run_is_of(boot_run_only(run->claims.boot, BOOT_INITRD), boot_scene_initrd);
	boot_run_is_of(boot_run_only(run->claims.boot, BOOT_FILE),
		       bytes_of_text("ID=test"));
	assert_int_equal(command_lines(run->claims.boot, "console=ttyS0"), 1);
	wr_done(&wide);
}

static void test_boot_unified_image__name_not_measured__no_kernel(void **state)
{
	struct boot_run *run = *state;
	struct writer wide = wr_init(4096);

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	boot_scene_wide(&wide, ".linux");
	boot_scene_measured(&run->scene, 11, EVENT_IPL, bytes_of_text(".other"),
			    wr_view(&wide));
	boot_scene_measured(&run->scene, 11, EVENT_IPL, boot_scene_kernel,
			    wr_view(&wide));
	boot_run_passes(run);
	for (size_t i = 0; i < run->claims.boot->item_count; i++)
		assert_int_equal(run->claims.boot->items[i].role, BOOT_FILE);
	wr_done(&wide);
}

/* ---- limits ---- */

static void put_commands(struct boot_run *run, unsigned count, const char *command)
{
	char text[64];

	boot_run_begin(run, BOOT_PCRS);
	boot_scene_separators(&run->scene);
	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s %u", command, i);
		boot_scene_grub(&run->scene, "grub_cmd: ", text);
	}
}

static void test_boot_items__more_than_are_kept__refused(void **state)
{
	struct boot_run *run = *state;

	put_commands(run, BOOT_ITEMS_MAX, "set");
	assert_int_equal(boot_run_passes(run)->item_count, 0);
	put_commands(run, BOOT_ITEMS_MAX + 1, "set");
	boot_run_examine(run);
	assert_null(run->claims.boot);
}

static void test_boot_items__more_kernels_than_are_looked_for__refused(void **state)
{
	struct boot_run *run = *state;

	put_commands(run, 64, "linux");
	assert_int_equal(boot_run_passes(run)->item_count, 64);
	put_commands(run, 65, "linux");
	boot_run_examine(run);
	FAILS("BOOT-LOG-READ", run);
}

#define TEST(function)                                                                   \
	cmocka_unit_test_setup_teardown(function, boot_run_setup, boot_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_boot_secure_boot__values__on_off_unknown),
	    TEST(test_boot_secure_boot__said_twice__unknown),
	    TEST(test_boot_secure_boot__data_not_covered__unknown),
	    TEST(test_boot_state__told_by_firmware__taken_when_covered),
	    TEST(test_boot_command_line__by_another_word__still_one),
	    TEST(test_boot_command_line__not_covered__is_none),
	    TEST(test_boot_command_line__once_more_by_linux__explained),
	    TEST(test_boot_unified_image__sections__by_the_name_before),
	    TEST(test_boot_unified_image__name_not_measured__no_kernel),
	    TEST(test_boot_items__more_than_are_kept__refused),
	    TEST(test_boot_items__more_kernels_than_are_looked_for__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
