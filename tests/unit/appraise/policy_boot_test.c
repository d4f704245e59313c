/* What a policy asks of what was started, over whole quotes of TDX guests with a log. */
#include "tests/tdx_run.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/secret.h"
#include "pki/key.h"
#include "appraise/policy_boot.h"
#include "appraise/appraise.h"
#undef FAILS
#include "tests/boot_run.h"
#include "tests/boot_scene.h"
#include "tests/event_log.h"

enum { RTMRS = 328, LINES_MAX = 8192 };

struct policy_boot_run {
	struct tdx_run tdx;
	struct boot_scene boot;
	/* In hexadecimal. */
	char loader[97], kernel[97], initrd[97], config[97];
};

static void hex_of(struct tobi_bytes measured, char out[static 97])
{
	uint8_t digest[BOOT_SCENE_DIGEST];

	boot_scene_hash(measured, digest);
	hex_write((struct tobi_bytes){digest, sizeof(digest)}, out, 97);
}

/* The log as it is now is the guest's. */
static void use_log(struct policy_boot_run *run)
{
	for (unsigned i = 0; i < 4; i++)
		memcpy(run->tdx.scene.body + RTMRS + (size_t)48 * i,
		       run->boot.registers[i + 1], 48);
	run->tdx.pieces[0] = wr_view(&run->boot.log);
	run->tdx.piece_count = 1;
}

static int setup(void **state)
{
	static struct policy_boot_run run;

	tdx_run_init(&run.tdx);
	boot_scene_whole(&run.boot, BOOT_RTMRS);
	use_log(&run);
	hex_of(boot_scene_loader, run.loader);
	hex_of(boot_scene_kernel, run.kernel);
	hex_of(boot_scene_initrd, run.initrd);
	hex_of(boot_scene_config, run.config);
	*state = &run;
	return 0;
}

static int teardown(void **state)
{
	struct policy_boot_run *run = *state;

	boot_scene_done(&run->boot);
	tdx_run_done(&run->tdx);
	return 0;
}

static void accepted(struct policy_boot_run *run, const char *lines)
{
	tdx_run_accepted(&run->tdx, lines);
}

#define ANOTHER                                                                          \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                               \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void test_policy_boot__all_named__accepted(void **state)
{
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX];

	snprintf(lines, sizeof(lines),
		 "boot:\n  secure-boot: required\n  boot-loaders: [%s]\n  kernels: [%s]\n"
		 "  initrds: [%s]\n  files: [%s]\n  command-lines: [\"%s\"]\n",
		 run->loader, run->kernel, run->initrd, run->config,
		 BOOT_SCENE_COMMAND_LINE);
	accepted(run, lines);
	accepted(run, "boot:\n  secure-boot: required\n");
}

static void test_policy_boot_log__none_or_another__refused(void **state)
{
	struct policy_boot_run *run = *state;
	static const char lines[] = "boot:\n  secure-boot: required\n";

	run->tdx.piece_count = 0;
	tdx_run_accepted(&run->tdx, "");
	POLICY_FAILS("POLICY-BOOT-LOG", &run->tdx, lines);
}

static void test_policy_boot_secure__off__refused(void **state)
{
	struct policy_boot_run *run = *state;
	static const struct tobi_bytes off = {(const uint8_t *)"\0", 1};

	boot_scene_done(&run->boot);
	boot_scene_start(&run->boot, BOOT_RTMRS);
	boot_scene_variable(&run->boot, "SecureBoot", off);
	boot_scene_separators(&run->boot);
	boot_scene_hand_over(&run->boot);
	use_log(run);
	accepted(run, "boot:\n  unfinished: allowed\n");
	POLICY_FAILS("POLICY-BOOT-SECURE", &run->tdx, "boot:\n  secure-boot: required\n");
}

