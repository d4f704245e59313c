/* A guest of TDX, its kernel's log beside its quote: from the device to the verdict, as
 * one file. */
#include "attest/collection.h"
#include "attest/logs.h"
#include "base/cleanup.h"
#include "pki/key.h"
#include "tests/event_log.h"
#include "tests/tdx_run.h"
#include "tests/unit/attest/world.h"

static const char ccel[] = "/sys/firmware/acpi/tables/data/CCEL";

enum { RTMR0 = 328, REPORT_DATA = 520 };

static void make_quote(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct tdx_run *run = machine->maker;

	bytes_copy(run->scene.body + REPORT_DATA, 64, data, 64);
	dcap_scene_quote(&run->scene, out);
}

/* Firmware's separators, and one event in the first register, or another one than was
 * measured. */
static void write_log(struct tdx_run *run, bool another, struct writer *log)
{
	static const struct tobi_bytes separator = {(const uint8_t *)"\0\0\0\0", 4};
	const struct tobi_bytes measured = text_bytes("a"), other = text_bytes("b");
	uint8_t digest[SHA384_SIZE], *registers = run->scene.body + RTMR0;

	memset(registers, 0, 4 * SHA384_SIZE);
	test_log_start(log, false);
	test_log_event(log, false, 1, EVENT_ACTION, another ? other : measured);
	assert_int_equal(hash_sha384(measured, digest), 0);
	test_log_extend(registers, digest);
	assert_int_equal(hash_sha384(separator, digest), 0);
	for (uint32_t index = 1; index <= 2; index++) {
		test_log_event(log, false, index, EVENT_SEPARATOR, separator);
		test_log_extend(registers + (index - 1) * SHA384_SIZE, digest);
	}
}

static struct tobi_result *verify(struct tdx_run *run, const struct world *world,
				  struct tobi_bytes file)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_collateral *set = tobi_collateral_new();
	const struct tobi_verify_request request = {
	    .evidence = file,
	    .nonce = {world->request.data, ATTEST_DATA_SIZE},
	    .time = run->time,
	    .collateral = set};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	assert_non_null(set);
	dcap_test_put(&run->scene, &run->collateral, set);
	tdx_run_policy(run, "", &yaml);
	assert_int_equal(tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault), 0);
	if (tobi_verify(policy, &request, &result, &fault))
		fail_msg("verify: %s: %s", fault.field, fault.message);
	tobi_policy_free(policy);
	tobi_collateral_free(set);
	return result;
}

static struct tobi_result *journey(struct tdx_run *run, bool another)
{
	CLEANUP(wr_done) struct writer log = wr_init(1 << 16), file = wr_init(LIMIT_CMW);
	struct tobi_result *result;
	struct world world;

	tdx_run_init(run);
	write_log(run, another, &log);
	world_make(&world, STAND_IN_TSM);
	world.machine.provider = "tdx_guest\n";
	world.machine.make = make_quote;
	world.machine.maker = run;
	stand_in_put(&world.machine, ccel, wr_view(&log));
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_int_equal(logs_add(&world.request, &world.output, NULL), 0);
	assert_non_null(world_piece(&world, "ccel.log"));
	assert_int_equal(
	    collection_write(&world.output, (struct tobi_bytes){0}, &file, NULL), 0);
	result = verify(run, &world, wr_view(&file));
	world_done(&world);
	return result;
}

static void test_log_in_a_file__as_measured__is_accepted_and_read(void **state)
{
	struct tdx_run run;
	struct tobi_result *result = journey(&run, false);
	char *text = NULL;

	(void)state;
	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_write(result, TOBI_FORMAT_TEXT, &text, NULL), 0);
	if (!strstr(text, "ok    TDX-EVENT-LOG"))
		fail_msg("%s", text);
	free(text);
	tobi_result_free(result);
	tdx_run_done(&run);
}

static void test_log_in_a_file__not_as_measured__is_refused(void **state)
{
	struct tdx_run run;
	struct tobi_result *result = journey(&run, true);

	(void)state;
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	if (!strstr(tobi_result_reason(result), "TDX-EVENT-LOG"))
		fail_msg("%s", tobi_result_reason(result));
	tobi_result_free(result);
	tdx_run_done(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_in_a_file__as_measured__is_accepted_and_read),
	    cmocka_unit_test(test_log_in_a_file__not_as_measured__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
