/* An attester in a process of its own: what comes back, and what when nothing does. */
#include "attest/bounded.h"

#include <errno.h>
#include <unistd.h>

#include "tests/unit/attest/world.h"

static enum tobi_err run(struct world *world, const char *name)
{
	return bounded_run(attester_named(name), &world->request, 60000, &world->output,
			   &world->fault);
}

static void test_bounded_run__evidence__comes_over(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	stand_in_put(&world.machine, "/sys/firmware/acpi/tables/data/CCEL",
		     text_bytes("log"));
	world.request.with_logs = true;
	assert_int_equal(run(&world, "sev-guest"), 0);
	assert_string_equal(world.output.kind, "snp-report");
	assert_int_equal(world.output.evidence.size, 1184);
	assert_bytes_equal(wr_view(&world_piece(&world, "ccel.log")->bytes),
			   text_bytes("log"));
	assert_string_equal(world.output.note, "the host gave no certificates");
	world_done(&world);
}

static void test_bounded_run__fault__comes_over(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 0);
	assert_int_equal(run(&world, "sev-guest"), TOBI_E_NOT_FOUND);
	assert_int_equal(world.fault.code, TOBI_E_NOT_FOUND);
	assert_string_equal(world.fault.object, "device");
	assert_string_equal(world.fault.message, "/dev/sev-guest is not there");
	world_done(&world);
}

static int hang(void *context, int fd, unsigned long request, void *argument)
{
	(void)context, (void)fd, (void)request, (void)argument;
	while (pause() < 0)
		;
	return -1;
}

static void test_bounded_run__device_that_hangs__is_left_alone(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.device.ioctl = hang;
	assert_int_equal(bounded_run(attester_named("sev-guest"), &world.request, 50,
				     &world.output, &world.fault),
			 TOBI_E_TIMEOUT);
	assert_int_equal(world.fault.code, TOBI_E_TIMEOUT);
	world_done(&world);
}

static int hang_open(void *context, const char *path, int flags)
{
	(void)context, (void)path, (void)flags;
	while (pause() < 0)
		;
	return -1;
}

static int hang_folder(void *context, const char *path)
{
	return hang_open(context, path, 0);
}

static void test_bounded_present__device_that_hangs__is_left_alone(void **state)
{
	static const char *const names[] = {"tsm", "sev-guest", "tdx-guest", "nsm"};
	const char *kind = "untouched";
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST | STAND_IN_TSM);
	world.machine.device.open = hang_open;
	world.machine.device.make_folder = hang_folder;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		world.fault = (struct tobi_fault){0};
		assert_int_equal(bounded_present(attester_named(names[i]), &world.request,
						 50, &kind, &world.fault),
				 TOBI_E_TIMEOUT);
		assert_non_null(strstr(world.fault.message, "does not answer"));
		assert_string_equal(kind, "untouched");
	}
	world_done(&world);
}

/* It may be there: nothing weaker takes its place. Those before it in the table have the
 * same time, and on a busy machine a process for one of them takes more than 50 ms. */
static void test_bounded_find__device_that_hangs__is_not_passed_over(void **state)
{
	const struct attester *attester = NULL;
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM | STAND_IN_SEV_GUEST);
	world.machine.device.make_folder = hang_folder;
	assert_int_equal(bounded_find(&world.request, 1000, &attester, &world.fault),
			 TOBI_E_TIMEOUT);
	assert_string_equal(world.fault.field, "tsm");
	assert_null(attester);
	world_done(&world);
}

static void test_bounded_present__what_is_there__is_told(void **state)
{
	const char *kind = NULL;
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.provider = "tdx_guest\n";
	assert_int_equal(bounded_present(attester_named("tsm"), &world.request, 60000,
					 &kind, &world.fault),
			 0);
	assert_string_equal(kind, "tdx-quote");
	assert_int_equal(bounded_present(attester_named("nsm"), &world.request, 60000,
					 &kind, &world.fault),
			 TOBI_E_NOT_FOUND);
	assert_string_equal(world.fault.message, "/dev/nsm is not there");
	world_done(&world);
}