static void test_policy_boot_keys__another_list__refused(void **state)
{
	static const char *const names[] = {"pk", "kek", "db", "dbx"};
	static const char *const contents[] = {"owner", "exchange", "allowed",
					       "forbidden"};
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX], hex[65];
	uint8_t hash[32];

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(hash_sha256(bytes_of_text(contents[i]), hash), TOBI_OK);
		hex_write((struct tobi_bytes){hash, sizeof(hash)}, hex, sizeof(hex));
		snprintf(lines, sizeof(lines), "boot:\n  %s: [%s]\n", names[i], hex);
		accepted(run, lines);
		hex[0] = hex[0] == '0' ? '1' : '0';
		snprintf(lines, sizeof(lines), "boot:\n  %s: [%s]\n", names[i], hex);
		POLICY_FAILS("POLICY-BOOT-KEYS", &run->tdx, lines);
	}
}

static void test_policy_boot_finished__not_handed_over__refused(void **state)
{
	struct policy_boot_run *run = *state;

	boot_scene_done(&run->boot);
	boot_scene_start(&run->boot, BOOT_RTMRS);
	boot_scene_separators(&run->boot);
	use_log(run);
	accepted(run, "boot:\n  unfinished: allowed\n");
	POLICY_FAILS("POLICY-BOOT-FINISHED", &run->tdx, "boot:\n  others: allowed\n");
}

static void test_policy_boot_debug__firmware_debugged__refused(void **state)
{
	struct policy_boot_run *run = *state;

	boot_scene_event(&run->boot, 7, EVENT_EFI_ACTION,
			 bytes_of_text("UEFI Debug Mode"));
	use_log(run);
	POLICY_FAILS("POLICY-BOOT-DEBUG", &run->tdx, "boot:\n  secure-boot: required\n");
}

static void test_policy_boot_loaders__another__refused(void **state)
{
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX];

	snprintf(lines, sizeof(lines), "boot:\n  boot-loaders: [%s]\n", run->loader);
	accepted(run, lines);
	POLICY_FAILS("POLICY-BOOT-LOADERS", &run->tdx,
		     "boot:\n  others: allowed\n  boot-loaders: [" ANOTHER "]\n");
	/* One more than those that are named. */
	boot_scene_measured(&run->boot, 4, EVENT_EFI_APPLICATION, bytes_of_text("more"),
			    bytes_of_text("x"));
	use_log(run);
	snprintf(lines, sizeof(lines), "boot:\n  others: allowed\n  boot-loaders: [%s]\n",
		 run->loader);
	POLICY_FAILS("POLICY-BOOT-LOADERS", &run->tdx, lines);
}

static void test_policy_boot_kernels__another__refused(void **state)
{
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX];

	snprintf(lines, sizeof(lines), "boot:\n  others: allowed\n  kernels: [%s]\n",
		 run->kernel);
	accepted(run, lines);
	POLICY_FAILS("POLICY-BOOT-KERNELS", &run->tdx,
		     "boot:\n  others: allowed\n  kernels: [" ANOTHER "]\n");
}

static void test_policy_boot_initrds__another__refused(void **state)
{
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX];

	snprintf(lines, sizeof(lines), "boot:\n  others: allowed\n  initrds: [%s]\n",
		 run->initrd);
	accepted(run, lines);
	POLICY_FAILS("POLICY-BOOT-INITRDS", &run->tdx,
		     "boot:\n  others: allowed\n  initrds: [" ANOTHER "]\n");
}

static void test_policy_boot_command_lines__another__refused(void **state)
{
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX], digest[97];

	accepted(run, "boot:\n  others: allowed\n  command-lines: "
		      "[\"" BOOT_SCENE_COMMAND_LINE "\"]\n");
	hex_of(bytes_of_text(BOOT_SCENE_COMMAND_LINE), digest);
	snprintf(lines, sizeof(lines),
		 "boot:\n  others: allowed\n  command-line-digests: [%s]\n", digest);
	accepted(run, lines);
	POLICY_FAILS("POLICY-BOOT-COMMAND-LINES", &run->tdx,
		     "boot:\n  others: allowed\n  command-lines: "
		     "[\"" BOOT_SCENE_COMMAND_LINE " quiet\"]\n");
	/* A second one, whatever it is called. */
	boot_scene_grub(&run->boot, "grub_cmd: ", "linux /vmlinuz init=/bin/sh");
	use_log(run);
	POLICY_FAILS("POLICY-BOOT-COMMAND-LINES", &run->tdx,
		     "boot:\n  others: allowed\n  command-lines: "
		     "[\"" BOOT_SCENE_COMMAND_LINE "\"]\n");
}

/* A digest whose data does not prove it could be a command line that is kept from the
 * log. */
static void test_policy_boot_others__not_named__refused(void **state)
{
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX];

	snprintf(lines, sizeof(lines),
		 "boot:\n  kernels: [%s]\n  initrds: [%s]\n  files: [%s]\n"
		 "  command-lines: [\"%s\"]\n",
		 run->kernel, run->initrd, run->config, BOOT_SCENE_COMMAND_LINE);
	accepted(run, lines);
	boot_scene_measured(&run->boot, 9, EVENT_IPL, bytes_of_text("what is this?"),
			    bytes_of_text("(hd0)/harmless.mod"));
	use_log(run);
	POLICY_FAILS("POLICY-BOOT-OTHERS", &run->tdx, lines);
}

/* Whoever writes the log may put what was measured itself in as the event's data: then
 * the data is proven, and what ran is not explained. */
static void test_policy_boot_others__content_as_data__refused(void **state)
{
	static const uint8_t image[] = "MZ\x90\0\3\0\0\0an image of somebody else's";
	static const uint8_t archive[] = "070701\0\0init\0#!/bin/evil";
	static const uint8_t command[] = "grub_cmd: 070701\0\0init\0#!/bin/evil";
	struct policy_boot_run *run = *state;
	char lines[LINES_MAX];

	snprintf(lines, sizeof(lines),
		 "boot:\n  boot-loaders: [%s]\n  kernels: [%s]\n  initrds: [%s]\n  "
		 "files: [%s]\n"
		 "  command-lines: [\"%s\"]\n",
		 run->loader, run->kernel, run->initrd, run->config,
		 BOOT_SCENE_COMMAND_LINE);
	accepted(run, lines);
	boot_scene_event(&run->boot, 9, EVENT_IPL,
			 (struct tobi_bytes){archive, sizeof(archive) - 1});
	use_log(run);
	POLICY_FAILS("POLICY-BOOT-OTHERS", &run->tdx, lines);
	boot_scene_done(&run->boot);
	boot_scene_whole(&run->boot, BOOT_RTMRS);
	boot_scene_measured(&run->boot, 9, EVENT_IPL,
			    (struct tobi_bytes){command + 10, sizeof(command) - 11},
			    (struct tobi_bytes){command, sizeof(command) - 1});
	use_log(run);
	POLICY_FAILS("POLICY-BOOT-OTHERS", &run->tdx, lines);
	boot_scene_done(&run->boot);
	boot_scene_whole(&run->boot, BOOT_RTMRS);
	boot_scene_event(&run->boot, 4, EVENT_EFI_APPLICATION,
			 (struct tobi_bytes){image, sizeof(image) - 1});
	use_log(run);
	snprintf(lines, sizeof(lines), "boot:\n  others: allowed\n  boot-loaders: [%s]\n",
		 run->loader);
	POLICY_FAILS("POLICY-BOOT-LOADERS", &run->tdx, lines);
}

/* PCRs 8 and 9 tell of GRUB, its kernel and its command line; whoever writes the log
 * leaves them out, and has what ran extend PCR 11 with what the policy wants to see. */