static void test_bounded_find__several__takes_the_first_of_the_table(void **state)
{
	const struct attester *attester = NULL;
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TDX_GUEST | STAND_IN_TSM);
	assert_int_equal(bounded_find(&world.request, 60000, &attester, NULL), 0);
	assert_string_equal(attester->name, "tsm");
	world_done(&world);
	world_make(&world, STAND_IN_TDX_GUEST);
	assert_int_equal(bounded_find(&world.request, 60000, &attester, NULL), 0);
	assert_string_equal(attester->name, "tdx-guest");
	world_done(&world);
}

static void test_bounded_find__none__says_so(void **state)
{
	const struct attester *attester = NULL;
	struct world world;

	(void)state;
	world_make(&world, 0);
	assert_int_equal(bounded_find(&world.request, 60000, &attester, &world.fault),
			 TOBI_E_NOT_FOUND);
	assert_non_null(strstr(world.fault.message, "--list"));
	assert_null(attester);
	world_done(&world);
}

/* What is there and cannot be used is not passed over for something weaker. */
static void test_bounded_find__one_that_may_not_be_used__is_not_passed_over(void **state)
{
	const struct attester *attester = NULL;
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM | STAND_IN_TDX_GUEST);
	stand_in_fail(&world.machine, "mkdir", "report", EACCES, 0, 1);
	assert_int_equal(bounded_find(&world.request, 60000, &attester, &world.fault),
			 TOBI_E_DENIED);
	assert_string_equal(world.fault.field, "tsm");
	assert_null(attester);
	world_done(&world);
}

static int die(void *context, int fd, unsigned long request, void *argument)
{
	(void)context, (void)fd, (void)request, (void)argument;
	_exit(0);
	return -1;
}

static void test_bounded_run__process_that_ends__is_an_error(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.device.ioctl = die;
	assert_int_equal(run(&world, "sev-guest"), TOBI_E_SYSTEM);
	world_done(&world);
}

static enum tobi_err read_answer(const uint8_t *bytes, size_t size)
{
	struct block block = block_new((struct tobi_bytes){bytes, size});
	struct attest_output output = attest_output_init();
	enum tobi_err err = bounded_read(block_view(block), &output, NULL);

	attest_output_done(&output);
	block_done(block);
	return err;
}

static void test_bounded_read__cut__fails(void **state)
{
	struct attest_output output = attest_output_init();
	struct writer out = wr_init(4096);

	(void)state;
	output.kind = "snp-report";
	wr_bytes(&output.evidence, "evidence", 8);
	wr_bytes(attest_piece_add(&output, ATTEST_ENDORSEMENT, "a.der"), "a", 1);
	bounded_write(TOBI_OK, NULL, &output, &out);
	assert_int_equal(read_answer(out.ptr, out.size), 0);
	for (size_t size = 0; size < out.size; size++)
		assert_int_equal(read_answer(out.ptr, size), TOBI_E_TRUNCATED);
	wr_u8(&out, 0);
	assert_int_equal(read_answer(out.ptr, out.size), TOBI_E_TRAILING);
	wr_done(&out);
	out = wr_init(4096);
	output.kind = "nonsense";
	bounded_write(TOBI_OK, NULL, &output, &out);
	assert_int_equal(read_answer(out.ptr, out.size), TOBI_E_UNSUPPORTED);
	wr_done(&out);
	attest_output_done(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounded_run__evidence__comes_over),
	    cmocka_unit_test(test_bounded_run__fault__comes_over),
	    cmocka_unit_test(test_bounded_run__device_that_hangs__is_left_alone),
	    cmocka_unit_test(test_bounded_run__process_that_ends__is_an_error),
	    cmocka_unit_test(test_bounded_present__what_is_there__is_told),
	    cmocka_unit_test(test_bounded_present__device_that_hangs__is_left_alone),
	    cmocka_unit_test(test_bounded_find__device_that_hangs__is_not_passed_over),
	    cmocka_unit_test(test_bounded_find__several__takes_the_first_of_the_table),
	    cmocka_unit_test(test_bounded_find__none__says_so),
	    cmocka_unit_test(
		test_bounded_find__one_that_may_not_be_used__is_not_passed_over),
	    cmocka_unit_test(test_bounded_read__cut__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