static void test_policy_boot_others__register_left_out__refused(void **state)
{
	static const struct tobi_bytes linux_name = {(const uint8_t *)".linux\0", 7};
	static struct boot_run run;
	struct tobi_result *result = calloc(1, sizeof(*result));
	struct tobi_policy *policy = NULL;
	enum tobi_outcome others = TOBI_NOT_RUN;
	struct writer wide = wr_init(256);
	uint8_t evil[BOOT_SCENE_DIGEST];
	char lines[LINES_MAX], kernel[97];

	(void)state;
	hex_of(boot_scene_kernel, kernel);
	snprintf(lines, sizeof(lines),
		 "version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\n"
		 "boot:\n  secure-boot: required\n  kernels: [%s]\n"
		 "  command-lines: [\"ro\"]\n",
		 kernel);
	assert_int_equal(tobi_policy_parse(bytes_of_text(lines), "t", &policy, NULL),
			 TOBI_OK);
	boot_scene_start(&run.scene, BOOT_PCRS);
	boot_scene_variable(&run.scene, "SecureBoot",
			    (struct tobi_bytes){(const uint8_t *)"\1", 1});
	boot_scene_separators(&run.scene);
	boot_scene_measured(&run.scene, 4, EVENT_EFI_APPLICATION, boot_scene_loader,
			    bytes_of_text("somewhere in memory"));
	boot_scene_hand_over(&run.scene);
	boot_scene_wide(&wide, ".linux");
	boot_scene_measured(&run.scene, 11, EVENT_IPL, linux_name, wr_view(&wide));
	boot_scene_measured(&run.scene, 11, EVENT_IPL, boot_scene_kernel,
			    bytes_of_text("x"));
	wr_done(&wide);
	wide = wr_init(256);
	boot_scene_wide(&wide, "ro");
	boot_scene_measured(&run.scene, 12, EVENT_IPL, wr_view(&wide), wr_view(&wide));
	boot_scene_hash(bytes_of_text("an evil kernel"), evil);
	test_log_extend(run.scene.registers[9], evil);
	test_log_extend(run.scene.registers[8], evil);
	result->arena = arena_init(LIMIT_APPRAISAL);
	result->list.arena = &result->arena;
	assert_non_null(boot_run_examine(&run));
	result->claims.boot = run.claims.boot;
	policy_boot_run(result, policy);
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (strcmp(record->check->code, "POLICY-BOOT-OTHERS") == 0)
			others = record->outcome;
	}
	assert_int_equal(others, TOBI_FAILED);
	wr_done(&wide);
	boot_scene_done(&run.scene);
	arena_done(&run.arena);
	tobi_result_free(result);
	tobi_policy_free(policy);
}

static void test_policy_boot_files__another__refused(void **state)
{
	struct policy_boot_run *run = *state;
	struct writer list = wr_init(1 << 16), data;
	uint8_t file[32], digest[48];

	for (uint8_t i = 0; i < 2; i++) {
		memset(file, i ? 0xab : 1, sizeof(file));
		boot_scene_ima_entry(&list, 10, (struct tobi_bytes){file, sizeof(file)},
				     i ? "/usr/bin/init" : "boot_aggregate", &data);
		assert_int_equal(hash_sha384(wr_view(&data), digest), TOBI_OK);
		test_log_extend(run->boot.registers[3], digest);
		wr_done(&data);
	}
	use_log(run);
	run->tdx.pieces[1] = wr_view(&list);
	run->tdx.piece_count = 2;
#define FILE_OF(digits)                                                                  \
	digits digits digits digits digits digits digits digits digits digits digits     \
	    digits digits digits digits digits
	accepted(run, "boot:\n  ima-files: [" FILE_OF("abab") "]\n");
	POLICY_FAILS("POLICY-BOOT-FILES", &run->tdx,
		     "boot:\n  ima-files: [" FILE_OF("acac") "]\n");
	wr_done(&list);
}

static void test_policy_boot__wrong_values__no_policy(void **state)
{
	struct policy_boot_run *run = *state;

	tdx_run_bad_policy(&run->tdx, "boot:\n  secure-boot: on\n");
	tdx_run_bad_policy(&run->tdx, "boot:\n  others: required\n");
	tdx_run_bad_policy(&run->tdx, "boot:\n  unfinished: yes\n");
	tdx_run_bad_policy(&run->tdx, "boot:\n  kernels: [abcd]\n");
	tdx_run_bad_policy(&run->tdx, "boot:\n  kernels: [" ANOTHER "ab]\n");
	/* SHA-1 names no kernel. */
	tdx_run_bad_policy(
	    &run->tdx, "boot:\n  kernels: [abababababababababababababababababababab]\n");
}

static enum tobi_err parse(const char *tiers, const char *lines)
{
	struct tobi_policy *policy = NULL;
	char text[LINES_MAX];
	enum tobi_err err;

	snprintf(text, sizeof(text),
		 "version: 1\ntiers: [%s]\nidentity:\n  mode: any-instance\n%s", tiers,
		 lines);
	err = tobi_policy_parse(bytes_of_text(text), "test", &policy, NULL);
	tobi_policy_free(policy);
	return err;
}

/* A TPM has no image: a kernel and its command line stand for one. */
static void test_policy_boot__of_a_tpm__names_what_runs(void **state)
{
	static const char kernel[] = "boot:\n  kernels: [" ANOTHER "]\n";
	static const char anybody[] = "boot:\n  kernels: [" ANOTHER "]\n"
				      "  command-lines: [\"ro\"]\n";
	static const char both[] = "boot:\n  kernels: [" ANOTHER "]\n"
				   "  command-lines: [\"ro\"]\n  secure-boot: required\n";
	static const char open[] = "boot:\n  kernels: [" ANOTHER "]\n"
				   "  command-lines: [\"ro\"]\n  others: allowed\n";

	(void)state;
	assert_int_equal(parse("tpm", both), TOBI_OK);
	assert_int_equal(parse("tpm", anybody), TOBI_E_MALFORMED);
	assert_int_equal(parse("tpm", kernel), TOBI_E_MALFORMED);
	assert_int_equal(parse("tpm", open), TOBI_E_MALFORMED);
	assert_int_equal(parse("tdx", both), TOBI_E_MALFORMED);
}

static void test_policy_boot__tier_without_a_log__no_policy(void **state)
{
	static const char lines[] = "images: [" ANOTHER "]\n"
				    "boot:\n  secure-boot: required\n";

	(void)state;
	assert_int_equal(parse("tdx", lines), TOBI_OK);
	assert_int_equal(parse("nitro-tpm, tdx", lines), TOBI_OK);
	assert_int_equal(parse("snp", lines), TOBI_E_MALFORMED);
	assert_int_equal(parse("tdx, snp", lines), TOBI_E_MALFORMED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_policy_boot__all_named__accepted),
	    TEST(test_policy_boot_log__none_or_another__refused),
	    TEST(test_policy_boot_secure__off__refused),
	    TEST(test_policy_boot_keys__another_list__refused),
	    TEST(test_policy_boot_finished__not_handed_over__refused),
	    TEST(test_policy_boot_debug__firmware_debugged__refused),
	    TEST(test_policy_boot_loaders__another__refused),
	    TEST(test_policy_boot_kernels__another__refused),
	    TEST(test_policy_boot_initrds__another__refused),
	    TEST(test_policy_boot_command_lines__another__refused),
	    TEST(test_policy_boot_others__not_named__refused),
	    TEST(test_policy_boot_others__content_as_data__refused),
	    TEST(test_policy_boot_others__register_left_out__refused),
	    TEST(test_policy_boot_files__another__refused),
	    TEST(test_policy_boot__wrong_values__no_policy),
	    TEST(test_policy_boot__of_a_tpm__names_what_runs),
	    TEST(test_policy_boot__tier_without_a_log__no_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
